//! PUT of an object: its content, something to be appended to it, or the name of an object that it is to be a copy of.
//!
//! What comes is staged as it comes, so that an object of any size takes the memory of a piece. Only when the request has ended as it
//! should does it become the object; one that is cut off leaves everything as it was.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use super::blocking;
use super::reply::{self, Body, Failure};
use crate::objects::PIECE;
use crate::{Name, Objects, Staged};

const OFFSET: &str = "blobstore-offset";
const COPY_FROM: &str = "blobstore-copy-from";

/// What a PUT does.
enum Write {
    /// The body is the object, of a media type.
    Whole(Option<String>),
    /// The body is to be added at the end, which is there.
    Append(u64),
    /// The object is to be a copy of another one.
    Copy(Name),
}

/// Answers a PUT.
pub(crate) async fn answer(
    objects: Arc<Objects>,
    name: Name,
    request: Request<Incoming>,
) -> Result<Response<Body>, Failure> {
    let (head, mut body) = request.into_parts();
    match Write::of(&head.headers)? {
        Write::Whole(media_type) => {
            let staged = receive(&objects, &mut body).await?;
            blocking(move || objects.put(&name, media_type, staged)).await?;
        }
        Write::Append(offset) => {
            let staged = receive(&objects, &mut body).await?;
            blocking(move || objects.append(&name, offset, &staged)).await.map_err(Failure::of_append)?;
        }
        Write::Copy(from) => blocking(move || objects.copy(&from, &name)).await?,
    }
    Ok(reply::empty(StatusCode::OK))
}

impl Write {
    fn of(headers: &HeaderMap) -> Result<Self, Failure> {
        let offset = headers.get(OFFSET).map(|value| value.to_str().ok().and_then(|text| text.parse().ok()));
        let offset: Option<u64> = match offset {
            Some(None) => return Err(Failure::Header("Blobstore-Offset is a number of bytes")),
            offset => offset.flatten().filter(|offset| *offset > 0),
        };
        match (headers.get(COPY_FROM), offset) {
            (Some(_), Some(_)) => {
                Err(Failure::Header("a copy cannot be appended: leave out Blobstore-Offset"))
            }
            (Some(from), None) => match Name::new(from.as_bytes()) {
                Some(from) => Ok(Self::Copy(from)),
                None => Err(Failure::Header("Blobstore-Copy-From is the name of an object, not the root")),
            },
            (None, Some(offset)) => Ok(Self::Append(offset)),
            (None, None) => {
                let media_type = headers.get(CONTENT_TYPE).map(|value| value.as_bytes());
                Ok(Self::Whole(media_type.map(|value| String::from_utf8_lossy(value).into_owned())))
            }
        }
    }
}

/// Stages a body. One that the disk does not take is read to its end all the same: a client that is still sending would not see the answer.
async fn receive(objects: &Arc<Objects>, body: &mut Incoming) -> Result<Staged, Failure> {
    let staged = stage(objects, body).await;
    if matches!(staged, Err(Failure::Objects(_))) {
        while let Some(Ok(_)) = body.frame().await {}
    }
    staged
}

async fn stage(objects: &Arc<Objects>, body: &mut Incoming) -> Result<Staged, Failure> {
    let objects = Arc::clone(objects);
    let mut staged = blocking(move || objects.stage()).await?;
    let mut piece = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Failure::Incomplete)?.into_data() else { continue };
        piece.extend_from_slice(&data);
        if piece.len() >= PIECE {
            staged = written(staged, piece.split().freeze()).await?;
        }
    }
    written(staged, piece.freeze()).await
}

async fn written(mut staged: Staged, piece: Bytes) -> Result<Staged, Failure> {
    blocking(move || staged.write(&piece).map(|()| staged)).await
}
