//! The words of a digest: many notices in one message.

use i18n::{TimeZone, t, tf};
use model::Lang;

use super::{Digest, Fact, fires, moment, problem, severity_name};

/// `긴급 외 47건 (발생 40, 복구 7)`.
pub(crate) fn headline(lang: Lang, digest: &Digest) -> String {
    let bad = digest.count.saturating_sub(digest.recovered);
    if bad == 0 {
        return tf(
            lang,
            "notice.message.digest_recovered",
            &[("count", &digest.recovered)],
        );
    }
    tf(
        lang,
        "notice.message.digest",
        &[
            ("severity", &severity_name(lang, digest.severity)),
            ("bad", &bad),
            ("recovered", &digest.recovered),
        ],
    )
}

pub(crate) fn facts(lang: Lang, zone: &TimeZone, digest: &Digest) -> Vec<Fact> {
    let fact = |key: &'static str, value: String| Fact {
        label: t(lang, key),
        value,
    };
    vec![
        fact("notice.message.worst", fires(lang, digest.severity)),
        fact("notice.message.at", moment(zone, digest.at_ms)),
    ]
}

pub(crate) fn lines(lang: Lang, digest: &Digest) -> Vec<String> {
    let first = digest
        .first
        .iter()
        .map(|dispatch| problem::line(lang, dispatch));
    let mut lines: Vec<String> = first.collect();
    let more = digest.count.saturating_sub(digest.first.len());
    if more > 0 {
        lines.push(tf(lang, "notice.message.more", &[("count", &more)]));
    }
    lines
}
