//! Instants as Go reads and writes them: `2026-11-22T08:00:00Z`, and with microseconds for Leases and Events.

use jiff::Timestamp;
use jiff::tz::Offset;

/// The two precisions of Kubernetes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precision {
    /// `Time`.
    Seconds,
    /// `MicroTime`.
    Microseconds,
}

/// The instant in UTC, cut to its precision; the error is the sentence of a Go program.
pub(crate) fn canonical(text: &str, precision: Precision) -> Result<String, String> {
    well_formed(text, precision)?;
    let instant: Timestamp = text
        .parse()
        .map_err(|_| format!("parsing time {text:?}: {} out of range", part_out_of_range(text)))?;
    let pattern = match precision {
        Precision::Seconds => "%Y-%m-%dT%H:%M:%SZ",
        Precision::Microseconds => "%Y-%m-%dT%H:%M:%S.%6fZ",
    };
    Ok(Offset::UTC.to_datetime(instant).strftime(pattern).to_string())
}

/// Goes along the layout, and tells the first element that is not there.
fn well_formed(text: &str, precision: Precision) -> Result<(), String> {
    let (layout, elements): (_, &[&str]) = match precision {
        Precision::Seconds => {
            ("2006-01-02T15:04:05Z07:00", &["2006", "-", "01", "-", "02", "T", "15", ":", "04", ":", "05"])
        }
        Precision::Microseconds => (
            "2006-01-02T15:04:05.000000Z07:00",
            &["2006", "-", "01", "-", "02", "T", "15", ":", "04", ":", "05", ".000000"],
        ),
    };
    let fault = |rest: &str, element: &str| {
        Err(format!("parsing time {text:?} as {layout:?}: cannot parse {rest:?} as {element:?}"))
    };
    let mut rest = text;
    for element in elements {
        let Some(after) = without(rest, element) else { return fault(rest, element) };
        rest = after;
    }
    // Go takes a fraction after the seconds also where the layout has none.
    if precision == Precision::Seconds
        && let Some(fraction) = rest.strip_prefix('.')
    {
        rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    let zone = rest.as_bytes();
    match zone {
        [b'Z'] | [b'+' | b'-', b'0'..=b'9', b'0'..=b'9', b':', b'0'..=b'9', b'0'..=b'9'] => Ok(()),
        [b'Z', ..] => Err(format!("parsing time {text:?}: extra text: {:?}", &rest[1..])),
        _ => fault(rest, "Z07:00"),
    }
}

/// Which part of a well-formed instant there is not.
fn part_out_of_range(text: &str) -> &'static str {
    let number = |range| text.get(range).and_then(|digits: &str| digits.parse().ok()).unwrap_or(u8::MAX);
    match (number(5..7), number(11..13), number(14..16), number(17..19)) {
        (0 | 13.., ..) => "month",
        (_, 24.., ..) => "hour",
        (_, _, 60.., _) => "minute",
        (_, _, _, 60..) => "second",
        _ => "day",
    }
}

/// What is left after an element: digits stand for as many digits, anything else for itself.
fn without<'a>(text: &'a str, element: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(element.len())?;
    let fits = head.bytes().zip(element.bytes()).all(|(found, expected)| {
        if expected.is_ascii_digit() { found.is_ascii_digit() } else { found == expected }
    });
    fits.then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_in_utc_with_its_precision() {
        let seconds = canonical("2026-11-22T10:00:00.5+02:00", Precision::Seconds);
        assert_eq!(seconds.as_deref(), Ok("2026-11-22T08:00:00Z"));
        let micros = canonical("2026-11-22T08:00:00.123456Z", Precision::Microseconds);
        assert_eq!(micros.as_deref(), Ok("2026-11-22T08:00:00.123456Z"));
    }

    #[test]
    fn a_day_that_there_is_not_is_told() {
        let fault = |text: &str| canonical(text, Precision::Seconds).expect_err("it is no instant");
        assert!(fault("2026-13-22T00:00:00Z").ends_with(": month out of range"));
        assert!(fault("2026-02-30T00:00:00Z").ends_with(": day out of range"));
        assert!(fault("2026-11-22T25:00:00Z").ends_with(": hour out of range"));
    }

    #[test]
    fn the_first_element_that_is_missing_is_told() {
        assert_eq!(
            canonical("x", Precision::Seconds),
            Err(r#"parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006""#.to_owned())
        );
        assert_eq!(
            canonical("2026-11-22", Precision::Seconds),
            Err(r#"parsing time "2026-11-22" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "T""#
                .to_owned())
        );
    }
}
