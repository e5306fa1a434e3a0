//! Laws of server-side apply and of managed fields.
//!
//! Some hold only where no map or list is empty: a real server, too, may keep a manager of a part that went with its last entry.

use patch::{FieldSet, Literal, PathElement};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::generate::{after, apply, full_object, object, schema, sets, update, writes, writes_of};

/// The part of an object to which a path leads.
fn find<'v>(object: &'v Value, path: &[PathElement]) -> Option<&'v Value> {
    path.iter().try_fold(object, |value, element| match element {
        PathElement::Field(name) => value.get(name),
        PathElement::Value(Literal(wanted)) => value.as_array()?.iter().find(|entry| *entry == wanted),
        PathElement::Key(keys) => value.as_array()?.iter().find(|entry| {
            keys.iter().all(|(name, Literal(wanted))| entry.get(name).unwrap_or(&json!("TCP")) == wanted)
        }),
        PathElement::Index(index) => value.get(usize::try_from(*index).ok()?),
    })
}

fn without_managed_fields(mut object: Value) -> Value {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("managedFields");
    }
    object
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_manager_manages_only_what_is_there(writes in writes_of(full_object())) {
        let object = after(&schema(), &writes);
        for (manager, set) in sets(&object) {
            for path in set.paths() {
                prop_assert!(find(&object, &path).is_some(), "{manager} manages {path}, which is not in {object}");
            }
        }
    }

    #[test]
    fn applying_twice_is_applying_once(writes in writes_of(full_object()), config in full_object()) {
        let (schema, live) = (schema(), after(&schema(), &writes));
        let live = live.get("spec").map(|_| &live);
        let once = apply(&schema, live, &config, "one", true, "2026-01-02T00:00:00Z").unwrap();
        let twice = apply(&schema, Some(&once), &config, "one", false, "2026-01-03T00:00:00Z").unwrap();
        prop_assert_eq!(once, twice);
    }

    #[test]
    fn what_is_applied_is_there(writes in writes_of(full_object()), config in full_object()) {
        let (schema, live) = (schema(), after(&schema(), &writes));
        let live = live.get("spec").map(|_| &live);
        let applied = apply(&schema, live, &config, "one", true, "2026-01-02T00:00:00Z").unwrap();
        for path in patch::fields(&schema, &config).paths() {
            prop_assert!(find(&applied, &path).is_some(), "{path} was applied, but is not in {applied}");
        }
        let set = sets(&applied).into_iter().find(|(manager, _)| manager == "\"one\" \"Apply\"");
        let expected = patch::fields(&schema, &config).difference(&FieldSet::from(["apiVersion", "kind", "metadata.name"]));
        prop_assert_eq!(set.map(|(_, set)| set).unwrap_or_default(), expected);
    }

    #[test]
    fn an_apply_without_force_takes_nothing_from_other_appliers(writes in writes(), config in object()) {
        let (schema, live) = (schema(), after(&schema(), &writes));
        if live.get("spec").is_none() {
            return Ok(());
        }
        let Ok(applied) = apply(&schema, Some(&live), &config, "one", false, "2026-01-02T00:00:00Z") else { return Ok(()) };
        let others = |manager: &str| manager.ends_with("\"Apply\"") && !manager.starts_with("\"one\"");
        for (manager, set) in sets(&live).into_iter().filter(|(manager, _)| others(manager)) {
            prop_assert!(sets(&applied).contains(&(manager.clone(), set)), "{manager} has lost fields: {live} became {applied}");
        }
    }

    #[test]
    fn giving_up_everything_undoes_the_first_apply_of_a_manager(writes in writes_of(full_object()), config in full_object()) {
        let (schema, live) = (schema(), after(&schema(), &writes));
        if live.get("spec").is_none() || live["metadata"]["managedFields"].is_null() {
            return Ok(());
        }
        let Ok(applied) = apply(&schema, Some(&live), &config, "other", false, "2026-01-02T00:00:00Z") else { return Ok(()) };
        let nothing = json!({"apiVersion": "example.com/v1", "kind": "Example", "metadata": {"name": "it"}});
        let undone = apply(&schema, Some(&applied), &nothing, "other", false, "2026-01-03T00:00:00Z").unwrap();
        prop_assert_eq!(sets(&undone), sets(&live));
    }

    #[test]
    fn an_update_that_changes_nothing_changes_no_manager(writes in writes()) {
        let (schema, live) = (schema(), after(&schema(), &writes));
        if live.get("spec").is_none() {
            return Ok(());
        }
        prop_assert_eq!(&update(&schema, Some(&live), &live, "other", "2026-01-02T00:00:00Z"), &live);
        // A client that knows nothing of managed fields does not lose them.
        let new = without_managed_fields(live.clone());
        prop_assert_eq!(update(&schema, Some(&live), &new, "other", "2026-01-02T00:00:00Z"), live);
    }

    #[test]
    fn who_changes_a_field_alone_manages_it(writes in writes(), new in object()) {
        let (schema, live) = (schema(), after(&schema(), &writes));
        if live.get("spec").is_none() || live["metadata"]["managedFields"].is_null() {
            return Ok(());
        }
        let updated = update(&schema, Some(&live), &new, "other", "2026-01-02T00:00:00Z");
        let sets = sets(&updated);
        let Some((_, mine)) = sets.iter().find(|(manager, _)| manager == "\"other\" \"Update\"") else { return Ok(()) };
        for (manager, theirs) in sets.iter().filter(|(manager, _)| manager != "\"other\" \"Update\"") {
            prop_assert!(mine.intersection(theirs).is_empty(), "{manager} manages what other has changed in {updated}");
        }
    }

    #[test]
    fn sets_survive_being_written(object in object()) {
        let set = patch::fields(&schema(), &object);
        prop_assert_eq!(FieldSet::from_json(&set.to_json()).unwrap(), set);
    }

    #[test]
    fn sets_are_sets(one in object(), two in object()) {
        let (one, two) = (patch::fields(&schema(), &one), patch::fields(&schema(), &two));
        prop_assert_eq!(one.union(&two), two.union(&one));
        prop_assert_eq!(one.intersection(&two), two.intersection(&one));
        prop_assert_eq!(&one.difference(&two).union(&one.intersection(&two)), &one);
        prop_assert!(one.difference(&two).intersection(&two).is_empty());
        prop_assert_eq!(one.union(&two).difference(&two), one.difference(&two));
    }
}
