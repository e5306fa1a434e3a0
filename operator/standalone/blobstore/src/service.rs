//! The HTTP API of Flynn's blobstore, below the key of a Blobstore: `http://127.0.0.1:<port>/<key>/<name>`.
//!
//! | path | method | answer |
//! | --- | --- | --- |
//! | `/` | GET, HEAD; others are 404 | the names in the directory `?dir=`, as JSON |
//! | `/.well-known/status` | GET, HEAD; others are 405 | whether the disk takes writes; of all Blobstores where there is no key |
//! | any other | GET, HEAD | the object (see [`read`]) |
//! | | PUT | the object is written, appended to or copied (see [`write`]) |
//! | | DELETE | it is deleted with all below it |
//! | | others | 405 |

mod conditions;
mod range;
mod read;
mod reply;
mod status;
mod stream;
#[cfg(test)]
mod tests;
mod write;

use std::sync::Arc;

use http::header::ALLOW;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;

use crate::{Access, Directory, Error, Name, Objects};
use reply::{Body, Failure};

const STATUS: &str = "/.well-known/status";

/// Answers a request.
pub(crate) async fn answer(access: &Access, request: Request<Incoming>) -> Response<Body> {
    let path = request.uri().path();
    if path == STATUS {
        return status::answer(request.method(), access.all()).await;
    }
    let (key, path) = split(path);
    let Some(objects) = access.open(key) else { return reply::not_found() };
    match Name::new(percent_decode_str(path).collect::<Vec<u8>>()) {
        None => root(&objects, &request),
        Some(name) if name.as_bytes() == STATUS.as_bytes() => {
            status::answer(request.method(), vec![objects]).await
        }
        Some(name) => object(objects, name, request).await.unwrap_or_else(reply::failed),
    }
}

/// The key, and the path below it.
fn split(path: &str) -> (&str, &str) {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.find('/').map_or((path, "/"), |slash| path.split_at(slash))
}

fn root(objects: &Objects, request: &Request<Incoming>) -> Response<Body> {
    match *request.method() {
        Method::GET => {
            let names = objects.list(&directory(request.uri().query().unwrap_or_default()));
            // JSON has no bytes that are no text.
            let names: Vec<_> = names.iter().map(|name| String::from_utf8_lossy(name)).collect();
            reply::json(StatusCode::OK, serde_json::to_vec(&names).expect("text can be written as JSON"))
        }
        Method::HEAD => reply::empty(StatusCode::OK),
        _ => reply::empty(StatusCode::NOT_FOUND),
    }
}

/// The directory of the query `dir=`; without one, the root.
fn directory(query: &str) -> Directory {
    let value = query.split('&').find_map(|pair| pair.strip_prefix("dir=")).unwrap_or_default();
    Directory::new(percent_decode_str(&value.replace('+', " ")).collect::<Vec<u8>>())
}

async fn object(
    objects: Arc<Objects>,
    name: Name,
    request: Request<Incoming>,
) -> Result<Response<Body>, Failure> {
    match *request.method() {
        Method::GET | Method::HEAD => read::answer(objects, name, &request).await,
        Method::PUT => write::answer(objects, name, request).await,
        Method::DELETE => {
            blocking(move || objects.delete(&name)).await?;
            Ok(reply::empty(StatusCode::OK))
        }
        _ => Ok(not_allowed("GET, HEAD, PUT, DELETE")),
    }
}

fn not_allowed(methods: &'static str) -> Response<Body> {
    let mut reply = reply::empty(StatusCode::METHOD_NOT_ALLOWED);
    reply.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    reply
}

/// Does what waits for the disk, where nobody else waits for it.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => Ok(done?),
        Err(ended) => Err(Error::Io(std::io::Error::other(ended)).into()),
    }
}
