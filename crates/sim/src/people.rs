//! What operators do while all this goes on: cover, take, snooze, close, edit, add, retire.

use std::collections::BTreeSet;

use model::flow::Command;
use model::{CiId, MatchOp, RuleId, Selector};
use problem::model::{Problem, Scope, When};
use problem::service as problems;

use crate::config::Sabotage;
use crate::facts::{Cover, CoverId};
use crate::world::World;

const MINUTE_MS: i64 = 60_000;
/// The name under which people act.
const ACTOR: &str = "kim";

impl World {
    /// One act of an operator.
    pub(crate) async fn act(&mut self) {
        self.tally.acts += 1;
        match self.dice.below(20) {
            0..3 => self.maintain().await,
            3..6 => self.silence().await,
            6..8 => self.uncover().await,
            8..16 => self.touch_problem().await,
            16..18 => self.edit_rule().await,
            18 => self.retire_host().await,
            _ => self.add_host().await,
        }
    }

    fn some_hosts(&self) -> BTreeSet<CiId> {
        let many = self.dice.permille(300);
        let all: Vec<CiId> = self
            .hosts
            .iter()
            .filter(|host| !host.retired)
            .map(|host| host.ci)
            .collect();
        let count = if many { all.len() / 3 } else { 3 };
        (0..count)
            .filter_map(|_| self.dice.pick(&all).copied())
            .collect()
    }

    fn some_rule(&self, permille: u64) -> Option<RuleId> {
        let rule = self.dice.pick(&self.installation.rules).map(|(id, _)| *id);
        rule.filter(|_| self.dice.permille(permille))
    }

    async fn maintain(&mut self) {
        let now_ms = self.installation.now_ms();
        let (hosts, rule) = (self.some_hosts(), self.some_rule(300));
        let from_ms = now_ms + self.dice.between(-5, 3) * MINUTE_MS;
        let to_ms = from_ms.max(now_ms) + self.dice.between(1, 12) * MINUTE_MS + 700;
        let edit = problems::MaintenanceEdit {
            name: "patch".to_owned(),
            owner: ACTOR.to_owned(),
            reason: "simulated".to_owned(),
            when: When::Once { from_ms, to_ms },
            scope: Scope {
                hosts: hosts.iter().copied().collect(),
                rules: rule.into_iter().collect(),
                ..Scope::default()
            },
        };
        let id = if self.config.sabotage == Some(Sabotage::ForgetMaintenance) {
            model::MaintenanceId::from_bits(0)
        } else {
            let made = problems::create_maintenance(&self.installation.db, edit, ACTOR).await;
            made.expect("a maintenance").id
        };
        self.trace.note(format!(
            "maintenance of {} hosts for rule {rule:?}",
            hosts.len()
        ));
        let id = CoverId::Maintenance(id);
        // What was told before it was written down was told rightly.
        let from_ms = from_ms.max(now_ms + 1);
        self.facts.covers.push(Cover {
            id,
            hosts,
            rule,
            from_ms,
            to_ms,
        });
    }

    async fn silence(&mut self) {
        let now_ms = self.installation.now_ms();
        let hosts = self.some_hosts();
        let names: Vec<&str> = self
            .hosts
            .iter()
            .filter(|host| hosts.contains(&host.ci))
            .map(|host| host.name.as_str())
            .collect();
        let mut selector = Selector::default().and("host", MatchOp::Re, &names.join("|"));
        let rule = self.some_rule(500);
        let spec = self
            .installation
            .rules
            .iter()
            .find(|(id, _)| Some(*id) == rule);
        if let Some((_, spec)) = spec {
            selector = selector.and("rule", MatchOp::Eq, spec.key);
        }
        let to_ms = now_ms + self.dice.between(1, 10) * MINUTE_MS;
        let edit = problems::SilenceEdit {
            selector,
            owner: ACTOR.to_owned(),
            reason: "simulated".to_owned(),
            from_ms: now_ms,
            to_ms,
        };
        let made = problems::create_silence(&self.installation.db, edit, ACTOR).await;
        let id = CoverId::Silence(made.expect("a silence").id);
        self.trace.note(format!(
            "silence of {} hosts for rule {rule:?}",
            hosts.len()
        ));
        self.facts.covers.push(Cover {
            id,
            hosts,
            rule,
            from_ms: now_ms + 1,
            to_ms,
        });
    }

    async fn uncover(&mut self) {
        let now_ms = self.installation.now_ms();
        let lasting: Vec<usize> = (0..)
            .zip(&self.facts.covers)
            .filter(|(_, cover)| cover.to_ms > now_ms)
            .map(|(at, _)| at)
            .collect();
        let Some(cover) = self
            .dice
            .pick(&lasting)
            .and_then(|at| self.facts.covers.get_mut(*at))
        else {
            return;
        };
        let db = &self.installation.db;
        match cover.id {
            CoverId::Maintenance(id) if id.bits() == 0 => return,
            CoverId::Maintenance(id) => {
                let done = problems::cancel_maintenance(db, id, ACTOR).await;
                done.map(drop).expect("a maintenance called off");
            }
            CoverId::Silence(id) => {
                let done = problems::end_silence(db, id, ACTOR).await;
                done.map(drop).expect("a silence ended");
            }
        }
        cover.to_ms = now_ms;
        self.trace.note(format!("{:?} ended early", cover.id));
    }

    async fn touch_problem(&mut self) {
        let open = self.installation.open_problems().await;
        let Some(one) = self.dice.pick(&open) else {
            return;
        };
        let now_ms = self.installation.now_ms();
        let (problem, comment) = (one.id, "seen".to_owned());
        let order = match self.dice.below(10) {
            0..3 => Command::Acknowledge { problem, comment },
            3 => Command::Unacknowledge { problem },
            4 => Command::Comment { problem, comment },
            5..8 => {
                let until_ms = now_ms + self.dice.between(1, 8) * MINUTE_MS;
                Command::Snooze {
                    problem,
                    until_ms,
                    comment,
                }
            }
            _ => Command::Close { problem, comment },
        };
        self.trace.note(format!("{ACTOR}: {order:?}"));
        if matches!(order, Command::Close { .. }) {
            self.facts
                .closed_by_hand
                .insert((one.rule, one.target.clone()));
        }
        let done = problems::act(&self.installation.db, order, ACTOR).await;
        done.map(drop).expect("an act on an open problem");
    }

    async fn edit_rule(&mut self) {
        let Some((id, old)) = self.dice.pick(&self.installation.rules).cloned() else {
            return;
        };
        let mut new = old.clone();
        if !old.enabled || self.dice.permille(150) {
            new.enabled = !old.enabled;
        } else {
            let shift = self.dice.ratio(-20, 20);
            for (_, threshold) in &mut new.levels {
                // A threshold of one is never reached; the highest stays below it.
                *threshold = (*threshold + shift).clamp(0.3, 0.995);
            }
            let rising = new.levels.iter().zip(new.levels.iter().skip(1));
            if rising.into_iter().any(|((_, low), (_, high))| high <= low) {
                return;
            }
        }
        self.trace.note(format!(
            "rule {} edited: {:?} enabled {}",
            new.key, new.levels, new.enabled
        ));
        self.installation.edit_rule(id, &new).await;
        self.model.edited(id, &old, &new);
    }

    async fn retire_host(&mut self) {
        let in_service: Vec<CiId> = self
            .hosts
            .iter()
            .filter(|host| !host.retired)
            .map(|host| host.ci)
            .collect();
        let Some(&ci) = self.dice.pick(&in_service).filter(|_| in_service.len() > 3) else {
            return;
        };
        for host in self.hosts.iter_mut().filter(|host| host.ci == ci) {
            host.retired = true;
            self.trace.note(format!("{} retired", host.name));
        }
        self.facts.retired.insert(ci);
        self.installation.retire_host(ci).await;
        self.model.retired(ci);
    }
}

/// The short name of a problem for the trace and the report.
pub(crate) fn name(problem: &Problem) -> String {
    let Problem {
        number,
        rule_key,
        host,
        target,
        severity,
        ..
    } = problem;
    format!(
        "P-{number} ({rule_key} on {host} {} {severity})",
        target.key
    )
}
