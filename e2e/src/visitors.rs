//! What people see of the platform from outside: requests to its router nodes come in, answers or their absence go out.

use anyhow::{Error, Result, anyhow, ensure};
use futures::future::try_join_all;

use crate::http::{Response, get, get_tls};
use crate::load::{Tally, Target};
use crate::platform::WAIT;
use crate::{Load, Operator, Platform, Trust, eventually};

/// Requests to one host that run in the background, on every node.
#[derive(Debug)]
pub struct Loads(Vec<Load>);

impl Loads {
    /// Waits until each has been answered that many more times.
    ///
    /// # Errors
    /// When that takes too long.
    pub async fn more(&self, requests: u64) -> Result<()> {
        try_join_all(self.0.iter().map(|load| load.more(requests))).await.map(drop)
    }

    /// Ends, and fails if anything but 200 was ever answered.
    ///
    /// # Errors
    /// When it was: shows the count.
    pub async fn stop(self) -> Result<()> {
        self.tallies().await?.iter().try_for_each(Tally::all_ok)
    }

    /// Ends, and returns the counts.
    ///
    /// # Errors
    /// When a load has panicked.
    pub async fn tallies(self) -> Result<Vec<Tally>> {
        try_join_all(self.0.into_iter().map(Load::stop)).await
    }
}

impl Platform {
    /// `GET` over HTTPS, from a person who trusts [`authority`](Self::authority).
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn https(&self, node: &Operator, host: &str, path: &str) -> Result<Response> {
        get_tls(node.https()?, Some(host), Trust::Authority(self.authority().pem()), host, path).await
    }

    /// Waits until every node answers `https://<host><path>` with this status, and with these words in the head or the body.
    ///
    /// # Errors
    /// When one does not in time.
    pub async fn serves(&self, host: &str, path: &str, status: u16, words: &str) -> Result<()> {
        for node in self.nodes() {
            let what = format!("{} answers https://{host}{path} with {status} {words}", node.http()?);
            eventually(&what, WAIT, || async { expect(&self.https(node, host, path).await?, status, words) })
                .await?;
        }
        Ok(())
    }

    /// Waits until every node presents this certificate (DER) for the host, and answers with 200.
    ///
    /// # Errors
    /// When one does not in time.
    pub async fn presents(&self, host: &str, der: &[u8]) -> Result<()> {
        for node in self.nodes() {
            eventually("the node presents that certificate", WAIT, || async {
                let answer = get_tls(node.https()?, Some(host), Trust::Anything, host, "/").await?;
                ensure!(answer.status == 200, "it answers {}", answer.status);
                ensure!(answer.certificate.as_deref() == Some(der), "it presents another one");
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    /// Waits until no node serves this host any more: the handshake is refused.
    ///
    /// # Errors
    /// When one goes on.
    pub async fn serves_no_more(&self, host: &str) -> Result<()> {
        for node in self.nodes() {
            eventually(&format!("{} does not know {host}", node.http()?), WAIT, || async {
                let plain = get(node.http()?, host, "/").await?;
                ensure!(plain.status == 404, "it answers {}", plain.status);
                match get_tls(node.https()?, Some(host), Trust::Anything, host, "/").await {
                    Err(_) => Ok(()),
                    Ok(answer) => Err(anyhow!("it answers {}", answer.status)),
                }
            })
            .await?;
        }
        Ok(())
    }

    /// Starts to ask every node for `https://<host>/`, on new connections and on ones that stay open.
    ///
    /// # Errors
    /// Never, for nodes.
    pub fn load(&self, host: &str) -> Result<Loads> {
        let mut targets = Vec::new();
        for node in self.nodes() {
            let target = Target::https(node.https()?, host, "/");
            targets.extend([target.clone(), target.keep_alive()]);
        }
        Ok(Loads(targets.into_iter().map(Load::start).collect()))
    }
}

/// An error unless the answer has this status, and these words in a header or in the body.
fn expect(answer: &Response, status: u16, words: &str) -> Result<(), Error> {
    let found = answer.text().contains(words)
        || answer.headers.values().any(|value| value.as_bytes() == words.as_bytes());
    ensure!(
        answer.status == status && found,
        "it answers {} {:?} {}",
        answer.status,
        answer.headers,
        answer.text()
    );
    Ok(())
}
