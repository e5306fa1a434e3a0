//! Amounts of CPU and memory, compared by value: the API rewrites `0.5` as `500m` and `1024Mi` as `1Gi`.

use serde_json::Value;

/// Whether two amounts are equal. What cannot be read as an amount is compared as it is.
pub(super) fn same_amount(one: &Value, other: &Value) -> bool {
    match (nano(one), nano(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

/// The amount in billionths, which is the finest that the API keeps.
fn nano(amount: &Value) -> Option<i128> {
    match amount {
        Value::String(text) => parse(text),
        Value::Number(number) => parse(&number.to_string()),
        _ => None,
    }
}

fn parse(text: &str) -> Option<i128> {
    let end = text.find(|c: char| !matches!(c, '0'..='9' | '.' | '+' | '-')).unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let scale = 9_i32.checked_sub(fraction.len().try_into().ok()?)?;
    match suffix {
        "Ki" | "Mi" | "Gi" | "Ti" | "Pi" | "Ei" => {
            let power = "KMGTPE".find(&suffix[..1])? as u32 + 1;
            shift(digits.checked_mul(1024_i128.checked_pow(power)?)?, scale)
        }
        _ => shift(digits, scale.checked_add(decimal_exponent(suffix)?)?),
    }
}

fn decimal_exponent(suffix: &str) -> Option<i32> {
    Some(match suffix {
        "n" => -9,
        "u" => -6,
        "m" => -3,
        "" => 0,
        "k" => 3,
        "M" => 6,
        "G" => 9,
        "T" => 12,
        "P" => 15,
        "E" => 18,
        _ => suffix.strip_prefix(['e', 'E'])?.parse().ok()?,
    })
}

/// `digits * 10^exponent`, unless that is not a whole number.
fn shift(digits: i128, exponent: i32) -> Option<i128> {
    let power = 10_i128.checked_pow(exponent.unsigned_abs())?;
    match exponent {
        0.. => digits.checked_mul(power),
        _ if digits % power == 0 => Some(digits / power),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn equal_amounts_are_equal_however_they_are_written() {
        for (one, other) in [
            ("0.5", "500m"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("1e3", "1k"),
            ("0.1Ki", "102400m"),
            ("2000000u", "2"),
        ] {
            assert!(same_amount(&json!(one), &json!(other)), "{one} {other}");
        }
        assert!(same_amount(&json!(2), &json!("2")));
    }

    #[test]
    fn different_amounts_differ() {
        for (one, other) in [("0.5", "5m"), ("1G", "1Gi"), ("1", "1m"), ("1E", "1Ei")] {
            assert!(!same_amount(&json!(one), &json!(other)), "{one} {other}");
        }
    }

    #[test]
    fn what_is_no_amount_is_compared_as_it_is() {
        assert!(same_amount(&json!("much"), &json!("much")));
        assert!(!same_amount(&json!("much"), &json!("more")));
        assert!(!same_amount(&json!("9".repeat(60)), &json!("1")));
    }
}
