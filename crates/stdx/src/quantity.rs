//! Numbers as people write them in rules and settings: `80%`, `20GiB`, `5m`, `50ms`.

use std::fmt;

/// A number in the base unit of its dimension: ratio, bytes, seconds, or plain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantity {
    /// The value in the base unit (`80%` → 0.8, `1KiB` → 1024, `5m` → 300).
    pub value: f64,
    /// What kind of quantity the unit named.
    pub dimension: Dimension,
}

/// The dimension a written unit belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Dimension {
    /// No unit was written.
    Plain,
    /// `%`: a ratio, 100 % = 1.
    Ratio,
    /// Bytes.
    Bytes,
    /// Seconds.
    Seconds,
}

/// Why a written number was refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum QuantityError {
    /// The text does not begin with a finite number.
    NotANumber(String),
    /// The unit is not one of those known.
    UnknownUnit(String),
}

impl fmt::Display for QuantityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotANumber(text) => write!(f, "`{text}` does not begin with a number"),
            Self::UnknownUnit(unit) => write!(
                f,
                "unknown unit `{unit}`: use %, B, KiB, MiB, GiB, TiB, kB, MB, GB, TB, \
                 us, ms, s, m, h, d or w"
            ),
        }
    }
}

impl std::error::Error for QuantityError {}

/// Reads a number with an optional unit.
///
/// # Errors
/// When the text has no number in front or its unit is unknown.
pub fn parse_quantity(text: &str) -> Result<Quantity, QuantityError> {
    let text = text.trim();
    let split = text
        .char_indices()
        .find(|&(i, c)| {
            !(c.is_ascii_digit() || c == '.' || c == '_' || (i == 0 && (c == '-' || c == '+')))
        })
        .map_or(text.len(), |(i, _)| i);
    let (number, unit) = text.split_at(split);
    let value: f64 = number
        .replace('_', "")
        .parse()
        .ok()
        .filter(|v: &f64| v.is_finite())
        .ok_or_else(|| QuantityError::NotANumber(text.to_owned()))?;
    let unit = unit.trim();
    let (factor, divisor, dimension) =
        unit_scale(unit).ok_or_else(|| QuantityError::UnknownUnit(unit.to_owned()))?;
    Ok(Quantity {
        value: value * factor / divisor,
        dimension,
    })
}

/// Reads a duration such as `5m`, `90s`, `1h30m` or `0`; milliseconds.
///
/// # Errors
/// When a part is not a number followed by a unit of time.
pub fn parse_duration_ms(text: &str) -> Result<u64, QuantityError> {
    let text = text.trim();
    if text == "0" {
        return Ok(0);
    }
    let mut total_ms = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let unit_at = rest.find(|c: char| c.is_alphabetic());
        let Some(unit_at) = unit_at else {
            return Err(QuantityError::UnknownUnit(String::new()));
        };
        let (_, tail) = rest.split_at(unit_at);
        let unit_len = tail
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(tail.len());
        let (part, next) = rest.split_at(unit_at + unit_len);
        let quantity = parse_quantity(part)?;
        if quantity.dimension != Dimension::Seconds || quantity.value < 0.0 {
            return Err(QuantityError::UnknownUnit(part.trim().to_owned()));
        }
        total_ms += quantity.value * 1_000.0;
        rest = next.trim_start();
    }
    if text.is_empty() {
        return Err(QuantityError::NotANumber(text.to_owned()));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked above"
    )]
    Ok(total_ms.round() as u64)
}

/// Factor, divisor and dimension: parts divide, for 70 × 0.01 is not the number nearest to 0.7.
fn unit_scale(unit: &str) -> Option<(f64, f64, Dimension)> {
    use Dimension::{Bytes, Plain, Ratio, Seconds};
    let part = |divisor, dimension| Some((1.0, divisor, dimension));
    let (factor, dimension) = match unit {
        "%" => return part(100.0, Ratio),
        "us" | "µs" => return part(1e6, Seconds),
        "ms" => return part(1e3, Seconds),
        "" => (1.0, Plain),
        "B" => (1.0, Bytes),
        "KiB" => (1024.0, Bytes),
        "MiB" => (1024.0 * 1024.0, Bytes),
        "GiB" => (1024.0 * 1024.0 * 1024.0, Bytes),
        "TiB" => (1024.0 * 1024.0 * 1024.0 * 1024.0, Bytes),
        "kB" | "KB" => (1e3, Bytes),
        "MB" => (1e6, Bytes),
        "GB" => (1e9, Bytes),
        "TB" => (1e12, Bytes),
        "s" => (1.0, Seconds),
        "m" => (60.0, Seconds),
        "h" => (3_600.0, Seconds),
        "d" => (86_400.0, Seconds),
        "w" => (604_800.0, Seconds),
        _ => return None,
    };
    Some((factor, 1.0, dimension))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_come_out_in_base_units() {
        for (text, value) in [
            ("80%", 0.8),
            ("70%", 0.7),
            ("0.1%", 0.001),
            ("7us", 7e-6),
            ("20GiB", 21_474_836_480.0),
            ("50ms", 0.05),
            ("-3", -3.0),
            ("1_000", 1000.0),
            ("1.5", 1.5),
            ("7d", 604_800.0),
        ] {
            let got = parse_quantity(text).unwrap();
            assert_eq!(got.value.to_bits(), f64::to_bits(value), "{text}: {got:?}");
        }
    }

    #[test]
    fn a_wrong_quantity_says_what_is_wrong() {
        assert_eq!(
            parse_quantity("5 parsec"),
            Err(QuantityError::UnknownUnit("parsec".into()))
        );
        assert_eq!(
            parse_quantity("many"),
            Err(QuantityError::NotANumber("many".into()))
        );
        assert_eq!(
            parse_quantity(""),
            Err(QuantityError::NotANumber(String::new()))
        );
    }

    #[test]
    fn durations_add_up() {
        assert_eq!(parse_duration_ms("5m"), Ok(300_000));
        assert_eq!(parse_duration_ms("1h30m"), Ok(5_400_000));
        assert_eq!(parse_duration_ms("0"), Ok(0));
        assert_eq!(parse_duration_ms("250ms"), Ok(250));
        assert!(parse_duration_ms("5").is_err());
        assert!(parse_duration_ms("5GiB").is_err());
        assert!(parse_duration_ms("").is_err());
    }
}
