//! The wire format: numbered fields, each a number or bytes.

use super::Error;

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content<'a> {
    /// A number; signed ones in two's complement.
    Number(u64),
    /// A text, bytes, or a message.
    Bytes(&'a [u8]),
}

/// Reads the fields of one message, up to the first fault.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

const CUT: Error = Error::Malformed("it ends too early");

impl<'a> Content<'a> {
    pub(super) fn bytes(&self) -> Result<&'a [u8], Error> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Number(_) => Err(Error::Malformed("a number where a text or a message belongs")),
        }
    }

    pub(super) fn number(&self) -> Result<u64, Error> {
        match self {
            Self::Number(number) => Ok(*number),
            Self::Bytes(_) => Err(Error::Malformed("bytes where a number belongs")),
        }
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    fn field(&mut self) -> Result<(u64, Content<'a>), Error> {
        let tag = varint(&mut self.rest)?;
        let content = match tag & 7 {
            0 => Content::Number(varint(&mut self.rest)?),
            1 => Content::Bytes(self.take(8)?),
            2 => {
                let length = varint(&mut self.rest)?;
                Content::Bytes(self.take(length)?)
            }
            5 => Content::Bytes(self.take(4)?),
            _ => return Err(Error::Malformed("a field of an unknown wire type")),
        };
        Ok((tag >> 3, content))
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Error> {
        let length = usize::try_from(length).map_err(|_| CUT)?;
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(CUT)?;
        self.rest = rest;
        Ok(taken)
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<(u64, Content<'a>), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// Numbers one after the other.
pub(super) fn varints(mut bytes: &[u8]) -> impl Iterator<Item = Result<u64, Error>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let number = varint(&mut bytes);
        if number.is_err() {
            bytes = &[];
        }
        Some(number)
    })
}

/// Seven bits in each byte, the lowest first; the eighth says that more follow.
fn varint(rest: &mut &[u8]) -> Result<u64, Error> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first().ok_or(CUT)?;
        *rest = after;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(Error::Malformed("a number with too many bytes"))
}
