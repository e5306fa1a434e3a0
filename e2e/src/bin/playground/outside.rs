//! The half of the program in the person's own network: opens the sockets, starts the other half, tries the requests that it
//! prints, and ends the other half when it is asked to end itself.

use std::fs::{File, TryLockError, create_dir_all, remove_dir_all};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, anyhow, bail};
use e2e::{platform::repository, tools};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

use crate::Arguments;
use crate::progress::Progress;
use crate::requests::Requests;
use crate::sockets::{Sockets, listen, port};

/// The other half has ended with an error, and has printed it.
#[derive(Debug, thiserror::Error)]
#[error("the playground has ended with an error")]
pub(crate) struct AlreadySaid;

/// Runs the playground to its end.
pub(crate) async fn run(arguments: &Arguments) -> Result<()> {
    let progress = Progress::start();
    let folder = Folder::take(arguments.folder.clone())?;
    let sockets = open(arguments, progress)?;
    let requests =
        Requests::new(&folder.path, &tools::kubectl().await?, port(&sockets.http)?, port(&sockets.https)?);
    let mut asked = Asked::listen()?;
    let (mut inside, mut channel) = start(&folder.path, &sockets, progress).await?;
    drop(sockets);

    let ready = tokio::select! {
        ready = channel.read_u8() => ready.is_ok(),
        () = asked.wait() => false,
    };
    let told = match ready {
        true => tell(&requests, progress).await,
        false if arguments.once => Err(anyhow!("it was asked to end before everything was ready")),
        false => Ok(()),
    };
    if ready && told.is_ok() && !arguments.once {
        println!("\nCtrl-C ends it all.");
        tokio::select! {
            _ = channel.read_u8() => {} // the other half has ended
            () = asked.wait() => {}
        }
    }
    end(&mut inside, channel).await?;
    told
}

/// Tries the requests, and then prints them, for people and for scripts.
async fn tell(requests: &Requests, progress: Progress) -> Result<()> {
    requests.try_all().await?;
    progress.tell("everything is ready, and these requests were tried. From any shell on this machine:\n");
    println!("{requests}");
    requests.write_env()
}

/// Opens the sockets, and says so where one is not on the port that was asked for.
fn open(arguments: &Arguments, progress: Progress) -> Result<Sockets> {
    let open = |what, wanted| {
        let socket = listen(wanted)?;
        let got = port(&socket)?;
        if got != wanted {
            progress.tell(format_args!("port {wanted} is taken: {what} is on port {got}"));
        }
        anyhow::Ok(socket)
    };
    Ok(Sockets {
        http: open("HTTP", arguments.http_port)?,
        https: open("HTTPS", arguments.https_port)?,
        api: open("the Kubernetes API", arguments.api_port)?,
    })
}

/// Starts this program again in a network namespace. Its standard input is the channel: sockets go in first, one byte comes
/// back when everything is ready, and it ends when the channel does.
async fn start(folder: &Path, sockets: &Sockets, progress: Progress) -> Result<(Child, UnixStream)> {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    sockets.send(&ours)?;
    let child = Command::new(repository("e2e/netns"))
        .arg(std::env::current_exe()?)
        .args(["--inside", &progress.began().to_string(), "--folder"])
        .arg(folder)
        .env("FLYNN_CONTROL_PLANE", tools::control_plane().await?)
        .env("KUBECTL", tools::kubectl().await?)
        .env("FLYNN_OPERATOR", tools::operator()?)
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .spawn()
        .context("start e2e/netns")?;
    ours.set_nonblocking(true)?;
    Ok((child, UnixStream::from_std(ours)?))
}

/// Ends the other half, and waits until everything in its namespace has ended.
async fn end(inside: &mut Child, mut channel: UnixStream) -> Result<()> {
    let _ = channel.shutdown().await;
    if inside.wait().await?.success() { Ok(()) } else { bail!(AlreadySaid) }
}

/// The signals by which a person or a script ends this program.
struct Asked {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Asked {
    fn listen() -> Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// An empty folder that no other playground uses.
struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    fn take(wanted: Option<PathBuf>) -> Result<Self> {
        let path = match wanted {
            Some(path) => std::path::absolute(path)?,
            None => tools::build_folder()?.with_file_name("playground"),
        };
        create_dir_all(path.parent().context("the folder must not be the root")?)?;
        let lock = File::create(path.with_extension("lock"))?;
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => {
                bail!("another playground runs in {}: end it, or choose another --folder", path.display())
            }
            locked => locked?,
        }
        if path.exists() {
            remove_dir_all(&path)?;
        }
        create_dir_all(&path)?;
        Ok(Self { path, _lock: lock })
    }
}
