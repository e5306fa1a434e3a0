//! The table answers like the specification read aloud, however it came about.
//!
//! `naive` is written straight from the rules of hosts and paths, with strings and no index. Random configurations and
//! requests are answered by both; and a table that random changes were applied to answers like one that was compiled
//! from the end result.

use std::net::SocketAddr;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use router::{Explained, Handle};
use router_config::{Action, Config, Host, Redirect, Service};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_table_answers_like_the_specification(config in config(), requests in vec(request(), 1..40)) {
        let handle = Handle::new();
        handle.replace(&config);
        for (host, path) in requests {
            let answer = handle.explain(&host, &path);
            prop_assert_eq!(answer, naive(&config, &host, &path), "{} {}", host, path);
        }
    }

    #[test]
    fn a_changed_table_answers_like_one_made_from_scratch(
        configs in vec(config(), 2..6),
        requests in vec(request(), 1..40),
    ) {
        let changed = Handle::new();
        let mut held = Config::default();
        for config in &configs {
            changed.apply(held.diff(config));
            held = config.clone();
        }
        let scratch = Handle::new();
        let expected = scratch.replace(&held).faults;
        prop_assert_eq!(changed.replace(&held).faults, expected);
        for (host, path) in requests {
            prop_assert_eq!(changed.explain(&host, &path), scratch.explain(&host, &path), "{} {}", host, path);
        }
    }
}

/// The rules, without any cleverness.
fn naive(config: &Config, host: &str, path: &str) -> Explained {
    let host = host.to_lowercase();
    let mut candidates = vec![host.clone()];
    let labels: Vec<&str> = host.split('.').collect();
    for strips in 0..=4 {
        if strips < labels.len() {
            candidates.push(format!("*.{}", labels[strips..].join(".")));
        }
    }
    candidates.push("*".into());
    let Some((name, found)) = candidates.iter().find_map(|name| config.hosts.get_key_value(name)) else {
        return Explained::NotFound;
    };
    let host = name.clone();
    let wanted = segments(&decoded(path));
    let leading = found.paths.iter().filter(|(path, _)| wanted.starts_with(&segments(path.as_bytes())));
    match leading.max_by_key(|(path, _)| segments(path.as_bytes()).len()) {
        None => Explained::NotFound,
        Some((_, Action::Redirect(_))) => Explained::Redirected { host },
        Some((_, Action::Refuse { reason })) => Explained::Refused { host, reason: reason.clone() },
        Some((_, Action::Forward { service })) => match config.services.get(service) {
            None => Explained::Refused { host, reason: "the service is not in the configuration".into() },
            Some(service) => {
                let mut endpoints = service.endpoints.clone();
                endpoints.sort_unstable();
                endpoints.dedup();
                Explained::Forwarded { host, endpoints }
            }
        },
    }
}

fn decoded(path: &str) -> Vec<u8> {
    let mut rest = path.as_bytes();
    let mut out = Vec::new();
    while let Some(byte) = rest.first() {
        let digits = rest.get(1..3).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(decoded) if *byte == b'%' => {
                out.push(decoded);
                rest = &rest[3..];
            }
            _ => {
                out.push(*byte);
                rest = &rest[1..];
            }
        }
    }
    out
}

fn segments(path: &[u8]) -> Vec<Vec<u8>> {
    path.split(|byte| *byte == b'/').filter(|segment| !segment.is_empty()).map(<[u8]>::to_vec).collect()
}

fn config() -> impl Strategy<Value = Config> {
    let endpoint = (1u16..5).prop_map(|port| SocketAddr::from(([10, 0, 0, 1], port)));
    let service = vec(endpoint, 0..4).prop_map(|endpoints| Service { endpoints });
    (btree_map(host_name(), host(), 0..12), btree_map(service_name(), service, 0..4))
        .prop_map(|(hosts, services)| Config { hosts, services, ..Config::default() })
}

fn host() -> impl Strategy<Value = Host> {
    btree_map(path(), action(), 0..6).prop_map(|paths| Host { paths, ..Host::default() })
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        6 => service_name().prop_map(|service| Action::Forward { service }),
        1 => Just(Action::Redirect(Redirect::default())),
        1 => service_name().prop_map(|reason| Action::Refuse { reason }),
    ]
}

fn service_name() -> impl Strategy<Value = String> {
    select(&["p", "q", "r", "s"][..]).prop_map(str::to_owned)
}

/// Names of one to four labels, so that wildcards meet names that they just reach and just miss.
fn host_name() -> impl Strategy<Value = String> {
    let wildcard = prop_oneof![2 => Just(""), 2 => Just("*.")];
    prop_oneof![
        8 => (wildcard, labels(1..4)).prop_map(|(start, name)| format!("{start}{name}")),
        1 => Just("*".to_owned()),
    ]
}

fn labels(count: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    vec(select(&["a", "b"][..]), count).prop_map(|labels| labels.join("."))
}

/// With a slash at the end, so that no path is there twice.
fn path() -> impl Strategy<Value = String> {
    vec(select(&["a", "b", "..", "a;b", "%"][..]), 0..4).prop_map(|segments| {
        segments.iter().fold("/".to_owned(), |path, segment| format!("{path}{segment}/"))
    })
}

fn request() -> impl Strategy<Value = (String, String)> {
    let host = prop_oneof![
        9 => labels(1..8),
        2 => labels(1..8).prop_map(|name| name.to_uppercase()),
        1 => select(&["", "*.a.b", "a.", ".a", "*"][..]).prop_map(str::to_owned),
    ];
    let piece = select(
        &["/", "/", "/", "a", "b", "..", "%61", "%2F", "%2f", "a;b", "%25", "%", "%6", "%zz", "A", "é"][..],
    );
    (host, vec(piece, 0..12).prop_map(|pieces| format!("/{}", pieces.concat())))
}
