//! The API of notices: channels and their kinds, recipients, the ledger, channel health.

mod channels;
mod kinds;
mod ledger;
mod recipients;
mod refusal;

use db::Db;
use web::{Action, Endpoint, Mounted, Page, Routes};

use crate::Context;

/// Who may see channels, recipients and the ledger; secrets are not among it.
const READ: Action = Action::view("notice.read");
/// Who may change channels.
const CHANNEL: Action = Action::administer("channel.change");
/// Who may change recipients.
const RECIPIENT: Action = Action::administer("recipient.change");
/// Who may try an undelivered notice again.
const RETRY: Action = Action::operate("notice.retry");

/// What these endpoints work on.
#[derive(Clone)]
pub(crate) struct Api {
    db: Db,
    context: Context,
}

/// All endpoints of notices.
pub fn routes(db: Db, context: Context) -> Mounted {
    channel_routes()
        .merge(recipient_routes())
        .merge(ledger_routes())
        .with_state(Api { db, context })
}

fn channel_routes() -> Routes<Api> {
    Routes::new()
        .add(
            Endpoint::get("/api/v1/channel-types", READ)
                .summary("The kinds of channels, with the settings each asks for")
                .returns::<Page<kinds::KindBody>>(200),
            kinds::list,
        )
        .add(
            Endpoint::get("/api/v1/channels", READ)
                .summary("Channels by name, with how they do; never with secrets")
                .query::<channels::ChannelQuery>()
                .returns::<Page<channels::ChannelBody>>(200),
            channels::list,
        )
        .add(
            Endpoint::post("/api/v1/channels", CHANNEL)
                .summary("Make a channel")
                .body::<channels::NewChannelBody>()
                .returns::<channels::ChannelBody>(201),
            channels::create,
        )
        .add(
            Endpoint::get("/api/v1/channels/{id}", READ)
                .summary("One channel")
                .returns::<channels::ChannelBody>(200),
            channels::get,
        )
        .add(
            Endpoint::put("/api/v1/channels/{id}", CHANNEL)
                .summary("Edit a channel; secrets left out stay; needs the `ETag` as `If-Match`")
                .body::<channels::ChannelEditBody>()
                .returns::<channels::ChannelBody>(200),
            channels::change,
        )
        .add(
            Endpoint::delete("/api/v1/channels/{id}", CHANNEL)
                .summary("Retire a channel; its ledger stays")
                .returns_nothing(),
            channels::retire,
        )
        .add(
            Endpoint::post("/api/v1/channels/{id}/test", CHANNEL)
                .summary("Send a test message now and say what came of it")
                .body::<channels::TestBody>()
                .returns_nothing(),
            channels::test,
        )
        .add(
            Endpoint::get("/api/v1/channel-health", READ)
                .summary("How every channel does that was ever used")
                .returns::<Page<channels::HealthBody>>(200),
            channels::health,
        )
}

fn recipient_routes() -> Routes<Api> {
    Routes::new()
        .add(
            Endpoint::get("/api/v1/recipients", READ)
                .summary("Everybody who is told")
                .returns::<Page<recipients::RecipientBody>>(200),
            recipients::list,
        )
        .add(
            Endpoint::post("/api/v1/recipients", RECIPIENT)
                .summary("Make a recipient")
                .body::<recipients::RecipientEditBody>()
                .returns::<recipients::RecipientBody>(201),
            recipients::create,
        )
        .add(
            Endpoint::get("/api/v1/recipients/{id}", READ)
                .summary("One recipient")
                .returns::<recipients::RecipientBody>(200),
            recipients::get,
        )
        .add(
            Endpoint::put("/api/v1/recipients/{id}", RECIPIENT)
                .summary("Edit a recipient; needs the `ETag` as `If-Match`")
                .body::<recipients::RecipientEditBody>()
                .returns::<recipients::RecipientBody>(200),
            recipients::change,
        )
        .add(
            Endpoint::delete("/api/v1/recipients/{id}", RECIPIENT)
                .summary("Retire a recipient; recoveries of what was told still go out")
                .returns_nothing(),
            recipients::retire,
        )
}

fn ledger_routes() -> Routes<Api> {
    Routes::new()
        .add(
            Endpoint::get("/api/v1/ledger", READ)
                .summary("Every decision to tell or not to tell, with its reason")
                .query::<ledger::LedgerQuery>()
                .returns::<Page<ledger::LedgerBody>>(200),
            ledger::list,
        )
        .add(
            Endpoint::post("/api/v1/ledger/{id}/retry", RETRY)
                .summary("Try an undelivered notice once more")
                .returns_nothing(),
            ledger::retry,
        )
}

#[cfg(test)]
mod tests;
