//! Carries connections into the network namespace: a listening socket from outside and an address inside come in.

use std::net::{SocketAddr, TcpListener};

use anyhow::Result;
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Starts to carry every connection of `from` to `to`; ends with the async runtime.
pub(crate) fn start(from: TcpListener, to: SocketAddr) -> Result<()> {
    from.set_nonblocking(true)?;
    let from = tokio::net::TcpListener::from_std(from)?;
    tokio::spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((client, _)) = from.accept().await {
            connections.spawn(carry(client, to));
            while connections.try_join_next().is_some() {}
        }
    });
    Ok(())
}

async fn carry(mut client: TcpStream, to: SocketAddr) {
    let Ok(mut server) = TcpStream::connect(to).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let _ = copy_bidirectional(&mut client, &mut server).await; // either end may break off at any time
}
