//! The records of this slice: channels, recipients, ledger rows.

mod channel;
mod ledger;
mod recipient;

pub use channel::{Channel, Health, PER_MINUTE_DEFAULT};
pub use ledger::{Delivery, LedgerRow, Reason, State};
pub use recipient::{Recipient, Rule};
