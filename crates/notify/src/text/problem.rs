//! The words of a notice about one problem.

use std::fmt::Display;

use i18n::{TimeZone, t, tf};
use model::flow::{Dispatch, DispatchEvent, Observed};
use model::{Lang, TargetKind};

use super::{Fact, fires, moment, severity_name, unit};

pub(crate) fn is_recovery(dispatch: &Dispatch) -> bool {
    dispatch.event == DispatchEvent::Recovered
}

/// `긴급 web01 디스크 사용률 96% (/var) P-1042`.
pub(crate) fn headline(lang: Lang, dispatch: &Dispatch) -> String {
    let mut parts = vec![
        state(lang, dispatch),
        dispatch.host.clone(),
        dispatch.title.get(lang).to_owned(),
    ];
    if !is_recovery(dispatch) {
        let first = dispatch.observed.first();
        parts.extend(first.map(|observed| value(lang, observed)));
    }
    if !dispatch.target.key.is_empty() {
        parts.push(format!("({})", dispatch.target.key));
    }
    if is_recovery(dispatch) {
        parts.push(tf(
            lang,
            "notice.message.lasted",
            &[("span", &span(lang, dispatch))],
        ));
    }
    parts.push(number(dispatch));
    parts.retain(|part| !part.is_empty());
    parts.join(" ")
}

/// One line of a digest.
pub(crate) fn line(lang: Lang, dispatch: &Dispatch) -> String {
    format!("- {}", headline(lang, dispatch))
}

/// What people call it; empty for what no server has numbered (`bongsu watch` speaks without one).
pub(crate) fn number(dispatch: &Dispatch) -> String {
    match dispatch.number {
        0 => String::new(),
        number => format!("P-{number}"),
    }
}

fn state(lang: Lang, dispatch: &Dispatch) -> String {
    let severity = severity_name(lang, dispatch.severity);
    let previous = severity_name(lang, dispatch.previous);
    let values: [(&str, &dyn Display); 2] = [("severity", &severity), ("previous", &previous)];
    let key = match dispatch.event {
        DispatchEvent::Opened => return severity.to_owned(),
        DispatchEvent::Raised | DispatchEvent::Lowered => "notice.message.changed",
        DispatchEvent::Flapping => "notice.message.flapping",
        DispatchEvent::Recovered => "notice.message.recovered",
        DispatchEvent::StillBad => "notice.message.still_bad",
        DispatchEvent::RepairFailed => "notice.message.repair_failed",
    };
    tf(lang, key, &values)
}

fn value(lang: Lang, observed: &Observed) -> String {
    i18n::value(lang, observed.value, unit(&observed.unit))
}

fn span(lang: Lang, dispatch: &Dispatch) -> String {
    i18n::duration_ms(
        lang,
        dispatch.at_ms.saturating_sub(dispatch.opened_ms).max(0),
    )
}

pub(crate) fn facts(lang: Lang, zone: &TimeZone, dispatch: &Dispatch) -> Vec<Fact> {
    let fact = |key: &'static str, value: String| Fact {
        label: t(lang, key),
        value,
    };
    let mut facts = vec![
        fact("notice.message.severity", severity_line(lang, dispatch)),
        fact("notice.message.host", dispatch.host.clone()),
    ];
    if dispatch.target.kind.as_str() != TargetKind::HOST {
        facts.push(fact("notice.message.target", target(lang, dispatch)));
    }
    facts.push(fact(
        "notice.message.rule",
        dispatch.title.get(lang).to_owned(),
    ));
    facts.push(fact(
        "notice.message.value",
        values(lang, &dispatch.observed),
    ));
    facts.push(fact("notice.message.because", dispatch.because.clone()));
    facts.push(fact(
        "notice.message.opened",
        moment(zone, dispatch.opened_ms),
    ));
    if is_recovery(dispatch) {
        facts.push(fact("notice.message.ended", moment(zone, dispatch.at_ms)));
    } else if dispatch.at_ms > dispatch.opened_ms {
        facts.push(fact(
            "notice.message.changed_at",
            moment(zone, dispatch.at_ms),
        ));
    }
    if dispatch.at_ms > dispatch.opened_ms {
        facts.push(fact("notice.message.duration", span(lang, dispatch)));
    }
    facts.push(fact("notice.message.number", number(dispatch)));
    facts.push(fact("notice.message.note", dispatch.note.clone()));
    facts.retain(|fact| !fact.value.is_empty());
    facts
}

fn severity_line(lang: Lang, dispatch: &Dispatch) -> String {
    let now = fires(lang, dispatch.severity);
    match dispatch.event {
        DispatchEvent::Raised | DispatchEvent::Lowered => {
            format!("{} → {now}", severity_name(lang, dispatch.previous))
        }
        DispatchEvent::Recovered => tf(lang, "notice.message.normal_again", &[("worst", &now)]),
        _ => now,
    }
}

fn target(lang: Lang, dispatch: &Dispatch) -> String {
    let kind = dispatch.target.kind.as_str();
    let kind = i18n::find(lang, &format!("notice.target.{kind}")).unwrap_or(kind);
    format!("{kind} {}", dispatch.target.key)
        .trim_end()
        .to_owned()
}

/// A single value stands alone; several carry their names.
fn values(lang: Lang, observed: &[Observed]) -> String {
    match observed {
        [one] => value(lang, one),
        many => {
            let named = many
                .iter()
                .map(|o| format!("{} {}", o.signal, value(lang, o)));
            named.collect::<Vec<_>>().join(", ")
        }
    }
}
