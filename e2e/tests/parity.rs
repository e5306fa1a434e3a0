//! The embedded API beside the real one: the transcripts of `e2e/parity` are played on both, and what differs has to be
//! what `docs/api-parity.md` lists, no more and no less. Run it in `e2e/netns`.
//!
//! `PARITY_CASES=1000` tries so many random histories, `PARITY_SEED=7` others. `PARITY_TOPICS=apply,watch` plays some topics; `PARITY_SERVERS=real` or `embedded` plays on one server only;
//! `PARITY_PRINT=1` prints what each step printed.

#[path = "parity/command.rs"]
mod command;
#[path = "parity/differences.rs"]
mod differences;
#[path = "parity/history.rs"]
mod history;
#[path = "parity/normal.rs"]
mod normal;
#[path = "parity/play.rs"]
mod play;
#[path = "parity/random.rs"]
mod random;
#[path = "parity/request.rs"]
mod request;
#[path = "parity/script.rs"]
mod script;
#[path = "parity/server.rs"]
mod server;
#[path = "parity/servers.rs"]
mod servers;

use std::env;
use std::fs::{read_dir, read_to_string};

use anyhow::{Context, Result, anyhow, ensure};
use e2e::definitions::repository;
use futures::{StreamExt, TryStreamExt, stream};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use command::Programs;
use differences::{outdated, rules, unexplained};
use play::{Outcome, play};
use random::{Change, Kind};
use script::Topic;
use server::Server;
use servers::Servers;

/// How many topics are played at a time.
const AT_ONCE: usize = 4;

/// How many random histories are tried, and how often one on which the servers part is shortened.
const CASES: usize = 64;
const TRIES: usize = 30;

/// The least number of steps that prove anything.
const STEPS: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_transcript_reads_the_same_but_for_what_is_listed() -> Result<()> {
    let topics = topics()?;
    let (servers, programs) = (Servers::start().await?, Programs::find().await?);
    let played = stream::iter(&topics).map(async |topic| {
        let on = servers.under_comparison().map(|server| play(topic, server, &programs));
        let outcomes = futures::future::try_join_all(on).await?;
        anyhow::Ok((topic, outcomes))
    });
    let mut played: Vec<_> = played.buffer_unordered(AT_ONCE).try_collect().await?;
    played.sort_by_key(|(topic, _)| &topic.name);
    for (topic, outcomes) in played.iter().filter(|_| env::var_os("PARITY_PRINT").is_some()) {
        print(topic, outcomes);
    }
    report(&played)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_changes_come_out_the_same() -> Result<()> {
    let cases = env::var("PARITY_CASES").map_or(Ok(CASES), |cases| cases.parse())?;
    let servers = Servers::start().await?;
    let Ok(both) = <[_; 2]>::try_from(servers.under_comparison().collect::<Vec<_>>()) else { return Ok(()) };
    for server in both {
        history::prepare(server).await?;
    }
    let seed = env::var("PARITY_SEED").map_or(Ok(0), |seed| seed.parse::<u8>())?;
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut partings = Vec::new();
    for case in 0..cases {
        let tree = random::history().new_tree(&mut runner).map_err(|reason| anyhow!("{reason}"))?;
        partings.extend(shortest_parting(&both, &format!("case-{case}"), tree).await?);
    }
    println!("{cases} random histories: {} part", partings.len());
    ensure!(partings.is_empty(), "- the real API, + ours\n\n{}", partings.join("\n\n"));
    Ok(())
}

/// Where the servers part, if they do, in the shortest history that is found in a few tries.
async fn shortest_parting(
    servers: &[&Server; 2],
    name: &str,
    mut tree: impl ValueTree<Value = (Kind, Vec<Change>)>,
) -> Result<Option<String>> {
    let (mut shortest, mut tries) = (None, 0);
    loop {
        let (kind, changes) = tree.current();
        let parting = history::parting(servers, kind, &format!("{name}-{tries}"), &changes).await?;
        let parts = parting.is_some();
        shortest = parting.or(shortest);
        tries += 1;
        let simpler = if parts { tree.simplify() } else { shortest.is_some() && tree.complicate() };
        if !simpler || tries == TRIES {
            return Ok(shortest);
        }
    }
}

/// Every topic, or those of `PARITY_TOPICS`.
fn topics() -> Result<Vec<Topic>> {
    let wanted = env::var("PARITY_TOPICS").ok();
    let wanted = |name: &str| wanted.as_ref().is_none_or(|names| names.split(',').any(|topic| topic == name));
    let mut topics = Vec::new();
    for entry in read_dir(repository("e2e/parity"))? {
        let path = entry?.path();
        let name = path.file_stem().and_then(|name| name.to_str()).context("topics have names")?;
        if wanted(name) {
            topics.push(Topic::parse(name, &read_to_string(&path)?)?);
        }
    }
    topics.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(topics)
}

fn print(topic: &Topic, outcomes: &[Vec<Outcome>]) {
    for outcome in outcomes.iter().flatten() {
        println!("== {}: {}\n{}\n{}\n", topic.name, outcome.title, outcome.source, outcome.lines.join("\n"));
    }
}

fn report(played: &[(&Topic, Vec<Vec<Outcome>>)]) -> Result<()> {
    let mut rules = rules(&read_to_string(repository("docs/api-parity.md"))?)?;
    let (mut steps, mut equal, mut open) = (0, 0, Vec::new());
    for (topic, outcomes) in played {
        steps += outcomes.first().map_or(0, Vec::len);
        let [real, ours] = &outcomes[..] else { continue };
        for (real, ours) in real.iter().zip(ours) {
            equal += usize::from(real.lines == ours.lines);
            open.extend(unexplained(&topic.name, real, ours, &mut rules));
        }
    }
    println!("{steps} steps: {equal} equal, {} listed, {} open", steps - equal - open.len(), open.len());
    if env::var_os("PARITY_SERVERS").is_some() {
        return Ok(());
    }
    let mut faults = open;
    if env::var_os("PARITY_TOPICS").is_none() {
        ensure!(steps >= STEPS, "{steps} steps are too few");
        faults.extend(outdated(&rules).into_iter().map(|row| format!("an outdated row: {row}")));
    }
    ensure!(faults.is_empty(), "- the real API, + ours\n\n{}", faults.join("\n\n"));
    Ok(())
}
