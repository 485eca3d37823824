//! Durations, relative and absolute times; the time zone and now are arguments.

use std::time::Duration;

use jiff::Timestamp;
pub use jiff::tz::TimeZone;
use model::Lang;

use crate::{t, tf};

/// The zone of this IANA name, e.g. `Asia/Seoul`; UTC when the name is unknown.
#[must_use]
pub fn time_zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// A duration with its two largest units: `3분 12초`, `3m 12s`; the sign is dropped.
#[must_use]
pub fn duration_ms(lang: Lang, duration_ms: i64) -> String {
    let total_s = Duration::from_millis(duration_ms.unsigned_abs()).as_secs();
    if total_s == 0 && duration_ms != 0 {
        return format!("{} ms", duration_ms.unsigned_abs());
    }
    let units = [
        (86_400, "time.unit_d"),
        (3_600, "time.unit_h"),
        (60, "time.unit_m"),
        (1, "time.unit_s"),
    ];
    let first = units
        .iter()
        .position(|(size, _)| total_s >= *size)
        .unwrap_or(3);
    let mut rest_s = total_s;
    let mut parts = Vec::with_capacity(2);
    for (at, (size, key)) in units.iter().enumerate() {
        let count = rest_s / size;
        rest_s %= size;
        if at == first || (at == first + 1 && count > 0) {
            parts.push(format!("{count}{}", t(lang, key)));
        }
    }
    parts.join(" ")
}

/// How long ago, or how far ahead: `3분 전`, `in 5m`; within five seconds `방금`, `just now`.
#[must_use]
pub fn relative(lang: Lang, at_ms: i64, now_ms: i64) -> String {
    let past_ms = now_ms.saturating_sub(at_ms);
    if past_ms.unsigned_abs() < 5_000 {
        return t(lang, "time.just_now").to_owned();
    }
    let span = duration_ms(lang, past_ms);
    let key = if past_ms > 0 {
        "time.ago"
    } else {
        "time.ahead"
    };
    tf(lang, key, &[("span", &span)])
}

fn zoned(at_ms: i64, zone: &TimeZone) -> jiff::Zoned {
    Timestamp::from_millisecond(at_ms)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .to_zoned(zone.clone())
}

/// `2026-11-20 14:51:52`: sortable and the same in both languages.
#[must_use]
pub fn date_time(at_ms: i64, zone: &TimeZone) -> String {
    zoned(at_ms, zone).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// `2026-11-20`.
#[must_use]
pub fn date(at_ms: i64, zone: &TimeZone) -> String {
    zoned(at_ms, zone).strftime("%Y-%m-%d").to_string()
}

/// `14:51:52`.
#[must_use]
pub fn clock_time(at_ms: i64, zone: &TimeZone) -> String {
    zoned(at_ms, zone).strftime("%H:%M:%S").to_string()
}

/// The shortest time that is still exact to the reader: `14:51` today, `11-20 14:51` this year,
/// `2025-11-20` before.
#[must_use]
pub fn short_time(at_ms: i64, now_ms: i64, zone: &TimeZone) -> String {
    let (at, now) = (zoned(at_ms, zone), zoned(now_ms, zone));
    let format = if at.date() == now.date() {
        "%H:%M"
    } else if at.year() == now.year() {
        "%m-%d %H:%M"
    } else {
        "%Y-%m-%d"
    };
    at.strftime(format).to_string()
}

/// RFC 3339 in UTC, for `<time datetime>` and the API.
#[must_use]
pub fn iso(at_ms: i64) -> String {
    Timestamp::from_millisecond(at_ms)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_795_143_600_000; // 2026-11-20 12:00:00 in Seoul

    #[test]
    fn durations_keep_two_units() {
        for (ms, ko, en) in [
            (0, "0초", "0s"),
            (250, "250 ms", "250 ms"),
            (192_000, "3분 12초", "3m 12s"),
            (3_600_000, "1시간", "1h"),
            (187_200_000, "2일 4시간", "2d 4h"),
            (86_460_000, "1일", "1d"),
        ] {
            assert_eq!(duration_ms(Lang::Ko, ms), ko);
            assert_eq!(duration_ms(Lang::En, ms), en);
        }
    }

    #[test]
    fn relative_times_look_both_ways() {
        assert_eq!(relative(Lang::Ko, NOON - 192_000, NOON), "3분 12초 전");
        assert_eq!(relative(Lang::En, NOON + 300_000, NOON), "in 5m");
        assert_eq!(relative(Lang::Ko, NOON - 2_000, NOON), "방금");
    }

    #[test]
    fn absolute_times_stand_in_the_readers_zone() {
        let seoul = time_zone("Asia/Seoul");
        assert_eq!(date_time(NOON, &seoul), "2026-11-20 12:00:00");
        assert_eq!(iso(NOON), "2026-11-20T03:00:00Z");
        assert_eq!(short_time(NOON - 60_000, NOON, &seoul), "11:59");
        assert_eq!(short_time(NOON - 86_400_000, NOON, &seoul), "11-19 12:00");
        assert_eq!(
            short_time(NOON - 400 * 86_400_000, NOON, &seoul),
            "2025-10-16"
        );
        assert_eq!(
            date_time(NOON, &time_zone("Nowhere/At All")),
            "2026-11-20 03:00:00"
        );
    }
}
