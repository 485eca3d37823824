//! Who is told where: every recipient gets a decision, and every decision a reason.

use std::collections::HashMap;

use model::flow::{Dispatch, DispatchEvent};
use model::{ChannelId, RecipientId};
use notify::Address;

use super::hours::fits_hours;
use super::matching::fits;
use crate::model::{Channel, Reason, Recipient, Rule};
use crate::ports::HostFacts;

/// Recipients and channels as they are now.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    /// Everybody who is not retired, sorted by id.
    pub recipients: Vec<Recipient>,
    /// All channels, the retired ones too: their ledger rows and fallbacks must still resolve.
    pub channels: HashMap<ChannelId, Channel>,
}

/// One decision, soon a ledger row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Decision {
    /// Who; nobody when the decision is for everybody.
    pub recipient: Option<RecipientId>,
    /// Where; nowhere when it does not come to a channel.
    pub channel: Option<ChannelId>,
    /// Why; [`Reason::Pending`] is the decision to send.
    pub reason: Reason,
    /// What belongs to the reason.
    pub detail: String,
}

impl Decision {
    fn for_all(reason: Reason, detail: String) -> Self {
        Self {
            recipient: None,
            channel: None,
            reason,
            detail,
        }
    }
}

/// Channels tried in a fallback chain; more is a circle.
const CHAIN_MAX: usize = 8;

impl Roster {
    /// The next channel of the chain behind `from` on which something may be sent to `recipient`.
    #[must_use]
    pub fn fallback(&self, from: ChannelId, recipient: &Recipient) -> Option<ChannelId> {
        let mut at = from;
        for _ in 0..CHAIN_MAX {
            at = self.channels.get(&at)?.fallback?;
            if at == from {
                return None;
            }
            let channel = self.channels.get(&at)?;
            if self.refusal(channel, recipient).is_none() {
                return Some(at);
            }
        }
        None
    }

    /// The recipient with this id.
    #[must_use]
    pub fn recipient(&self, id: RecipientId) -> Option<&Recipient> {
        self.recipients.iter().find(|recipient| recipient.id == id)
    }

    /// Why nothing can be sent to this recipient on this channel, if so.
    fn refusal(&self, channel: &Channel, recipient: &Recipient) -> Option<Reason> {
        if !channel.is_usable() {
            return Some(Reason::ChannelDisabled);
        }
        let capabilities = notify::by_kind(&channel.kind)?.capabilities();
        let needed = capabilities.address == Address::Required;
        let missing = recipient.address(channel.id, &channel.kind).is_empty();
        (needed && missing).then_some(Reason::NoAddress)
    }
}

/// Decides for everybody. Recoveries are not routed but paired, see [`super::pair`].
#[must_use]
pub fn route(
    dispatch: &Dispatch,
    roster: &Roster,
    host: Option<&HostFacts>,
    now_ms: i64,
) -> Vec<Decision> {
    if let Some(hold) = &dispatch.hold {
        let (reason, detail) = Reason::of_hold(hold);
        return vec![Decision::for_all(reason, detail)];
    }
    let mut decisions = Vec::new();
    let mut taken = HashMap::<(ChannelId, &str), &str>::new();
    for recipient in &roster.recipients {
        let wanted = match wanted(dispatch, recipient, host, now_ms) {
            Ok(channels) => channels,
            Err(reason) => {
                let recipient = Some(recipient.id);
                let detail = String::new();
                decisions.push(Decision {
                    recipient,
                    channel: None,
                    reason,
                    detail,
                });
                continue;
            }
        };
        for channel in wanted {
            place(roster, recipient, channel, &mut taken, &mut decisions);
        }
    }
    if decisions
        .iter()
        .all(|decision| decision.reason != Reason::Pending)
    {
        decisions.push(Decision::for_all(Reason::Nobody, String::new()));
    }
    decisions
}

/// Puts a recipient on a channel, or on the next of its chain when it cannot be used.
fn place<'a>(
    roster: &Roster,
    recipient: &'a Recipient,
    id: ChannelId,
    taken: &mut HashMap<(ChannelId, &'a str), &'a str>,
    decisions: &mut Vec<Decision>,
) {
    let mut push = |channel, reason, detail: String| {
        let recipient = Some(recipient.id);
        let known = |d: &Decision| (d.recipient, d.channel) == (recipient, Some(channel));
        // Two rules may name one channel: one row is enough.
        if !decisions.iter().any(known) {
            decisions.push(Decision {
                recipient,
                channel: Some(channel),
                reason,
                detail,
            });
        }
    };
    let mut id = id;
    let refusal = match roster.channels.get(&id) {
        None => Some(Reason::ChannelDisabled),
        Some(channel) => roster.refusal(channel, recipient),
    };
    if let Some(reason) = refusal {
        let Some(next) = roster.fallback(id, recipient) else {
            return push(id, reason, String::new());
        };
        push(id, reason, next.to_string());
        id = next;
    }
    let Some(channel) = roster.channels.get(&id) else {
        return;
    };
    let address = recipient.address(id, &channel.kind);
    match taken.get(&(id, address)) {
        Some(other) if *other != recipient.name => {
            push(id, Reason::Deduplicated, (*other).to_owned());
        }
        _ => {
            taken.insert((id, address), &recipient.name);
            push(id, Reason::Pending, String::new());
        }
    }
}

/// The channels that a recipient's rules ask for, or the nearest reason why there are none.
fn wanted(
    dispatch: &Dispatch,
    recipient: &Recipient,
    host: Option<&HostFacts>,
    now_ms: i64,
) -> Result<Vec<ChannelId>, Reason> {
    if !recipient.enabled {
        return Err(Reason::RecipientDisabled);
    }
    let mut channels = Vec::new();
    let mut nearest = Reason::NoRule;
    for rule in &recipient.rules {
        let missed = miss(dispatch, rule, host, &recipient.zone, now_ms);
        match missed {
            None => channels.extend(&rule.channels),
            Some(reason) if distance(reason) < distance(nearest) => nearest = reason,
            Some(_) => {}
        }
    }
    channels.dedup();
    if channels.is_empty() {
        Err(nearest)
    } else {
        Ok(channels)
    }
}

fn miss(
    dispatch: &Dispatch,
    rule: &Rule,
    host: Option<&HostFacts>,
    zone: &str,
    now_ms: i64,
) -> Option<Reason> {
    // A fall is told to those who heard of what it fell from.
    let severity = match dispatch.event {
        DispatchEvent::Lowered => dispatch.severity.max(dispatch.previous),
        _ => dispatch.severity,
    };
    if severity < rule.from {
        return Some(Reason::BelowSeverity);
    }
    if !in_scope(rule, host) {
        return Some(Reason::OutOfScope);
    }
    (!fits_hours(rule, zone, now_ms)).then_some(Reason::OutsideHours)
}

/// A host that nobody knows is in every scope: when in doubt, tell.
fn in_scope(rule: &Rule, host: Option<&HostFacts>) -> bool {
    let Some(host) = host else { return true };
    let group = rule.groups.is_empty() || rule.groups.iter().any(|g| host.groups.contains(g));
    let labels = rule
        .labels
        .as_ref()
        .is_none_or(|labels| fits(labels, &host.labels));
    group && labels
}

/// How near a rule came to telling: the ledger shows the nearest miss.
const fn distance(reason: Reason) -> u8 {
    match reason {
        Reason::OutsideHours => 0,
        Reason::BelowSeverity => 1,
        Reason::OutOfScope => 2,
        _ => 3,
    }
}
