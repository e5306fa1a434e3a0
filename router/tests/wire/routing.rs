//! Which host and path serve a request (flynn-compat 1.3 and 1.4).

use router_config::{Action, Host};

use crate::endpoint::Endpoint;
use crate::site::{Site, add, config, dead};

/// T06, T07, and the table of 1.3.
#[test]
fn a_host_is_served_by_its_closest_name() {
    let ends = ["1", "2", "3", "4", "5", "6"].map(Endpoint::text);
    let names =
        ["foo.bar", "*.foo.bar", "dev.foo.bar", "*.a.b.c.d.e.f", "*.deep.example", "*.x.deep.example"];
    let hosts: Vec<_> = names.into_iter().zip(ends.iter().map(|end| end.address)).collect();
    let site = Site::start(&config(&hosts));
    let rows = [
        ("foo.bar", "1"),
        ("flynn.foo.bar", "2"),
        ("dev.foo.bar", "3"),
        ("x.dev.foo.bar", "2"),
        ("1.2.3.4.foo.bar", "2"),
        ("Q.FOO.BAR", "2"),
        ("*.foo.bar", "2"),
        ("foo.bar:80", "1"),
        ("foo.bar:9999", "1"),
        ("w.x.y.z.a.b.c.d.e.f", "4"),
        ("a.b.c.d.e.f", "4"),
        ("y.x.deep.example", "6"),
        ("x.deep.example", "6"),
        ("q.y.x.deep.example", "6"),
        ("z.deep.example", "5"),
    ];
    for (host, served_by) in rows {
        assert_eq!(site.get(host, "/").text(), served_by, "{host}");
    }
    let unknown = [
        "1.2.3.4.5.foo.bar",
        "v.w.x.y.z.a.b.c.d.e.f",
        "xfoo.bar",
        "foo.bar.",
        "bar",
        "10.0.0.1",
        "[::1]",
        "",
    ];
    for host in unknown {
        let response = site.get(host, "/");
        assert_eq!((response.status, response.text()), (404, "Not Found\n"), "{host}");
    }
}

/// T07: the name of all others.
#[test]
fn every_other_host_is_served_by_the_catch_all() {
    let (one, two) = (Endpoint::text("1"), Endpoint::text("2"));
    let site = Site::start(&config(&[("*", one.address), ("*.bar", two.address)]));
    for host in ["foo", "example.com", "10.0.0.1", "[::1]", "[::1]:80", ""] {
        assert_eq!(site.get(host, "/").text(), "1", "{host}");
    }
    assert_eq!(site.get("foo.bar", "/").text(), "2");
    assert_eq!(site.send("GET / HTTP/1.0\r\n\r\n").text(), "1");
}

/// T09, and the table of 1.4.
#[test]
fn a_path_is_served_by_the_deepest_one_that_leads_it() {
    let paths = ["/", "/2/", "/2/3", "/Case/", "/a/b/c/"];
    let ends = paths.map(Endpoint::text);
    let mut config = config(&[]);
    for (path, end) in paths.iter().zip(&ends) {
        add(&mut config, "foo.bar", path, &[end.address]);
    }
    let site = Site::start(&config);
    let rows = [
        ("/", "/"),
        ("/2", "/2/"),
        ("/2/", "/2/"),
        ("/2?x=/2/3", "/2/"),
        ("/2x", "/"),
        ("/22/", "/"),
        ("/2;x", "/"),
        ("/2/3", "/2/3"),
        ("/2/3/4/5", "/2/3"),
        ("/2//3", "/2/3"),
        ("/2/x/3", "/2/"),
        ("/2/3;x", "/2/"),
        ("//2/", "/2/"),
        ("/x/../2/", "/"),
        ("/2/../x", "/2/"),
        ("/%32/", "/2/"),
        ("/2%2F3", "/2/3"),
        ("/Case", "/Case/"),
        ("/case/", "/"),
        ("/a/b", "/"),
        ("/a/b/c", "/a/b/c/"),
        ("/a/b/cd", "/"),
        ("http://foo.bar/2/3", "/2/3"),
    ];
    let mut client = site.client();
    for (target, served_by) in rows {
        client.send(format!("GET {target} HTTP/1.1\r\nHost: foo.bar\r\n\r\n"));
        assert_eq!(client.response().text(), served_by, "{target}");
    }
}

/// T29: a kept connection serves one host after the other.
#[test]
fn each_request_of_a_connection_is_routed_by_its_own_host() {
    let (one, two) = (Endpoint::text("1"), Endpoint::text("2"));
    let site = Site::start(&config(&[("example.com", one.address), ("example.org", two.address)]));
    let mut client = site.client();
    for (host, served_by) in [("example.com", "1"), ("example.org", "2"), ("example.com", "1")] {
        client.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert_eq!(client.response().text(), served_by);
    }
}

/// T33, T34.
#[test]
fn the_host_is_forwarded_as_it_was_written() {
    let end = Endpoint::answering(|seen| {
        let host = seen.header("Host").unwrap();
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{host}", host.len())
    });
    let site = Site::of(end.address);
    for host in ["Example.com", "example.com:80", "example.com:443"] {
        assert_eq!(site.get(host, "/").text(), host);
    }
}

/// T30, T31, T38.
#[test]
fn the_target_is_forwarded_byte_for_byte() {
    let end = Endpoint::text("ok");
    let site = Site::of(end.address);
    let long =
        "/O08YqxVCf6KRJM6I8p594tzJizQ=/200x300/filters:no_upscale()/http://i.imgur.com/Wru0cNM.jpg?foo=bar";
    let targets = [
        long,
        &format!("http://example.com{long}"),
        "//foo/bar?x",
        "/a%2Fb/../c;d?",
        "/x?y=%zz&z=\"'<>",
        "/a#frag",
        "/ü",
        "/query?first=this+is+a+field&second=was+it+clear+%28already%29%3F",
        "http://example.com",
        "http://example.com?q",
    ];
    for target in targets {
        assert_eq!(site.get("example.com", target).status, 200, "{target}");
        assert_eq!(end.last().target(), target);
    }
}

/// RFC 9112 section 3.2.2: the target's authority is the host, whatever `Host` says.
#[test]
fn an_absolute_target_names_the_host() {
    let end = Endpoint::text("ok");
    let site = Site::of(end.address);
    assert_eq!(site.get("unknown.org", "http://example.com/").status, 200);
    assert_eq!(end.last().header("Host"), Some("example.com"));
    assert_eq!(site.get("example.com", "http://unknown.org/").status, 404);
}

/// T25, and an action that cannot work.
#[test]
fn what_cannot_be_served_answers_503() {
    let mut config = config(&[]);
    add(&mut config, "empty.com", "/", &[]);
    add(&mut config, "dead.com", "/", &[dead(), dead()]);
    let refuse = Action::Refuse { reason: "the app has no web process".into() };
    config
        .hosts
        .insert("refused.com".into(), Host { paths: [("/".into(), refuse)].into(), ..Host::default() });
    let site = Site::start(&config);
    for host in ["empty.com", "dead.com", "refused.com"] {
        let response = site.get(host, "/");
        assert_eq!((response.status, response.text()), (503, "Service Unavailable\n"), "{host}");
        assert_eq!(response.header("Content-Type"), Some("text/plain; charset=utf-8"));
        assert!(response.header("Date").is_some());
    }
}

#[test]
fn the_status_is_answered_where_no_route_is_named() {
    let end = Endpoint::text("own");
    let site = Site::of(end.address);
    for host in ["10.1.2.3", "[::1]:80", "unknown.org", ""] {
        let response = site.get(host, "/.well-known/status?x");
        assert_eq!(response.status, 200, "{host}");
        assert_eq!(
            response.text(),
            "{\n  \"data\": {\n    \"status\": \"healthy\",\n    \"version\": \"dev\"\n  }\n}\n"
        );
    }
    assert_eq!(site.get("example.com", "/.well-known/status").text(), "own");
    assert_eq!(site.get("unknown.org", "/.well-known/status/x").status, 404);
    assert_eq!(site.send("POST /.well-known/status HTTP/1.1\r\nHost: 10.1.2.3\r\n\r\n").status, 405);
}
