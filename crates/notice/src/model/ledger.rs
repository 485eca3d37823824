//! The ledger: one row per decision to send or not to send, with its reason.

use model::flow::{DispatchEvent, Hold};
use model::{ChannelId, DeliveryId, Lang, ProblemId, RecipientId, Severity};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Why something was sent or not; the codes are permanent.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Accepted by the receiver.
    Sent,
    /// On its way: the detail says what the last try said, if any.
    Pending,
    /// Given up after the last try; the detail says what it said.
    Undelivered,
    /// The channel failed and another one took over; the detail names it.
    Fallback,
    /// The problem was over before its notice could leave.
    OverBefore,
    /// The recovery of a notice that never left.
    NotNeeded,
    /// A maintenance covers the target; the detail names it.
    HeldMaintenance,
    /// A silence covers it; the detail names it.
    HeldSilence,
    /// Somebody snoozed the problem.
    HeldSnoozed,
    /// The flap guard.
    HeldFlapping,
    /// A recovery script is at work.
    HeldRepair,
    /// Below the rule's own threshold.
    BelowRule,
    /// A fall that the rule does not tell.
    Fall,
    /// Below the recipient's severity.
    BelowSeverity,
    /// Outside the recipient's days or hours.
    OutsideHours,
    /// The host is not in the recipient's scope.
    OutOfScope,
    /// The recipient has no rule at all.
    NoRule,
    /// The recipient is switched off.
    RecipientDisabled,
    /// Somebody with the same address on the same channel is told; the detail names them.
    Deduplicated,
    /// The channel is switched off or retired.
    ChannelDisabled,
    /// The recipient has no address there.
    NoAddress,
    /// Nobody is to be told.
    Nobody,
    /// A recovery, and nobody was told of the problem.
    NobodyTold,
}

impl Reason {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 23] = [
        Self::Sent,
        Self::Pending,
        Self::Undelivered,
        Self::Fallback,
        Self::OverBefore,
        Self::NotNeeded,
        Self::HeldMaintenance,
        Self::HeldSilence,
        Self::HeldSnoozed,
        Self::HeldFlapping,
        Self::HeldRepair,
        Self::BelowRule,
        Self::Fall,
        Self::BelowSeverity,
        Self::OutsideHours,
        Self::OutOfScope,
        Self::NoRule,
        Self::RecipientDisabled,
        Self::Deduplicated,
        Self::ChannelDisabled,
        Self::NoAddress,
        Self::Nobody,
        Self::NobodyTold,
    ];

    /// The code in the store, in the API and in the catalogue.
    #[must_use]
    pub fn code(self) -> String {
        match serde_json::to_value(self) {
            Ok(Json::String(code)) => code,
            _ => String::new(),
        }
    }

    /// The reason with this code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        serde_json::from_value(Json::from(code)).ok()
    }

    /// What it says to people.
    #[must_use]
    pub fn title(self, lang: Lang) -> &'static str {
        i18n::find(lang, &format!("notice.reason.{}", self.code())).unwrap_or("?")
    }

    /// The reason and detail of a hold.
    #[must_use]
    pub fn of_hold(hold: &Hold) -> (Self, String) {
        match hold {
            Hold::BelowThreshold => (Self::BelowRule, String::new()),
            Hold::Maintenance { name } => (Self::HeldMaintenance, name.clone()),
            Hold::Silence { name } => (Self::HeldSilence, name.clone()),
            Hold::Snoozed => (Self::HeldSnoozed, String::new()),
            Hold::Flapping => (Self::HeldFlapping, String::new()),
            Hold::Fall => (Self::Fall, String::new()),
            Hold::RepairRunning => (Self::HeldRepair, String::new()),
        }
    }
}

/// Where a row stands.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum State {
    /// Nothing more will happen.
    Settled,
    /// To be sent when it is due.
    Waiting,
    /// A lane sends it now, or died while it did.
    Sending,
}

impl State {
    /// The name in the store.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Waiting => "waiting",
            Self::Sending => "sending",
        }
    }

    /// The state with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Settled, Self::Waiting, Self::Sending]
            .into_iter()
            .find(|state| state.name() == name)
    }
}

/// One row of the ledger.
#[derive(Clone, Debug, PartialEq)]
pub struct LedgerRow {
    /// Its id.
    pub id: DeliveryId,
    /// The problem.
    pub problem: ProblemId,
    /// The event within the problem.
    pub seq: i64,
    /// What happened.
    pub event: DispatchEvent,
    /// The severity told.
    pub severity: Severity,
    /// Who; nobody when the decision was for everybody.
    pub recipient: Option<RecipientId>,
    /// Where; nowhere when it never came to a channel.
    pub channel: Option<ChannelId>,
    /// When it was decided, UTC milliseconds.
    pub decided_ms: i64,
    /// Why.
    pub reason: Reason,
    /// M-12, an error, another channel.
    pub detail: String,
    /// Where it stands.
    pub state: State,
    /// Waiting: not before; sending: when the lease may be taken over. UTC milliseconds.
    pub due_ms: i64,
    /// How often it was tried.
    pub attempts: i64,
    /// When it was first tried, UTC milliseconds; 0 before.
    pub first_try_ms: i64,
    /// Whether a try may have arrived without a clear yes.
    pub unsure: bool,
    /// When it was settled, UTC milliseconds.
    pub done_ms: Option<i64>,
    /// The digest that told it together with others.
    pub digest: Option<String>,
    /// The row of the channel that failed.
    pub fallback_of: Option<DeliveryId>,
}

impl LedgerRow {
    /// Whether the notice went out or may have: then its recovery must follow.
    #[must_use]
    pub fn is_told(&self) -> bool {
        let may_have = self.unsure || self.state == State::Sending;
        self.event != DispatchEvent::Recovered && (self.reason == Reason::Sent || may_have)
    }

    /// The deduplication key of its message.
    #[must_use]
    pub fn key(&self) -> String {
        let recipient = self.recipient.map(|id| id.to_string()).unwrap_or_default();
        let channel = self.channel.map(|id| id.to_string()).unwrap_or_default();
        format!("{}/{}/{recipient}/{channel}", self.problem, self.seq)
    }
}

/// One send: a row, or many rows in a digest.
#[derive(Clone, Debug, PartialEq)]
pub enum Delivery {
    /// One row with its event.
    One(Box<LedgerRow>, Box<model::flow::Dispatch>),
    /// Many rows of one recipient.
    Digest {
        /// The id that its rows carry.
        digest: String,
        /// Who.
        recipient: RecipientId,
        /// What it says.
        text: notify::Digest,
        /// Tries so far, this one included.
        attempts: i64,
        /// When its oldest row was first tried, UTC milliseconds.
        first_try_ms: i64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_code_and_words_in_both_languages() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_code(&reason.code()), Some(reason));
            for lang in Lang::ALL {
                assert_ne!(reason.title(lang), "?", "{reason:?}");
            }
        }
    }
}
