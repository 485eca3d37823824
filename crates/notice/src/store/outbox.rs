//! Outcomes for the problem's timeline, left in the transaction that settles the ledger.

use db::Tx;
use model::flow::{Message as _, Outcome, encode};

use crate::error::{NoticeError, Result};

/// Leaves outcomes under their keys.
pub(crate) async fn outcomes(tx: &mut Tx, all: &[(String, Outcome)]) -> Result<()> {
    let mut messages = Vec::with_capacity(all.len());
    for (key, outcome) in all {
        let payload = encode(outcome).map_err(|error| NoticeError::Message(error.to_string()))?;
        messages.push((key.clone(), payload));
    }
    Ok(jobs::put_all(tx, Outcome::KIND, &messages).await?)
}
