//! The laws of addresses: whatever happens, nothing of somebody else is changed and no address that is published is released or taken from its node;
//! and when nothing happens any more, each node has one address, none is left over, and no call is made.
//!
//! A few nodes and leaders stand for many. Each call is judged when it is made (`World::make`). `PROPTEST_RNG_SEED` tells the seed; without it the
//! histories are the same in every run.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::json;

use crate::account::{Account, Eip, Machine, On};
use crate::leader::Leader;
use crate::world::{Node, Planned, State, World};

/// How long everything is given to settle: longer than any wait.
const LONG: i64 = 1_800;

fn config(cases: u32) -> ProptestConfig {
    let default = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    match default.rng_seed {
        RngSeed::Random => ProptestConfig { rng_seed: RngSeed::Fixed(6), ..default },
        RngSeed::Fixed(_) => default,
    }
}

proptest! {
    #![proptest_config(config(96))]

    #[test]
    fn whatever_happens_nothing_is_lost_and_at_the_end_each_node_has_one_address(
        dns in any::<bool>(),
        adopt in any::<bool>(),
        events in prop::collection::vec(event(), 1..30),
    ) {
        let mut world = World::new(declared(dns, adopt));
        let mut leaders = [Leader::default(), Leader::default()];
        for event in &events {
            happen(event, &mut world, &mut leaders);
            prop_assert!(world.violations.is_empty(), "{:?}\n{:#?}", world.violations, world.journal);
        }
        settle(&mut world, &mut leaders);
        prop_assert!(world.violations.is_empty(), "{:?}\n{:#?}", world.violations, world.journal);
        prop_assert_eq!(faults(&world), Vec::<String>::new(), "{:#?}", world.journal);
        let calls = leaders[0].look(&mut world).calls;
        prop_assert!(calls.is_empty(), "{calls:?} after {:#?}", world.journal);
    }

    #[test]
    fn whatever_happened_a_deletion_leaves_nothing_of_ours_and_everything_else(
        dns in any::<bool>(),
        events in prop::collection::vec(event(), 1..20),
    ) {
        let mut world = World::new(declared(dns, true));
        let mut leaders = [Leader::default(), Leader::default()];
        events.iter().for_each(|event| happen(event, &mut world, &mut leaders));
        let theirs = others(&world);
        let mut state = world.state.clone();
        state.deleting = true;
        world.take(state);
        settle(&mut world, &mut leaders);
        prop_assert!(world.violations.is_empty(), "{:?}\n{:#?}", world.violations, world.journal);
        prop_assert!(leaders[0].look(&mut world).report.undone, "{:#?}", world.journal);
        prop_assert_eq!(others(&world), theirs);
        prop_assert_eq!(ours(&world), BTreeMap::new());
    }
}

/// What happens.
#[derive(Debug, Clone)]
enum Event {
    /// A node joins, or comes back; its instance is new if the last one is gone.
    Join(u8),
    /// A node leaves; its instance goes on.
    Leave(u8),
    /// A node's instance comes into this state.
    Become(u8, &'static str),
    Cordon(u8, bool),
    Serve(u8, bool),
    /// A list fails, or comes back empty.
    List(&'static str, Option<&'static str>),
    /// The next calls fail: before they are carried out, or after.
    Fault {
        call: &'static str,
        fault: &'static str,
        applied: bool,
        times: u32,
    },
    /// Somebody takes an address from its instance.
    Take(usize),
    /// Somebody associates an address of their own with a node that has none.
    Occupy(u8),
    /// A leader lives for a while.
    Live {
        leader: usize,
        seconds: i64,
    },
    /// A leader stops after so many calls, and another process begins without its memory.
    Crash {
        leader: usize,
        calls: usize,
    },
    /// One leader looks, and makes its calls only after the other one has made its own.
    Late,
}

fn event() -> impl Strategy<Value = Event> {
    let node = || 1..=4_u8;
    let state = prop::sample::select(vec!["Running", "Stopped", "Terminated", "Pending"]);
    let list = prop::sample::select(vec!["addresses", "instances", "zones", "records", "checks"]);
    let trouble = prop::option::of(prop::sample::select(vec!["Unreachable", "Denied", "Empty"]));
    let call = prop::sample::select(vec![
        "AllocateAddress",
        "AssociateAddress",
        "Disassociate",
        "Release",
        "ChangeResource",
        ":",
    ]);
    let fault = prop::sample::select(vec!["Unreachable", "Throttled", "Quota", "Denied", "Server"]);
    prop_oneof![
        3 => node().prop_map(Event::Join),
        1 => node().prop_map(Event::Leave),
        2 => (node(), state).prop_map(|(node, state)| Event::Become(node, state)),
        1 => (node(), any::<bool>()).prop_map(|(node, on)| Event::Cordon(node, on)),
        1 => (node(), any::<bool>()).prop_map(|(node, on)| Event::Serve(node, on)),
        1 => (list, trouble).prop_map(|(list, trouble)| Event::List(list, trouble)),
        2 => (call, fault, prop_oneof![1..4_u32, Just(60)]).prop_flat_map(|(call, fault, times)| {
            let ambiguous = matches!(fault, "Unreachable" | "Server");
            any::<bool>().prop_map(move |applied| Event::Fault { call, fault, applied: applied && ambiguous, times })
        }),
        1 => (0..4_usize).prop_map(Event::Take),
        1 => node().prop_map(Event::Occupy),
        6 => (0..2_usize, prop::sample::select(vec![0, 10, 60, 200]))
            .prop_map(|(leader, seconds)| Event::Live { leader, seconds }),
        2 => (0..2_usize, 0..4_usize).prop_map(|(leader, calls)| Event::Crash { leader, calls }),
        1 => Just(Event::Late),
    ]
}

pub(crate) fn declared(dns: bool, adopt: bool) -> State {
    let mut aws = json!({"region": "us-east-1", "elasticIPs": {"adopt": adopt}});
    if dns {
        aws["dns"] = json!({});
    }
    let cluster = json!({
        "domains": [{"name": "site.com"}],
        "nodes": {"selector": {"matchLabels": {"flynn.io/router": ""}}},
        "aws": aws,
    });
    let account = json!({
        "quota": 100, "lagSeconds": 5, "syncSeconds": 15,
        "addresses": {"eipalloc-theirs": {"address": "198.51.100.200"}, "eipalloc-other": {"address": "198.51.100.201", "owner": "uid-other"}},
        "zones": {"Z1": {"name": "site.com"}},
    });
    serde_json::from_value(json!({"cluster": cluster, "aws": account})).unwrap()
}

fn happen(event: &Event, world: &mut World, leaders: &mut [Leader; 2]) {
    let mut state = world.state.clone();
    match event {
        Event::Join(n) => join(&mut state, *n),
        Event::Leave(n) => drop(state.nodes.remove(&name(*n))),
        Event::Become(n, word) => {
            if let Some(machine) = machine(&mut state, *n).filter(|machine| machine.state != "Terminated") {
                machine.state = (*word).to_owned();
            }
        }
        Event::Cordon(n, on) => {
            state.nodes.get_mut(&name(*n)).into_iter().for_each(|node| node.cordoned = *on);
        }
        Event::Serve(n, on) => machine(&mut state, *n).into_iter().for_each(|machine| machine.serves = *on),
        Event::List(list, None) => drop(state.lists.remove(*list)),
        Event::List(list, Some(trouble)) => {
            state.lists.insert((*list).to_owned(), (*trouble).to_owned());
        }
        Event::Fault { call, fault, applied, times } => {
            let (call, fault) = ((*call).to_owned(), (*fault).to_owned());
            state.faults.push(Planned { call, fault, applied: *applied, times: *times });
        }
        Event::Take(n) => {
            let owned = state.aws.addresses.values_mut().filter(|eip| eip.owner.is_some());
            owned.skip(*n).take(1).for_each(|eip| eip.on = None);
        }
        Event::Occupy(n) => occupy(&mut state, *n),
        Event::Live { leader, seconds } => {
            leaders[*leader].run(world);
            return leaders[*leader].live(world, *seconds);
        }
        Event::Crash { leader, calls } => {
            let leader = &mut leaders[*leader];
            let plan = leader.look(world);
            leader.make(world, &plan, *calls);
            *leader = Leader::default();
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

fn name(n: u8) -> String {
    format!("n{n}")
}

fn join(state: &mut State, n: u8) {
    let gone = |id: &String| state.aws.instances.get(id).is_none_or(|machine| machine.state == "Terminated");
    let known = state.nodes.get(&name(n)).and_then(|node| node.instance.clone()).filter(|id| !gone(id));
    let id = known.unwrap_or_else(|| format!("i-{n}{}", state.aws.instances.len()));
    state.aws.instances.entry(id.clone()).or_default();
    state.nodes.insert(name(n), Node { instance: Some(id), ..Node::default() });
}

fn machine(state: &mut State, n: u8) -> Option<&mut Machine> {
    let id = state.nodes.get(&name(n))?.instance.clone()?;
    state.aws.instances.get_mut(&id)
}

fn occupy(state: &mut State, n: u8) {
    let Some(instance) = state.nodes.get(&name(n)).and_then(|node| node.instance.clone()) else { return };
    let on_it = |eip: &Eip| eip.on.as_ref().is_some_and(|on| on.instance.as_ref() == Some(&instance));
    if state.aws.addresses.values().any(on_it) || !state.aws.instances.contains_key(&instance) {
        return;
    }
    let theirs = state.aws.addresses.get_mut("eipalloc-theirs").expect("it is never released");
    theirs.on.get_or_insert(On { instance: Some(instance), ..On::default() });
}

/// The troubles end, nodes that can serve do, and time passes.
fn settle(world: &mut World, leaders: &mut [Leader; 2]) {
    let mut state = world.state.clone();
    state.faults.clear();
    state.lists.clear();
    for machine in state.aws.instances.values_mut().filter(|machine| machine.state != "Terminated") {
        machine.state = "Running".to_owned();
        machine.serves = true;
    }
    world.take(state);
    leaders[1].run(world);
    leaders[0].run(world);
    leaders[0].live(world, LONG);
}

fn is_ours(world: &World, eip: &Eip) -> bool {
    eip.owner.as_deref() == Some(&*world.owner.uid)
}

pub(crate) fn ours(world: &World) -> BTreeMap<String, Eip> {
    let all = world.state.aws.addresses.clone();
    all.into_iter().filter(|(_, eip)| is_ours(world, eip)).collect()
}

fn others(world: &World) -> BTreeMap<String, Eip> {
    let all = world.state.aws.addresses.clone();
    all.into_iter().filter(|(_, eip)| !is_ours(world, eip)).collect()
}

/// What is not as it should be: a node that runs without one address, or an address of ours without a node.
pub(crate) fn faults(world: &World) -> Vec<String> {
    let Account { instances, addresses, .. } = &world.state.aws;
    let on = |eip: &Eip| eip.on.as_ref().and_then(|on| on.instance.clone());
    let running = world.state.nodes.iter().filter_map(|(name, node)| Some((name, node.instance.clone()?)));
    let running =
        running.filter(|(_, id)| instances.get(id).is_some_and(|machine| machine.state == "Running"));
    let mut wanted: Vec<String> = Vec::new();
    let mut faults: Vec<String> = Vec::new();
    for (name, instance) in running {
        let count = addresses.values().filter(|eip| on(eip).as_ref() == Some(&instance)).count();
        if count != 1 {
            faults.push(format!("{name} has {count} addresses"));
        }
        wanted.push(instance);
    }
    // DNS is never emptied: the last record stays, and so does its address.
    let published = world.state.aws.published(&world.owner);
    let idle = ours(world).into_iter().filter(|(_, eip)| {
        on(eip).is_none_or(|id| !wanted.contains(&id)) && !published.contains(&eip.address.into())
    });
    if !world.state.nodes.is_empty() {
        faults.extend(idle.map(|(id, _)| format!("{id} is left over")));
    }
    faults
}
