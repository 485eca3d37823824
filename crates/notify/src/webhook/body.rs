//! The JSON body, version 1: additive only, documented in docs/spec/channel.md.

use model::flow::{Dispatch, DispatchEvent, Observed};
use serde::Serialize;

use crate::text::{NoticeText, What, number};

/// The version in every body.
pub(super) const VERSION: u32 = 1;

#[derive(Serialize)]
pub(super) struct Body<'a> {
    version: u32,
    key: &'a str,
    event: &'static str,
    site: &'a str,
    address: &'a str,
    at: String,
    text: TextPart,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<ProblemPart<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<DigestPart<'a>>,
}

#[derive(Serialize)]
struct TextPart {
    lang: &'static str,
    subject: String,
    body: String,
    url: String,
}

#[derive(Serialize)]
struct ProblemPart<'a> {
    id: String,
    number: i64,
    label: String,
    seq: i64,
    event: &'static str,
    severity: &'static str,
    severity_code: u8,
    previous: &'static str,
    rule: RulePart<'a>,
    target: TargetPart<'a>,
    observed: &'a [Observed],
    because: &'a str,
    opened_at: String,
    at: String,
    duration_ms: i64,
    note: &'a str,
}

#[derive(Serialize)]
struct RulePart<'a> {
    id: String,
    key: &'a str,
    title: &'a model::Text,
}

#[derive(Serialize)]
struct TargetPart<'a> {
    ci: String,
    host: &'a str,
    kind: &'a str,
    key: &'a str,
}

#[derive(Serialize)]
struct DigestPart<'a> {
    count: usize,
    recovered: usize,
    severity: &'static str,
    first: Vec<ProblemPart<'a>>,
}

pub(super) fn body<'a>(notice: &'a NoticeText, address: &'a str) -> Body<'a> {
    let (event, problem, digest) = match &notice.what {
        What::Problem(d) => (event_name(d.event), Some(problem_part(d)), None),
        What::Digest(d) => {
            let part = DigestPart {
                count: d.count,
                recovered: d.recovered,
                severity: d.severity.name(),
                first: d.first.iter().map(problem_part).collect(),
            };
            ("digest", None, Some(part))
        }
        What::Test { .. } => ("test", None, None),
    };
    Body {
        version: VERSION,
        key: &notice.key,
        event,
        site: &notice.site,
        address,
        at: i18n::iso(notice.at_ms()),
        text: TextPart {
            lang: notice.lang.code(),
            subject: notice.subject(),
            body: notice.plain(),
            url: notice.link(),
        },
        problem,
        digest,
    }
}

fn problem_part(d: &Dispatch) -> ProblemPart<'_> {
    ProblemPart {
        id: d.problem.to_string(),
        number: d.number,
        label: number(d),
        seq: d.seq,
        event: event_name(d.event),
        severity: d.severity.name(),
        severity_code: d.severity.code(),
        previous: d.previous.name(),
        rule: RulePart {
            id: d.rule.to_string(),
            key: &d.rule_key,
            title: &d.title,
        },
        target: TargetPart {
            ci: d.target.ci.to_string(),
            host: &d.host,
            kind: d.target.kind.as_str(),
            key: &d.target.key,
        },
        observed: &d.observed,
        because: &d.because,
        opened_at: i18n::iso(d.opened_ms),
        at: i18n::iso(d.at_ms),
        duration_ms: d.at_ms.saturating_sub(d.opened_ms).max(0),
        note: &d.note,
    }
}

/// The event as receivers read it.
pub(super) const fn event_name(event: DispatchEvent) -> &'static str {
    match event {
        DispatchEvent::Opened => "opened",
        DispatchEvent::Raised => "raised",
        DispatchEvent::Lowered => "lowered",
        DispatchEvent::Flapping => "flapping",
        DispatchEvent::Recovered => "recovered",
        DispatchEvent::StillBad => "still_bad",
        DispatchEvent::RepairFailed => "repair_failed",
    }
}
