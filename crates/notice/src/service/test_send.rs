//! The "test" button: one message, now, and what came of it.

use db::Db;
use model::{ChannelId, Lang};
use notify::{NoticeText, Outgoing, What};

use super::channels::channel;
use crate::Context;
use crate::error::{NoticeError, Result};

/// Sends a test message on a channel to an address (may be empty where the channel allows it).
///
/// # Errors
/// When there is no such channel, or the message did not arrive; the text says why.
pub async fn test_send(
    db: &Db,
    context: &Context,
    id: ChannelId,
    (address, lang, zone): (&str, Lang, &str),
) -> Result<()> {
    let channel = channel(&mut db.reader(), context, id).await?;
    let now_ms = db.env().clock.now_ms();
    let notice = NoticeText {
        key: format!("test/{id}/{now_ms}"),
        lang,
        zone: zone.to_owned(),
        site: context.site.name.clone(),
        console_url: context.site.console_url.clone(),
        what: What::Test {
            channel: channel.name.clone(),
            at_ms: now_ms,
        },
    };
    let kind = notify::by_kind(&channel.kind);
    let kind = kind.ok_or_else(|| NoticeError::NotDelivered(channel.kind.clone()))?;
    let outgoing = Outgoing {
        settings: &channel.settings,
        address,
        notice: &notice,
    };
    let sent = kind.send(&context.peer, outgoing).await;
    sent.map_err(|error| NoticeError::NotDelivered(error.reason))
}
