//! The head of a message: its first line and its fields (RFC 9112 sections 2 to 5), as places in the read buffer.
//!
//! In come the bytes of a head as they arrive; out go offsets, once the empty line is there. Nothing is copied, and no
//! line is looked at twice. It refuses what parsers disagree about: a bare LF or CR, a folded line, whitespace around
//! a name, control bytes. Hot: the list of fields is reused, and given back to the thread while a connection is idle.

use std::cell::RefCell;
use std::ops::Range;

use super::name::Name;

/// The longest head, in bytes, with its empty line.
pub(crate) const MAX_HEAD: usize = 64 * 1024;

/// The longest first line, in bytes.
pub(crate) const MAX_START_LINE: usize = 32 * 1024;

/// The most fields.
pub(crate) const MAX_FIELDS: usize = 100;

/// A message's head, as far as it has come.
#[derive(Debug, Default)]
pub(crate) struct Head {
    fields: Vec<Field>,
    start_line: Span,
    /// Where the line starts that has not ended yet, relative to the head's first byte.
    line: usize,
    /// Up to where that line holds no LF.
    scanned: usize,
    has_start_line: bool,
}

/// One field.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub(crate) kind: Name,
    name: Span,
    value: Span,
}

#[derive(Debug, Clone, Copy, Default)]
struct Span {
    start: u32,
    end: u32,
}

/// Whether a head is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It ends after this many bytes.
    Complete(usize),
    /// More bytes are needed.
    Partial,
}

/// Why a head is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeadFault {
    BareLineFeed,
    ControlByte,
    FoldedLine,
    NoColon,
    BadName,
    StartLineTooLong,
    TooLong,
    TooManyFields,
}

thread_local! {
    static SPARE: RefCell<Vec<Vec<Field>>> = const { RefCell::new(Vec::new()) };
}

const KEPT_SPARES: usize = 64;

impl Head {
    /// Goes on parsing. `bytes` starts with the first byte of the head every time.
    ///
    /// # Errors
    /// As soon as a line is there that cannot be part of a head, or a limit is passed.
    pub(crate) fn advance(&mut self, bytes: &[u8]) -> Result<Progress, HeadFault> {
        while let Some(place) = memchr::memchr(b'\n', &bytes[self.scanned..]) {
            let end = self.scanned + place;
            if end + 1 > MAX_HEAD {
                return Err(HeadFault::TooLong);
            }
            let line = self.line
                ..end
                    .checked_sub(1)
                    .filter(|cr| *cr >= self.line && bytes[*cr] == b'\r')
                    .ok_or(HeadFault::BareLineFeed)?;
            self.line = end + 1;
            self.scanned = end + 1;
            if line.is_empty() && self.has_start_line {
                return Ok(Progress::Complete(end + 1));
            }
            self.take_line(bytes, line)?;
        }
        self.scanned = bytes.len();
        if !self.has_start_line && bytes.len() - self.line > MAX_START_LINE {
            return Err(HeadFault::StartLineTooLong);
        }
        if bytes.len() >= MAX_HEAD {
            return Err(HeadFault::TooLong);
        }
        Ok(Progress::Partial)
    }

    fn take_line(&mut self, bytes: &[u8], line: Range<usize>) -> Result<(), HeadFault> {
        if !self.has_start_line {
            return self.take_start_line(bytes, line);
        }
        if self.fields.len() == MAX_FIELDS {
            return Err(HeadFault::TooManyFields);
        }
        let field = parse_field(&bytes[line.clone()], line.start)?;
        if self.fields.capacity() == 0 {
            self.fields = SPARE.with_borrow_mut(Vec::pop).unwrap_or_else(|| Vec::with_capacity(MAX_FIELDS));
        }
        self.fields.push(field);
        Ok(())
    }

    fn take_start_line(&mut self, bytes: &[u8], line: Range<usize>) -> Result<(), HeadFault> {
        if line.is_empty() && line.start == 0 {
            // One empty line before a request is ignored (RFC 9112 section 2.2).
            return Ok(());
        }
        if line.len() > MAX_START_LINE {
            return Err(HeadFault::StartLineTooLong);
        }
        if bytes[line.clone()].iter().any(|byte| is_control(*byte)) {
            return Err(HeadFault::ControlByte);
        }
        self.start_line = Span::of(line);
        self.has_start_line = true;
        Ok(())
    }

    pub(crate) fn start_line<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        self.start_line.in_(bytes)
    }

    /// The fields in their order.
    pub(crate) fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The values of a field, in their order.
    pub(crate) fn values<'a>(&'a self, bytes: &'a [u8], kind: Name) -> impl Iterator<Item = &'a [u8]> {
        self.fields.iter().filter(move |field| field.kind == kind).map(move |field| field.value(bytes))
    }

    /// Makes ready for the next head.
    pub(crate) fn reset(&mut self) {
        self.fields.clear();
        self.start_line = Span::default();
        self.line = 0;
        self.scanned = 0;
        self.has_start_line = false;
    }

    /// Makes ready for the next head, and gives the list of fields to the thread meanwhile.
    pub(crate) fn release(&mut self) {
        self.reset();
        let spare = std::mem::take(&mut self.fields);
        if spare.capacity() > 0 {
            let _ = SPARE.try_with(|spares| {
                let mut spares = spares.borrow_mut();
                if spares.len() < KEPT_SPARES {
                    spares.push(spare);
                }
            });
        }
    }
}

impl Field {
    pub(crate) fn name<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        self.name.in_(bytes)
    }

    /// Without the whitespace around it.
    pub(crate) fn value<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        self.value.in_(bytes)
    }
}

impl Span {
    /// Heads are far shorter than 4 GiB, so that no offset is cut.
    #[allow(clippy::cast_possible_truncation)]
    fn of(range: Range<usize>) -> Self {
        Self { start: range.start as u32, end: range.end as u32 }
    }

    fn in_(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.start as usize..self.end as usize]
    }
}

fn parse_field(line: &[u8], offset: usize) -> Result<Field, HeadFault> {
    if matches!(line.first(), Some(b' ' | b'\t')) {
        return Err(HeadFault::FoldedLine);
    }
    let colon = memchr::memchr(b':', line).ok_or(HeadFault::NoColon)?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    if !is_token(name) {
        return Err(HeadFault::BadName);
    }
    if value.iter().any(|byte| is_control(*byte) && *byte != b'\t') {
        return Err(HeadFault::ControlByte);
    }
    let start = offset + colon + 1 + (value.len() - value.trim_ascii_start().len());
    Ok(Field {
        kind: Name::of(name),
        name: Span::of(offset..offset + colon),
        value: Span::of(start..start + value.trim_ascii().len()),
    })
}

fn is_control(byte: u8) -> bool {
    byte < b' ' || byte == 0x7f
}

/// Whether bytes are a token (RFC 9110 section 5.6.2).
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| TOKEN[usize::from(*byte)])
}

static TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        table[byte as usize] = byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'!' | b'#'
                    | b'$'
                    | b'%'
                    | b'&'
                    | b'\''
                    | b'*'
                    | b'+'
                    | b'-'
                    | b'.'
                    | b'^'
                    | b'_'
                    | b'`'
                    | b'|'
                    | b'~'
            );
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests;
