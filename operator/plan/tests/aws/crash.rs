//! A process that dies at any single call, before or after AWS has carried it out, leaves nothing that the next one does not put right.
//!
//! One story of a Cluster's life is told once without a death, and then once for each of its calls and each of the two ways to die.

use jiff::SignedDuration;
use serde_json::json;

use crate::laws::{declared, faults, ours};
use crate::leader::Leader;
use crate::world::{Node, State, World};

/// What happens in a Cluster's life.
const CHAPTERS: [fn(&mut State); 5] = [
    |state| (1..=3).for_each(|n| join(state, n)),
    |state| {
        // n2 is replaced.
        state.nodes.remove("n2");
        state.aws.instances.get_mut("i-2").expect("it has joined").state = "Terminated".to_owned();
        join(state, 4);
    },
    |state| {
        // n1 leaves while its instance goes on, and another one comes.
        state.nodes.remove("n1");
        join(state, 5);
    },
    |state| {
        // Somebody takes an address from its instance, and n3 is cordoned.
        state
            .aws
            .addresses
            .values_mut()
            .filter(|eip| eip.owner.is_some())
            .take(1)
            .for_each(|eip| eip.on = None);
        state.nodes.get_mut("n3").expect("it has joined").cordoned = true;
    },
    |state| state.deleting = true,
];

#[test]
fn a_death_at_any_call_is_put_right_by_the_next_process() {
    for dns in [false, true] {
        let calls = live(dns, None).journal.len();
        assert!(calls > 10, "the story has only {calls} calls");
        for call in 0..calls {
            for carried_out in [false, true] {
                live(dns, Some((call, carried_out)));
            }
        }
    }
}

/// Tells the story, with a death or without, and looks after each chapter.
fn live(dns: bool, death: Option<(usize, bool)>) -> World {
    let mut world = World::new(declared(dns, false));
    let mut leader = Leader::default();
    world.dies = death;
    for (number, chapter) in CHAPTERS.into_iter().enumerate() {
        let mut state = world.state.clone();
        chapter(&mut state);
        world.take(state);
        settle(&mut world, &mut leader);
        let told = || format!("death {death:?}, dns {dns}, chapter {number}: {:#?}", world.journal);
        assert!(world.violations.is_empty(), "{:?}, {}", world.violations, told());
        if world.state.deleting {
            assert!(ours(&world).is_empty(), "{:?} is left, {}", ours(&world), told());
            assert!(leader.plan.as_ref().is_some_and(|plan| plan.report.undone), "{}", told());
        } else {
            assert_eq!(faults(&world), Vec::<String>::new(), "{}", told());
        }
    }
    world
}

/// Lets time pass until nothing has been called for longer than any wait.
fn settle(world: &mut World, leader: &mut Leader) {
    leader.run(world);
    let mut quiet_since = world.now;
    while world.now.duration_since(quiet_since) < SignedDuration::from_secs(400) {
        let calls = world.journal.len();
        leader.live(world, 10);
        if world.journal.len() > calls {
            quiet_since = world.now;
        }
    }
}

fn join(state: &mut State, n: u8) {
    let id = format!("i-{n}");
    state.aws.instances.insert(id.clone(), serde_json::from_value(json!({})).unwrap());
    state.nodes.insert(format!("n{n}"), Node { instance: Some(id), ..Node::default() });
}
