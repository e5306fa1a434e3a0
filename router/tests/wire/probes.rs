//! What Flynn's router gave for 134 probes, beside what ours gives.
//!
//! `probes/flynn.json` holds what each probe sent, what the endpoint saw and what the client got from Flynn; values that
//! change each time are named instead (`<date>`, `<id>`, `<time>`, `<port>`, `<sealed>`), and bytes above 127 are the
//! characters of that number. Each is sent to ours here. Every difference is a row of `docs/flynn-differences.md` with
//! its reason: one that is missing there fails, and so does a row that explains nothing.

mod differences;
mod message;
mod sites;

use serde::Deserialize;

use differences::{Difference, Differences};
use sites::Sites;

/// One probe, and what came of it with Flynn.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Probe {
    name: String,
    /// What is served.
    site: String,
    /// How the client shakes hands, if it does.
    tls: Option<Handshake>,
    /// Whether only the status and the body were noted.
    #[serde(default)]
    brief: bool,
    /// What the client sends.
    #[serde(default)]
    sent: String,
    /// What the endpoint answers, where that is not the site's own answer.
    answer: Option<String>,
    /// What the endpoint saw, if that was noted: one text for each request.
    backend: Option<Vec<String>>,
    /// What the client got.
    client: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Handshake {
    name: Option<String>,
    version: Option<String>,
    #[serde(default)]
    protocols: Vec<String>,
}

/// What came of a probe with our router, in the same form.
#[derive(Debug, Default)]
struct Outcome {
    backend: Vec<String>,
    client: String,
}

#[test]
fn flynns_probes_give_the_same_here_except_for_the_listed_differences() {
    let probes: Vec<Probe> = serde_json::from_str(include_str!("probes/flynn.json")).unwrap();
    let mut sites = Sites::default();
    let mut differences = Differences::read();
    let mut unlisted = Vec::new();
    for probe in &probes {
        let outcome = sites.send(probe);
        for difference in compare(probe, &outcome) {
            unlisted.extend(differences.explain(&probe.name, difference));
        }
    }
    assert!(unlisted.is_empty(), "differences without a reason:\n{}", unlisted.join("\n"));
    let useless = differences.unused();
    assert!(useless.is_empty(), "rows that explain nothing:\n{}", useless.join("\n"));
}

fn compare(probe: &Probe, outcome: &Outcome) -> Vec<Difference> {
    let client = [message::lines(&probe.client), message::lines(&outcome.client)];
    let [flynn, ours] = client.map(|lines| if probe.brief { message::status_and_body(lines) } else { lines });
    let mut found = vec![Difference::between("client", flynn, ours)];
    if let Some(backend) = &probe.backend {
        let all = |texts: &[String]| texts.iter().flat_map(|text| message::lines(text)).collect();
        found.push(Difference::between("backend", all(backend), all(&outcome.backend)));
    }
    found
}
