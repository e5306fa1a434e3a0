//! Waiting for what was ordered: for DNS, for the Cluster's conditions, for a look of the operator at AWS, for a call at which it dies.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{Node, Site};
use crate::amazon::Fault;
use crate::{eventually, unique};

/// How long what is ordered may take until it is so, if nothing has to be waited for on purpose. The operator's own probes take 5 s, a node that is
/// not ready or does not answer has a minute, and the machine may be busy: several sites at once, each with a Kubernetes API of its own.
const WAIT: Duration = Duration::from_secs(300);

impl Site {
    /// Waits until a client that asks for a name gets the addresses of these nodes, and no others.
    ///
    /// # Errors
    /// When it does not in time.
    pub async fn serves(&self, name: &str, nodes: &[Node]) -> Result<()> {
        self.eventually(&format!("{name} leads to {} nodes", nodes.len()), || async {
            let (answered, expected) = (self.addresses_of(name).await?, self.addresses(nodes).await?);
            ensure!(answered == expected, "DNS has {answered:?}, EC2 has {expected:?}");
            Ok(())
        })
        .await
    }

    /// Waits until the Cluster says that all of AWS is as declared.
    ///
    /// # Errors
    /// When it does not in time.
    pub async fn rests(&self) -> Result<()> {
        self.says("AddressesAssociated", "True AddressesAssociated").await?;
        self.says("RecordsPublished", "True RecordsPublished").await.map(drop)
    }

    /// Waits until a condition of the Cluster is so, such as `False NotOwned`; returns its message.
    ///
    /// # Errors
    /// When it is not in time.
    pub async fn says(&self, condition: &str, expected: &str) -> Result<String> {
        self.people.condition_within("cluster/site", condition, expected, WAIT).await
    }

    /// The same, once its message has this word.
    ///
    /// # Errors
    /// When it is not in time.
    pub async fn says_why(&self, condition: &str, expected: &str, word: &str) -> Result<()> {
        self.eventually(&format!("{condition} tells {word}"), || async {
            let message = self.says(condition, expected).await?;
            ensure!(message.contains(word), "{message}");
            Ok(())
        })
        .await
    }

    /// Waits until a check succeeds; an error tells the end of the controllers' logs.
    ///
    /// # Errors
    /// When it does not in time.
    pub async fn eventually<T, F>(&self, what: &str, check: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let tails = || {
            let tails = self.controllers.iter().map(|controller| controller.process().tail());
            tails.collect::<Vec<_>>().join("\n")
        };
        eventually(what, WAIT, check).await.with_context(tails)
    }

    /// Waits until `count` comes to `goal`, however long that takes in all: each step up has the patience of one wait, so that a slow machine and a goal of
    /// fifty need no patience of their own.
    ///
    /// # Errors
    /// When the count stops growing before the goal, or goes beyond it.
    pub async fn grows_to<F>(&self, what: &str, goal: usize, count: impl Fn() -> F) -> Result<()>
    where
        F: Future<Output = Result<usize>>,
    {
        let mut reached = count().await?;
        while reached < goal {
            let before = reached;
            reached = self
                .eventually(&format!("there are more than {before} of {goal} {what}"), || async {
                    let now = count().await?;
                    ensure!(now > before, "{now}");
                    Ok(now)
                })
                .await?;
        }
        ensure!(reached == goal, "{reached} {what} instead of {goal}");
        Ok(())
    }

    /// Asks the operator to look at AWS now, and waits until it has listed what it looks at.
    ///
    /// # Errors
    /// When it does not look.
    pub async fn look(&self) -> Result<()> {
        let listed = || self.amazon.proxy.calls_by_action().get("ec2:DescribeAddresses").copied();
        let before = listed();
        let now = format!("flynn.io/resync={}", unique("look"));
        self.kubectl().ok(&["annotate", "--overwrite", "cluster.flynn.io/site", &now]).await?;
        self.eventually("the operator looks", || async {
            ensure!(listed() > before, "it has not");
            Ok(())
        })
        .await
    }

    /// Waits until the Cluster that was deleted is let go.
    ///
    /// # Errors
    /// When it is not in time.
    pub async fn cluster_is_gone(&self) -> Result<()> {
        self.eventually("the Cluster is gone", || async {
            let left = self.kubectl().ok(&["get", "clusters.flynn.io", "-o", "name"]).await?;
            ensure!(left.is_empty(), "{left}");
            Ok(())
        })
        .await
    }

    /// Has a new controller die at its next call of this action: before AWS has seen it, or before the answer comes.
    ///
    /// # Errors
    /// When it makes no such call in time.
    pub async fn dies_at(&mut self, action: &str, fault: Fault) -> Result<()> {
        self.amazon.proxy.order(action, 1, fault);
        self.lead().await?;
        self.call_is_held().await?;
        self.kill().await?;
        self.amazon.proxy.none_held().await;
        Ok(())
    }

    /// Waits until a call is held, as a fault on order has it.
    ///
    /// # Errors
    /// When none is in time.
    pub async fn call_is_held(&self) -> Result<()> {
        self.eventually("a call is held", || async {
            self.amazon.proxy.held(1).await;
            Ok(())
        })
        .await
    }
}
