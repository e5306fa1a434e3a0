//! What each probe is sent to: sites with the routes that Flynn had, and endpoints that answer as its endpoints did.

use std::collections::{BTreeMap, BTreeSet};

use router::Options;
use router_config::{Config, CookieKey};
use rustls::version::{TLS12, TLS13};

use super::message::{bytes, normal, text};
use super::{Handshake, Outcome, Probe};
use crate::client::Client;
use crate::endpoint::Endpoint;
use crate::http2::client::Session;
use crate::site::{Site, add, add_with, certificate, config, dead};

/// The sites, made when they are needed.
#[derive(Default)]
pub(super) struct Sites {
    made: BTreeMap<String, Made>,
}

struct Made {
    site: Site,
    ends: Vec<Endpoint>,
}

/// As many as make it certain that a chance of 40 % is taken and missed.
const TRIES: usize = 60;

impl Sites {
    pub(super) fn send(&mut self, probe: &Probe) -> Outcome {
        if let Some(answer) = &probe.answer {
            return Made::answering(bytes(answer)).exchange(probe);
        }
        let made = self.made.entry(probe.site.clone()).or_insert_with(|| Made::new(&probe.site));
        match probe.site.as_str() {
            "stale" => Made::new("stale").twice(probe),
            "one of ten" => made.often(probe),
            "h2" => made.over_http2(),
            "tls" => made.over_tls(probe),
            "tls port" => Outcome {
                client: text(&{
                    let mut client = Client::connect(made.site.https());
                    client.send(&probe.sent);
                    client.rest()
                }),
                ..Outcome::default()
            },
            _ => made.exchange(probe),
        }
    }
}

impl Made {
    fn new(name: &str) -> Self {
        let mut config = config(&[]);
        let mut ends = Vec::new();
        let mut serve = |config: &mut Config, host: &str, path: &str, body: &str| {
            let end = Endpoint::text(body);
            add(config, host, path, &[end.address]);
            ends.push(end);
        };
        match name {
            "echo" | "custom page" | "tls port" => {
                serve(&mut config, "raw.test", "/", "ok");
                add(&mut config, "empty.test", "/", &[]);
                config.unavailable_page = (name == "custom page").then(|| "<h1>custom</h1>".into());
            }
            "wildcards" | "wildcards and *" => {
                let hosts = [
                    ("*.foo.bar", "wild-foo-bar"),
                    ("*.a.b.c.d.e.f", "wild-abcdef"),
                    ("*.deep.example", "wild-deep"),
                    ("*.x.deep.example", "wild-x-deep"),
                ];
                hosts.iter().for_each(|(host, body)| serve(&mut config, host, "/", body));
                if name == "wildcards and *" {
                    serve(&mut config, "*", "/", "catchall");
                }
            }
            "paths" => {
                let paths = [
                    ("/", "root"),
                    ("/2/", "two"),
                    ("/2/3/", "twothree"),
                    ("/Case/", "case-svc"),
                    ("/a/b/c/", "abc"),
                ];
                paths.iter().for_each(|(path, body)| serve(&mut config, "path.test", path, body));
            }
            "no root" => {
                serve(&mut config, "noroot.test", "/sub/", "sub");
                serve(&mut config, "*", "/", "catchall");
            }
            "h2" => serve(&mut config, "example.com", "/", "1"),
            "ports" | "tls" => {
                serve(&mut config, "exact.port", "/", "port0");
                serve(&mut config, "path.test", "/", "root");
                serve(&mut config, "*.foo.bar", "/", "wild-foo-bar");
            }
            "stale" => {
                let end = Endpoint::serving(|connection| {
                    connection.request();
                    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                    connection.request();
                });
                add(&mut config, "raw.test", "/", &[end.address]);
                ends.push(end);
            }
            "one of ten" => {
                let end = Endpoint::text("ok");
                let all: Vec<_> = (0..9).map(|_| dead()).chain([end.address]).collect();
                add(&mut config, "raw.test", "/", &all);
                ends.push(end);
            }
            "sticky" => {
                let end = Endpoint::answering(|_| {
                    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: app=1\r\n\r\nok".into()
                });
                add_with(&mut config, "sticky.test", "/", &[end.address], |forward| forward.sticky = true);
                config.cookie_key = Some(CookieKey::new([0; 32]));
                ends.push(end);
            }
            other => panic!("there is no site {other}"),
        }
        Self::start(config, ends)
    }

    /// An endpoint that says the same each time, and closes.
    fn answering(answer: Vec<u8>) -> Self {
        let end = Endpoint::serving(move |connection| {
            if connection.request().is_some() {
                connection.send(&answer);
            }
        });
        let mut config = config(&[]);
        add(&mut config, "raw.test", "/", &[end.address]);
        Self::start(config, vec![end])
    }

    /// With a default certificate, and one worker, so that one pool holds all connections.
    fn start(mut config: Config, ends: Vec<Endpoint>) -> Self {
        config.certificates.insert("default".into(), certificate("example.com").0);
        config.default_certificate = Some("default".into());
        Self { site: Site::start_with(&config, Options { workers: 1, ..Options::default() }), ends }
    }

    fn exchange(&self, probe: &Probe) -> Outcome {
        let before: Vec<_> = self.ends.iter().map(|end| end.requests().len()).collect();
        let client = receive(&mut self.site.client(), &probe.sent);
        let port = self.site.http().port();
        let mut backend = Vec::new();
        for (end, before) in self.ends.iter().zip(before) {
            for seen in &end.requests()[before..] {
                let text = format!("{}\r\n\r\n{}", seen.head, text(&seen.raw_body));
                backend.push(normal(&text, port));
            }
        }
        Outcome { backend, client: normal(&client, port) }
    }

    /// Two requests on one connection: the last status, and how many requests the endpoint saw.
    fn twice(&self, probe: &Probe) -> Outcome {
        let mut client = self.site.client();
        client.send(&probe.sent);
        assert_eq!(client.response().status, 200);
        client.send(&probe.sent);
        let head = client.response().head;
        let status = head.split("\r\n").next().unwrap();
        let count = self.ends[0].requests().len();
        Outcome { client: format!("{status}\r\nRequests: {count}\r\n\r\n"), ..Outcome::default() }
    }

    /// Every status that comes up.
    fn often(&self, probe: &Probe) -> Outcome {
        let statuses: BTreeSet<String> = (0..TRIES)
            .map(|_| self.site.send(&probe.sent).head.split("\r\n").next().unwrap().to_owned())
            .collect();
        let client = statuses.into_iter().collect::<Vec<_>>().join("\r\nAlso: ");
        Outcome { client: format!("{client}\r\n\r\n"), ..Outcome::default() }
    }

    fn over_http2(&self) -> Outcome {
        let answer = Session::tls(self.site.https(), "example.com").get("https://example.com/a%2Fb?x=1");
        let mut client = format!("HTTP/2.0 {}\r\n", answer.status.as_u16());
        for (name, value) in &answer.headers {
            client.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
        }
        client.push_str("\r\n");
        client.push_str(&text(&answer.body));
        let seen = self.ends[0].last();
        let port = self.site.https().port();
        Outcome {
            backend: vec![normal(&format!("{}\r\n\r\n", seen.head), port)],
            client: normal(&client, port),
        }
    }

    fn over_tls(&self, probe: &Probe) -> Outcome {
        let Handshake { name, version, protocols } = probe.tls.as_ref().unwrap();
        let protocols: Vec<_> = protocols.iter().map(String::as_str).collect();
        let versions = if version.is_some() { &[&TLS12][..] } else { &[&TLS12, &TLS13] };
        let name = name.as_deref().unwrap_or("127.0.0.1");
        let client = match Client::connect_tls_with(self.site.https(), name, &protocols, versions) {
            Err(error) => format!("refused\r\nAlert: {}\r\n\r\n", alert(&error)),
            Ok(mut client) if !probe.sent.is_empty() => receive(&mut client, &probe.sent),
            Ok(client) => {
                let version = format!("{:?}", client.version().unwrap()).replace("TLSv1_", "1.");
                let protocol = client.protocol().map_or("none".into(), text);
                format!(
                    "handshake\r\nVersion: {version}\r\nProtocol: {protocol}\r\nCertificate: default\r\n\r\n"
                )
            }
        };
        Outcome { client: normal(&client, self.site.https().port()), ..Outcome::default() }
    }
}

/// Everything up to the end of the final response.
fn receive(client: &mut Client, sent: &str) -> String {
    client.send(bytes(sent));
    let mut received = String::new();
    loop {
        let response = client.response_to(sent);
        received.push_str(&format!("{}\r\n\r\n{}", response.head, text(&response.body)));
        match response.status {
            101 => {
                received.push_str(&text(&client.rest()));
                return received;
            }
            100..=199 => {}
            _ => return received,
        }
    }
}

/// The name of the alert that the router sent.
fn alert(error: &std::io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let Some(rustls::Error::AlertReceived(alert)) = inner else {
        panic!("no alert: {error}");
    };
    let mut name = String::new();
    for letter in format!("{alert:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}
