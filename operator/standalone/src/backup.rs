//! `/backup`: everything that is stored, Secrets too, as the file that `store::restore` takes. Only who may do everything may ask.

use std::io;

use http::{Response, StatusCode};
use store::Store;

use crate::answer::{self, Body};
use crate::status::{Failure, Result};

/// Where it is asked for.
pub(crate) const PATH: &str = "/backup";

/// The answer.
pub(crate) async fn answer(store: &Store) -> Result<Response<Body>> {
    match make(store).await {
        Ok(bytes) => Ok(answer::bytes(StatusCode::OK, "application/octet-stream", bytes)),
        Err(error) => Err(Failure::internal(format!("no backup was made: {error}"))),
    }
}

/// A file in a folder of its own, which is for its owner only and goes when this returns.
async fn make(store: &Store) -> io::Result<Vec<u8>> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("backup");
    store.backup(&file).await.map_err(io::Error::other)?;
    std::fs::read(&file)
}
