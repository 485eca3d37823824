//! What every channel is: it describes its settings, renders, sends, and says how a send went.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;

use model::Lang;
use stdx::Env;
use ui::Field;
use web::OutgoingClient;

use crate::settings::{SettingError, Settings};
use crate::text::NoticeText;

/// The longest any send may take, in milliseconds; afterwards the outcome counts as unknown.
pub const SEND_MS_MAX: u64 = 20_000;

/// A future of a channel.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Whether a recipient needs an address of its own on this channel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Address {
    /// Without one nothing can be sent, e.g. a mail address.
    Required,
    /// It refines the channel's own destination, e.g. a room or a telephone number.
    Optional,
}

/// What a channel can do; the ledger and the forms adapt to it.
#[derive(Clone, Copy, Debug)]
pub struct Capabilities {
    /// Characters of the text part that arrive; longer texts are cut with `…`.
    pub text_chars_max: usize,
    /// Whether the notices of one problem appear as one thread.
    pub threads: bool,
    /// Whether the receiver can drop a repeated message by its key.
    pub deduplicates: bool,
    /// Whether the recipient needs an address.
    pub address: Address,
}

/// The outside world that channels may use.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The one outgoing HTTP client.
    pub http: OutgoingClient,
    /// Clock and randomness.
    pub env: Env,
}

/// A message of one channel, ready to be sent; also what previews show.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rendered {
    /// One line; the subject of a mail.
    pub subject: String,
    /// The readable text.
    pub text: String,
    /// The bytes that go out: a JSON body, an HTML part; empty when the text is all.
    pub body: String,
}

/// One message on its way to one recipient.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// The channel's settings.
    pub settings: &'a Settings,
    /// The recipient's address on this channel, may be empty.
    pub address: &'a str,
    /// What is said.
    pub notice: &'a NoticeText,
}

/// How a failed send failed.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Failure {
    /// It certainly did not arrive, and a later try may help.
    Retry,
    /// It certainly did not arrive, and the same try will fail again.
    Permanent,
    /// It may have arrived: the answer was lost or ambiguous. It is tried again with the same key.
    Unknown,
}

/// A send that did not end with the receiver's clear yes.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{reason}")]
pub struct SendError {
    /// What it means for retrying and pairing.
    pub failure: Failure,
    /// For the ledger, without secrets.
    pub reason: String,
    /// How long the receiver asked to wait, in milliseconds.
    pub wait_ms: Option<u64>,
}

impl SendError {
    /// A failure with its reason.
    #[must_use]
    pub fn new(failure: Failure, reason: impl Into<String>) -> Self {
        Self {
            failure,
            reason: reason.into(),
            wait_ms: None,
        }
    }

    /// The same failure with the wait that the receiver asked for.
    #[must_use]
    pub fn wait_ms(self, wait_ms: Option<u64>) -> Self {
        Self { wait_ms, ..self }
    }
}

/// A way to tell people something.
pub trait Channel: Debug + Send + Sync {
    /// Its permanent name, e.g. `mail`.
    fn kind(&self) -> &'static str;

    /// The settings it asks for; the console draws the form from them.
    fn fields(&self) -> Vec<Field>;

    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// Checks the settings beyond what the fields say.
    ///
    /// # Errors
    /// With every setting that cannot work.
    fn check(&self, settings: &Settings) -> Result<(), Vec<SettingError>>;

    /// The message as it goes out; pure.
    fn render(&self, outgoing: Outgoing<'_>) -> Rendered;

    /// Sends the message.
    ///
    /// # Errors
    /// When it did not, or may not have, arrived.
    fn send<'a>(
        &'a self,
        peer: &'a Peer,
        outgoing: Outgoing<'a>,
    ) -> BoxFuture<'a, Result<(), SendError>>;

    /// The name on screens.
    fn title(&self, lang: Lang) -> String {
        i18n::t(lang, &format!("notice.channel.{}.title", self.kind())).to_owned()
    }

    /// One line on what it is for.
    fn help(&self, lang: Lang) -> String {
        i18n::t(lang, &format!("notice.channel.{}.help", self.kind())).to_owned()
    }
}
