//! Recoveries: whoever was told, or may have been told, hears of the end on the same channel.

use std::collections::BTreeMap;

use model::flow::{Dispatch, DispatchEvent};
use model::{ChannelId, DeliveryId, RecipientId};

use super::route::Decision;
use crate::model::{LedgerRow, Reason, State};

/// What a recovery does to the ledger.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Pairing {
    /// New rows.
    pub decisions: Vec<Decision>,
    /// Rows that still waited and need not leave any more.
    pub over: Vec<DeliveryId>,
}

/// Pairs a recovery with the rows of its problem.
#[must_use]
pub fn pair(dispatch: &Dispatch, rows: &[LedgerRow]) -> Pairing {
    let mut pairing = Pairing::default();
    let mut lines = BTreeMap::<(RecipientId, ChannelId), Vec<&LedgerRow>>::new();
    let earlier = rows.iter().filter(|row| row.seq < dispatch.seq);
    for row in earlier.filter(|row| row.event != DispatchEvent::Recovered) {
        if let (Some(recipient), Some(channel)) = (row.recipient, row.channel) {
            lines.entry((recipient, channel)).or_default().push(row);
        }
    }
    for ((recipient, channel), line) in lines {
        let told = line.iter().any(|row| row.is_told());
        // What was never tried, or certainly failed so far, has nothing left to say.
        let waiting: Vec<_> = line
            .iter()
            .filter(|row| row.state == State::Waiting && !row.unsure)
            .collect();
        pairing.over.extend(waiting.iter().map(|row| row.id));
        let reason = match (told, waiting.is_empty()) {
            (true, _) => Reason::Pending,
            (false, false) => Reason::NotNeeded,
            (false, true) => continue,
        };
        pairing.decisions.push(Decision {
            recipient: Some(recipient),
            channel: Some(channel),
            reason,
            detail: String::new(),
        });
    }
    if pairing.decisions.is_empty() {
        let (reason, detail) = match &dispatch.hold {
            Some(hold) => Reason::of_hold(hold),
            None => (Reason::NobodyTold, String::new()),
        };
        pairing.decisions.push(Decision {
            recipient: None,
            channel: None,
            reason,
            detail,
        });
    }
    pairing
}
