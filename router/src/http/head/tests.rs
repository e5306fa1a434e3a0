//! Rules of heads.

use super::*;

fn parse(text: &str) -> Result<Progress, HeadFault> {
    Head::default().advance(text.as_bytes())
}

#[test]
fn a_head_is_its_first_line_and_its_fields_without_the_whitespace_around_values() {
    let text = b"GET / HTTP/1.1\r\nHost: a\r\nX-Empty:\r\nX-Space: \t b c \t\r\n\r\nrest";
    let mut head = Head::default();
    assert_eq!(head.advance(text), Ok(Progress::Complete(text.len() - 4)));
    assert_eq!(head.start_line(text), b"GET / HTTP/1.1");
    let fields: Vec<_> = head.fields().iter().map(|field| (field.name(text), field.value(text))).collect();
    assert_eq!(fields, [(&b"Host"[..], &b"a"[..]), (b"X-Empty", b""), (b"X-Space", b"b c")]);
}

#[test]
fn a_head_that_arrives_byte_by_byte_is_the_same_head() {
    let text = b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut head = Head::default();
    for end in 1..text.len() {
        assert_eq!(head.advance(&text[..end]), Ok(Progress::Partial), "{end}");
    }
    assert_eq!(head.advance(text), Ok(Progress::Complete(text.len())));
    assert_eq!(head.values(text, Name::Host).collect::<Vec<_>>(), [b"a"]);
}

#[test]
fn what_parsers_disagree_about_is_refused() {
    let rows = [
        ("GET / HTTP/1.1\nHost: a\r\n\r\n", HeadFault::BareLineFeed),
        ("GET / HTTP/1.1\r\nHost: a\n\r\n", HeadFault::BareLineFeed),
        ("GET / HTTP/1.1\r\nHost: a\r\n\n", HeadFault::BareLineFeed),
        ("\nGET / HTTP/1.1\r\n\r\n", HeadFault::BareLineFeed),
        ("GET /\r HTTP/1.1\r\n\r\n", HeadFault::ControlByte),
        ("GET /\0 HTTP/1.1\r\n\r\n", HeadFault::ControlByte),
        ("GET / HTTP/1.1\r\nX: a\rb\r\n\r\n", HeadFault::ControlByte),
        ("GET / HTTP/1.1\r\nX: a\0b\r\n\r\n", HeadFault::ControlByte),
        ("GET / HTTP/1.1\r\nX: a\x7f\r\n\r\n", HeadFault::ControlByte),
        ("GET / HTTP/1.1\r\nX: a\r\n b\r\n\r\n", HeadFault::FoldedLine),
        ("GET / HTTP/1.1\r\n X: a\r\n\r\n", HeadFault::FoldedLine),
        ("GET / HTTP/1.1\r\nX : a\r\n\r\n", HeadFault::BadName),
        ("GET / HTTP/1.1\r\nX\t: a\r\n\r\n", HeadFault::BadName),
        ("GET / HTTP/1.1\r\n: a\r\n\r\n", HeadFault::BadName),
        ("GET / HTTP/1.1\r\nX\u{e9}: a\r\n\r\n", HeadFault::BadName),
        ("GET / HTTP/1.1\r\nX\0: a\r\n\r\n", HeadFault::BadName),
        ("GET / HTTP/1.1\r\nno colon\r\n\r\n", HeadFault::NoColon),
    ];
    for (text, fault) in rows {
        assert_eq!(parse(text), Err(fault), "{text:?}");
    }
}

#[test]
fn only_one_empty_line_is_ignored_before_a_request() {
    assert!(matches!(parse("\r\nGET / HTTP/1.1\r\n\r\n"), Ok(Progress::Complete(_))));
    assert_eq!(parse("\r\n\r\nGET / HTTP/1.1\r\n\r\n"), Err(HeadFault::NoColon));
    let mut head = Head::default();
    assert_eq!(head.advance(b"\r\n\r\n\r\n"), Ok(Progress::Complete(6)));
    assert_eq!(head.start_line(b"\r\n\r\n\r\n"), b"");
}

#[test]
fn the_limits_are_the_documented_ones() {
    let fields = |count: usize| format!("GET / HTTP/1.1\r\n{}\r\n", "X: a\r\n".repeat(count));
    assert!(matches!(parse(&fields(MAX_FIELDS)), Ok(Progress::Complete(_))));
    assert_eq!(parse(&fields(MAX_FIELDS + 1)), Err(HeadFault::TooManyFields));

    let target = |length: usize| format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(length - 14));
    assert!(matches!(parse(&target(MAX_START_LINE)), Ok(Progress::Complete(_))));
    assert_eq!(parse(&target(MAX_START_LINE + 1)), Err(HeadFault::StartLineTooLong));
    assert_eq!(parse(&"a".repeat(MAX_START_LINE + 1)), Err(HeadFault::StartLineTooLong));

    let head = |length: usize| format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "a".repeat(length - 23));
    assert_eq!(parse(&head(MAX_HEAD)), Ok(Progress::Complete(MAX_HEAD)));
    assert_eq!(parse(&head(MAX_HEAD + 1)), Err(HeadFault::TooLong));
    assert_eq!(parse(&head(2 * MAX_HEAD)[..MAX_HEAD]), Err(HeadFault::TooLong));
}
