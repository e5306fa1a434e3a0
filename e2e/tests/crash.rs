//! `kill -9` of the embedded API at random points, while several clients write and others watch.
//!
//! Each writer (`crash/writer.rs`) makes a known sequence of writes of objects of its own, so that what must be there after
//! any number of acknowledgements is known: all of them, and at most the one under way. A follower of each kind
//! (`crash/follower.rs`) resumes its watch where the last one broke off. In every third round the writers end first, so
//! that a watch can be resumed at the very last version; in the others they are cut off.
//!
//! `CRASHES=200` makes it two hundred kills.

mod follower;
mod ledger;
mod object;
mod writer;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::{Embedded, eventually, tools};
use fastrand::Rng;
use k8s_openapi::api::core::v1::Namespace;
use kube::Client;
use kube::api::{Api, PostParams};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use follower::{Follower, Following, Resumed};
use ledger::Ledger;
use object::{Kind, NAMESPACE};
use writer::{Acknowledged, Plan};

const ROUNDS: usize = 25;
const ROUNDS_VARIABLE: &str = "CRASHES";
const WRITERS: usize = 4;
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_lose_no_acknowledged_write_and_no_event_of_a_watch() -> Result<()> {
    let rounds = std::env::var(ROUNDS_VARIABLE).ok().map_or(Ok(ROUNDS), |text| text.parse())?;
    let folder = tempfile::tempdir_in(tools::build_folder()?)?;
    let api = Embedded::start(folder.path()).await?;
    let mut story = Story::begin(&api).await?;
    for round in 0..rounds {
        story.round(&api, round).await.with_context(|| format!("round {round}"))?;
    }
    println!("{rounds} kills: {}", story.counts);
    ensure!(story.counts.acknowledged > 10 * rounds as u64, "too few writes to mean anything");
    ensure!(rounds < 6 || (story.counts.resumed > 0 && story.counts.gone > 0), "watches met one end only");
    Ok(())
}

/// What happened until now.
struct Story {
    random: Rng,
    plans: Vec<Plan>,
    followers: Vec<Follower>,
    ledger: Ledger,
    counts: Counts,
}

/// What the story is about, in numbers.
#[derive(Default)]
struct Counts {
    acknowledged: u64,
    unanswered: u64,
    events: u64,
    resumed: u64,
    gone: u64,
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { acknowledged, unanswered, events, resumed, gone } = self;
        write!(
            f,
            "{acknowledged} acknowledged writes, {unanswered} stored without an answer, {events} events seen, \
             {resumed} watches resumed, {gone} told that they are too old"
        )
    }
}

impl Story {
    async fn begin(api: &Embedded) -> Result<Self> {
        let client = api.client().await?;
        let namespace = serde_json::from_value(json!({"metadata": {"name": NAMESPACE}}))?;
        Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &namespace).await?;
        let mut followers = Vec::new();
        for kind in Kind::ALL {
            followers.push(Follower::of(kind, object::list(&client, kind).await?));
        }
        Ok(Self {
            random: Rng::with_seed(1),
            plans: (0..WRITERS).map(Plan::of).collect(),
            followers,
            ledger: Ledger::default(),
            counts: Counts::default(),
        })
    }

    async fn round(&mut self, api: &Embedded, round: usize) -> Result<()> {
        let client = api.client().await?;
        let following: Vec<_> = self.followers.drain(..).map(|follower| follower.start(&client)).collect();
        let (sender, mut acknowledgements) = mpsc::unbounded_channel();
        let is_quiet = round % 3 == 2;
        let quota = if is_quiet { self.random.usize(1..20) } else { usize::MAX };
        let mut writers = JoinSet::new();
        for plan in &self.plans {
            writers.spawn(writer::write(client.clone(), plan.clone(), quota, sender.clone()));
        }
        drop(sender);
        if is_quiet {
            join(&mut writers).await?;
            self.compare_at_rest(&client, round, &following).await?;
        } else {
            self.write_for_a_while(&mut acknowledgements).await?;
        }
        api.kill()?;
        join(&mut writers).await?;
        while let Ok(acknowledged) = acknowledgements.try_recv() {
            self.note(&acknowledged)?;
        }
        for following in following {
            let follower = following.end().await?;
            self.counts.count(&follower);
            self.ledger.events(&follower)?;
            self.followers.push(follower);
        }
        api.start_again().await?;
        self.look(api).await
    }

    /// Some acknowledgements, and then nothing, or a moment that has nothing to do with any of them.
    async fn write_for_a_while(&mut self, made: &mut mpsc::UnboundedReceiver<Acknowledged>) -> Result<()> {
        for _ in 0..self.random.usize(..60) {
            let acknowledged = made.recv().await.context("the writers ended")?;
            self.note(&acknowledged)?;
        }
        if self.random.bool() {
            tokio::time::sleep(Duration::from_micros(self.random.u64(..8000))).await;
        }
        Ok(())
    }

    fn note(&mut self, acknowledged: &Acknowledged) -> Result<()> {
        self.counts.acknowledged += 1;
        self.plans[acknowledged.writer].made = acknowledged.number + 1;
        self.ledger.acknowledged(acknowledged)
    }

    /// When nobody writes, a watch has told everything that there is. What is marked last is the last write of all.
    async fn compare_at_rest(
        &mut self,
        client: &Client,
        round: usize,
        following: &[Following],
    ) -> Result<()> {
        let mut order: Vec<_> = Kind::ALL.into_iter().zip(following).collect();
        let last = self.random.usize(..order.len());
        order.rotate_left(last);
        for (kind, following) in &order {
            let marker = object::marker(client, *kind, round).await?;
            eventually("the watch has told the last write", PATIENCE, || following.has_seen(marker)).await?;
        }
        for (kind, following) in &order {
            let listed = object::list(client, *kind).await?;
            let told = following.state();
            ensure!(
                told == listed.objects,
                "{kind:?}: the watch told {told:?}, there are {:?}",
                listed.objects
            );
        }
        Ok(())
    }

    /// What is there after the kill.
    async fn look(&mut self, api: &Embedded) -> Result<()> {
        let client = api.client().await?;
        let mut stored = Vec::new();
        for (kind, follower) in Kind::ALL.into_iter().zip(&mut self.followers) {
            let list = object::list(&client, kind).await?;
            self.ledger.list(kind, &list)?;
            ensure!(follower.version <= list.version, "{kind:?}: an event was told of a write that is lost");
            stored.extend(list.objects.iter().map(|(name, object)| (name.clone(), *object)));
            follower.relist(list);
        }
        for plan in &mut self.plans {
            let before = plan.made;
            plan.settle(&stored.iter().cloned().collect())?;
            self.counts.unanswered += plan.made - before;
        }
        Ok(())
    }
}

impl Counts {
    fn count(&mut self, follower: &Follower) {
        self.events += follower.events.len() as u64;
        match follower.resumed {
            Some(Resumed::Continued) => self.resumed += 1,
            Some(Resumed::Gone) => self.gone += 1,
            None => {}
        }
    }
}

async fn join(writers: &mut JoinSet<Result<()>>) -> Result<()> {
    while let Some(ended) = writers.join_next().await {
        ended??;
    }
    Ok(())
}
