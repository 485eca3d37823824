//! One send: loads the recipient, renders, talks to the channel within a limit, settles.

use std::time::Duration;

use db::Db;
use model::RecipientId;
use notify::{Failure, NoticeText, Outgoing, SEND_MS_MAX, SendError, What};

use super::settle;
use crate::Context;
use crate::error::Result;
use crate::model::{Channel, Delivery, Recipient};
use crate::store;
use crate::store::claim::{Claimant, Held};

/// What a lane wants to send.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Job {
    /// The first rows of a recipient, one by one.
    Single {
        recipient: RecipientId,
        count: usize,
    },
    /// Everything that waits for a recipient, in one message.
    Digest { recipient: RecipientId },
    /// A digest that was begun before.
    Again {
        recipient: RecipientId,
        digest: String,
    },
    /// Nothing now.
    Later {
        recipient: RecipientId,
        until_ms: i64,
    },
}

/// How a send ended, for the lane.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Sent {
    /// It was accepted.
    Arrived,
    /// It was not, or not certainly.
    Failed {
        /// What went wrong.
        reason: String,
        /// Whether it is the channel's fault, so that pausing makes sense.
        pauses: bool,
    },
}

impl Delivery {
    pub(super) const fn counts_as_single(&self) -> bool {
        matches!(self, Self::One(..))
    }

    pub(super) fn recipient(&self) -> RecipientId {
        match self {
            Self::One(row, _) => row.recipient.unwrap_or(RecipientId::from_bits(0)),
            Self::Digest { recipient, .. } => *recipient,
        }
    }

    pub(super) fn held(&self) -> Held {
        match self {
            Self::One(row, _) => Held::Row(row.id),
            Self::Digest { digest, .. } => Held::Digest(digest.clone()),
        }
    }

    fn key(&self) -> String {
        match self {
            Self::One(row, _) => row.key(),
            Self::Digest { digest, .. } => format!("digest/{digest}"),
        }
    }

    fn what(&self) -> What {
        match self {
            Self::One(_, dispatch) => What::Problem(dispatch.clone()),
            Self::Digest { text, .. } => What::Digest(text.clone()),
        }
    }
}

/// Sends and settles; never fails: what cannot be written now is found by its lease later.
pub(super) async fn perform(
    db: &Db,
    context: &Context,
    by: &Claimant,
    channel: &Channel,
    delivery: Delivery,
) -> Sent {
    let recipient = store::recipient::one(&mut db.reader(), delivery.recipient()).await;
    let (whom, result) = match recipient {
        Ok(recipient) => {
            let whom = format!("{} · {}", recipient.name, channel.name);
            (whom, send(context, channel, &recipient, &delivery).await)
        }
        Err(error) => (
            String::new(),
            Err(SendError::new(Failure::Retry, error.to_string())),
        ),
    };
    let settled: Result<()> = match &result {
        Ok(()) => settle::arrived(db, by, &delivery, &whom).await,
        Err(error) => settle::failed(db, (by, channel), &delivery, error).await,
    };
    if let Err(error) = settled {
        tracing::warn!(channel.id = %channel.id, %error, "the end of a send cannot be kept; it may be sent again");
    }
    match result {
        Ok(()) => Sent::Arrived,
        Err(error) => Sent::Failed {
            pauses: error.failure != Failure::Permanent,
            reason: error.reason,
        },
    }
}

async fn send(
    context: &Context,
    channel: &Channel,
    recipient: &Recipient,
    delivery: &Delivery,
) -> std::result::Result<(), SendError> {
    let unknown = || {
        SendError::new(
            Failure::Permanent,
            format!("no channel kind `{}`", channel.kind),
        )
    };
    let kind = notify::by_kind(&channel.kind).ok_or_else(unknown)?;
    let notice = NoticeText {
        key: delivery.key(),
        lang: recipient.lang,
        zone: recipient.zone.clone(),
        site: context.site.name.clone(),
        console_url: context.site.console_url.clone(),
        what: delivery.what(),
    };
    let address = recipient.address(channel.id, &channel.kind);
    let outgoing = Outgoing {
        settings: &channel.settings,
        address,
        notice: &notice,
    };
    let limit = Duration::from_millis(SEND_MS_MAX);
    match tokio::time::timeout(limit, kind.send(&context.peer, outgoing)).await {
        Ok(result) => result,
        Err(_) => Err(SendError::new(Failure::Unknown, "no answer in time")),
    }
}
