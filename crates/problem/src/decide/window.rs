//! The windows of a maintenance: once, or by the calendar of a time zone, daylight saving included.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::model::{Days, When};

/// Minutes of a day.
const DAY_MIN: u16 = 24 * 60;
/// The longest recurring window, in minutes: a week, so that a look-back of eight days finds all.
const WINDOW_MIN_MAX: u32 = 7 * 24 * 60;
/// Days looked back for a window that began earlier.
const LOOK_BACK_DAYS: i64 = 8;
/// Days looked ahead for the next windows.
const LOOK_AHEAD_DAYS: i64 = 400;

/// Why a time was refused: a field and the catalogue key of the reason.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct WhenError(pub &'static str, pub &'static str);

/// Checks a time.
///
/// # Errors
/// With the first field that is wrong.
pub fn check_when(when: &When) -> Result<(), WhenError> {
    let (days, at_min, for_min, zone, from_ms, until_ms) = match when {
        When::Once { from_ms, to_ms } if from_ms < to_ms => return Ok(()),
        When::Once { .. } => return Err(WhenError("to_ms", "problem.check.end_before_begin")),
        When::Repeat {
            days,
            at_min,
            for_min,
            zone,
            from_ms,
            until_ms,
        } => (days, *at_min, *for_min, zone, *from_ms, *until_ms),
    };
    let weekday = |day: &u8| (1..=7).contains(day);
    let days_fit = match days {
        Days::Daily => true,
        Days::Weekly(days) => !days.is_empty() && days.iter().all(weekday),
        Days::Monthly(day) => (1..=31).contains(day),
        Days::MonthlyNth(nth, day) => (1..=5).contains(nth) && weekday(day),
    };
    let checks = [
        (days_fit, WhenError("days", "problem.check.days")),
        (
            at_min < DAY_MIN,
            WhenError("at_min", "problem.check.time_of_day"),
        ),
        (
            (1..=WINDOW_MIN_MAX).contains(&for_min),
            WhenError("for_min", "problem.check.length"),
        ),
        (
            TimeZone::get(zone).is_ok(),
            WhenError("zone", "problem.check.zone"),
        ),
        (
            from_ms < until_ms,
            WhenError("until_ms", "problem.check.end_before_begin"),
        ),
    ];
    checks
        .into_iter()
        .find(|(fits, _)| !fits)
        .map_or(Ok(()), |(_, error)| Err(error))
}

/// The window that is open at this moment, begin included, end not; UTC milliseconds.
#[must_use]
pub fn window_at(when: &When, now_ms: i64) -> Option<(i64, i64)> {
    windows(when, now_ms, LOOK_BACK_DAYS, 1)
        .filter(|(from_ms, to_ms)| *from_ms <= now_ms && now_ms < *to_ms)
        .max_by_key(|(_, to_ms)| *to_ms)
}

/// The next windows that end after this moment, at most `count`; UTC milliseconds.
#[must_use]
pub fn next_windows(when: &When, now_ms: i64, count: usize) -> Vec<(i64, i64)> {
    let windows = windows(when, now_ms, LOOK_BACK_DAYS, LOOK_AHEAD_DAYS);
    windows
        .filter(|(_, to_ms)| *to_ms > now_ms)
        .take(count)
        .collect()
}

/// The windows that begin between so many days back and ahead, in order.
fn windows(
    when: &When,
    now_ms: i64,
    back_days: i64,
    ahead_days: i64,
) -> Box<dyn Iterator<Item = (i64, i64)> + '_> {
    match when {
        When::Once { from_ms, to_ms } => Box::new(std::iter::once((*from_ms, *to_ms))),
        When::Repeat {
            days,
            at_min,
            for_min,
            zone,
            from_ms,
            until_ms,
        } => {
            let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
            let today = timestamp(now_ms).to_zoned(zone.clone()).date();
            let length_ms = i64::from(*for_min) * 60_000;
            let dates = (-back_days..=ahead_days).filter_map(move |offset| {
                today
                    .checked_add(offset.days())
                    .ok()
                    .filter(|date| is_day(days, *date))
            });
            let at_min = *at_min;
            let begins = dates.filter_map(move |date| begin_ms(date, at_min, &zone));
            let meant = begins.filter(move |begin_ms| (*from_ms..*until_ms).contains(begin_ms));
            Box::new(meant.map(move |begin_ms| (begin_ms, begin_ms + length_ms)))
        }
    }
}

fn timestamp(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A local time that a change of the clocks skips begins where the clocks go on.
fn begin_ms(date: Date, at_min: u16, zone: &TimeZone) -> Option<i64> {
    let hour = i8::try_from(at_min / 60).ok()?;
    let minute = i8::try_from(at_min % 60).ok()?;
    let time = Time::new(hour, minute, 0, 0).ok()?;
    let zoned = date.to_datetime(time).to_zoned(zone.clone()).ok()?;
    Some(zoned.timestamp().as_millisecond())
}

fn is_day(days: &Days, date: Date) -> bool {
    let weekday = |day: u8| {
        i8::try_from(day)
            .ok()
            .and_then(|d| Weekday::from_monday_one_offset(d).ok())
    };
    let day = date.day().unsigned_abs();
    let month_days = date.days_in_month().unsigned_abs();
    match days {
        Days::Daily => true,
        Days::Weekly(days) => days.iter().any(|d| weekday(*d) == Some(date.weekday())),
        Days::Monthly(meant) => day == (*meant).min(month_days),
        Days::MonthlyNth(nth, meant) => {
            let place = (day - 1) / 7 + 1;
            let last = day + 7 > month_days;
            weekday(*meant) == Some(date.weekday()) && (place == *nth || (*nth == 5 && last))
        }
    }
}
