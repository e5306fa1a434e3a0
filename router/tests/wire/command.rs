//! The command `flynn-router`, as a person or a script runs it.

use std::fs;
use std::io::{BufRead, BufReader, Lines, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::client::Client;
use crate::endpoint::Endpoint;
use crate::site::{eventually, loopback};

/// A running router; it is killed when the test is done with it.
struct Running {
    child: Child,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut child = command(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, answers }
    }

    /// Starts on a file, and takes the address from the log.
    fn start_on_file(path: &Path) -> (Self, SocketAddr) {
        let mut command = command(&["--config", path.to_str().unwrap(), "--workers", "1"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = log
            .find_map(|line| line.unwrap().split_once("listening http=")?.1.trim().parse().ok())
            .expect("the log says where it listens");
        // Read on, so that the router never waits for its log to be read.
        std::thread::spawn(move || log.count());
        (Self { child, answers }, address)
    }

    fn feed(&mut self, line: &str) -> Value {
        writeln!(self.child.stdin.as_ref().unwrap(), "{line}").unwrap();
        serde_json::from_str(&self.answers.next().unwrap().unwrap()).unwrap()
    }

    fn terminate(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flynn-router"));
    command.args(arguments).env("RUST_LOG", "info").stderr(Stdio::null());
    command
}

fn config(listen: SocketAddr, host: &str, endpoint: SocketAddr) -> Value {
    json!({
        "listen": {"http": listen},
        "services": {"web": {"endpoints": [endpoint]}},
        "hosts": {host: {"paths": {"/": {"forward": {"service": "web"}}}}},
    })
}

fn get(address: SocketAddr, host: &str) -> u16 {
    let mut client = Client::connect(address);
    client.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    client.response().status
}

#[test]
fn each_line_is_a_configuration_and_is_answered_when_it_is_served() {
    let end = Endpoint::text("ok");
    let mut running = Running::start(&["--config", "-", "--workers", "1"]);
    let error = running.feed(r#"{"hosts": {"a.com": {"paths": {"/": {"forwards": {}}}}}}"#);
    assert!(error["error"].as_str().unwrap().starts_with("hosts.a.com.paths./: unknown variant"), "{error}");
    let answer = running.feed(&config(loopback(0), "a.com", end.address).to_string());
    assert_eq!((&answer["generation"], &answer["faults"]), (&json!(1), &json!([])));
    let address: SocketAddr = answer["listening"]["http"].as_str().unwrap().parse().unwrap();
    assert_eq!((get(address, "a.com"), get(address, "b.com")), (200, 404));

    let mut next = config(loopback(0), "b.com", end.address);
    next["hosts"]["Bad.com"] = json!({"paths": {}});
    let answer = running.feed(&next.to_string());
    assert_eq!(answer["generation"], 2);
    assert_eq!(answer["faults"][0]["subject"], json!({"host": "Bad.com"}));
    assert!(answer["faults"][0]["reason"].as_str().unwrap().contains("write `bad.com`"));
    assert_eq!((get(address, "a.com"), get(address, "b.com")), (404, 200));

    assert!(running.feed("{").get("error").is_some());
    let moved = running.feed(&config(address, "b.com", end.address).to_string());
    assert!(moved["error"].as_str().unwrap().starts_with("`listen` cannot change"));
    assert_eq!(get(address, "b.com"), 200);

    drop(running.child.stdin.take());
    assert_eq!(get(address, "b.com"), 200);
    assert_eq!(running.terminate(), Some(0));
}

#[test]
fn a_file_is_read_again_when_it_changes_in_any_of_the_usual_ways() {
    let end = Endpoint::text("ok");
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &Path, host: &str| {
        fs::write(path, config(loopback(0), host, end.address).to_string()).unwrap();
    };
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("first")).unwrap();
    write(&at("first/router.json"), "a.com");
    symlink(at("first"), at("data")).unwrap();
    symlink("data/router.json", at("router.json")).unwrap();
    let (running, address) = Running::start_on_file(&at("router.json"));
    assert_eq!(get(address, "a.com"), 200);

    // A ConfigMap: a link beside the file is swapped.
    fs::create_dir(at("second")).unwrap();
    write(&at("second/router.json"), "b.com");
    symlink(at("second"), at("data.new")).unwrap();
    fs::rename(at("data.new"), at("data")).unwrap();
    eventually("b.com is served", || get(address, "b.com") == 200);
    assert_eq!(get(address, "a.com"), 404);

    // A bad file is refused whole, and what was served is still served.
    fs::write(at("bad.json"), "{\"hosts\": 1}").unwrap();
    fs::rename(at("bad.json"), at("router.json")).unwrap();
    // An editor: a new file is renamed over the old one. Then a write in place.
    write(&at("new.json"), "c.com");
    assert_eq!(get(address, "b.com"), 200);
    fs::rename(at("new.json"), at("router.json")).unwrap();
    eventually("c.com is served", || get(address, "c.com") == 200);
    write(&at("router.json"), "d.com");
    eventually("d.com is served", || get(address, "d.com") == 200);
    assert_eq!(running.terminate(), Some(0));
}

fn fails(arguments: &[&str]) -> String {
    let output = command(arguments).stderr(Stdio::piped()).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_start_that_fails_says_why_and_exits_with_1() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("router.json");
    let path = path.to_str().unwrap();
    assert!(fails(&["--config", path]).contains("cannot read"));
    fs::write(path, r#"{"services": {"web": {"endpoints": ["nowhere"]}}}"#).unwrap();
    assert!(fails(&["--config", path]).contains("services.web.endpoints[0]: invalid socket address"));
    fs::write(path, "{}").unwrap();
    assert!(fails(&["--config", path]).contains("there is no address to listen on"));
    let taken = TcpListener::bind(loopback(0)).unwrap();
    let address = taken.local_addr().unwrap();
    fs::write(path, json!({"listen": {"http": address}}).to_string()).unwrap();
    assert!(fails(&["--config", path]).contains(&format!("the address {address} is in use")));
    assert!(fails(&["--config", "-"]).contains("standard input ended before a configuration came"));
}

#[test]
fn the_schema_describes_the_configuration() {
    let output = command(&["schema"]).output().unwrap();
    let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
    for field in ["listen", "hosts", "services", "certificates", "defaultCertificate"] {
        assert!(schema["properties"][field].is_object(), "{field}");
    }
}
