//! What is written down in the Secret beside the credentials: what is about to be made, and which keys are ours.
//!
//! An access key and a bucket carry no mark when they are made. So the intent is written first, and cleared by the write that notes the
//! success. What appears between the two, and only that, is ours.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::super::AccessKeyId;
use super::AccessKey;

/// How far AWS's clock and ours may be apart: IAM takes no request beyond that.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// The notes in the annotation [`SecretMarks::ANNOTATION`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SecretMarks {
    /// The keys that the operator made.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub keys: BTreeSet<AccessKeyId>,
    /// When the credentials in the Secret were written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written_at: Option<Timestamp>,
    /// For which value of the annotation that asks for a new key this one was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotate: Option<String>,
    /// The access key that is being made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyIntent>,
    /// Since when the bucket is being made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket_since: Option<Timestamp>,
}

/// An access key is being made: by one call, which is never repeated by itself, so that it makes one key at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyIntent {
    /// Since when.
    pub at: Timestamp,
    /// The keys that the user had then.
    pub known: BTreeSet<AccessKeyId>,
}

impl SecretMarks {
    /// The annotation of the Secret.
    pub const ANNOTATION: &'static str = "flynn.io/credentials";

    /// Reads the annotation. One that nobody understands notes nothing: then no key is taken for ours, and none is deleted.
    #[must_use]
    pub fn read(annotation: Option<&str>) -> Self {
        annotation.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// The annotation's text.
    #[must_use]
    pub fn write(&self) -> String {
        serde_json::to_string(self).expect("the marks are strings and times")
    }

    /// The marks when the key with this id is in the Secret.
    #[must_use]
    pub fn with_key(mut self, id: AccessKeyId, now: Timestamp) -> Self {
        self.keys.insert(id);
        Self { written_at: Some(now), key: None, ..self }
    }
}

impl KeyIntent {
    /// Whether a key that nobody lists may be the one whose answer was lost. Nobody ever had its secret, so it was never used.
    #[must_use]
    pub fn may_have_made(&self, key: &AccessKey) -> bool {
        let about_then = self.at - CLOCK_SKEW..=self.at + CLOCK_SKEW;
        !self.known.contains(&key.id) && key.last_used.is_none() && about_then.contains(&key.created)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_is_read_again_and_nonsense_notes_nothing() {
        let marks = SecretMarks {
            keys: [AccessKeyId::new("AKIA1")].into(),
            written_at: Some(Timestamp::UNIX_EPOCH),
            rotate: Some("now".into()),
            key: Some(KeyIntent { at: Timestamp::UNIX_EPOCH, known: BTreeSet::new() }),
            bucket_since: None,
        };
        assert_eq!(SecretMarks::read(Some(&marks.write())), marks);
        assert_eq!(SecretMarks::read(Some("{keys")), SecretMarks::default());
        assert_eq!(SecretMarks::read(None), SecretMarks::default());
    }

    #[test]
    fn a_key_is_the_lost_one_only_if_it_is_new_and_was_never_used() {
        let at = Timestamp::from_second(1_000_000).unwrap();
        let intent = KeyIntent { at, known: [AccessKeyId::new("AKIA0")].into() };
        let key = |id: &str, created: Timestamp, last_used| AccessKey {
            id: AccessKeyId::new(id),
            active: true,
            created,
            last_used,
        };
        assert!(intent.may_have_made(&key("AKIA1", at, None)));
        assert!(!intent.may_have_made(&key("AKIA0", at, None)), "it was there before");
        assert!(!intent.may_have_made(&key("AKIA1", at, Some(at))), "somebody has its secret");
        for minutes in [-10, 10] {
            let then = at + SignedDuration::from_mins(minutes);
            assert!(!intent.may_have_made(&key("AKIA1", then, None)), "{minutes} minutes from then");
        }
    }
}
