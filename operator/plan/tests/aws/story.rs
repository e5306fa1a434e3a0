//! A golden case: stages of a story, and what comes of each.
//!
//! A stage is laid over the state (RFC 7396), so that a later one changes what the calls of the earlier ones have left. `seconds: N` lets time pass,
//! `restart: true` takes the leader's memory and probes first, and `show: [aws, records, status]` adds that to the calls and the findings.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use plan::Finding;
use plan::aws::Plan;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use similar_asserts::SimpleDiff;

use crate::account::Eip;
use crate::leader::Leader;
use crate::world::World;

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/aws-cases");

#[test]
fn every_story_ends_as_written() {
    let mut cases: Vec<PathBuf> = fs::read_dir(CASES).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.retain(|folder| folder.join("in.yaml").exists());
    cases.sort();
    assert!(!cases.is_empty(), "there is no case in {CASES}");
    let differing: usize = cases.iter().map(|folder| differences(folder)).sum();
    assert_eq!(differing, 0, "outputs differ; if the new ones are right, write them with UPDATE_GOLDEN=1");
}

/// What of a stage is no state.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Stage {
    seconds: i64,
    restart: bool,
    show: Option<Vec<String>>,
}

#[derive(Default, Serialize)]
struct Told {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    calls: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    drift: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    planned: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    associated: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    published: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    undone: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recheck: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    nodes: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    records: Vec<Value>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    aws: BTreeMap<String, String>,
}

/// Plays a case and counts the stages that come out otherwise than written.
fn differences(folder: &Path) -> usize {
    let mut told: Option<(World, Leader)> = None;
    let mut show = Vec::new();
    let mut differing = 0;
    for number in 1.. {
        let suffix = if number == 1 { String::new() } else { format!("-{number}") };
        let given = folder.join(format!("in{suffix}.yaml"));
        if !given.exists() {
            break;
        }
        let mut document: Value = serde_saphyr::from_str(&fs::read_to_string(&given).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", given.display()));
        let stage: Stage = serde_json::from_value(document.clone()).unwrap();
        for word in ["seconds", "restart", "show"] {
            document.as_object_mut().expect("a stage is a map").remove(word);
        }
        let (mut world, mut leader) = match told.take() {
            Some(before) => before,
            None => (World::new(Default::default()), Leader::default()),
        };
        let mut state = serde_json::to_value(&world.state).unwrap();
        merge(&mut state, &document);
        world.take(
            serde_json::from_value(state).unwrap_or_else(|error| panic!("{}: {error}", given.display())),
        );
        show = stage.show.unwrap_or(show);
        if stage.restart {
            leader = Leader::default();
            world.forget_probes();
        }
        let outcome = play(&mut world, &mut leader, stage.seconds, &show);
        assert!(world.violations.is_empty(), "{}: {:?}", given.display(), world.violations);
        differing += usize::from(!agrees(&outcome, &folder.join(format!("out{suffix}.yaml"))));
        told = Some((world, leader));
    }
    differing
}

fn play(world: &mut World, leader: &mut Leader, seconds: i64, show: &[String]) -> Told {
    world.journal.clear();
    leader.drift.clear();
    leader.run(world);
    leader.live(world, seconds);
    let plan = leader.plan.clone().expect("it has looked");
    tell(world, plan, leader.drift.clone(), show)
}

fn tell(world: &World, plan: Plan, drift: Vec<String>, show: &[String]) -> Told {
    let shows = |word: &str| show.iter().any(|shown| shown == word);
    let report = &plan.report;
    let seconds = |at: jiff::Timestamp| format!("{} s", at.duration_since(world.start).as_secs());
    Told {
        calls: world.journal.clone(),
        drift,
        planned: report.planned_calls.clone(),
        associated: report.associated.as_ref().map(finding),
        published: report.published.as_ref().map(finding),
        undone: world.state.deleting.then_some(report.undone),
        recheck: plan.recheck_at.map(seconds),
        nodes: report.addresses.iter().map(|node| serde_json::to_value(node).unwrap()).collect(),
        records: report.records.iter().map(|record| serde_json::to_value(record).unwrap()).collect(),
        aws: if shows("aws") { inventory(world) } else { BTreeMap::new() },
    }
}

fn finding(finding: &Finding) -> String {
    match finding {
        Ok(message) => format!("True: {message}"),
        Err(refusal) => format!("{}: {}", refusal.reason, refusal.message),
    }
}

/// What the account has, a line for each thing.
fn inventory(world: &World) -> BTreeMap<String, String> {
    let aws = &world.state.aws;
    let addresses = aws.addresses.iter().map(|(id, eip)| (id.clone(), line(eip)));
    let checks = aws.checks.iter().map(|(id, check)| (id.clone(), compact(&json!(check))));
    let records = aws.zones.iter().flat_map(|(id, zone)| {
        zone.records.iter().map(move |(key, record)| (format!("{id} {key}"), compact(&json!(record))))
    });
    addresses.chain(checks).chain(records).collect()
}

fn line(eip: &Eip) -> String {
    let owner = eip.owner.as_deref().unwrap_or("nobody");
    let on = eip.on.as_ref().and_then(|on| on.instance.as_deref()).unwrap_or("nothing");
    format!("{} of {owner} on {on}", eip.address)
}

fn compact(value: &Value) -> String {
    value.to_string().replace('"', "")
}

/// Whether the outcome is what the file says. With `UPDATE_GOLDEN` the file is made to say it.
fn agrees(outcome: &Told, out: &Path) -> bool {
    let actual = serde_saphyr::to_string(outcome).unwrap();
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(out, &actual).unwrap();
        return true;
    }
    let expected = fs::read_to_string(out).unwrap_or_default();
    let value = |text: &str| serde_saphyr::from_str::<Value>(text).unwrap_or_default();
    let equal = value(&expected) == value(&actual);
    if !equal {
        let name = out.strip_prefix(CASES).unwrap().display();
        println!("{name}\n{}", SimpleDiff::from_str(&expected, &actual, "written", "planned"));
    }
    equal
}

/// RFC 7396: a map is laid over a map, null takes a field away, anything else stands in its place.
fn merge(whole: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *whole = patch.clone();
        return;
    };
    if !whole.is_object() {
        *whole = json!({});
    }
    for (name, field) in fields {
        match field {
            Value::Null => drop(whole.as_object_mut().map(|whole| whole.remove(name))),
            field => merge(&mut whole[name], field),
        }
    }
}
