//! The golden cases: Kubernetes objects in, what the planner makes of them out. They are its readable specification.
//!
//! `cases/<case>/in.yaml` begins with a comment that states the rule, then has the objects that exist (`golden/given.rs`);
//! `out.yaml` is what comes of them (`golden/outcome.rs`). A story goes on in `in-2.yaml`, and `out-2.yaml` has what that
//! changes. `make golden` writes the outputs anew: read the difference before committing it.

#![allow(clippy::disallowed_methods, reason = "a test reads its cases")]
#![allow(clippy::unwrap_used, missing_docs, reason = "a test may panic")]

#[path = "golden/given.rs"]
mod given;
#[path = "golden/outcome.rs"]
mod outcome;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use plan::{Platform, Simulation, Write};
use serde_json::Value;
use similar_asserts::SimpleDiff;

use given::{Edit, Given, Shown};
use outcome::{Outcome, Status, name_of};

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases");

#[test]
fn every_case_comes_out_as_written() {
    let cases = folders(Path::new(CASES));
    assert!(!cases.is_empty(), "there is no case in {CASES}");
    let differing: usize = cases.iter().map(|folder| differences(folder)).sum();
    assert_eq!(differing, 0, "outputs differ; if the new ones are right, write them with `make golden`");
}

/// Plays a case and counts the stages that come out otherwise than written.
fn differences(folder: &Path) -> usize {
    let mut story = Story::begin(platform_of(folder));
    let stages = (1..).map(|stage| match stage {
        1 => ("in.yaml".to_owned(), "out.yaml".to_owned()),
        _ => (format!("in-{stage}.yaml"), format!("out-{stage}.yaml")),
    });
    let stages = stages.map(|(given, out)| (folder.join(given), folder.join(out)));
    stages.take_while(|(given, _)| given.exists()).filter(|(given, out)| !story.tell(given, out)).count()
}

/// The cases called `standalone-...` are about a machine without Kubernetes.
fn platform_of(folder: &Path) -> Platform {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    if name.starts_with("standalone-") { Platform::Standalone } else { Platform::Kubernetes }
}

fn folders(root: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<_> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|folder| folder.join("in.yaml").exists());
    folders.sort();
    folders
}

/// A world, and what is known of it after the stages told so far.
struct Story {
    simulation: Simulation,
    /// Every object as it was last given or wished for, so that a later stage can change a part of it.
    objects: BTreeMap<String, Value>,
    table: router_config::Config,
    statuses: BTreeMap<String, Status>,
}

impl Story {
    fn begin(platform: Platform) -> Self {
        Self {
            simulation: Simulation::new("2026-11-22T12:00:00Z".parse().unwrap()).on(platform),
            objects: BTreeMap::new(),
            table: router_config::Config::default(),
            statuses: BTreeMap::new(),
        }
    }

    /// Plays one stage, and says whether it comes out as written.
    fn tell(&mut self, given: &Path, out: &Path) -> bool {
        let given = Given::read(given);
        self.simulation.forget_writes();
        for edit in given.documents {
            self.apply(edit);
        }
        self.simulation.settle();
        let outcome = self.outcome(&given.shown);
        agrees(&outcome, out)
    }

    fn apply(&mut self, document: Value) {
        match given::edit(&mut self.objects, document) {
            Edit::Put(object) => self.simulation.put(object),
            Edit::Delete(kind, key) => self.simulation.delete(kind, &key),
        }
    }

    fn outcome(&mut self, shown: &Shown) -> Outcome {
        for wish in self.simulation.wishes() {
            let (kind, key) = wish.key();
            self.objects.insert(name_of(kind, &key), serde_json::to_value(wish).unwrap());
        }
        for (kind, key, write) in self.simulation.writes() {
            if write == Write::Delete {
                self.objects.remove(&name_of(kind, key));
            }
        }
        let outcome = Outcome::of(&self.simulation, &self.table, &self.statuses, shown);
        self.table = self.simulation.table().clone();
        let statuses = self.simulation.statuses();
        self.statuses.extend(statuses.map(|(kind, key, status)| (name_of(kind, key), Status::of(status))));
        outcome
    }
}

/// Whether the outcome is what the file says; the order of a map's keys and comments do not matter. With `UPDATE_GOLDEN`
/// the file is made to say it.
fn agrees(outcome: &Outcome, out: &Path) -> bool {
    let actual = outcome.to_yaml();
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
