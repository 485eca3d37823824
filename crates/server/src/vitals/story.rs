//! From checks to problems about ourselves: pure, but for reading what an earlier run had opened.

use std::collections::BTreeMap;

use db::Db;
use model::flow::Transition;
use model::{CiId, RuleId, Severity, Target, TargetKind, Text, limits};
use problem::ProblemError;
use watch::Update;

use crate::routes::Check;

/// The rule under which parts of the server that do not work are problems; the key is the check's name.
pub(crate) const SELF_CHECK: RuleId = RuleId::from_bits(0x0190_0000_0000_7000_8000_0000_0000_0003);
const RULE_KEY: &str = "server-health";
/// What the target of such a problem is.
const KIND: &str = "server";
/// How long a part must be broken before a problem opens, in milliseconds.
const BROKEN_MS: i64 = 30_000;
/// Looks in a row that must be good before it closes.
const GOOD_LOOKS: u32 = 2;

/// How one part has been doing.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    bad_since_ms: Option<i64>,
    good: u32,
    open: bool,
}

/// How every part has been doing.
pub(super) struct Story {
    own_host: CiId,
    parts: BTreeMap<String, Part>,
}

/// The parts about which a problem is open.
pub(super) async fn open_ones(db: &Db, now_ms: i64) -> Result<Vec<String>, ProblemError> {
    let filter = problem::Filter {
        open: Some(true),
        rule: Some(SELF_CHECK),
        ..problem::Filter::default()
    };
    let mut reader = db.reader();
    let sort = (&filter, problem::Sort::Opened);
    let rows = limits::PAGE_ROWS_MAX;
    let page = problem::service::list(&mut reader, sort, None, rows, now_ms).await?;
    let keys = page.rows.into_iter().map(|problem| problem.target.key);
    Ok(keys.collect())
}

impl Story {
    pub(super) const fn new(own_host: CiId) -> Self {
        Self {
            own_host,
            parts: BTreeMap::new(),
        }
    }

    /// Goes on with problems that are open.
    pub(super) fn take_over(&mut self, open: Vec<String>) {
        for name in open {
            self.parts.entry(name).or_default().open = true;
        }
    }

    /// What is to be told after these checks.
    pub(super) fn tell(&mut self, checks: &[Check], now_ms: i64) -> Vec<Update> {
        let mut updates = Vec::new();
        for check in checks {
            let part = self.parts.entry(check.name.to_owned()).or_default();
            let to = if check.ok {
                part.bad_since_ms = None;
                part.good = part.good.saturating_add(1);
                (part.open && part.good >= GOOD_LOOKS).then_some(Severity::Normal)
            } else {
                part.good = 0;
                let since_ms = *part.bad_since_ms.get_or_insert(now_ms);
                let lasts = now_ms.saturating_sub(since_ms) >= BROKEN_MS;
                (!part.open && lasts).then_some(Severity::Major)
            };
            if let Some(to) = to {
                part.open = to != Severity::Normal;
                updates.push(transition(self.own_host, check, to, now_ms));
            }
        }
        updates
    }
}

fn transition(own_host: CiId, check: &Check, to: Severity, at_ms: i64) -> Update {
    let (from, because) = match to {
        Severity::Normal => (Severity::Major, "it works again".to_owned()),
        _ => (Severity::Normal, check.detail.clone()),
    };
    Update::Transition(Transition {
        rule: SELF_CHECK,
        rule_key: RULE_KEY.to_owned(),
        title: title(check.name),
        group: "agent".to_owned(),
        target: Target {
            ci: own_host,
            kind: TargetKind::new(KIND),
            key: check.name.to_owned(),
        },
        from,
        to,
        at_ms,
        flapping: false,
        observed: Vec::new(),
        because,
        notify_from: Severity::Major,
        notify_on_fall: false,
    })
}

fn title(name: &str) -> Text {
    let (ko, en) = match name {
        "records" => ("기록 저장소 이상", "Records store does not work"),
        "metrics-store" => ("지표 저장소 이상", "Metrics store does not work"),
        "ingest" => ("측정값 판정 지연", "Samples wait to be judged"),
        "outbox" => ("내부 전달 지연", "Messages inside the server wait"),
        "notices" => ("통보 지연", "Notices do not leave"),
        "channels" => ("통보 채널 장애", "A notice channel fails"),
        "disk" => (
            "봉수 서버 디스크 부족",
            "Disk of the Bongsu server is almost full",
        ),
        _ => ("봉수 서버 이상", "Bongsu does not work as it should"),
    };
    Text {
        ko: ko.to_owned(),
        en: en.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ok: bool) -> [Check; 1] {
        let detail = if ok { "" } else { "the disk is full" };
        [Check {
            name: "records",
            ok,
            detail: detail.to_owned(),
        }]
    }

    fn said(updates: &[Update]) -> Vec<Severity> {
        let severities = updates.iter().map(|update| match update {
            Update::Transition(transition) => transition.to,
            Update::Marked(_) => panic!("no marks"),
        });
        severities.collect()
    }

    #[test]
    fn what_stays_broken_is_one_problem_until_it_works_twice() {
        let mut story = Story::new(CiId::from_bits(1));
        assert!(story.tell(&check(false), 0).is_empty());
        assert!(story.tell(&check(true), 5_000).is_empty());
        assert!(story.tell(&check(false), 10_000).is_empty());
        assert!(story.tell(&check(false), 39_999).is_empty());
        assert_eq!(said(&story.tell(&check(false), 40_000)), [Severity::Major]);
        assert!(story.tell(&check(false), 90_000).is_empty());
        assert!(story.tell(&check(true), 95_000).is_empty());
        assert_eq!(said(&story.tell(&check(true), 100_000)), [Severity::Normal]);
        assert!(story.tell(&check(true), 105_000).is_empty());
    }

    #[test]
    fn a_restart_opens_nothing_again_and_closes_what_is_over() {
        let mut story = Story::new(CiId::from_bits(1));
        story.take_over(vec!["records".to_owned()]);
        assert!(story.tell(&check(false), 0).is_empty());
        assert!(story.tell(&check(false), 60_000).is_empty());
        assert!(story.tell(&check(true), 65_000).is_empty());
        assert_eq!(said(&story.tell(&check(true), 70_000)), [Severity::Normal]);
    }
}
