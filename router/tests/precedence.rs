//! The table answers like the specification read aloud, however it came about.
//!
//! `naive` knows the rules of hosts and paths and nothing else. Random configurations and
//! requests are answered by both; and a table that random changes were applied to answers like one that was compiled
//! from the end result.

#[path = "precedence/naive.rs"]
mod naive;

use std::net::SocketAddr;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use router::{Explained, Explanation, Handle, Outcome, Question};
use router_config::{Action, Config, Forward, Host, Redirect, Service};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_table_answers_like_the_specification(config in config(), requests in vec(request(), 1..40)) {
        let handle = Handle::new();
        handle.replace(&config);
        for (host, path) in requests {
            let answer = handle.explain(&host, &path);
            prop_assert_eq!(answer, naive::answer(&config, &host, &path), "{} {}", host, path);
        }
    }

    #[test]
    fn a_trace_tells_what_the_specification_says(config in config(), requests in vec(request(), 1..40)) {
        let handle = Handle::new();
        handle.replace(&config);
        for (host, path) in requests {
            // What is no request at all is refused before any table is asked.
            let Ok(told) = handle.trace(&Question::get(&format!("http://{host}{path}"))) else { continue };
            if matches!(told.outcome, Outcome::Refused { status: Some(400), .. }) {
                continue;
            }
            let expected = naive::answer(&config, &host, &path);
            prop_assert!(agrees(&told, &expected), "{} {}: {:?} and {:?}", host, path, told, expected);
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

/// Whether a trace says the same in other words.
fn agrees(told: &Explanation, expected: &Explained) -> bool {
    let entry = told.host.as_ref().map(|host| host.pattern.as_str());
    match (&told.outcome, expected) {
        (Outcome::Refused { status: Some(404), .. }, Explained::NotFound) => true,
        (Outcome::Refused { status: Some(503), .. }, Explained::Forwarded { host, endpoints }) => {
            entry == Some(host) && endpoints.is_empty()
        }
        (Outcome::Forwarded { endpoints: told, .. }, Explained::Forwarded { host, endpoints }) => {
            entry == Some(host) && told.iter().map(|endpoint| endpoint.address).eq(endpoints.iter().copied())
        }
        (Outcome::Redirected { .. }, Explained::Redirected { host })
        | (Outcome::Answered { .. }, Explained::Status { host }) => entry == Some(host),
        (Outcome::Refused { status: Some(503), reason: told }, Explained::Refused { host, reason }) => {
            entry == Some(host) && told == reason
        }
        _ => false,
    }
}

fn config() -> impl Strategy<Value = Config> {
    let endpoint = (1u16..5).prop_map(|port| SocketAddr::from(([10, 0, 0, 1], port)));
    let service = vec(endpoint, 0..4).prop_map(|endpoints| Service { endpoints, ..Service::default() });
    (btree_map(host_name(), host(), 0..12), btree_map(service_name(), service, 0..4))
        .prop_map(|(hosts, services)| Config { hosts, services, ..Config::default() })
}

fn host() -> impl Strategy<Value = Host> {
    btree_map(path(), action(), 0..6).prop_map(|paths| Host { paths, ..Host::default() })
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        6 => service_name().prop_map(|service| Action::Forward(Forward::to(service))),
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
