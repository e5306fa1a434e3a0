//! A new connection to an endpoint, or an error within the time allowed.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// How long a silent connection may last before the kernel asks whether the other side is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// How long what was sent may stay unheard, that question among it, before the connection is broken: an endpoint whose
/// machine is gone must not hold the calls that share a connection.
const UNHEARD: Duration = Duration::from_secs(30);

/// Connects. Small writes are sent at once.
pub(super) async fn dial(address: SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
    let stream = tokio::time::timeout(timeout, TcpStream::connect(address)).await??;
    stream.set_nodelay(true)?;
    let socket = SockRef::from(&stream);
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE))?;
    socket.set_tcp_user_timeout(Some(UNHEARD))?;
    Ok(stream)
}
