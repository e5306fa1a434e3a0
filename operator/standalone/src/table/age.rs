//! How long ago something was, in at most two units, so that a column of ages is narrow.

use jiff::Timestamp;
use serde_json::Value;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;

/// Up to which duration the unit is used, with which smaller unit beside it; the first that fits is taken.
///
/// ```text
/// 119s | 9m59s | 179m | 7h59m | 47h | 7d23h | 729d | 7y364d | 8y
/// ```
const STEPS: [(i64, Unit, Option<Unit>); 9] = [
    (2 * MINUTE, Unit::Second, None),
    (10 * MINUTE, Unit::Minute, Some(Unit::Second)),
    (3 * HOUR, Unit::Minute, None),
    (8 * HOUR, Unit::Hour, Some(Unit::Minute)),
    (2 * DAY, Unit::Hour, None),
    (8 * DAY, Unit::Day, Some(Unit::Hour)),
    (2 * YEAR, Unit::Day, None),
    (8 * YEAR, Unit::Year, Some(Unit::Day)),
    (i64::MAX, Unit::Year, None),
];

/// Where a time is not known.
pub(super) const UNKNOWN: &str = "<unknown>";

#[derive(Clone, Copy)]
enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    Year,
}

impl Unit {
    fn seconds(self) -> i64 {
        match self {
            Self::Second => 1,
            Self::Minute => MINUTE,
            Self::Hour => HOUR,
            Self::Day => DAY,
            Self::Year => YEAR,
        }
    }

    fn symbol(self) -> char {
        match self {
            Self::Second => 's',
            Self::Minute => 'm',
            Self::Hour => 'h',
            Self::Day => 'd',
            Self::Year => 'y',
        }
    }
}

/// The age of an object.
pub(super) fn of(object: &Value, now: Timestamp) -> Value {
    since(&object["metadata"]["creationTimestamp"], now).into()
}

/// How long ago the time was; `<unknown>` where there is none.
pub(super) fn since(time: &Value, now: Timestamp) -> String {
    match parse(time) {
        Some(time) => human(now, time),
        None => UNKNOWN.to_owned(),
    }
}

/// A time of the API.
pub(super) fn parse(time: &Value) -> Option<Timestamp> {
    time.as_str()?.parse().ok()
}

fn human(now: Timestamp, then: Timestamp) -> String {
    let milliseconds = now.as_millisecond() - then.as_millisecond();
    match milliseconds / 1000 {
        // Clocks may differ a little.
        ..-1 => "<invalid>".to_owned(),
        -1 => "0s".to_owned(),
        seconds => units(seconds),
    }
}

fn units(seconds: i64) -> String {
    let (_, unit, smaller) = STEPS
        .into_iter()
        .find(|(limit, ..)| seconds < *limit)
        .expect("the last step has no limit that a duration reaches");
    let whole = format!("{}{}", seconds / unit.seconds(), unit.symbol());
    match smaller.map(|smaller| (seconds % unit.seconds() / smaller.seconds(), smaller)) {
        None | Some((0, _)) => whole,
        Some((rest, smaller)) => format!("{whole}{rest}{}", smaller.symbol()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_the_units_that_kubectl_shows() {
        for (seconds, expected) in [
            (-1, "0s"),
            (-2, "<invalid>"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (121, "2m1s"),
            (599, "9m59s"),
            (600, "10m"),
            (3 * HOUR - 1, "179m"),
            (3 * HOUR, "3h"),
            (3 * HOUR + 60, "3h1m"),
            (8 * HOUR - 1, "7h59m"),
            (8 * HOUR, "8h"),
            (2 * DAY - 1, "47h"),
            (2 * DAY, "2d"),
            (2 * DAY + 3 * HOUR, "2d3h"),
            (8 * DAY - 1, "7d23h"),
            (8 * DAY, "8d"),
            (2 * YEAR - 1, "729d"),
            (2 * YEAR, "2y"),
            (2 * YEAR + DAY, "2y1d"),
            (8 * YEAR, "8y"),
        ] {
            let now = Timestamp::from_second(1_000_000_000).unwrap();
            let then = Timestamp::from_second(1_000_000_000 - seconds).unwrap();
            assert_eq!(human(now, then), expected, "{seconds}");
        }
    }

    #[test]
    fn a_time_that_is_left_out_is_unknown() {
        assert_eq!(since(&Value::Null, Timestamp::UNIX_EPOCH), "<unknown>");
        assert_eq!(
            since(&"1970-01-01T00:00:00.500000Z".into(), "1970-01-01T00:00:07Z".parse().unwrap()),
            "6s"
        );
    }
}
