//! Lookups in a table, and changes of one, beside the rules without an index.
//!
//! The input is read as a list of choices: what hosts there are, then what is asked for. The names are few and short, so
//! that they meet.

use std::net::SocketAddr;

use router_config::{Action, Config, Forward, Host, Redirect, Service};

use super::naive;
use crate::Handle;
use crate::table::DEFAULT_PORTS;

/// Asks a table that the input describes.
///
/// # Panics
/// If it answers differently from the rules.
pub fn lookup(data: &[u8]) {
    let mut choices = Choices(data);
    let config = config(&mut choices);
    let handle = Handle::new();
    handle.replace(&config);
    while !choices.0.is_empty() {
        let (host, path) = (choices.name(8), choices.path());
        assert_eq!(handle.explain(&host, &path), naive::answer(&config, &host, &path), "{host} {path}");
        for port in [None, Some(8080), Some(9090)] {
            let table = handle.table();
            let found = table.host(host.as_bytes(), port.unwrap_or(DEFAULT_PORTS)).map(|host| &*host.name);
            let expected =
                naive::serving(&config, &host, port).map(|key| key.split(':').next().unwrap_or(key));
            assert_eq!(found, expected, "{host} on {port:?}");
        }
    }
}

/// Serves one configuration after the other.
///
/// # Panics
/// If what is served then is not what the last one says, or a difference is not one.
pub fn changes(data: &[u8]) {
    let mut choices = Choices(data);
    let (changed, merged) = (Handle::new(), Handle::new());
    let (mut held, mut all) = (Config::default(), router_config::Delta::default());
    for _ in 0..=choices.below(4) {
        let next = config(&mut choices);
        let delta = held.diff(&next);
        changed.apply(delta.clone());
        all.merge(delta.clone());
        held.apply(delta);
        assert_eq!(held, next, "apply(diff(a, b), a) is b");
        assert!(held.diff(&next).is_empty());
    }
    merged.apply(all);
    let scratch = Handle::new();
    let faults = scratch.replace(&held).faults;
    for handle in [&changed, &merged] {
        let before = handle.table().generation;
        let applied = handle.replace(&held);
        assert_eq!(applied.faults, faults);
        assert_eq!(applied.generation, before, "what is served already was published again");
    }
    while !choices.0.is_empty() {
        let (host, path) = (choices.name(8), choices.path());
        let expected = scratch.explain(&host, &path);
        assert_eq!(changed.explain(&host, &path), expected, "{host} {path}");
        assert_eq!(merged.explain(&host, &path), expected, "{host} {path}");
    }
}

fn config(choices: &mut Choices<'_>) -> Config {
    let mut config = Config::default();
    for _ in 0..choices.below(4) {
        let service = choices.service();
        let endpoint =
            |choices: &mut Choices<'_>| SocketAddr::from(([10, 0, 0, 1], 1 + u16::from(choices.below(4))));
        let endpoints = (0..choices.below(4)).map(|_| endpoint(choices)).collect();
        config.services.insert(service, Service { endpoints, ..Service::default() });
    }
    for _ in 0..choices.below(12) {
        let wildcard = choices.pick(&["", "", "*.", "*."]);
        let name =
            if choices.below(8) == 0 { "*".to_owned() } else { wildcard.to_owned() + &choices.name(4) };
        let host = host(choices);
        config.hosts.insert(name + choices.pick(&["", "", ":8080", ":9090", ":09090"]), host);
    }
    config
}

fn host(choices: &mut Choices<'_>) -> Host {
    let mut host = Host::default();
    for _ in 0..choices.below(6) {
        let segments = choices.below(4);
        let path = (0..segments)
            .fold("/".to_owned(), |path, _| path + choices.pick(&["a", "b", "..", "a;b", "%", "a b"]) + "/");
        let action = match choices.below(8) {
            0 => Action::Redirect(Redirect::default()),
            1 => Action::Refuse { reason: choices.service() },
            2 => Action::Status,
            _ => Action::Forward(Forward::to(choices.service())),
        };
        host.paths.insert(path, action);
    }
    host
}

/// Bytes as choices; when they are used up, each is the first.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn below(&mut self, limit: u8) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        first % limit
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        let count = u8::try_from(from.len()).expect("a short list");
        from[usize::from(self.below(count))]
    }

    fn service(&mut self) -> String {
        self.pick(&["p", "q", "r", "s"]).to_owned()
    }

    /// A name of up to so many labels, and at least one.
    fn name(&mut self, labels: u8) -> String {
        let labels: Vec<_> = (0..=self.below(labels)).map(|_| self.pick(&["a", "b"])).collect();
        labels.join(".")
    }

    fn path(&mut self) -> String {
        let pieces = ["/", "/", "a", "b", "..", "%61", "%2F", "%2f", "a;b", "%25", "%", "%zz", "A", "?", " "];
        (0..self.below(12)).fold("/".to_owned(), |path, _| path + self.pick(&pieces))
    }
}
