//! Bodies in chunks, beside a decoder that is written like the grammar and needs the whole body at once.

use super::MAX_INPUT;
use crate::http::chunked::{BadChunk, Chunks, Piece};

/// The data of a body and how many bytes the body had; `None` if its end is missing.
type Decoded = Option<(Vec<u8>, usize)>;

/// Reads bytes as a chunked body.
///
/// # Panics
/// If the router decodes it differently from the grammar, or differently in parts.
pub fn chunks(data: &[u8]) {
    let data = &data[..data.len().min(MAX_INPUT)];
    let ours = decode(data, data.len().max(1));
    for step in [1, 5] {
        assert_eq!(decode(data, step), ours, "in parts of {step}");
    }
    match naive(data) {
        Ok(Some(body)) => assert_eq!(ours, Ok(Some(body))),
        // A line that has not ended may be bad already.
        Ok(None) => assert!(matches!(ours, Ok(None) | Err(BadChunk)), "it has no end: {ours:?}"),
        Err(Wrong) => assert_eq!(ours, Err(BadChunk)),
    }
}

/// What comes of a body that arrives in parts.
fn decode(body: &[u8], step: usize) -> Result<Decoded, BadChunk> {
    let (mut chunks, mut data, mut consumed) = (Chunks::default(), Vec::new(), 0);
    let mut end = step.min(body.len());
    loop {
        match chunks.next(&body[consumed..end])? {
            Piece::Data { skip, length } => {
                assert!(length > 0 && consumed + skip + length <= end, "data beyond what is there");
                data.extend_from_slice(&body[consumed + skip..consumed + skip + length]);
                consumed += skip + length;
            }
            Piece::End { skip } => return Ok(Some((data, consumed + skip))),
            Piece::More { .. } if end == body.len() => return Ok(None),
            Piece::More { skip } => {
                consumed += skip;
                end = (end + step).min(body.len());
            }
        }
    }
}

#[derive(Debug)]
struct Wrong;

/// `chunked-body` of RFC 9112 section 7.1, with sizes of at most 15 digits and without whitespace around them.
fn naive(body: &[u8]) -> Result<Decoded, Wrong> {
    let (mut rest, mut data) = (body, Vec::new());
    loop {
        let Some((line, after)) = line(rest)? else { return Ok(None) };
        let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
        if digits.is_empty() || digits.len() > 15 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(Wrong);
        }
        let digits = std::str::from_utf8(digits).map_err(|_| Wrong)?;
        let size = usize::from_str_radix(digits, 16).map_err(|_| Wrong)?;
        rest = after;
        if size == 0 {
            return Ok(after_trailers(rest)?.map(|rest| (data, body.len() - rest.len())));
        }
        let Some((chunk, after)) = rest.split_at_checked(size) else { return Ok(None) };
        data.extend_from_slice(chunk);
        rest = match after {
            [b'\r', b'\n', rest @ ..] => rest,
            [] | [b'\r'] => return Ok(None),
            _ => return Err(Wrong),
        };
    }
}

fn after_trailers(mut rest: &[u8]) -> Result<Option<&[u8]>, Wrong> {
    loop {
        let Some((line, after)) = line(rest)? else { return Ok(None) };
        if line.is_empty() {
            return Ok(Some(after));
        }
        let colon = line.iter().position(|byte| *byte == b':').ok_or(Wrong)?;
        http::HeaderName::from_bytes(&line[..colon]).map_err(|_| Wrong)?;
        rest = after;
    }
}

/// A line and what follows it; `None` if its end is missing.
type Line<'a> = Option<(&'a [u8], &'a [u8])>;

/// A line that ends in CRLF and holds no control byte but tabs.
fn line(bytes: &[u8]) -> Result<Line<'_>, Wrong> {
    let Some(end) = bytes.windows(2).position(|pair| pair == b"\r\n") else {
        return Ok(None);
    };
    let line = &bytes[..end];
    let is_control = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
    if line.iter().any(is_control) { Err(Wrong) } else { Ok(Some((line, &bytes[end + 2..]))) }
}
