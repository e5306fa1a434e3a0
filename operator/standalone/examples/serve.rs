//! Serves the embedded API on a port, with its data in a folder, and writes a kubeconfig there.
//!
//! `cargo run -p standalone --example serve -- FOLDER [PORT]`

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use schema::Catalog;
use standalone::{Identity, Limits, NoLogs, Options, Server, Token, Users, kubeconfig, write_private};
use store::Store;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("which folder?")?);
    let port = arguments.next().map_or(Ok(0), |port| port.parse())?;
    let catalog = Arc::new(Catalog::new());
    let store = Store::open(&folder)?;
    let token = Token::load_or_create(&folder.join("token"))?;
    let identity = Identity::load_or_create(&folder.join("tls"), &[])?;
    let users =
        Arc::new(Users::new(Arc::clone(&catalog), &token, std::env::var_os("USERS").map(PathBuf::from))?);
    let ca = identity.ca_pem().to_owned();
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let options = Options {
        listen,
        catalog,
        identity,
        users,
        audit: std::env::var_os("AUDIT").map(PathBuf::from),
        limits: Limits::default(),
    };
    let server = Server::start(options, store, Arc::new(NoLogs)).await?;
    let file = folder.join("kubeconfig");
    write_private(&file, &kubeconfig(&format!("https://{}", server.address()), &ca, "admin", &token))?;
    println!("export KUBECONFIG={}", file.display());
    tokio::signal::ctrl_c().await?;
    server.stop().await;
    Ok(())
}
