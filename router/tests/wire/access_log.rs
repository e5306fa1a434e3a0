//! The access log: one line for each finished request, whoever answered it.

use std::path::PathBuf;

use router::{AccessLog, LogForm, Options};
use router_config::Config;
use serde_json::Value;

use crate::endpoint::Endpoint;
use crate::site::{Site, config, eventually};

struct Logged {
    site: Site,
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Logged {
    fn start(config: &Config, change: impl FnOnce(&mut AccessLog)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.log");
        let mut log = AccessLog { file: Some(path.clone()), ..AccessLog::of(LogForm::Json) };
        change(&mut log);
        let options = Options { workers: 2, access_log: Some(log), ..Options::default() };
        Self { site: Site::start_with(config, options), path, _folder: folder }
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.path).unwrap()
    }

    /// So many lines, once they are there.
    fn lines(&self, count: usize) -> Vec<Value> {
        eventually("the lines are written", || self.text().lines().count() >= count);
        let text = self.text();
        assert_eq!(text.lines().count(), count, "{text}");
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[test]
fn a_finished_request_is_told_with_what_the_endpoint_did() {
    let end = Endpoint::text("hello");
    let logged = Logged::start(&config(&[("*.example.com", end.address)]), |_| {});
    logged.site.send(
        "POST /a/b?secret=1 HTTP/1.1\r\nHost: a.example.com\r\nUser-Agent: test/1\r\nReferer: http://b/\r\nContent-Length: 3\r\n\r\nabc",
    );
    let [line] = &logged.lines(1)[..] else { panic!("one line") };
    let id = end.last().header("X-Request-Id").unwrap().to_owned();
    for (name, value) in [
        ("client", "127.0.0.1"),
        ("method", "POST"),
        ("scheme", "http"),
        ("host", "a.example.com"),
        ("path", "/a/b"),
        ("protocol", "HTTP/1.1"),
        ("endpoint", &end.address.to_string()),
        ("requestId", &id),
        ("route", "*.example.com"),
        ("userAgent", "test/1"),
        ("referer", "http://b/"),
        ("by", "endpoint"),
    ] {
        assert_eq!(line[name], value, "{line}");
    }
    assert_eq!((&line["status"], &line["sent"]), (&200.into(), &5.into()), "{line}");
    assert!(line["received"].as_u64().unwrap() >= 3, "{line}");
    assert!(line["seconds"].as_f64() >= line["endpointSeconds"].as_f64(), "{line}");
    assert!(line.get("reason").is_none());
}

#[test]
fn the_routers_own_answers_are_told_with_their_reason() {
    let mut config = config(&[("dead.com", crate::site::dead())]);
    config.hosts.entry("empty.com".into()).or_default();
    let logged = Logged::start(&config, |_| {});
    for (request, status, reason) in [
        ("GET / HTTP/1.1\r\nHost: other.com\r\n\r\n", 404, "no route"),
        ("GET / HTTP/1.1\r\nHost: dead.com\r\n\r\n", 503, "no endpoint"),
        ("GET / HTTP/1.1\r\n\r\n", 400, "Host"),
        ("nonsense\r\n\r\n", 400, "request line"),
    ] {
        assert_eq!(logged.site.send(request).status, status);
        let before = ["other.com", "dead.com"].iter().position(|host| request.contains(host));
        let count = before.map_or(if request.starts_with("GET") { 3 } else { 4 }, |place| place + 1);
        let line = logged.lines(count).pop().unwrap();
        assert_eq!(
            (line["status"].as_u64(), line["by"].as_str()),
            (Some(status.into()), Some("router")),
            "{line}"
        );
        assert!(line["reason"].as_str().unwrap().contains(reason), "{line}");
    }
}

#[test]
fn a_request_that_is_not_drawn_is_not_logged_and_a_query_only_if_asked_for() {
    let end = Endpoint::text("");
    let none = Logged::start(&config(&[("example.com", end.address)]), |log| log.sample = 0.0);
    none.site.get("example.com", "/");
    let Logged { site, path, .. } = &none;
    assert_eq!(site.server.metrics().log_dropped, 0);
    assert_eq!(std::fs::read_to_string(path).unwrap(), "");
    let all = Logged::start(&config(&[("example.com", end.address)]), |log| log.query = true);
    all.site.get("example.com", "/a?b=c");
    assert_eq!(all.lines(1)[0]["path"], "/a?b=c");
}

#[test]
fn the_combined_form_is_one_that_tools_read() {
    let end = Endpoint::text("hello");
    let logged = Logged::start(&config(&[("example.com", end.address)]), |log| log.form = LogForm::Combined);
    logged.site.get("example.com", "/a");
    eventually("the line is written", || logged.text().ends_with('\n'));
    let text = logged.text();
    assert!(
        text.starts_with("127.0.0.1 - - [") && text.ends_with("] \"GET /a HTTP/1.1\" 200 5 \"-\" \"-\"\n"),
        "{text}"
    );
}

#[test]
fn what_is_queued_is_written_before_the_router_ends() {
    let end = Endpoint::text("");
    let Logged { site, path, _folder } = Logged::start(&config(&[("example.com", end.address)]), |_| {});
    for _ in 0..100 {
        site.get("example.com", "/");
    }
    site.server.shutdown(std::time::Duration::from_secs(5));
    assert_eq!(std::fs::read_to_string(path).unwrap().lines().count(), 100);
}
