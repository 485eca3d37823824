//! Numbers, shares and sizes as people read them; the same in both languages.

use model::Lang;

use crate::times::duration_ms;

/// The unit in which a measured value is shown.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Unit {
    /// A plain number.
    #[default]
    Plain,
    /// A ratio, shown as a percentage (1 = 100 %).
    Ratio,
    /// Bytes, shown in IEC units.
    Bytes,
    /// Bytes a second, shown in IEC units.
    BytesPerSecond,
    /// Something a second.
    PerSecond,
    /// Seconds, shown as a duration.
    Seconds,
}

impl Unit {
    /// The name used in the API and in the graphs' JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Ratio => "ratio",
            Self::Bytes => "bytes",
            Self::BytesPerSecond => "bytes_per_second",
            Self::PerSecond => "per_second",
            Self::Seconds => "seconds",
        }
    }
}

/// A whole number with thousands separated: `12,345`.
#[must_use]
pub fn integer(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3 + 1);
    if value < 0 {
        out.push('-');
    }
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number with at most `decimals` digits after the point, trailing zeros dropped: `1,234.5`.
#[must_use]
pub fn number(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let text = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction = fraction.trim_end_matches('0');
    let whole = integer(whole.parse().unwrap_or(i64::MAX));
    let sign = if value < 0.0 && text.contains(|c: char| ('1'..='9').contains(&c)) {
        "-"
    } else {
        ""
    };
    if fraction.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    }
}

/// A ratio as a percentage: 0.873 → `87.3%`.
#[must_use]
pub fn percent(ratio: f64) -> String {
    format!(
        "{}%",
        number(ratio * 100.0, if ratio.abs() < 0.1 { 2 } else { 1 })
    )
}

/// A size in IEC units with three significant digits: `1.46 GiB`.
#[must_use]
pub fn bytes(size_bytes: f64) -> String {
    let mut size = size_bytes;
    let mut unit = "B";
    for next in ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] {
        if size.abs() < 1024.0 {
            break;
        }
        size /= 1024.0;
        unit = next;
    }
    let decimals = match size.abs() {
        _ if unit == "B" => 0,
        s if s < 9.995 => 2,
        s if s < 99.95 => 1,
        _ => 0,
    };
    format!("{} {unit}", number(size, decimals))
}

/// A flow in IEC units: `1.46 MiB/s`.
#[must_use]
pub fn bytes_rate(bytes_per_second: f64) -> String {
    format!("{}/s", bytes(bytes_per_second))
}

/// A measured value in its unit.
#[must_use]
pub fn value(lang: Lang, value: f64, unit: Unit) -> String {
    match unit {
        Unit::Plain => number(value, if value.abs() < 10.0 { 2 } else { 1 }),
        Unit::Ratio => percent(value),
        Unit::Bytes => bytes(value),
        Unit::BytesPerSecond => bytes_rate(value),
        Unit::PerSecond => format!("{}/s", number(value, 1)),
        Unit::Seconds => seconds(lang, value),
    }
}

fn seconds(lang: Lang, value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    match value.abs() {
        v if v < 0.001 => format!("{} µs", number(value * 1e6, 0)),
        v if v < 1.0 => format!("{} ms", number(value * 1e3, 1)),
        v if v < 10.0 => {
            let gap = if lang == Lang::Ko { "" } else { " " };
            let unit = crate::t(lang, "time.unit_s");
            format!("{}{gap}{unit}", number(value, 2))
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "saturates, and the value is finite"
        )]
        v => {
            let sign = if value < 0.0 { "-" } else { "" };
            format!("{sign}{}", duration_ms(lang, (v * 1e3) as i64))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_like_numbers() {
        assert_eq!(integer(-1_234_567), "-1,234,567");
        assert_eq!(integer(999), "999");
        assert_eq!(number(1234.50, 2), "1,234.5");
        assert_eq!(number(-0.001, 1), "0");
        assert_eq!(number(f64::NAN, 1), "–");
        assert_eq!(percent(0.873), "87.3%");
        assert_eq!(percent(1.0), "100%");
        assert_eq!(percent(0.0123), "1.23%");
        assert_eq!(bytes(512.0), "512 B");
        assert_eq!(bytes(1_572_864.0), "1.5 MiB");
        assert_eq!(bytes(1023.9 * 1024.0), "1,024 KiB");
        assert_eq!(bytes_rate(125_000_000.0), "119 MiB/s");
        assert_eq!(value(Lang::Ko, 0.0123, Unit::Seconds), "12.3 ms");
        assert_eq!(value(Lang::Ko, 192.0, Unit::Seconds), "3분 12초");
        assert_eq!(value(Lang::Ko, -10.0, Unit::Seconds), "-10초");
        assert_eq!(value(Lang::Ko, 1.5, Unit::Seconds), "1.5초");
        assert_eq!(value(Lang::En, -10.0, Unit::Seconds), "-10s");
    }
}
