//! The listening sockets that a person's shell connects to: ports come in, sockets go out, also from one process to another.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use anyhow::{Context, Result, ensure};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};

/// How many ports are tried after the one that was asked for.
const TRIES: u16 = 100;

/// The three sockets.
#[derive(Debug)]
pub(crate) struct Sockets {
    pub(crate) http: TcpListener,
    pub(crate) https: TcpListener,
    pub(crate) api: TcpListener,
}

/// A socket on `port` of 127.0.0.1, or on the next port that nobody has.
pub(crate) fn listen(port: u16) -> Result<TcpListener> {
    let free = (port..=port.saturating_add(TRIES))
        .find_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok());
    free.with_context(|| format!("no port of 127.0.0.1 from {port} on is free: choose another one"))
}

/// The port of a socket.
pub(crate) fn port(socket: &TcpListener) -> Result<u16> {
    Ok(socket.local_addr()?.port())
}

impl Sockets {
    /// Gives the sockets to the process at the other end of `channel`.
    pub(crate) fn send(&self, channel: &UnixStream) -> Result<()> {
        let sockets = [self.http.as_fd(), self.https.as_fd(), self.api.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        ensure!(control.push(SendAncillaryMessage::ScmRights(&sockets)), "three sockets do not fit");
        sendmsg(channel, &[IoSlice::new(b"\n")], &mut control, SendFlags::empty())?;
        Ok(())
    }

    /// Takes the sockets from the process at the other end of `channel`.
    pub(crate) fn receive(channel: &UnixStream) -> Result<Self> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        recvmsg(channel, &mut [IoSliceMut::new(&mut [0])], &mut control, RecvFlags::CMSG_CLOEXEC)?;
        let mut received = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(sockets) = message {
                received.extend(sockets);
            }
        }
        let sockets = <[OwnedFd; 3]>::try_from(received);
        let [http, https, api] =
            sockets.ok().context("standard input gives no sockets")?.map(TcpListener::from);
        Ok(Self { http, https, api })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_taken_gives_way_to_the_next() -> Result<()> {
        let first = listen(20_100)?;
        let second = listen(port(&first)?)?;
        assert!(port(&second)? > port(&first)?);
        Ok(())
    }

    #[test]
    fn sockets_arrive_as_they_were_sent() -> Result<()> {
        let (ours, theirs) = UnixStream::pair()?;
        let sent = Sockets { http: listen(20_200)?, https: listen(20_300)?, api: listen(20_400)? };
        sent.send(&ours)?;
        let received = Sockets::receive(&theirs)?;
        assert_eq!(port(&received.http)?, port(&sent.http)?);
        assert_eq!(port(&received.api)?, port(&sent.api)?);
        Ok(())
    }
}
