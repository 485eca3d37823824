//! Days and hours of a recipient's rule, in the recipient's own time zone.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::Rule;

/// Minutes of a day.
const DAY_MIN: u16 = 24 * 60;

/// Whether the rule's days and hours hold at this moment. Hours past midnight belong to the day on
/// which they begin.
#[must_use]
pub fn fits_hours(rule: &Rule, zone: &str, now_ms: i64) -> bool {
    // A zone that nobody knows must not keep a notice back.
    let Ok(zone) = TimeZone::get(zone) else {
        return true;
    };
    let now = Timestamp::from_millisecond(now_ms)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .to_zoned(zone);
    let minute = u16::try_from(i16::from(now.hour()) * 60 + i16::from(now.minute())).unwrap_or(0);
    let today = now.weekday().to_monday_one_offset().unsigned_abs();
    let yesterday = if today == 1 { 7 } else { today - 1 };
    let on = |day: u8| rule.days.is_empty() || rule.days.contains(&day);
    let Rule {
        from_min, to_min, ..
    } = *rule;
    match from_min.cmp(&to_min) {
        std::cmp::Ordering::Equal => on(today),
        std::cmp::Ordering::Less => on(today) && (from_min..to_min).contains(&minute),
        std::cmp::Ordering::Greater => {
            (on(today) && minute >= from_min) || (on(yesterday) && minute < to_min)
        }
    }
}

/// Checks a rule.
///
/// # Errors
/// With the catalogue key of what is wrong.
pub fn check_rule(rule: &Rule) -> Result<(), &'static str> {
    if rule.channels.is_empty() {
        return Err("notice.check.rule_channels");
    }
    if rule.from_min >= DAY_MIN || rule.to_min > DAY_MIN {
        return Err("notice.check.rule_hours");
    }
    if !rule.days.iter().all(|day| (1..=7).contains(day)) {
        return Err("notice.check.rule_days");
    }
    let regexes = rule.labels.iter().flat_map(|selector| &selector.0);
    let broken = regexes
        .filter(|m| matches!(m.op, model::MatchOp::Re | model::MatchOp::NotRe))
        .any(|m| regex::Regex::new(&m.value).is_err());
    if broken {
        Err("notice.check.rule_labels")
    } else {
        Ok(())
    }
}
