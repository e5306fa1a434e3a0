//! `/.well-known/status`: whether the disk takes writes, tried with one that is of no use.

use std::sync::Arc;

use http::{Method, Response, StatusCode};
use serde_json::json;

use super::reply::{self, Body};
use super::{blocking, not_allowed};
use crate::Objects;

/// Answers for some Blobstores, in the form that all services of Flynn have.
pub(crate) async fn answer(method: &Method, all: Vec<Arc<Objects>>) -> Response<Body> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return not_allowed("GET, HEAD");
    }
    let (code, status) = match blocking(move || all.iter().try_for_each(|objects| objects.check())).await {
        Ok(()) => (StatusCode::OK, "healthy"),
        Err(failure) => {
            tracing::warn!(%failure, "a Blobstore takes no writes");
            (StatusCode::INTERNAL_SERVER_ERROR, "unhealthy")
        }
    };
    let version = concat!("v", env!("CARGO_PKG_VERSION"));
    let body = json!({"data": {"status": status, "version": version}});
    reply::json(code, format!("{body:#}").into_bytes())
}
