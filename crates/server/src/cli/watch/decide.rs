//! Who is told what after a look at the server; pure.
//!
//! One message when it fails, one when it is back, and one now and then while it lasts. Whoever was
//! told of a failure is told of its end, whatever restarts of this program came in between.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What is known of the server; kept in the state file.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Standing {
    /// Bad looks in a row.
    pub(super) bad: u32,
    /// Good looks in a row.
    pub(super) good: u32,
    /// Since when it fails, UTC milliseconds.
    pub(super) since_ms: Option<i64>,
    /// What is wrong, as last seen.
    pub(super) fault: Option<Fault>,
    /// Who was told of the failure, and when last.
    pub(super) told: BTreeMap<String, i64>,
}

/// What is wrong with a server.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Fault {
    pub(super) kind: Kind,
    /// In words, for people.
    pub(super) why: String,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// It does not answer.
    Gone,
    /// Notices do not leave it.
    Stuck,
    /// Something else of it does not work.
    Unwell,
}

/// What is said to one of those who are told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Say {
    /// It fails.
    Failing,
    /// It fails still.
    Still,
    /// It works again.
    Back,
}

/// How patient the watching is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) looks: u32,
    pub(super) repeat_ms: i64,
}

impl Standing {
    /// Takes a look into account and says what each of `names` is to be told now.
    pub(super) fn look(
        &mut self,
        fault: Option<Fault>,
        names: &[&str],
        patience: Patience,
        now_ms: i64,
    ) -> Vec<(String, Say)> {
        match fault {
            Some(fault) => {
                self.bad = self.bad.saturating_add(1);
                self.good = 0;
                self.since_ms.get_or_insert(now_ms);
                self.fault = Some(fault);
            }
            None => {
                self.good = self.good.saturating_add(1);
                self.bad = 0;
                if self.told.is_empty() {
                    *self = Self {
                        good: self.good,
                        ..Self::default()
                    };
                }
            }
        }
        // Of somebody who is not in the file any more nothing can be told.
        self.told.retain(|name, _| names.contains(&name.as_str()));
        let due = names.iter().filter_map(|name| {
            let said = self.due(name, patience, now_ms)?;
            Some(((*name).to_owned(), said))
        });
        due.collect()
    }

    fn due(&self, name: &str, patience: Patience, now_ms: i64) -> Option<Say> {
        let told_ms = self.told.get(name).copied();
        if self.good >= patience.looks {
            return told_ms.map(|_| Say::Back);
        }
        if self.bad < patience.looks {
            return None;
        }
        match told_ms {
            None => Some(Say::Failing),
            Some(told_ms) => {
                let again =
                    patience.repeat_ms > 0 && now_ms.saturating_sub(told_ms) >= patience.repeat_ms;
                again.then_some(Say::Still)
            }
        }
    }

    /// Notes that somebody was told; what could not be delivered is due again at the next look.
    pub(super) fn delivered(&mut self, name: &str, say: Say, now_ms: i64) {
        match say {
            Say::Failing | Say::Still => {
                self.told.insert(name.to_owned(), now_ms);
            }
            Say::Back => {
                self.told.remove(name);
                if self.told.is_empty() {
                    self.since_ms = None;
                    self.fault = None;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience {
        looks: 2,
        repeat_ms: 1_000,
    };

    fn gone() -> Option<Fault> {
        Some(Fault {
            kind: Kind::Gone,
            why: "no answer".to_owned(),
        })
    }

    fn looked(
        standing: &mut Standing,
        fault: Option<Fault>,
        now_ms: i64,
        arrives: bool,
    ) -> Vec<Say> {
        let due = standing.look(fault, &["a"], PATIENCE, now_ms);
        for (name, say) in due.iter().filter(|_| arrives) {
            standing.delivered(name, *say, now_ms);
        }
        due.into_iter().map(|(_, say)| say).collect()
    }

    #[test]
    fn one_message_at_failure_one_at_recovery_and_repeats_in_between() {
        let mut standing = Standing::default();
        assert!(looked(&mut standing, None, 0, true).is_empty());
        assert!(looked(&mut standing, gone(), 100, true).is_empty());
        assert_eq!(looked(&mut standing, gone(), 200, true), [Say::Failing]);
        assert!(looked(&mut standing, gone(), 300, true).is_empty());
        assert_eq!(looked(&mut standing, gone(), 1_200, true), [Say::Still]);
        assert!(looked(&mut standing, None, 1_300, true).is_empty());
        assert_eq!(looked(&mut standing, None, 1_400, true), [Say::Back]);
        assert!(looked(&mut standing, None, 1_500, true).is_empty());
        assert_eq!(standing.since_ms, None);
    }

    #[test]
    fn one_bad_look_is_nothing_and_leaves_nothing() {
        let mut standing = Standing::default();
        looked(&mut standing, gone(), 100, true);
        assert!(looked(&mut standing, None, 200, true).is_empty());
        assert_eq!((standing.since_ms, standing.bad), (None, 0));
    }

    #[test]
    fn what_does_not_arrive_is_tried_again_and_only_the_told_hear_of_the_end() {
        let mut standing = Standing::default();
        looked(&mut standing, gone(), 100, false);
        assert_eq!(looked(&mut standing, gone(), 200, false), [Say::Failing]);
        assert_eq!(looked(&mut standing, gone(), 300, true), [Say::Failing]);
        looked(&mut standing, None, 400, false);
        assert_eq!(looked(&mut standing, None, 500, false), [Say::Back]);
        assert_eq!(standing.since_ms, Some(100), "the end is still owed");
        assert_eq!(looked(&mut standing, None, 600, true), [Say::Back]);
        assert_eq!(standing.since_ms, None);

        looked(&mut standing, gone(), 700, false);
        looked(&mut standing, gone(), 800, false);
        looked(&mut standing, None, 900, true);
        assert!(looked(&mut standing, None, 1_000, true).is_empty());
    }
}
