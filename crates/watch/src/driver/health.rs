//! Who watches the rules: a rule that cannot be judged is itself a problem; vanished targets end.

use std::collections::BTreeMap;

use judge::{PairIx, Status};
use model::flow::Transition;
use model::rule::Rule;
use model::{CiId, RuleId, Severity, Target, TargetKind, Text};

use super::{Inner, Update};

/// The rule under which broken rules are problems; the target's key is the broken rule's id.
pub const RULE_BROKEN: RuleId = RuleId::from_bits(0x0190_0000_0000_7000_8000_0000_0000_0001);
/// How often the driver looks over its pairs.
const LOOK_MS: i64 = 30_000;
/// A rule none of whose targets could be judged for so long is told.
const BLIND_MS: i64 = 5 * 60_000;
/// A target whose data stopped, on a host that talks, is gone after this long: its problem closes.
const GONE_MS: i64 = 24 * 3_600_000;
/// States of a snapshot whose pairs never came back are kept this long.
const WAITING_MS: i64 = 7 * 24 * 3_600_000;

/// The title and the words of the problem about a broken rule.
#[must_use]
pub fn rule_broken() -> Text {
    Text {
        ko: "감시 설정을 판정할 수 없음".into(),
        en: "Rule cannot be judged".into(),
    }
}

impl Inner {
    pub(super) fn check_health(&mut self, now_ms: i64) -> Vec<Update> {
        let due = now_ms.saturating_sub(self.checked_ms) >= LOOK_MS || now_ms < self.checked_ms;
        let mut updates = Vec::new();
        if due {
            self.checked_ms = now_ms;
            updates.extend(self.end_vanished(now_ms));
            self.look_for_blind(now_ms);
            self.engine
                .forget_waiting(now_ms.saturating_sub(WAITING_MS));
        }
        updates.extend(self.tell_broken(now_ms));
        updates
    }

    /// Ends pairs whose own data stopped long ago although their host talks.
    fn end_vanished(&mut self, now_ms: i64) -> Vec<Update> {
        let mut gone = Vec::new();
        for pair in self.all_pairs() {
            let Some(view) = self.engine.pair(pair) else {
                continue;
            };
            let stopped =
                view.state.status() == Status::NoData && !self.engine.is_silent(view.host);
            let last_ms = view.state.last_ms().unwrap_or(i64::MAX);
            if stopped && now_ms.saturating_sub(last_ms) > GONE_MS {
                gone.push(pair);
            }
        }
        let end = |pair: PairIx| self.close_pair(pair, "target gone: no data for 24 h", now_ms);
        gone.into_iter().filter_map(end).collect()
    }

    /// Notes rules that have targets with samples, none of which could be judged.
    fn look_for_blind(&mut self, now_ms: i64) {
        let mut seen: BTreeMap<RuleId, (u32, u32)> = BTreeMap::new();
        for pair in self.all_pairs() {
            let (Some(info), Some(view)) = (self.info(pair), self.engine.pair(pair)) else {
                continue;
            };
            let (judged, blind) = seen.entry(info.plan.rule_id).or_default();
            match view.state.status() {
                Status::Judged => *judged += 1,
                Status::CannotJudge => *blind += 1,
                Status::NoData | Status::Waiting => {}
            }
        }
        self.blind_since_ms.retain(|rule, _| {
            seen.get(rule)
                .is_some_and(|(judged, blind)| *judged == 0 && *blind > 0)
        });
        for (rule, (judged, blind)) in seen {
            if judged == 0 && blind > 0 {
                self.blind_since_ms.entry(rule).or_insert(now_ms);
            }
        }
    }

    /// Opens and closes the problems about rules.
    fn tell_broken(&mut self, now_ms: i64) -> Vec<Update> {
        let Some(own_host) = self.own_host else {
            return Vec::new();
        };
        let mut now: BTreeMap<RuleId, String> = self.book.wrong.clone();
        for (rule, since_ms) in &self.blind_since_ms {
            if now_ms.saturating_sub(*since_ms) >= BLIND_MS {
                now.entry(*rule)
                    .or_insert_with(|| "no target has had a usable value for 5 minutes".to_owned());
            }
        }
        let mut updates = Vec::new();
        for (rule, why) in &now {
            if !self.broken.contains_key(rule) {
                updates.push(self.about_rule((*rule, own_host), why, (Severity::Minor, now_ms)));
            }
        }
        for rule in self.broken.keys() {
            if !now.contains_key(rule) {
                let whole = "it can be judged again";
                updates.push(self.about_rule((*rule, own_host), whole, (Severity::Normal, now_ms)));
            }
        }
        self.broken = now;
        updates
    }

    fn about_rule(
        &self,
        (rule, own_host): (RuleId, CiId),
        why: &str,
        (to, at_ms): (Severity, i64),
    ) -> Update {
        let known: Option<&Rule> = self.book.rules.get(&rule).map(|ready| &ready.rule);
        let key = known.map_or_else(|| rule.to_string(), |known| known.key.clone());
        let title = rule_broken();
        let title = Text {
            ko: format!("{}: {key}", title.ko),
            en: format!("{}: {key}", title.en),
        };
        let from = match to {
            Severity::Normal => Severity::Minor,
            _ => Severity::Normal,
        };
        Update::Transition(Transition {
            rule: RULE_BROKEN,
            rule_key: "rule-cannot-be-judged".into(),
            title,
            group: "agent".into(),
            target: Target {
                ci: own_host,
                kind: TargetKind::new("rule"),
                key: rule.to_string(),
            },
            from,
            to,
            at_ms,
            flapping: false,
            observed: Vec::new(),
            because: why.to_owned(),
            notify_from: Severity::Minor,
            notify_on_fall: false,
        })
    }
}
