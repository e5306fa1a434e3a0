//! The short run: seeded changes of the seeds in `router/fuzz/seeds`, the same ones every time.
//!
//! `FUZZ_ROUNDS=1000000` tries more, `FUZZ_SEED=7` others.

use std::fs;
use std::path::Path;

use fastrand::Rng;

/// Inputs for a parser: about a second.
const ROUNDS: u64 = 20_000;

/// Inputs from which tables are made, which takes longer.
const TABLES: u64 = 1_000;

/// Bytes that mean something to some parser.
const TOKENS: [&[u8]; 24] = [
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b" ",
    b"\t",
    b":",
    b";",
    b",",
    b"0",
    b"/",
    b"*",
    b"%",
    b"_",
    b"+",
    b"-",
    b"=",
    b"\"",
    b"\x7f",
    b"\xff",
    b"chunked",
    b"Transfer-Encoding: ",
    b"Content-Length: ",
    b"Connection: ",
];

#[test]
fn a_request_is_read_as_others_read_it() {
    run("request", super::request, ROUNDS);
}

#[test]
fn a_response_is_read_as_others_read_it() {
    run("response", super::response, ROUNDS);
}

#[test]
fn chunks_are_read_as_the_grammar_says() {
    run("chunks", super::chunks, ROUNDS);
}

#[test]
fn a_proxy_header_is_decided_once() {
    run("proxy_protocol", super::proxy_protocol, ROUNDS);
}

#[test]
fn no_cookie_is_believed_but_the_routers() {
    run("cookie", super::cookie, ROUNDS);
}

#[test]
fn a_configuration_is_served_or_blamed() {
    run("configuration", super::configuration, TABLES);
}

#[test]
fn a_lookup_answers_as_the_rules_say() {
    run("lookup", super::lookup, TABLES);
}

#[test]
fn changes_end_where_their_last_configuration_starts() {
    run("changes", super::changes, TABLES);
}

fn run(target: &str, body: fn(&[u8]), rounds: u64) {
    let from_env = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let rounds = from_env("FUZZ_ROUNDS").unwrap_or(rounds);
    let mut random = Rng::with_seed(from_env("FUZZ_SEED").unwrap_or(1));
    let seeds = seeds(target);
    for seed in &seeds {
        tried(seed, body);
    }
    for _ in 0..rounds {
        tried(&mutated(&seeds, &mut random), body);
    }
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort_unstable();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// Shows the input of a body that panics.
fn tried(input: &[u8], body: fn(&[u8])) {
    struct Shown<'a>(&'a [u8]);
    impl Drop for Shown<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("the input: \"{}\"", self.0.escape_ascii());
            }
        }
    }
    let shown = Shown(input);
    body(shown.0);
}

fn mutated(seeds: &[Vec<u8>], random: &mut Rng) -> Vec<u8> {
    let mut input = seeds[random.usize(..seeds.len())].clone();
    for _ in 0..random.u8(1..=5) {
        mutate(&mut input, seeds, random);
    }
    input
}

fn mutate(input: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Rng) {
    let place = random.usize(..=input.len());
    let end = (place + random.usize(..16)).min(input.len());
    match random.u8(..6) {
        0 if place < input.len() => input[place] = random.u8(..),
        1 if place < input.len() => input[place] ^= 1 << random.u8(..8),
        2 => drop(input.drain(place..end)),
        3 => {
            let copy = input[place..end].to_vec();
            input.splice(place..place, copy);
        }
        4 => {
            let other = &seeds[random.usize(..seeds.len())];
            let start = random.usize(..=other.len());
            let part = &other[start..(start + random.usize(..64)).min(other.len())];
            input.splice(place..end, part.iter().copied());
        }
        _ => {
            let token = TOKENS[random.usize(..TOKENS.len())];
            input.splice(place..place, token.iter().copied());
        }
    }
}
