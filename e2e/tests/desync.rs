//! The desync grid: every probe of `desync/probes.txt` goes through the router to nginx, Node, Python and Go, and what
//! each of them saw is compared with what the router forwarded. One request more is a desync. Run it in `e2e/netns`.
//!
//! ```text
//! probes (the list) -> client (raw bytes) -> flynn-router -> backend (a real server that records what it sees)
//!                          '-- answers ------> verdict <------ records --'
//!                                                '-> table (as in docs/http-conformance.md)
//! ```
//! `DESYNC_PROBES=chunk-` tries those whose names begin so, `DESYNC_BACKENDS=node,go` on these servers only.

#[path = "desync/answer.rs"]
mod answer;
#[path = "desync/backend.rs"]
mod backend;
#[path = "desync/probe.rs"]
mod probe;
#[path = "desync/router.rs"]
mod router;
#[path = "desync/table.rs"]
mod table;
#[path = "desync/verdict.rs"]
mod verdict;

use std::env;

use anyhow::{Context, Result, ensure};
use e2e::tools;

use answer::ask;
use backend::{Backend, Kind};
use probe::Probe;
use router::Router;
use verdict::{Played, Verdict};

/// The least number of probes that prove anything.
const PROBES: usize = 150;

#[tokio::test]
async fn every_backend_sees_the_requests_that_were_forwarded_and_no_other() -> Result<()> {
    let wanted = env::var("DESYNC_PROBES").unwrap_or_default();
    let mut probes = probe::all()?;
    ensure!(probes.len() >= PROBES, "there are only {} probes", probes.len());
    probes.retain(|probe| probe.name.starts_with(&wanted));
    let mut verdicts = Vec::new();
    for kind in backends()? {
        let verdict = try_on(kind, &probes).await.with_context(|| format!("on {kind:?}"))?;
        verdicts.push((kind, verdict));
    }
    println!("{}", table::render(&probes, &verdicts));
    let mut faults: Vec<_> = verdicts.iter().flat_map(|(kind, verdict)| verdict.faults(*kind)).collect();
    faults.extend(verdicts.windows(2).flat_map(|pair| verdict::differences(&pair[0], &pair[1])));
    ensure!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    Ok(())
}

/// Plays every probe to a router of its own before one backend.
async fn try_on(kind: Kind, probes: &[Probe]) -> Result<Verdict> {
    let folder = tempfile::tempdir_in(tools::build_folder()?)?;
    let backend = Backend::start(kind, folder.path()).await?;
    let router = Router::start(backend.address(), folder.path()).await?;
    let mut played = Vec::new();
    for probe in probes {
        played.push(Played { probe, answers: ask(router.address(), probe).await });
    }
    let counted = router.counts(played.iter().map(Played::forwarded).sum()).await;
    // In this order: once the router is gone, nothing more can arrive at the backend.
    router.stop().await?;
    let records = backend.stop().await?;
    Ok(verdict::of(&played, &records, counted))
}

/// The servers, all but those that `DESYNC_BACKENDS` leaves out or the machine does not have.
fn backends() -> Result<Vec<Kind>> {
    let wanted = env::var("DESYNC_BACKENDS").ok();
    let is_wanted =
        |kind: &Kind| wanted.as_ref().is_none_or(|names| names.split(',').any(|n| n == kind.name()));
    let mut found = Vec::new();
    for kind in Kind::ALL.into_iter().filter(is_wanted) {
        match kind.missing() {
            Some(program) => println!("skipped {}: {program} is missing", kind.name()),
            None => found.push(kind),
        }
    }
    ensure!(!found.is_empty(), "there is no backend");
    Ok(found)
}
