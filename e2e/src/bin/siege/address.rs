//! Addresses to connect from: one address has 45,000 ports towards a server, a crowd needs more.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::{TcpSocket, TcpStream};

/// Connections from one address.
const PER_ADDRESS: u32 = 5_000;

/// The `number`th connection of a crowd, from one of the addresses of 127.1.0.0/16, with a small buffer to receive in.
pub(crate) async fn connect(number: u32, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    let from = Ipv4Addr::from_bits(Ipv4Addr::new(127, 1, 0, 1).to_bits() + number / PER_ADDRESS);
    socket.bind((from, 0).into())?;
    socket.set_recv_buffer_size(4096)?;
    socket.connect(to).await
}
