//! The part of an object that a request asks for (RFC 9110, section 14).
//!
//! Of several ranges none is given but the whole, as a server may, and so for a unit that is not known.

use std::ops::Range;

/// What is given of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of it.
    Whole,
    /// The bytes at these positions.
    Bytes(Range<u64>),
    /// Nothing, because it has no such bytes.
    Unsatisfiable,
}

/// What the value of a `Range` header asks for, of an object of this size. Of an empty one that is the whole, as some clients always ask
/// for a range.
pub(crate) fn part(value: &str, size: u64) -> Part {
    let Some(ranges) = value.split_once('=').filter(|(unit, _)| unit.eq_ignore_ascii_case("bytes")) else {
        return Part::Whole;
    };
    let range = ranges.1.trim();
    if range.contains(',') || size == 0 {
        return Part::Whole;
    }
    match positions(range, size) {
        Some(positions) if !positions.is_empty() => Part::Bytes(positions),
        _ => Part::Unsatisfiable,
    }
}

/// From `first-last`, `first-` and `-length`.
fn positions(range: &str, size: u64) -> Option<Range<u64>> {
    let (first, last) = range.split_once('-')?;
    if first.is_empty() {
        return Some(size.saturating_sub(number(last)?)..size);
    }
    let first = number(first)?;
    let last = if last.is_empty() { u64::MAX } else { number(last)? };
    (first <= last).then(|| first..last.saturating_add(1).min(size))
}

/// Digits only; what is larger than any object is the largest number.
fn number(digits: &str) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_cut_to_what_the_object_has() {
        for (value, positions) in [
            ("bytes=0-0", 0..1),
            ("bytes=2-4", 2..5),
            ("Bytes= 2-4", 2..5),
            ("bytes=2-", 2..10),
            ("bytes=2-99999999999999999999999", 2..10),
            ("bytes=-3", 7..10),
            ("bytes=-30", 0..10),
            ("bytes=9-9", 9..10),
        ] {
            assert_eq!(part(value, 10), Part::Bytes(positions), "{value}");
        }
    }

    #[test]
    fn what_the_object_does_not_have_is_refused() {
        for value in [
            "bytes=10-",
            "bytes=10-12",
            "bytes=-0",
            "bytes=3-2",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=+1-2",
        ] {
            assert_eq!(part(value, 10), Part::Unsatisfiable, "{value}");
        }
    }

    #[test]
    fn several_ranges_and_other_units_are_answered_with_the_whole() {
        for value in ["bytes=0-1,3-4", "lines=1-2", "0-1"] {
            assert_eq!(part(value, 10), Part::Whole, "{value}");
        }
        assert_eq!(part("bytes=0-", 0), Part::Whole);
    }
}
