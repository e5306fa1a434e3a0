//! The law of planning: any order of edits, planned incrementally, ends where planning from scratch ends.
//!
//! A model API holds the objects (`laws/model.rs`); every write that a step asks for is carried out in it and seen again,
//! as a watch would show it. A few names, hosts and Secrets stand for many, so that edits meet (`laws/edits.rs`).

#![allow(clippy::unwrap_used, missing_docs, reason = "a test may panic")]

#[path = "laws/edits.rs"]
mod edits;
#[path = "laws/model.rs"]
mod model;

use edits::edit;
use model::{Model, SYSTEM, now, typed};
use plan::{Kind, Role};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn incremental_planning_ends_where_planning_from_scratch_ends(edits in prop::collection::vec(edit(), 1..40)) {
        for role in [Role::Leader, Role::Node] {
            let incremental = Model::after(role, &edits);
            let mut scratch = Model::new(role);
            for object in incremental.objects.values() {
                scratch.planner.put(typed(object));
            }
            let step = scratch.planner.step(now());
            scratch.table.apply(step.table);
            prop_assert_eq!(&scratch.table, &incremental.table);
        }
    }

    #[test]
    fn what_has_settled_stays_when_everything_is_planned_again(edits in prop::collection::vec(edit(), 1..40)) {
        let mut model = Model::after(Role::Leader, &edits);
        model.planner.touch_all();
        let step = model.planner.step(now());
        prop_assert!(step.table.is_empty(), "{:?}", step.table);
        prop_assert!(step.statuses.is_empty(), "{:?}", step.statuses);
        prop_assert!(step.objects.is_empty(), "{:?}", step.objects);
    }

    #[test]
    fn leader_and_node_come_to_the_same_table(edits in prop::collection::vec(edit(), 1..40)) {
        let leader = Model::after(Role::Leader, &edits);
        let mut node = Model::new(Role::Node);
        let seen = leader.objects.iter().filter(|((kind, key), _)| *kind != Kind::Secret || key.namespace == SYSTEM);
        for (_, object) in seen {
            node.planner.put(typed(object));
        }
        node.settle();
        prop_assert_eq!(&leader.table, &node.table);
    }
}
