//! The rules of hosts and paths, written straight from their description, with strings and no index.
//!
//! The parent module has `Explained`: the tests of the crate and its fuzzers both ask here.

use router_config::{Action, Config, Forward};

use super::Explained;

/// What a request for a host and a path meets on the default ports.
pub(super) fn answer(config: &Config, host: &str, path: &str) -> Explained {
    let Some(host) = serving(config, host, None).map(str::to_owned) else {
        return Explained::NotFound;
    };
    let found = &config.hosts[&host];
    let wanted = segments(&decoded(path));
    let leading = found.paths.iter().filter(|(path, _)| wanted.starts_with(&segments(path.as_bytes())));
    match leading.max_by_key(|(path, _)| segments(path.as_bytes()).len()) {
        None => Explained::NotFound,
        Some((_, Action::Redirect(_))) => Explained::Redirected { host },
        Some((_, Action::Status)) => Explained::Status { host },
        Some((_, Action::Refuse { reason })) => Explained::Refused { host, reason: reason.clone() },
        Some((_, Action::Forward(Forward { service, .. }))) => match config.services.get(service) {
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

/// The key of the host that serves a name, on the default ports or on an extra one.
pub(super) fn serving<'a>(config: &'a Config, host: &str, port: Option<u16>) -> Option<&'a str> {
    let host = host.to_lowercase();
    let mut candidates = vec![host.clone()];
    let labels: Vec<&str> = host.split('.').collect();
    for strips in 0..=4 {
        if strips < labels.len() {
            candidates.push(format!("*.{}", labels[strips..].join(".")));
        }
    }
    candidates.push("*".into());
    let key = |name: String| port.map_or(name.clone(), |port| format!("{name}:{port}"));
    candidates
        .into_iter()
        .find_map(|name| config.hosts.get_key_value(&key(name)))
        .map(|(key, _)| key.as_str())
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
