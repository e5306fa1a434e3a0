//! Amounts as Kubernetes writes them: `250m`, `1.5`, `64Mi`, `2G`, `1e3`.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

/// The amount in thousandths, rounded up; none if it is not one.
pub(crate) fn thousandths(quantity: &Quantity) -> Option<u64> {
    let text = quantity.0.trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '+')).unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let number: f64 = number.parse().ok()?;
    let thousandths = number * factor(suffix)? * 1000.0;
    // A rounding error of the multiplication must not become another thousandth.
    let rounded = (thousandths - 1e-6).ceil();
    (0.0..9e18).contains(&rounded.abs()).then_some(rounded as u64)
}

/// The amount in whole ones, rounded up.
pub(crate) fn whole(quantity: &Quantity) -> Option<u64> {
    thousandths(quantity).map(|thousandths| thousandths.div_ceil(1000))
}

fn factor(suffix: &str) -> Option<f64> {
    let binary = |power: i32| Some(1024_f64.powi(power));
    match suffix {
        "" => Some(1.0),
        "n" => Some(1e-9),
        "u" => Some(1e-6),
        "m" => Some(1e-3),
        "k" => Some(1e3),
        "M" => Some(1e6),
        "G" => Some(1e9),
        "T" => Some(1e12),
        "P" => Some(1e15),
        "E" => Some(1e18),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        exponent => {
            let exponent: i32 = exponent.strip_prefix(['e', 'E'])?.parse().ok()?;
            Some(10_f64.powi(exponent))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_an_amount_is_understood() {
        let table = [
            ("250m", Some(250)),
            ("1.5", Some(1500)),
            ("2k", Some(2_000_000)),
            ("64Mi", Some(67_108_864_000)),
            ("1e3", Some(1_000_000)),
            ("1E3", Some(1_000_000)),
            ("100u", Some(1)),
            ("0", Some(0)),
            ("many", None),
            ("1X", None),
        ];
        for (text, expected) in table {
            assert_eq!(thousandths(&Quantity(text.into())), expected, "{text}");
        }
        assert_eq!(whole(&Quantity("1500m".into())), Some(2));
    }
}
