//! What is known of an object beside its content: one file of JSON each, which is small and replaced whole.

use std::sync::Arc;

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use serde::{Deserialize, Serialize};

use crate::Name;
use crate::checksum::Checksum;

/// What is known of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The file of its content.
    pub(crate) content: String,
    /// Its media type, as the client said it.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// How many bytes it has.
    pub size: u64,
    /// Their SHA-512, in base64.
    pub sha512: String,
    /// When it was written first.
    pub created: Timestamp,
    /// When it was written last.
    pub updated: Timestamp,
}

/// An object that can be found.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) record: Arc<Record>,
    /// The checksum, for what is appended next: known only of objects that have been appended to, so that others take no memory for it.
    pub(crate) checksum: Option<Checksum>,
}

/// A record in its file, which has a hash for its name.
#[derive(Serialize, Deserialize)]
struct Document {
    /// With every unusual byte as `%XX`, because a name need not be text.
    name: String,
    #[serde(flatten)]
    record: Record,
}

/// What stands in a document's name as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_');

/// The content of a record's file.
pub(crate) fn encode(name: &Name, record: &Record) -> Vec<u8> {
    let name = percent_encode(name.as_bytes(), PLAIN).to_string();
    let document = Document { name, record: record.clone() };
    serde_json::to_vec(&document).expect("a record has text and numbers only")
}

/// What [`encode`] made; nothing if it is anything else.
pub(crate) fn decode(document: &[u8]) -> Option<(Name, Record)> {
    let Document { name, record } = serde_json::from_slice(document).ok()?;
    let name = Name::new(percent_decode_str(&name).collect::<Vec<u8>>())?;
    Some((name, record))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written_whatever_its_name() {
        let record = Record {
            content: "c".into(),
            media_type: Some("text/plain".into()),
            size: 3,
            sha512: "s".into(),
            created: Timestamp::UNIX_EPOCH,
            updated: Timestamp::UNIX_EPOCH,
        };
        for name in [&b"/a/b.txt"[..], b"/\xff\0\"%41\n", "/grüße".as_bytes()] {
            let name = Name::new(name).unwrap();
            assert_eq!(decode(&encode(&name, &record)), Some((name, record.clone())));
        }
        assert_eq!(decode(b"{"), None);
    }
}
