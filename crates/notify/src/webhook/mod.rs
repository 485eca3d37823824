//! A JSON `POST` to any HTTP receiver, signed after the Standard Webhooks specification.

mod body;
mod fields;
mod render;
mod send;
mod signature;
mod template;
#[cfg(test)]
mod tests;

use ui::Field;

pub(crate) use fields::check_url;

use crate::channel::{
    Address, BoxFuture, Capabilities, Channel, Outgoing, Peer, Rendered, SendError,
};
use crate::settings::{SettingError, Settings};

/// The channel; it holds nothing, its settings come with every call.
#[derive(Clone, Copy, Debug)]
pub struct Webhook;

impl Channel for Webhook {
    fn kind(&self) -> &'static str {
        "webhook"
    }

    fn fields(&self) -> Vec<Field> {
        fields::fields()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            text_chars_max: 20_000,
            threads: false,
            deduplicates: true,
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
