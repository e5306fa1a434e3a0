//! The end of a role: SIGTERM from the node, Ctrl-C from a person, or the word of the role above it.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// Waits until a role is asked to end.
pub(crate) enum Shutdown {
    /// By a signal to the process.
    Signals {
        /// SIGTERM.
        terminate: Signal,
        /// SIGINT.
        interrupt: Signal,
    },
    /// By the part of the process that started the role.
    Told(watch::Receiver<bool>),
}

impl Shutdown {
    /// Takes over the handling of both signals, so that one that comes early is not lost.
    pub(crate) fn listen() -> std::io::Result<Self> {
        Ok(Self::Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// One that is asked by setting the sender to true, or by dropping it.
    pub(crate) fn told() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self::Told(receiver))
    }

    /// Waits for it. May be dropped and called again.
    pub(crate) async fn asked(&mut self) {
        match self {
            Self::Signals { terminate, interrupt } => tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            },
            // A sender that is gone asks too.
            Self::Told(asked) => drop(asked.wait_for(|asked| *asked).await),
        }
    }
}
