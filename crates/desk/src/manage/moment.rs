//! Times as forms have them: a date and time in the reader's zone, a length of time.

use i18n::TimeZone;
use jiff::Timestamp;
use jiff::civil::DateTime;

/// The moment of a `YYYY-MM-DDTHH:MM` in this zone, UTC milliseconds.
pub(crate) fn read(text: &str, zone: &TimeZone) -> Option<i64> {
    let local: DateTime = text.parse().ok()?;
    let zoned = local.to_zoned(zone.clone()).ok()?;
    Some(zoned.timestamp().as_millisecond())
}

/// The text of a moment for such a field.
pub(crate) fn write(at_ms: i64, zone: &TimeZone) -> String {
    let Ok(at) = Timestamp::from_millisecond(at_ms) else {
        return String::new();
    };
    let local = at.to_zoned(zone.clone()).datetime();
    local.strftime("%Y-%m-%dT%H:%M").to_string()
}

/// Minutes after midnight of an `HH:MM`.
pub(crate) fn minutes(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

/// `HH:MM` of minutes after midnight.
pub(crate) fn clock(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// The hour of the day of a moment in a zone.
pub(crate) fn hour(at_ms: i64, zone: &TimeZone) -> i8 {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    at.to_zoned(zone.clone()).hour()
}

/// A length of time as documents have it: `90s`, `5m`, `1h`, `7d`.
pub(crate) fn span(ms: u64) -> String {
    for (unit, size) in [
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1_000),
    ] {
        if ms > 0 && ms.is_multiple_of(size) {
            return format!("{}{unit}", ms / size);
        }
    }
    format!("{ms}ms")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_comes_back_as_it_was_written() {
        let seoul = i18n::time_zone("Asia/Seoul");
        let at_ms = read("2026-11-20T09:30", &seoul).unwrap();
        assert_eq!(at_ms, 1_795_134_600_000);
        assert_eq!(write(at_ms, &seoul), "2026-11-20T09:30");
        assert_eq!((minutes("23:05"), minutes("24:00")), (Some(1385), None));
        assert_eq!(
            (span(90_000), span(604_800_000)),
            ("90s".into(), "7d".into())
        );
    }
}
