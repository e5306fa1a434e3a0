//! The probes: `probes.txt` comes in, raw bytes and what has to come back for them go out.

use anyhow::{Context, Result, bail, ensure};

const LIST: &str = include_str!("probes.txt");

/// Raw requests that some server has once read differently from some proxy.
#[derive(Debug)]
pub(crate) struct Probe {
    /// Marks its requests: four bytes, in every target and host.
    pub(crate) id: String,
    pub(crate) section: &'static str,
    pub(crate) name: String,
    pub(crate) expected: Vec<Expected>,
    pub(crate) bytes: Vec<u8>,
    /// Whether the client says with its last byte that no more comes.
    pub(crate) ends: bool,
}

/// What comes back, one for each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// The backend's answer to this request.
    Backend(Sent),
    /// The same, or the backend's own refusal of it.
    BackendOrRefusal,
    /// The router's answer. With `begun` the backend may have seen the beginning of the request.
    Router { status: u16, begun: bool },
    /// No answer.
    Nothing { begun: bool },
}

/// The requests of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    Probe,
    /// What a body hides.
    Smuggled,
    After,
}

impl Sent {
    /// The path, after the id.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Probe => "/probe",
            Self::Smuggled => "/smuggled",
            Self::After => "/after",
        }
    }
}

/// All probes of the list, in its order.
pub(crate) fn all() -> Result<Vec<Probe>> {
    let mut section = "";
    let mut probes = Vec::new();
    for (number, line) in LIST.lines().enumerate() {
        if let Some(name) = line.strip_prefix("# --- ") {
            section = name;
        }
        if !line.is_empty() && !line.starts_with('#') {
            let id = format!("p{:03}", probes.len());
            let probe = parse(line, id, section).with_context(|| format!("probes.txt:{}", number + 1))?;
            probes.push(probe);
        }
    }
    Ok(probes)
}

fn parse(line: &'static str, id: String, section: &'static str) -> Result<Probe> {
    let mut parts = line.splitn(3, " | ");
    let (Some(name), Some(expected), Some(text)) = (parts.next(), parts.next(), parts.next()) else {
        bail!("a line has three parts");
    };
    let expected = expected.split(' ').enumerate().map(|(place, word)| expect(place, word));
    let expected = expected.collect::<Result<Vec<_>>>()?;
    let ends = matches!(expected[..], [Expected::Nothing { .. }]);
    let mut bytes = unescape(&repeat(&fill(text, &id))?)?;
    if !ends {
        let after = format!("GET /{id}/after HTTP/1.1\r\nHost: {id}.test\r\nConnection: close\r\n\r\n");
        bytes.extend(after.into_bytes());
    }
    Ok(Probe { id, section, name: name.to_owned(), expected, bytes, ends })
}

fn expect(place: usize, word: &str) -> Result<Expected> {
    Ok(match word {
        ">" if place == 0 => Expected::Backend(Sent::Probe),
        ">" => Expected::Backend(Sent::After),
        "S" => Expected::Backend(Sent::Smuggled),
        "!" => Expected::BackendOrRefusal,
        "-" => Expected::Nothing { begun: false },
        "x" => Expected::Nothing { begun: true },
        status => {
            let digits = status.trim_end_matches('x');
            Expected::Router { status: digits.parse()?, begun: digits != status }
        }
    })
}

/// Puts in the requests and the id.
fn fill(text: &str, id: &str) -> String {
    let head = |method: &str, path: &str| format!(r"{method} {path} HTTP/1.1\r\nHost: {{I}}.test\r\n");
    text.replace("{G}", &head("GET", "{T}"))
        .replace("{P}", &head("POST", "{T}"))
        .replace("{S}", &(head("GET", "/{I}/smuggled") + r"\r\n"))
        .replace("{T}", "/{I}/probe")
        .replace("{I}", id)
}

/// Writes out `{9*a}`.
fn repeat(text: &str) -> Result<String> {
    let Some((before, rest)) = text.split_once('{') else {
        return Ok(text.to_owned());
    };
    let (group, after) = rest.split_once('}').context("a brace is open")?;
    let (count, piece) = group.split_once('*').context("nothing else stands in braces")?;
    Ok(format!("{before}{}{}", piece.repeat(count.parse()?), repeat(after)?))
}

fn unescape(text: &str) -> Result<Vec<u8>> {
    ensure!(text.is_ascii(), "bytes beyond ASCII are written with \\x");
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next() {
            Some(b'r') => b'\r',
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'0') => 0,
            Some(b'\\') => b'\\',
            Some(b'x') => {
                let digits: String = rest.by_ref().take(2).map(char::from).collect();
                u8::from_str_radix(&digits, 16)?
            }
            other => bail!("no escape: {other:?}"),
        });
    }
    Ok(bytes)
}

#[test]
fn a_probe_is_what_its_line_says() -> Result<()> {
    let probe = parse(r"name | > 400x | {P}X: {2*ab}\x01\\\r\n{S}", "p123".into(), "")?;
    let expected = "POST /p123/probe HTTP/1.1\r\nHost: p123.test\r\nX: abab\u{1}\\\r\n\
                    GET /p123/smuggled HTTP/1.1\r\nHost: p123.test\r\n\r\n\
                    GET /p123/after HTTP/1.1\r\nHost: p123.test\r\nConnection: close\r\n\r\n";
    assert_eq!(String::from_utf8(probe.bytes)?, expected);
    let refused = Expected::Router { status: 400, begun: true };
    assert_eq!(probe.expected, [Expected::Backend(Sent::Probe), refused]);
    Ok(())
}

#[test]
fn the_hidden_request_has_the_length_that_the_probes_declare() {
    let hidden = fill("{S}", "p000").replace(r"\r\n", "\r\n");
    assert_eq!(hidden.len(), 48);
}
