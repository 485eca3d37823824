//! Messages that leave in the same transaction as the state change they tell.

use db::Tx;
use model::flow::{Dispatch, Message, RunOrder, encode};

use crate::error::{ProblemError, Result};

/// Leaves dispatches for `notice`.
pub(crate) async fn dispatches(tx: &mut Tx, all: &[Dispatch]) -> Result<()> {
    let keyed = all
        .iter()
        .map(|one| (format!("{}/{}", one.problem, one.seq), one));
    leave(tx, keyed).await
}

/// Leaves orders for `remedy`.
pub(crate) async fn orders(tx: &mut Tx, all: &[RunOrder]) -> Result<()> {
    leave(tx, all.iter().map(|one| (one.run.to_string(), one))).await
}

async fn leave<'a, T: Message + 'a>(
    tx: &mut Tx,
    messages: impl Iterator<Item = (String, &'a T)>,
) -> Result<()> {
    let mut told = Vec::new();
    for (key, message) in messages {
        let payload = encode(message).map_err(|error| ProblemError::Message(error.to_string()))?;
        told.push((key, payload));
    }
    Ok(jobs::put_all(tx, T::KIND, &told).await?)
}
