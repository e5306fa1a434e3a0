//! Amounts such as `500m` and `1.5Gi`, in the one form in which a kube-apiserver stores each.

use std::fmt::Write as _;

/// What a text that is no amount is answered with.
pub(crate) const WRONG_FORMAT: &str =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const WRONG_SUFFIX: &str = "unable to parse quantity's suffix";
const TOO_GREAT: &str = "unable to parse numeric part of quantity";

const DECIMAL: [&str; 10] = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
const BINARY: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const NANO: i128 = 1_000_000_000;

/// The one text of an amount. One that is too great to be computed with stays as it is written.
pub(crate) fn canonical(text: &str) -> Result<String, &'static str> {
    match Quantity::parse(text) {
        Ok(amount) => Ok(amount.canonical()),
        Err(TOO_GREAT) => Ok(text.to_owned()),
        Err(fault) => Err(fault),
    }
}

/// An amount, exact to a billionth; smaller parts are rounded up, as a real server does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quantity {
    nanos: i128,
    notation: Notation,
}

/// How it was written, which is how it is written again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Notation {
    Decimal,
    Binary,
    Exponent,
}

impl Quantity {
    /// Reads an amount; the error is the sentence of a real server.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let digits = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at(digits);
        if !number.contains(|c: char| c.is_ascii_digit()) || number.matches('.').count() > 1 {
            return Err(WRONG_FORMAT);
        }
        let (notation, base, exponent) = unit(suffix).ok_or_else(|| fault(suffix))?;
        let nanos = nanos(number, base, exponent).ok_or(TOO_GREAT)?;
        let nanos = if text.starts_with('-') { -nanos } else { nanos };
        Ok(Self { nanos, notation })
    }

    /// Less than nothing.
    pub(crate) fn is_negative(self) -> bool {
        self.nanos < 0
    }

    /// Whether it is more than another.
    pub(crate) fn exceeds(self, other: Self) -> bool {
        self.nanos > other.nanos
    }

    /// Whether it is a whole number.
    pub(crate) fn is_whole(self) -> bool {
        self.nanos % NANO == 0
    }

    /// Rounded up to thousandths, which is as exact as amounts of resources are.
    pub(crate) fn in_milli(self) -> Self {
        let milli = NANO / 1000;
        Self {
            nanos: self.nanos.div_euclid(milli) * milli + self.nanos.rem_euclid(milli).signum() * milli,
            ..self
        }
    }

    /// The one text of this amount.
    pub(crate) fn canonical(self) -> String {
        let whole = self.nanos / NANO;
        match self.notation {
            Notation::Binary if self.is_whole() && whole.abs() >= 1024 => scaled(whole, 1024, &BINARY),
            Notation::Exponent => self.with_exponent(),
            _ => scaled(self.nanos, 1000, &DECIMAL),
        }
    }

    fn with_exponent(self) -> String {
        let (mut mantissa, mut exponent) = (self.nanos, -9);
        while mantissa != 0 && mantissa % 1000 == 0 {
            mantissa /= 1000;
            exponent += 3;
        }
        let mut text = mantissa.to_string();
        if mantissa != 0 && exponent != 0 {
            write!(text, "e{exponent}").expect("a string takes everything");
        }
        text
    }
}

/// With the greatest suffix that leaves a whole number.
fn scaled(value: i128, step: i128, suffixes: &[&str]) -> String {
    if value == 0 {
        return "0".to_owned();
    }
    let mut value = value;
    let mut suffix = 0;
    while value % step == 0 && suffix + 1 < suffixes.len() {
        value /= step;
        suffix += 1;
    }
    format!("{value}{}", suffixes[suffix])
}

/// Notation, base and exponent of a suffix.
fn unit(suffix: &str) -> Option<(Notation, i128, i32)> {
    if let Some(power) = BINARY.iter().position(|known| *known == suffix).filter(|power| *power > 0) {
        return Some((Notation::Binary, 1024, i32::try_from(power).ok()?));
    }
    if let Some(power) = DECIMAL.iter().position(|known| *known == suffix) {
        return Some((Notation::Decimal, 10, 3 * (i32::try_from(power).ok()? - 3)));
    }
    let exponent = suffix.strip_prefix(['e', 'E'])?;
    Some((Notation::Exponent, 10, exponent.parse().ok()?))
}

fn fault(suffix: &str) -> &'static str {
    let rest = suffix.trim_start_matches(|c| "eEinumkKMGTP".contains(c));
    let rest = rest.strip_prefix(['+', '-']).unwrap_or(rest);
    if rest.contains(|c: char| !c.is_ascii_digit()) { WRONG_FORMAT } else { WRONG_SUFFIX }
}

fn nanos(number: &str, base: i128, exponent: i32) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits: i128 = format!("0{whole}{fraction}").parse().ok()?;
    let mut numerator = digits.checked_mul(NANO)?;
    let mut denominator = 10i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let power = base.checked_pow(exponent.unsigned_abs())?;
    if exponent < 0 {
        denominator = denominator.checked_mul(power)?;
    } else {
        numerator = numerator.checked_mul(power)?;
    }
    let up = i128::from(numerator % denominator != 0);
    Some(numerator / denominator + up)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> String {
        Quantity::parse(text).map_or_else(str::to_owned, Quantity::canonical)
    }

    #[test]
    fn each_amount_has_one_text() {
        let cases = [
            ("1000m", "1"),
            ("0.5", "500m"),
            ("1.5", "1500m"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("1024", "1024"),
            ("1000", "1k"),
            ("0.1Ki", "102400m"),
            ("512Ki", "512Ki"),
            ("1e3", "1e3"),
            ("12e5", "1200e3"),
            ("0", "0"),
            ("-1500m", "-1500m"),
            ("0.0000000001", "1n"),
            (".5", "500m"),
            ("1Ki", "1Ki"),
        ];
        for (text, expected) in cases {
            assert_eq!(canonical(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_told_as_a_real_server_does() {
        assert_eq!(canonical("abc"), WRONG_FORMAT);
        assert_eq!(canonical(""), WRONG_FORMAT);
        assert_eq!(canonical("1KK"), WRONG_SUFFIX);
        assert_eq!(canonical("1x"), WRONG_FORMAT);
    }

    #[test]
    fn resources_are_exact_to_a_thousandth() {
        let amount = Quantity::parse("0.0001").expect("it is an amount").in_milli();
        assert_eq!(amount.canonical(), "1m");
    }
}
