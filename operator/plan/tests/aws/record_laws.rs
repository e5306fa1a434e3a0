//! The laws of records: whatever nodes, probes, lists, calls and other people do, no domain loses its last address or more than half of them in one
//! change, nothing of anybody else is touched, and no batch is refused; and when nothing happens any more, DNS names the nodes and no call is made.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};

use crate::account::Account;
use crate::leader::Leader;
use crate::records::Record;
use crate::world::{Planned, State, World};

/// How long everything is given to settle: longer than any wait.
const LONG: i64 = 2_400;

fn config(cases: u32) -> ProptestConfig {
    let default = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    match default.rng_seed {
        RngSeed::Random => ProptestConfig { rng_seed: RngSeed::Fixed(53), ..default },
        RngSeed::Fixed(_) => default,
    }
}

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn whatever_happens_no_domain_is_emptied_and_at_the_end_dns_names_the_nodes(
        adopt in any::<bool>(),
        events in prop::collection::vec(event(), 1..30),
    ) {
        let mut world = World::new(declared(adopt));
        let mut leaders = [Leader::default(), Leader::default()];
        // Two leaders at once, people who change a zone meanwhile, and a list that leaves records out make batches that do not fit.
        let raced = events.iter().any(|event| matches!(event, Event::Late | Event::Tamper(_) | Event::Crash { .. } | Event::List("records", Some("Empty"))));
        for event in &events {
            let before = world.journal.len();
            happen(event, &mut world, &mut leaders);
            prop_assert!(world.violations.is_empty(), "{:?}\n{:#?}", world.violations, world.journal);
            let refused = world.journal[before..].iter().any(|line| line.ends_with("-> Invalid"));
            prop_assert!(raced || !refused, "{:#?}", world.journal);
        }
        settle(&mut world, &mut leaders);
        prop_assert!(world.violations.is_empty(), "{:?}\n{:#?}", world.violations, world.journal);
        let plan = leaders[0].look(&mut world);
        prop_assert!(plan.calls.is_empty(), "{:?} after {:#?}", plan.calls, world.journal);
        prop_assert_eq!(named(&world), wanted(&world, adopt), "{:#?}", world.journal);
        prop_assert_eq!(plan.report.published.unwrap().is_ok(), adopt);
        // A leader that has just begun finds nothing to do either.
        prop_assert!(Leader::default().look(&mut world).calls.is_empty());
    }

    #[test]
    fn whatever_happened_a_deletion_takes_every_record_and_check_of_ours_and_nothing_else(
        events in prop::collection::vec(event(), 1..20),
    ) {
        let mut world = World::new(declared(false));
        let mut leaders = [Leader::default(), Leader::default()];
        events.iter().for_each(|event| happen(event, &mut world, &mut leaders));
        let theirs = others(&world.state.aws, &world);
        let mut state = world.state.clone();
        state.deleting = true;
        world.take(state);
        settle(&mut world, &mut leaders);
        prop_assert!(leaders[0].look(&mut world).report.undone, "{:#?}", world.journal);
        prop_assert_eq!(others(&world.state.aws, &world), theirs);
        prop_assert!(world.state.aws.published(&world.owner).is_empty() && world.state.aws.checks.is_empty());
    }
}

#[test]
fn killed_after_any_call_the_next_leader_comes_to_the_same_end() {
    let end = |kill: Option<usize>| {
        let mut world = World::new(declared(true));
        let mut leader = Leader::default();
        leader.run(&mut world);
        world.tick(&leader.plan.clone().unwrap().probes);
        world.tick(&leader.plan.clone().unwrap().probes);
        if let Some(calls) = kill {
            for _ in 0..calls {
                let plan = leader.look(&mut world);
                leader.make(&mut world, &plan, 1);
                leader = Leader::default();
            }
        }
        leader.live(&mut world, LONG);
        assert!(leader.look(&mut world).calls.is_empty());
        (named(&world), world.state.aws.checks.len())
    };
    let whole = end(None);
    assert_eq!(whole.0.len(), 6);
    for calls in 1..12 {
        assert_eq!(end(Some(calls)), whole, "killed {calls} times");
    }
}

/// What happens.
#[derive(Debug, Clone)]
enum Event {
    Join(u8),
    Leave(u8),
    Cordon(u8, bool),
    Serve(u8, bool),
    List(&'static str, Option<&'static str>),
    Fault {
        call: &'static str,
        fault: &'static str,
        applied: bool,
    },
    /// Somebody deletes a record of ours, or changes its TTL.
    Tamper(usize),
    Threshold(u8),
    Live {
        leader: usize,
        seconds: i64,
    },
    Crash {
        leader: usize,
        calls: usize,
    },
    /// One leader looks, and makes its calls only after the other one has made its own.
    Late,
}

fn event() -> impl Strategy<Value = Event> {
    let node = || 1..=5_u8;
    let list = prop::sample::select(vec!["instances", "zones", "records", "checks"]);
    let trouble = prop::option::of(prop::sample::select(vec!["Unreachable", "Denied", "Empty"]));
    let call = prop::sample::select(vec!["CreateHealthCheck", "ChangeResource", "DeleteHealthCheck", ":"]);
    let fault = prop::sample::select(vec!["Unreachable", "Throttled", "Quota", "Denied", "Server"]);
    prop_oneof![
        2 => node().prop_map(Event::Join),
        2 => node().prop_map(Event::Leave),
        2 => (node(), any::<bool>()).prop_map(|(node, on)| Event::Cordon(node, on)),
        2 => (node(), any::<bool>()).prop_map(|(node, on)| Event::Serve(node, on)),
        1 => (list, trouble).prop_map(|(list, trouble)| Event::List(list, trouble)),
        2 => (call, fault, any::<bool>()).prop_map(|(call, fault, applied)| {
            let ambiguous = matches!(fault, "Unreachable" | "Server");
            Event::Fault { call, fault, applied: applied && ambiguous }
        }),
        1 => (0..8_usize).prop_map(Event::Tamper),
        1 => (1..=10_u8).prop_map(Event::Threshold),
        8 => (0..2_usize, prop::sample::select(vec![0, 10, 70, 200]))
            .prop_map(|(leader, seconds)| Event::Live { leader, seconds }),
        1 => (0..2_usize, 0..4_usize).prop_map(|(leader, calls)| Event::Crash { leader, calls }),
        1 => Just(Event::Late),
    ]
}

/// Three nodes, two domains, and records of somebody else: at one apex they are in the way of ours.
fn declared(adopt: bool) -> State {
    let node = |n: u8| (format!("n{n}"), json!({"instance": format!("i-{n}")}));
    let instance = |n: u8| (format!("i-{n}"), json!({"public": format!("203.0.113.{n}")}));
    let theirs = json!({
        "apex": {"name": "old.net", "type": "A", "ttl": 300, "values": ["198.51.100.1"]},
        "mail": {"name": "old.net", "type": "MX", "ttl": 300, "values": ["10 mail.old.net"]},
    });
    serde_json::from_value(json!({
        "cluster": {
            "domains": [{"name": "site.com", "default": true}, {"name": "old.net"}],
            "nodes": {"selector": {"matchLabels": {"flynn.io/router": ""}}},
            "aws": {"region": "us-east-1", "dns": {"adopt": adopt}},
        },
        "nodes": (1..=3).map(node).collect::<BTreeMap<String, Value>>(),
        "aws": {
            "syncSeconds": 15,
            "instances": (1..=5).map(instance).collect::<BTreeMap<String, Value>>(),
            "zones": {"Z1": {"name": "site.com"}, "Z2": {"name": "old.net", "records": theirs}},
        },
    }))
    .unwrap()
}

fn happen(event: &Event, world: &mut World, leaders: &mut [Leader; 2]) {
    let mut state = world.state.clone();
    match event {
        Event::Join(n) => {
            let node = serde_json::from_value(json!({"instance": format!("i-{n}")})).unwrap();
            state.nodes.entry(format!("n{n}")).or_insert(node);
        }
        Event::Leave(n) => drop(state.nodes.remove(&format!("n{n}"))),
        Event::Cordon(n, on) => {
            state.nodes.get_mut(&format!("n{n}")).into_iter().for_each(|node| node.cordoned = *on);
        }
        Event::Serve(n, on) => {
            state
                .aws
                .instances
                .get_mut(&format!("i-{n}"))
                .into_iter()
                .for_each(|machine| machine.serves = *on);
        }
        Event::List(list, None) => drop(state.lists.remove(*list)),
        Event::List(list, Some(trouble)) => {
            drop(state.lists.insert((*list).to_owned(), (*trouble).to_owned()));
        }
        Event::Fault { call, fault, applied } => {
            let (call, fault) = ((*call).to_owned(), (*fault).to_owned());
            state.faults.push(Planned { call, fault, applied: *applied, times: 1 });
        }
        Event::Tamper(n) => tamper(&mut state, *n, world),
        Event::Threshold(threshold) => {
            let dns = state.cluster.aws.as_mut().and_then(|aws| aws.dns.as_mut());
            dns.into_iter().for_each(|dns| dns.health_check.failure_threshold = *threshold);
        }
        Event::Live { leader, seconds } => {
            leaders[*leader].run(world);
            return leaders[*leader].live(world, *seconds);
        }
        Event::Crash { leader, calls } => {
            let plan = leaders[*leader].look(world);
            leaders[*leader].make(world, &plan, *calls);
            leaders[*leader] = Leader::default();
            return;
        }
        Event::Late => {
            let [late, other] = leaders;
            let plan = late.look(world);
            other.run(world);
            late.make(world, &plan, usize::MAX);
            return;
        }
    }
    world.take(state);
}

fn tamper(state: &mut State, n: usize, world: &World) {
    for zone in state.aws.zones.values_mut() {
        let is_ours = |record: &Record| record.identifier.as_ref().is_some_and(|id| world.owner.owns_set(id));
        let ours: Vec<String> =
            zone.records.iter().filter(|(_, record)| is_ours(record)).map(|(key, _)| key.clone()).collect();
        let Some(key) = ours.get(n) else { continue };
        if n.is_multiple_of(2) {
            zone.records.remove(key);
        } else {
            zone.records.get_mut(key).into_iter().for_each(|record| record.ttl = Some(7));
        }
    }
}

/// The troubles end, all nodes serve, and time passes.
fn settle(world: &mut World, leaders: &mut [Leader; 2]) {
    let mut state = world.state.clone();
    state.faults.clear();
    state.lists.clear();
    state.aws.instances.values_mut().for_each(|machine| machine.serves = true);
    state.nodes.values_mut().for_each(|node| node.cordoned = false);
    if state.nodes.is_empty() {
        let node = serde_json::from_value(json!({"instance": "i-5"})).unwrap();
        state.nodes.insert("n5".to_owned(), node);
    }
    world.take(state);
    leaders[1].run(world);
    leaders[0].run(world);
    leaders[0].live(world, LONG);
}

/// The records of ours at the apexes, as `name value`.
fn named(world: &World) -> BTreeSet<String> {
    let records = world.state.aws.zones.values().flat_map(|zone| zone.records.values());
    let ours = records.filter(|record| record.identifier.as_ref().is_some_and(|id| world.owner.owns_set(id)));
    ours.filter(|record| record.type_ == "A")
        .map(|record| format!("{} {}", record.name, record.values[0]))
        .collect()
}

fn wanted(world: &World, adopt: bool) -> BTreeSet<String> {
    let domains = if adopt { vec!["site.com", "old.net"] } else { vec!["site.com"] };
    let address = |name: &String| format!("203.0.113.{}", &name[1..]);
    let of = |domain: &str| {
        world.state.nodes.keys().map(|name| format!("{domain} {}", address(name))).collect::<Vec<_>>()
    };
    domains.into_iter().flat_map(of).collect()
}

fn others(aws: &Account, world: &World) -> BTreeMap<String, Record> {
    let records = aws.zones.iter().flat_map(|(id, zone)| {
        zone.records.iter().map(move |(key, record)| (format!("{id} {key}"), record.clone()))
    });
    records
        .filter(|(_, record)| !record.identifier.as_ref().is_some_and(|id| world.owner.owns_set(id)))
        .collect()
}

impl World {
    /// A change of records leaves others' as they are, unless they are adopted, and half of our addresses of a name at least.
    pub(crate) fn judge_records(&mut self, before: &Account, call: &str) {
        let adopts =
            self.state.cluster.aws.as_ref().and_then(|aws| aws.dns.as_ref()).is_some_and(|dns| dns.adopt);
        let (was, is) = (others(before, self), others(&self.state.aws, self));
        let kept = |(key, record): (&String, &Record)| is.get(key) == Some(record);
        let kept_all = was
            .iter()
            .filter(|(_, record)| !(adopts && ["A", "AAAA", "CNAME"].contains(&&*record.type_)))
            .all(kept);
        if !kept_all || is.len() > was.len() {
            self.violations.push(format!("{call} changed a record of somebody else"));
        }
        if self.state.deleting {
            return;
        }
        for domain in &self.state.cluster.domains {
            let count = |aws: &Account| {
                let records = aws.zones.values().flat_map(|zone| zone.records.values());
                let of_domain = records.filter(|record| record.name == domain.name && record.type_ == "A");
                of_domain
                    .filter(|record| record.identifier.as_ref().is_some_and(|id| self.owner.owns_set(id)))
                    .count()
            };
            let (was, is) = (count(before), count(&self.state.aws));
            if is < was.div_ceil(2) {
                self.violations.push(format!("{call} left {} with {is} of {was} addresses", domain.name));
            }
        }
    }
}
