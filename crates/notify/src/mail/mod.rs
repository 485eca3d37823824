//! Mail over SMTP: plain text and HTML, one thread per problem.

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
pub struct Mail;

impl Channel for Mail {
    fn kind(&self) -> &'static str {
        "mail"
    }

    fn fields(&self) -> Vec<Field> {
        fields::fields()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            text_chars_max: 100_000,
            threads: true,
            deduplicates: true,
            address: Address::Required,
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
