//! The process between the kubelet and a container: one for each container, started as `Shim` says.
//!
//! In come a `Launch` and then `Order`s, out go `Report`s, one JSON line each, over the socket that is standard
//! input. It makes a session of its own and adopts every orphan below it, so that nothing that the container started
//! outlives the container. When the socket ends, the kubelet is dead, however it died, and everything is killed at once:
//! this is what leaves no orphan after a `kill -9` of the operator. The environment comes over the socket, because what is
//! on a command line is for everybody to read.

mod family;
pub(crate) mod protocol;

use std::ffi::OsString;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use rustix::process::{Pid, Signal, kill_process_group, set_child_subreaper, setsid};
use tokio::signal::unix::SignalKind;

use protocol::{Launch, Order, Report};

/// What `ps` calls the process, whatever file it was started from. It is not the operator's name, so that a
/// `pkill -9 flynn-operator` does not take those with it that clean up after the operator.
pub(crate) const NAME: &str = "flynn-process";

/// How the process between the kubelet and a container is started.
#[derive(Clone, Debug)]
pub struct Shim {
    /// The program.
    pub program: PathBuf,
    /// What comes first on its command line, if the program must be told that it is the shim.
    pub arguments: Vec<OsString>,
}

impl Shim {
    /// The running program, also after its file was replaced, told by this subcommand to call [`main`].
    #[must_use]
    pub fn this_program(subcommand: &str) -> Self {
        Self { program: "/proc/self/exe".into(), arguments: vec![subcommand.into()] }
    }
}

/// Supervises one process and returns when neither it nor anything that it started is left. To be called before any
/// thread is started.
#[must_use]
pub fn main() -> ExitCode {
    match supervise() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{NAME}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn supervise() -> io::Result<()> {
    stand_apart()?;
    let control = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut orders = BufReader::new(control.try_clone()?).lines();
    let Some(launch) = orders.next() else { return Ok(()) };
    let started = serde_json::from_str(&launch?).map_err(io::Error::from).and_then(|launch| start(&launch));
    let (group, limited) = match started {
        Ok(started) => started,
        Err(error) => {
            let refused = Report::Refused { errno: error.raw_os_error(), message: error.to_string() };
            return report(&control, &refused);
        }
    };
    // That nobody listens to a report is learned from the orders' end.
    let _ = report(&control, &Report::Started { pid: group.as_raw_nonzero().get(), limited });
    std::thread::spawn(move || obey(orders, group));
    let status = family::reap_until(group)?;
    family::kill_all();
    let ended = Report::Ended { code: status.exit_status(), signal: status.terminating_signal() };
    let _ = report(&control, &ended);
    Ok(())
}

/// Leaves the terminal and the process group of the kubelet, and turns deaf to signals: whoever stops a service or a
/// terminal sends one to every process, and only the kubelet knows in which order things end.
fn stand_apart() -> io::Result<()> {
    // Refused to a leader of a group, which is one that a person started from a shell.
    let _ = setsid();
    set_child_subreaper(Some(rustix::process::getpid()))?;
    std::fs::write("/proc/self/comm", NAME)?;
    // A handler, and not `ignore`, which the container would inherit.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let _entered = runtime.enter();
    for kind in [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup(), SignalKind::quit()] {
        let _ = tokio::signal::unix::signal(kind)?;
    }
    Ok(())
}

/// Starts the container's process as the leader of a group of its own, inside of the control groups. Says whether it is in
/// all of them: to make a group is one right, and to move a process into it is another.
fn start(launch: &Launch) -> io::Result<(Pid, bool)> {
    let join = |group: &PathBuf| std::fs::write(group.join("cgroup.procs"), "0");
    let limited = launch.cgroups.iter().all(|group| join(group).is_ok());
    let child = Command::new(&launch.program)
        .arg0(&launch.name)
        .args(&launch.arguments)
        .env_clear()
        .envs(launch.environment.iter().map(|(name, value)| (name, value)))
        .current_dir(&launch.folder)
        .stdin(Stdio::null())
        .process_group(0)
        .spawn()?;
    Ok((Pid::from_child(&child), limited))
}

/// Does as told; kills the group when there is nobody left to tell.
fn obey(orders: impl Iterator<Item = io::Result<String>>, group: Pid) {
    for order in orders.map_while(Result::ok) {
        let signal = match serde_json::from_str(&order) {
            Ok(Order::Terminate) => Signal::TERM,
            Ok(Order::Kill) | Err(_) => Signal::KILL,
        };
        let _ = kill_process_group(group, signal);
    }
    let _ = kill_process_group(group, Signal::KILL);
}

fn report(mut control: &UnixStream, report: &Report) -> io::Result<()> {
    let mut line = serde_json::to_vec(report)?;
    line.push(b'\n');
    control.write_all(&line)
}
