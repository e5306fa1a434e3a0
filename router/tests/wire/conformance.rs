//! The rows of Flynn's own router tests (flynn-compat 1.19), on our sockets.
//!
//! Each test is named after the behaviour and says its row in its doc comment. Many rows are beside their subject
//! instead (`headers.rs`, `routing.rs`, `upgrades.rs`, `endpoints.rs`, `bodies.rs`, `tls.rs`); here are those about
//! what changes while clients stay. A test below reads all of them and misses none.

mod changes;
mod connections;
mod paths;
mod proxy_protocol;
mod sticky;
mod tcp;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The rows that a file's doc comments name.
fn rows(file: &Path, found: &mut BTreeSet<u32>) {
    let text = fs::read_to_string(file).unwrap();
    for line in text.lines().map(str::trim_start).filter(|line| line.starts_with("///")) {
        let words = line.split(|letter: char| !letter.is_ascii_alphanumeric());
        found.extend(words.filter_map(|word| word.strip_prefix('T')?.parse::<u32>().ok()));
    }
}

fn walk(folder: &Path, found: &mut BTreeSet<u32>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            rows(&path, found);
        }
    }
}

#[test]
fn every_row_of_flynns_tests_has_a_test_here() {
    let mut found = BTreeSet::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire"), &mut found);
    let missing: Vec<_> = (1..=48).filter(|row| !found.contains(row)).collect();
    assert_eq!(missing, [0_u32; 0]);
}
