//! Slack-compatible incoming webhooks (Slack, Mattermost, Rocket.Chat): one POST, answer `ok`.

mod fields;
mod render;
mod send;
#[cfg(test)]
mod tests;

use ui::Field;

use crate::channel::{
    Address, BoxFuture, Capabilities, Channel, Outgoing, Peer, Rendered, SendError,
};
use crate::settings::{SettingError, Settings};

/// The channel; it holds nothing, its settings come with every call.
#[derive(Clone, Copy, Debug)]
pub struct Slack;

impl Channel for Slack {
    fn kind(&self) -> &'static str {
        "slack"
    }

    fn fields(&self) -> Vec<Field> {
        fields::fields()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            text_chars_max: render::TEXT_CHARS_MAX,
            threads: false,
            deduplicates: false,
            address: Address::Optional,
        }
    }

    fn check(&self, settings: &Settings) -> Result<(), Vec<SettingError>> {
        fields::check(settings)
    }

    fn render(&self, outgoing: Outgoing<'_>) -> Rendered {
        render::render(outgoing)
    }

    fn send<'a>(
        &'a self,
        peer: &'a Peer,
        outgoing: Outgoing<'a>,
    ) -> BoxFuture<'a, Result<(), SendError>> {
        Box::pin(send::send(peer, outgoing))
    }
}
