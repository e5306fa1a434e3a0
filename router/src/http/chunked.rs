//! The chunked transfer coding (RFC 9112 section 7.1), read strictly.
//!
//! In come bytes of a body as they arrive; out goes where its data is. Sizes are plain hexadecimal, lines end in CRLF,
//! extensions and trailers are bounded and checked; extensions are dropped, trailers kept. Hot: one pass, nothing else
//! is copied.

use super::head::is_token;
use crate::table::paths::hex;

/// The most bytes of extensions in one body, and of trailers after it.
const MAX_EXTRA: usize = 8 * 1024;

/// The most digits of a size; with 15 no size overflows.
const MAX_DIGITS: u8 = 15;

/// A body in chunks, as far as it has come.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chunks {
    state: State,
    remaining: u64,
    digits: u8,
    extra: usize,
    /// The current trailer line has had its colon.
    colon: bool,
    /// The lines of the trailers so far, each with its CRLF.
    trailers: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Size,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    LineStart,
    Trailer,
    TrailerLf,
    EndLf,
    Done,
}

/// What the bytes at hand begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece {
    /// After `skip` bytes of framing, `length` bytes of data (not 0).
    Data { skip: usize, length: usize },
    /// `skip` bytes of framing, and more are needed.
    More { skip: usize },
    /// `skip` bytes of framing, and the body is over.
    End { skip: usize },
}

/// The framing is not what it has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadChunk;

impl Chunks {
    /// The names and values after the body, once it is over. The values have no whitespace around them.
    pub(crate) fn trailers(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.trailers.split(|byte| *byte == b'\n').filter_map(|line| {
            let (name, value) = line.split_at(memchr::memchr(b':', line)?);
            Some((name, value[1..].trim_ascii()))
        })
    }

    /// Looks at the bytes that were not consumed yet. The caller consumes what the piece covers.
    pub(crate) fn next(&mut self, bytes: &[u8]) -> Result<Piece, BadChunk> {
        for (skip, byte) in bytes.iter().enumerate() {
            match self.state {
                State::Data => return Ok(self.data(skip, bytes.len())),
                State::Done => return Ok(Piece::End { skip }),
                _ => self.state = self.after(*byte)?,
            }
        }
        Ok(match self.state {
            State::Done => Piece::End { skip: bytes.len() },
            _ => Piece::More { skip: bytes.len() },
        })
    }

    #[allow(clippy::cast_possible_truncation)] // the smaller of the two fits
    fn data(&mut self, skip: usize, end: usize) -> Piece {
        let length = self.remaining.min((end - skip) as u64);
        self.remaining -= length;
        if self.remaining == 0 {
            self.state = State::DataCr;
        }
        Piece::Data { skip, length: length as usize }
    }

    fn after(&mut self, byte: u8) -> Result<State, BadChunk> {
        match (self.state, byte) {
            (State::Size, b'\r') if self.digits > 0 => Ok(State::SizeLf),
            (State::Size, b';') if self.digits > 0 => self.extra(State::Extension),
            (State::Size, digit) => self.digit(digit),
            (State::Extension, b'\r') => Ok(State::SizeLf),
            (State::Extension, byte) if is_text(byte) => self.extra(State::Extension),
            (State::SizeLf, b'\n') => Ok(self.start_chunk()),
            (State::DataCr, b'\r') => Ok(State::DataLf),
            (State::DataLf, b'\n') => Ok(State::Size),
            (State::LineStart, b'\r') => Ok(State::EndLf),
            (State::LineStart, byte) if is_token(&[byte]) => self.trailer(byte),
            (State::Trailer, b'\r') if self.colon => Ok(State::TrailerLf),
            (State::Trailer, byte) => self.trailer(byte),
            (State::TrailerLf, b'\n') => {
                self.colon = false;
                self.trailers.extend_from_slice(b"\r\n");
                Ok(State::LineStart)
            }
            (State::EndLf, b'\n') => Ok(State::Done),
            _ => Err(BadChunk),
        }
    }

    fn digit(&mut self, byte: u8) -> Result<State, BadChunk> {
        let digit = hex(byte).filter(|_| self.digits < MAX_DIGITS).ok_or(BadChunk)?;
        self.digits += 1;
        self.remaining = self.remaining << 4 | u64::from(digit);
        Ok(State::Size)
    }

    fn start_chunk(&mut self) -> State {
        self.digits = 0;
        match self.remaining {
            0 => State::LineStart,
            _ => State::Data,
        }
    }

    fn trailer(&mut self, byte: u8) -> Result<State, BadChunk> {
        let fits = if self.colon { is_text(byte) } else { byte == b':' || is_token(&[byte]) };
        self.colon |= byte == b':';
        self.trailers.push(byte);
        if fits { self.extra(State::Trailer) } else { Err(BadChunk) }
    }

    fn extra(&mut self, state: State) -> Result<State, BadChunk> {
        self.extra += 1;
        if self.extra > MAX_EXTRA { Err(BadChunk) } else { Ok(state) }
    }
}

fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The data of a body that arrives in parts of `step` bytes, and how many bytes the body had.
    fn decode(body: &[u8], step: usize) -> Result<Option<(Vec<u8>, usize)>, BadChunk> {
        let (mut chunks, mut data, mut consumed) = (Chunks::default(), Vec::new(), 0);
        let mut end = step.min(body.len());
        loop {
            match chunks.next(&body[consumed..end])? {
                Piece::Data { skip, length } => {
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

    #[test]
    fn a_body_is_the_same_however_it_arrives() {
        let body = b"3\r\nabc\r\n0A;x=\"y\"\r\n0123456789\r\n0\r\nX-Trailer: a b\r\nY:\r\n\r\nNEXT";
        for step in 1..body.len() {
            let (data, consumed) = decode(body, step).unwrap().unwrap();
            assert_eq!((&data[..], &body[consumed..]), (&b"abc0123456789"[..], &b"NEXT"[..]), "{step}");
        }
    }

    #[test]
    fn the_trailers_are_kept() {
        let mut chunks = Chunks::default();
        let body = b"0\r\nX-Trailer: a b \r\nY:\r\nZ:1:2\r\n\r\n";
        assert_eq!(chunks.next(body), Ok(Piece::End { skip: body.len() }));
        let trailers: Vec<_> = chunks.trailers().collect();
        assert_eq!(trailers, [(&b"X-Trailer"[..], &b"a b"[..]), (b"Y", b""), (b"Z", b"1:2")]);
    }

    #[test]
    fn a_body_without_its_end_is_not_over() {
        for body in ["", "3", "3\r\nab", "3\r\nabc\r\n", "0\r\n", "0\r\n\r"] {
            assert_eq!(decode(body.as_bytes(), 4), Ok(None), "{body:?}");
        }
    }

    #[test]
    fn framing_that_parsers_disagree_about_is_refused() {
        let long = format!("1;{}\r\na\r\n0\r\n\r\n", "x".repeat(MAX_EXTRA));
        let trailers = format!("0\r\n{}\r\n", "X: a\r\n".repeat(MAX_EXTRA / 4 + 1));
        let bodies = [
            "\r\n",
            ";x\r\n",
            "+3\r\nabc\r\n",
            "-3\r\n",
            "0x3\r\nabc\r\n",
            " 3\r\nabc\r\n",
            "3 \r\nabc\r\n",
            "3\nabc\r\n",
            "3\r\nabcd\r\n",
            "3\r\nabc\n",
            "3\r\nabc0\r\n",
            "3;\nabc\r\n",
            "3;a\0\r\nabc\r\n",
            "1000000000000000\r\n",
            "g\r\n",
            "0\r\nX: a\n\r\n",
            "0\r\n X: a\r\n",
            "0\r\nX\r\n\r\n",
            "0\r\nX : a\r\n\r\n",
            "0\r\n\n",
            "0\r\nX: a\rb\r\n",
            "3\r\rabc",
            &long,
            &trailers,
        ];
        for body in bodies {
            let refused = decode(body.as_bytes(), 7) == Err(BadChunk);
            assert!(refused, "{:?}", &body[..body.len().min(40)]);
        }
    }
}
