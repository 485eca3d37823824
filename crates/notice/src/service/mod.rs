//! The use cases: load, decide, save. One use case a file.

mod channels;
mod ledger;
mod recipients;
mod take;
mod test_send;

pub use channels::{
    ChannelEdit, channel, channels, create_channel, edit_channel, health, lanes, retire_channel,
};
pub use ledger::{
    KEEP_MS_MIN, LedgerFilter, free_leases, history, of_problem, overdue, prune, retry, undelivered,
};
pub use recipients::{
    RecipientEdit, create_recipient, edit_recipient, recipient, recipients, retire_recipient,
};
pub(crate) use take::load_roster;
pub use take::{take, take_waiting};
pub use test_send::test_send;
