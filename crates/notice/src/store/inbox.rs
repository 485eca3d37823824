//! Dispatches that lie in the outbox: taken in the transaction that decides on them.

use db::Tx;
use model::flow::{Dispatch, Message as _, decode};

/// Takes the oldest dispatches; those that cannot be read are put aside, visibly.
pub(crate) async fn take(tx: &mut Tx, limit: usize) -> db::Result<Vec<Dispatch>> {
    let drained = jobs::drain(tx, Dispatch::KIND, limit).await?;
    let mut taken = Vec::with_capacity(drained.len());
    for message in drained {
        match decode::<Dispatch>(&message.payload) {
            Ok(dispatch) => taken.push(dispatch),
            Err(error) => {
                tracing::error!(message.id = %message.id, %error, "a dispatch cannot be read");
                jobs::bury(tx, message.id, &error.to_string()).await?;
            }
        }
    }
    // Within a problem the order of events is that of their sequence.
    taken.sort_by_key(|dispatch| (dispatch.problem, dispatch.seq));
    Ok(taken)
}
