//! The half of the program in the network namespace: takes the sockets, runs the platform, and ends it in good order.

use std::io::stdin;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::signal::ctrl_c;

use crate::platform::Platform;
use crate::progress::Progress;
use crate::sockets::Sockets;

/// Runs the platform until the channel on standard input ends.
pub(crate) async fn run(folder: &Path, progress: Progress) -> Result<()> {
    let channel = UnixStream::from(stdin().as_fd().try_clone_to_owned()?);
    let sockets = Sockets::receive(&channel)?;
    channel.set_nonblocking(true)?;
    let (mut from_outside, mut to_outside) = tokio::net::UnixStream::from_std(channel)?.into_split();

    let asked_to_end = async {
        tokio::select! {
            _ = from_outside.read_u8() => {}
            _ = ctrl_c() => {}
        }
    };
    let mut asked_to_end = std::pin::pin!(asked_to_end);
    let mut platform = tokio::select! {
        platform = Platform::start(folder, sockets, progress) => platform?,
        () = &mut asked_to_end => {
            progress.tell("ending before everything was ready");
            return Ok(());
        }
    };
    to_outside.write_u8(b'\n').await?;
    tokio::select! {
        failed = platform.keep() => return failed,
        () = &mut asked_to_end => {}
    }
    progress.tell("ending: the router node, the controller, the control plane");
    platform.end().await?;
    progress.tell("everything has ended");
    Ok(())
}
