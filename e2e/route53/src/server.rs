//! The HTTP server of the API and of the control endpoint.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION};
use http::response::Builder;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::action;
use crate::control;
use crate::double::{Double, Ending};
use crate::refusal::Refusal;
use crate::xml;

/// An answer that a fault took away: the connection closes.
#[derive(Debug, thiserror::Error)]
#[error("the reply is lost")]
struct Lost;

/// Serves until it is dropped, and its connections with it.
pub(crate) async fn serve(listener: TcpListener, double: Arc<Double>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(connection(stream, double.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, double: Arc<Double>) {
    let service = service_fn(|request| answer(request, &double));
    // A client that goes away, and a reply that is lost on order, end a connection early.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, double: &Arc<Double>) -> Result<Response<Full<Bytes>>, Lost> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Lost)?.to_bytes();
    if let Some(path) = head.uri.path().strip_prefix("/_control/") {
        let (status, json) = control::handle(double, &head.method, path, &body);
        return Ok(finish(Response::builder().status(status).header(CONTENT_TYPE, "application/json"), json));
    }
    let Some(request) = action::Request::route(&head.method, head.uri.path(), head.uri.query(), body) else {
        let message = format!("{} {} is not played", head.method, head.uri.path());
        return Ok(refused(&Refusal::new(404, "UnknownOperationException", message)));
    };
    // In a task of its own: a request that arrived is carried out, even if its client gives up.
    let double = double.clone();
    let call = tokio::spawn(async move { double.call(&head.headers, &request).await });
    match call.await.map_err(|_| Lost)? {
        Ending::Silence => Err(Lost),
        Ending::Answer(Err(refusal)) => Ok(refused(&refusal)),
        Ending::Answer(Ok(reply)) => {
            let mut response = document(reply.status, &request_id());
            if let Some(location) = reply.location {
                response = response.header(LOCATION, location);
            }
            Ok(finish(response, reply.body))
        }
    }
}

fn refused(refusal: &Refusal) -> Response<Full<Bytes>> {
    let id = request_id();
    finish(document(refusal.status, &id), xml::error(refusal, &id))
}

fn document(status: u16, request_id: &str) -> Builder {
    Response::builder().status(status).header(CONTENT_TYPE, "text/xml").header("x-amzn-requestid", request_id)
}

fn finish(response: Builder, body: String) -> Response<Full<Bytes>> {
    response.body(Full::new(Bytes::from(body))).expect("status and headers are valid")
}

fn request_id() -> String {
    format!("{:032x}", fastrand::u128(..))
}
