//! Serves a folder of objects until it is killed, and prints the variables that an App would have.
//!
//! `cargo run -p blobstore --example objects -- FOLDER`, then `curl --upload-file FILE $BLOBSTORE_URL/name`.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use blobstore::{AccessKey, Objects, Server, variables};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("name a folder")?;
    let server = Server::start(0).await?;
    let key = AccessKey::generate();
    server.access().grant(&key, Arc::new(Objects::open(Path::new(&folder))?));
    for (name, value) in variables(server.address(), &key) {
        println!("export {name}='{value}'");
    }
    std::future::pending().await
}
