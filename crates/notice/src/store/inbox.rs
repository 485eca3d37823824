//! Dispatches that lie in the outbox: taken and marked done in the transaction that decides on them.
//!
//! So a dispatch is decided on exactly once, without a lease and in one commit.

use db::{Query, Sql, Tx, Value, params};
use model::flow::{Dispatch, Message, decode};

use super::{ROWS_PER_STATEMENT, places};

/// Takes the oldest dispatches; those that cannot be read are put aside, visibly.
pub(crate) async fn take(tx: &mut Tx, limit: usize) -> db::Result<Vec<Dispatch>> {
    const SQL: &str = "SELECT id, payload FROM core_outbox
        WHERE topic = $1 AND finished_ms IS NULL AND due_ms <= $2 ORDER BY due_ms, id LIMIT $3";
    let now_ms = tx.now_ms();
    let rows = tx
        .fetch_all(SQL, params![Dispatch::KIND, now_ms, limit])
        .await?;
    let (mut taken, mut done) = (
        Vec::with_capacity(rows.len()),
        Vec::with_capacity(rows.len()),
    );
    for row in &rows {
        let id = row.text("id")?;
        match decode::<Dispatch>(row.str("payload")?) {
            Ok(dispatch) => {
                taken.push(dispatch);
                done.push(id);
            }
            Err(error) => put_aside(tx, &id, &error.to_string()).await?,
        }
    }
    for chunk in done.chunks(ROWS_PER_STATEMENT) {
        let sql = format!(
            "UPDATE core_outbox SET state = 'done', finished_ms = $1, attempts = attempts + 1
             WHERE id IN {}",
            places(2, chunk.len())
        );
        let mut values = params![now_ms];
        values.extend(chunk.iter().map(Value::from));
        tx.execute(Sql::assembled(sql), values).await?;
    }
    // Within a problem the order of events is that of their sequence.
    taken.sort_by_key(|dispatch| (dispatch.problem, dispatch.seq));
    Ok(taken)
}

async fn put_aside(tx: &mut Tx, id: &str, error: &str) -> db::Result<()> {
    const SQL: &str = "UPDATE core_outbox SET state = 'dead', finished_ms = $1, error = $2,
        attempts = attempts + 1 WHERE id = $3";
    tracing::error!(
        message.id = id,
        error,
        "a dispatch cannot be read and is put aside"
    );
    tx.execute(SQL, params![tx.now_ms(), error, id])
        .await
        .map(|_| ())
}
