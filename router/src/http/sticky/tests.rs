use super::*;
use crate::http::head::Head;

/// Sealed by Go's `golang.org/x/crypto/nacl/secretbox` 0.47.0 with the nonce 0, 1, 2 .. 23.
const SEALED_ELSEWHERE: [(&str, &str, &str); 4] = [
    ("zero", "127.0.0.1:8080", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX5N3NekyjEItUbk73w2JXqzA9i9gXrBxJe+qHoWt5"),
    (
        "zero",
        "[2001:db8::1]:80",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXwmNaKNVHvwvgsAk6cb0pvlo9jMYWuEgFcuqFoA5z4sA=",
    ),
    ("sevens", "10.1.2.3:55001", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXep4fLyzIxdL0aVSOJh8bJxCC3ZSiSmXthqcC8uO8"),
    (
        "sevens",
        "[2001:db8::1]:80",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX+jenF8S7NWlJ9xBTaBN6iXqAw5W9Qi+8hKgN8463kiQ=",
    ),
];

/// All zeros, or 0, 7, 14 and so on.
fn key(name: &str) -> CookieKey {
    match name {
        "zero" => CookieKey::new([0; 32]),
        _ => CookieKey::new(std::array::from_fn(|place| place as u8 * 7)),
    }
}

fn session(key: &CookieKey, fields: &str) -> Session {
    let text = format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
    let mut head = Head::default();
    head.advance(text.as_bytes()).unwrap();
    Session::of(&Request::parse(&head, text.as_bytes()).unwrap(), Some(key))
}

#[test]
fn a_cookie_of_another_implementation_is_opened_and_ours_is_the_same() {
    let nonce = std::array::from_fn(|place| place as u8);
    for (name, address, value) in SEALED_ELSEWHERE {
        let (key, address) = (key(name), address.parse().unwrap());
        assert_eq!(open(&key, value.as_bytes()), Some(address));
        assert_eq!(seal(&key, address, nonce, &mut [0; ENCODED]), value.as_bytes());
    }
}

#[test]
fn what_was_not_sealed_with_the_key_or_is_no_address_is_no_session() {
    let [(_, _, good), ..] = SEALED_ELSEWHERE;
    assert!(open(&key("sevens"), good.as_bytes()).is_none());
    let mut flipped = good.as_bytes().to_vec();
    flipped[40] ^= 1;
    // The two after the first open, but hold `not an address` and nothing.
    let bad: [&[u8]; 12] = [
        &flipped,
        b"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXK0AR/8YCMcMz/2wZnlH7gG9gyNZG7AwGLrTN9CA6",
        b"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXQb97Td5iBAhlxDxL4dSipg==",
        &good.as_bytes()[..good.len() - 4],
        &good.as_bytes()[1..],
        b"",
        b"=",
        b"!!!notbase64",
        b"AAAA",
        &[b'A'; ENCODED],
        &[b'A'; ENCODED + 1],
        "\u{e9}\u{e9}\u{e9}\u{e9}".as_bytes(),
    ];
    for value in bad {
        assert_eq!(open(&key("zero"), value), None, "{}", String::from_utf8_lossy(value));
    }
}

#[test]
fn the_first_cookie_of_the_name_counts_wherever_it_is() {
    let [(_, one, first), (_, _, second), ..] = SEALED_ELSEWHERE;
    let (key, one) = (key("zero"), Some(one.parse().unwrap()));
    for fields in [
        format!("Cookie: _backend={first}\r\n"),
        format!("Cookie: a=b; _backend={first}; _backend={second}\r\n"),
        format!("Cookie: a=b;_backend={first};c\r\n"),
        format!("Cookie: my_backend={second}; _backend={first}\r\n"),
        format!("Cookie: a\r\ncookie: _backend={first}\r\nCookie: _backend={second}\r\n"),
        format!("Cookie: _backend=\"{first}\"\r\n"),
    ] {
        assert_eq!(session(&key, &fields).endpoint(), one, "{fields}");
    }
    for fields in [
        String::new(),
        format!("Cookie: _Backend={first}\r\n"),
        format!("Cookie: _backend=x; _backend={first}\r\n"),
        "Cookie: _backend\r\n".into(),
    ] {
        assert_eq!(session(&key, &fields).endpoint(), None, "{fields}");
    }
}

#[test]
fn a_cookie_is_set_only_where_the_endpoint_changes_and_never_twice_the_same() {
    let [(_, one, first), (_, other, _), ..] = SEALED_ELSEWHERE;
    let session = session(&key("zero"), &format!("Cookie: _backend={first}\r\n"));
    let line = |address: &str| {
        let mut out = Buffer::default();
        session.push_cookie(address.parse().unwrap(), &mut out);
        String::from_utf8(out.bytes().to_vec()).unwrap()
    };
    assert_eq!(line(one), "");
    let (line, again) = (line(other), line(other));
    assert_ne!(line, again);
    let value = line.strip_prefix("Set-Cookie: _backend=").unwrap().strip_suffix("; Path=/\r\n").unwrap();
    assert_eq!(open(&key("zero"), value.as_bytes()), Some(other.parse().unwrap()));
}

#[test]
fn the_longest_address_fits() {
    let address = "[1111:2222:3333:4444:5555:6666:7777:8888]:65535".parse().unwrap();
    let key = key("zero");
    let mut encoded = [0; ENCODED];
    assert_eq!(open(&key, seal(&key, address, [7; NONCE], &mut encoded)), Some(address));
}

#[test]
fn a_router_without_a_key_draws_one_for_all_its_workers() {
    let one = std::thread::spawn(|| OWN_KEY.clone()).join().unwrap();
    assert_eq!(one, *OWN_KEY);
    assert_ne!(one, CookieKey::new([0; 32]));
}
