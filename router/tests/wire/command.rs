//! The command `flynn-router`, as a person or a script runs it.

use std::fs;
use std::io::{BufRead, BufReader, Lines, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::client::Client;
use crate::endpoint::Endpoint;
use crate::site::{certificate, eventually, loopback, own_ip};

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
    // Cleared, because variables are settings.
    command.args(arguments).env_clear().env("RUST_LOG", "info").stderr(Stdio::null());
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

/// flynn-compat 1.18.
#[test]
fn the_variables_of_flynn_stand_above_the_file_and_flags_above_them() {
    let end = Endpoint::text("ok");
    let folder = tempfile::tempdir().unwrap();
    let (file, page) = (folder.path().join("router.json"), folder.path().join("503.html"));
    fs::write(&page, "<h1>Later</h1>").unwrap();
    let ip = own_ip();
    let action = |service| json!({"paths": {"/": {"forward": {"service": service}}}});
    let config = json!({
        "listen": {"http": "0.0.0.0:1"},
        "services": {"web": {"endpoints": [end.address]}, "empty": {}},
        "hosts": {"a.com": action("web"), "b.com": action("empty"), "a.com:8082": action("web")},
        "tcp": {"3001": {"service": "web"}},
    });
    fs::write(&file, config.to_string()).unwrap();
    let (pair, certificate) = certificate("a.com");
    let secret = pair.key.pem().to_owned();
    let mut command = command(&["--config", file.to_str().unwrap(), "--workers", "1", "--http-port", "8080"]);
    command.args(["--tcp-range-start", "3001", "--tcp-range-end", "3002"]);
    command
        .env("DEBUG", "1")
        .env_remove("RUST_LOG")
        .env("LISTEN_IP", ip.to_string())
        .env("DEFAULT_HTTP_PORT", "8081")
        .env("DEFAULT_HTTPS_PORT", "8443")
        .env("ADDITIONAL_HTTP_PORTS", "8082,8083")
        .env("PROXY_PROTOCOL", "true")
        .env("TLSCERT", &pair.chain)
        .env("TLSKEY", &secret)
        .env("COOKIE_KEY", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=")
        .env("ERROR_503_PAGE_URL", format!("file://{}", page.display()));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let log = child.stderr.take().unwrap();
    let reading = std::thread::spawn(move || std::io::read_to_string(log).unwrap());
    let running = Running { answers: BufReader::new(child.stdout.take().unwrap()).lines(), child };
    let at = |port: u16| SocketAddr::from((ip, port));
    eventually("it listens", || TcpStream::connect(at(8080)).is_ok());

    let mut client = Client::connect(at(8080));
    client.send("PROXY TCP4 10.1.1.1 20.2.2.2 1000 2000\r\nGET / HTTP/1.1\r\nHost: a.com\r\n\r\n");
    assert_eq!(client.response().status, 200);
    assert_eq!(end.last().header("X-Forwarded-For"), Some("10.1.1.1"));
    let mut client = Client::connect(at(8080));
    client.send("GET / HTTP/1.1\r\nHost: b.com\r\n\r\n");
    assert_eq!(client.response().text(), "<h1>Later</h1>");
    assert_eq!((get(at(8082), "a.com"), get(at(8082), "b.com")), (200, 404));
    let secure = Client::connect_tls(at(8443), "a.com").unwrap();
    assert_eq!(secure.certificate(), &certificate);
    assert!(TcpStream::connect(at(3001)).is_ok());
    assert!(TcpStream::connect(at(3002)).is_err() && TcpListener::bind(at(3002)).is_err());
    assert!(TcpStream::connect(at(8081)).is_err());

    assert_eq!(running.terminate(), Some(0));
    let log = reading.join().unwrap();
    assert!(log.contains("DEBUG") && log.contains("extra_http="), "{log}");
    assert!(!log.contains("BwcH") && !log.contains(secret.lines().nth(1).unwrap()));
}

#[test]
fn a_variable_that_cannot_be_served_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("router.json");
    fs::write(&path, json!({"listen": {"http": loopback(0)}}).to_string()).unwrap();
    let refused = |name: &str, value: &str| {
        let mut command = command(&["--config", path.to_str().unwrap()]);
        let output = command.env(name, value).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refused("LEGACY_TLS", "true").contains("which is broken and not served: remove it"));
    assert!(refused("PORT", "admin").contains("PORT is `admin`: give a port from 1 to 65535"));
}

#[test]
fn the_help_names_every_variable() {
    let output = command(&["--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for name in [
        "DEFAULT_HTTP_PORT",
        "DEFAULT_HTTPS_PORT",
        "ADDITIONAL_HTTP_PORTS",
        "ADDITIONAL_HTTPS_PORTS",
        "COOKIE_KEY",
        "TLSCERT",
        "TLSKEY",
        "PROXY_PROTOCOL",
        "ERROR_503_PAGE_URL",
        "LISTEN_IP",
        "PORT",
        "DEBUG",
    ] {
        assert!(help.contains(name), "{name}");
    }
}

#[test]
fn the_schema_describes_the_configuration() {
    let output = command(&["schema"]).output().unwrap();
    let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
    for field in ["listen", "hosts", "services", "certificates", "defaultCertificate"] {
        assert!(schema["properties"][field].is_object(), "{field}");
    }
}

#[test]
fn the_access_log_is_asked_for_by_flags_and_goes_where_they_say() {
    let end = Endpoint::text("");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.log");
    let file = path.to_str().unwrap();
    let mut running = Running::start(&[
        "--config",
        "-",
        "--access-log",
        "json",
        "--access-log-file",
        file,
        "--access-log-sample",
        "1",
    ]);
    let answer = running.feed(&config(loopback(0), "example.com", end.address).to_string());
    let address = answer["listening"]["http"].as_str().unwrap().parse().unwrap();
    assert_eq!(get(address, "example.com"), 200);
    assert_eq!(running.terminate(), Some(0));
    let line: Value = serde_json::from_str(fs::read_to_string(path).unwrap().trim_end()).unwrap();
    assert_eq!((line["host"].as_str(), line["status"].as_u64()), (Some("example.com"), Some(200)));
    let wrong = command(&["--config", "-", "--access-log", "xml"]).stderr(Stdio::piped()).output().unwrap();
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("`json`, `combined` or `off`"), "{wrong:?}");
}
