//! One role of the operator as a process that is started again when it ends: what Kubernetes does with a Pod's container.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use e2e::Operator;
use e2e::operator::Launch;
use tokio::time::sleep;

use crate::progress::Progress;

/// The time between two looks at the process.
const LOOK: Duration = Duration::from_millis(100);

/// A running role.
#[derive(Debug)]
pub(crate) struct Role {
    name: &'static str,
    launch: Launch,
    logs: PathBuf,
    operator: Operator,
}

impl Role {
    /// Starts the role and waits until it listens.
    pub(crate) async fn start(name: &'static str, launch: Launch, logs: PathBuf) -> Result<Self> {
        let operator = Operator::start(&launch, &logs).await.with_context(|| format!("start the {name}"))?;
        Ok(Self { name, launch, logs, operator })
    }

    /// The running process.
    pub(crate) fn operator(&mut self) -> &mut Operator {
        &mut self.operator
    }

    /// Starts the role again whenever it ends; returns only if that fails.
    pub(crate) async fn keep(&mut self, progress: Progress) -> Result<()> {
        loop {
            sleep(LOOK).await;
            if self.operator.check().is_err() {
                progress.tell(format_args!("the {} has ended: it is started again", self.name));
                let again = Operator::start(&self.launch, &self.logs).await;
                self.operator = again.with_context(|| format!("start the {} again", self.name))?;
            }
        }
    }

    /// Asks the process to end, and waits until it has.
    pub(crate) async fn end(self) -> Result<()> {
        self.operator.terminate().await.map(drop)
    }
}
