//! The HTTP API of Flynn's blobstore, row by row, on real sockets.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod bed;
mod isolation;
mod names;
mod objects;
mod ranges;
mod together;
mod writes;
