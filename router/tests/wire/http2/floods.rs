//! Clients that cost more than they ask for. Each is told to calm down, or closed, while another client is served.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use router::{Http2, Options};

use super::client::Session;
use super::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, GOAWAY, HEADERS, PING, PRIORITY,
    PROTOCOL_ERROR, RST_STREAM, SETTINGS, WINDOW_UPDATE, Wire, block, frame, push_string, request,
};
use crate::endpoint::Endpoint;
use crate::site::{Site, config, eventually};

/// One worker, so that the one that is flooded serves the other client too.
fn site(endpoint: SocketAddr) -> Site {
    Site::start_with(&config(&[("example.com", endpoint)]), Options { workers: 1, ..Options::default() })
}

/// Runs an attack on a connection of its own, while another client is served. The code that it is ended with.
fn under_attack(attack: impl FnOnce(&mut Wire) + Send) -> u32 {
    let endpoint = Endpoint::text("served");
    let site = site(endpoint.address);
    let mut wire = Wire::connect(site.http());
    thread::scope(|scope| {
        let attacker = scope.spawn(|| {
            attack(&mut wire);
            wire.goaway()
        });
        let mut served = 0;
        while served < 20 || !attacker.is_finished() {
            assert_eq!(Session::plain(site.http()).get("http://example.com/").text(), "served");
            served += 1;
        }
        attacker.join().unwrap()
    })
}

#[test]
fn a_flood_of_pings_is_ended() {
    let pings = frame(PING, 0, 0, &[0; 8]).repeat(100);
    assert_eq!(under_attack(|wire| wire.flood(&pings)), ENHANCE_YOUR_CALM);
}

#[test]
fn a_flood_of_settings_is_ended() {
    let settings = frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 9]).repeat(100);
    assert_eq!(under_attack(|wire| wire.flood(&settings)), ENHANCE_YOUR_CALM);
}

#[test]
fn a_flood_of_priorities_is_ended() {
    let priorities = frame(PRIORITY, 0, 1, &[0, 0, 0, 3, 9]).repeat(100);
    assert_eq!(under_attack(|wire| wire.flood(&priorities)), ENHANCE_YOUR_CALM);
}

#[test]
fn a_flood_of_window_updates_is_ended() {
    let updates = frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]).repeat(100);
    assert_eq!(under_attack(|wire| wire.flood(&updates)), ENHANCE_YOUR_CALM);
}

#[test]
fn a_flood_of_unknown_frames_is_ended() {
    let unknown = frame(0x55, 0, 0, &[]).repeat(100);
    assert_eq!(under_attack(|wire| wire.flood(&unknown)), ENHANCE_YOUR_CALM);
}

#[test]
fn rapid_reset_is_ended() {
    let code = under_attack(|wire| {
        wire.stream.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
        for n in 0..5_000 {
            let stream = 2 * n + 1;
            let head = frame(HEADERS, END_STREAM | END_HEADERS, stream, &block(&request("GET", "/")));
            let reset = frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes());
            if wire.stream.write_all(&[head, reset].concat()).is_err() {
                break;
            }
        }
    });
    assert_eq!(code, ENHANCE_YOUR_CALM);
}

/// Each request is with the endpoint before it is taken back, so that there are never many at once.
#[test]
fn requests_taken_back_one_after_the_other_are_ended_too() {
    let endpoint = Endpoint::serving(|connection| {
        connection.request();
        connection.wait_for_end();
    });
    let site = site(endpoint.address);
    let mut wire = Wire::connect(site.http());
    for n in 0..2_000 {
        wire.get(2 * n + 1, "/");
        let mut begun = false;
        eventually("the request is with the endpoint, or the connection is ended", || {
            begun = endpoint.connections() > n as usize;
            begun || wire.has_come(GOAWAY)
        });
        if !begun {
            break;
        }
        wire.send(RST_STREAM, 0, 2 * n + 1, &8_u32.to_be_bytes());
    }
    assert_eq!(wire.goaway(), ENHANCE_YOUR_CALM);
    assert!(endpoint.connections() < 2_000);
}

#[test]
fn a_flood_of_continuations_is_ended() {
    let code = under_attack(|wire| {
        wire.send(HEADERS, END_STREAM, 1, &block(&request("GET", "/")));
        wire.flood(&frame(CONTINUATION, 0, 1, &[]));
    });
    assert_eq!(code, ENHANCE_YOUR_CALM);
}

#[test]
fn a_small_block_that_unpacks_to_a_long_head_is_ended() {
    let code = under_attack(|wire| {
        let mut bomb = block(&request("GET", "/"));
        // One field of 3,000 bytes is put into the table (RFC 7541 section 6.2.1), then named over and over.
        bomb.push(0x40);
        push_string(&mut bomb, b"x");
        push_string(&mut bomb, &[b'a'; 3_000]);
        bomb.resize(16_000, 0x80 | 62);
        wire.send(HEADERS, END_STREAM | END_HEADERS, 1, &bomb);
    });
    assert_eq!(code, ENHANCE_YOUR_CALM);
}

#[test]
fn a_flood_of_empty_data_is_ended() {
    let code = under_attack(|wire| {
        wire.headers(1, &request("POST", "/"), 0);
        wire.flood(&frame(DATA, 0, 1, &[]).repeat(100));
    });
    assert_eq!(code, ENHANCE_YOUR_CALM);
}

#[test]
fn a_flood_of_malformed_requests_is_ended() {
    let code = under_attack(|wire| {
        wire.stream.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
        let mut fields = request("GET", "/");
        fields.push(("connection", b"close"));
        for n in 0..5_000 {
            let head = frame(HEADERS, END_STREAM | END_HEADERS, 2 * n + 1, &block(&fields));
            if wire.stream.write_all(&head).is_err() {
                break;
            }
        }
    });
    assert_eq!(code, ENHANCE_YOUR_CALM);
}

/// The client does not reset its requests; it makes the router do so, by breaking a rule on each.
#[test]
fn a_flood_of_requests_that_have_to_be_reset_is_ended() {
    let code = under_attack(|wire| {
        wire.stream.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
        for n in 0..5_000 {
            let stream = 2 * n + 1;
            let head = frame(HEADERS, END_STREAM | END_HEADERS, stream, &block(&request("GET", "/")));
            let update = frame(WINDOW_UPDATE, 0, stream, &[0; 4]);
            if wire.stream.write_all(&[head, update].concat()).is_err() {
                break;
            }
        }
    });
    assert!([PROTOCOL_ERROR, ENHANCE_YOUR_CALM].contains(&code), "{code}");
}

#[test]
fn streams_beyond_the_limit_are_refused_and_the_others_served() {
    let endpoint = Endpoint::serving(|connection| {
        connection.request();
        connection.wait_for_end();
    });
    let options =
        Options { workers: 1, http2: Http2 { streams: 3, ..Http2::default() }, ..Options::default() };
    let site = Site::start_with(&config(&[("example.com", endpoint.address)]), options);
    let mut wire = Wire::connect(site.http());
    for stream in [1, 3, 5, 7] {
        wire.get(stream, "/");
    }
    assert_eq!(wire.reset(7), 7, "REFUSED_STREAM");
    eventually("the others are with the endpoint", || endpoint.requests().len() == 3);
}

/// A client that opens no window takes no response; its requests end, its connection need not.
#[test]
fn a_client_that_takes_nothing_loses_its_requests() {
    let body = "x".repeat(1 << 20);
    let endpoint = Endpoint::text(&body);
    let mut config = config(&[("example.com", endpoint.address)]);
    let router_config::Action::Forward(forward) =
        config.hosts.get_mut("example.com").unwrap().paths.get_mut("/").unwrap()
    else {
        panic!("the route forwards");
    };
    forward.idle_seconds = 1;
    let site = Site::start_with(&config, Options { workers: 1, ..Options::default() });
    // SETTINGS_INITIAL_WINDOW_SIZE 0.
    let mut wire = Wire::connect_with(site.http(), &[(4, 0)]);
    for n in 0..10 {
        wire.get(2 * n + 1, "/");
    }
    assert_eq!(Session::plain(site.http()).get("http://example.com/").body.len(), body.len());
    let resets: BTreeSet<_> = (0..10).map(|_| wire.next(RST_STREAM).unwrap().stream).collect();
    assert_eq!(resets.len(), 10);
    eventually("the endpoint's connections are closed", || endpoint.closed() >= 10);
}

/// A head that never ends keeps a client from answering a PING, as it should: nobody waits for it for ever.
#[test]
fn a_head_that_never_ends_and_a_client_that_is_gone_are_found_out() {
    let http2 = Http2 { keep_alive: Duration::from_millis(100), ..Http2::default() };
    let endpoint = Endpoint::text("served");
    let options = Options { workers: 1, http2, ..Options::default() };
    let site = Site::start_with(&config(&[("example.com", endpoint.address)]), options);
    let mut client = Session::plain(site.http());
    client.get("http://example.com/");
    let mut slow = Wire::connect(site.http());
    slow.send(HEADERS, END_STREAM, 1, &block(&request("GET", "/")));
    let mut silent = Wire::connect(site.http());
    let mut bytes = [0; 17 + 9];
    silent.stream.read_exact(&mut bytes).unwrap();
    assert!(slow.ends() && silent.ends());
    // One that has asked for nothing as long, but answers, stays.
    assert_eq!(client.get("http://example.com/").text(), "served");
}
