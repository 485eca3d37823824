//! Rows of `problem_entry`.

use db::{Query, Tx, params};
use model::ProblemId;

use super::{ROWS_PER_STATEMENT, flat, insert_many};
use crate::model::{Entry, EntryKind, NewEntry};

const COLUMNS: [&str; 7] = ["problem", "n", "at_ms", "kind", "actor", "note", "data"];

/// Appends entries with their numbers.
pub(crate) async fn append(tx: &mut Tx, entries: &[(ProblemId, i64, NewEntry)]) -> db::Result<()> {
    for chunk in entries.chunks(ROWS_PER_STATEMENT) {
        let sql = insert_many("INSERT INTO problem_entry", &COLUMNS, chunk.len(), "");
        let values = flat(chunk, |(problem, n, entry)| {
            Ok(params![
                problem,
                *n,
                entry.at_ms,
                entry.kind.name(),
                &entry.actor,
                &entry.text,
                &entry.data,
            ])
        })?;
        tx.execute(sql, values).await?;
    }
    Ok(())
}

/// A problem's timeline, oldest first.
pub(crate) async fn timeline(
    from: &mut impl Query,
    problem: ProblemId,
    limit: usize,
) -> db::Result<Vec<Entry>> {
    const SQL: &str = "SELECT n, at_ms, kind, actor, note, data FROM problem_entry
        WHERE problem = $1 ORDER BY n DESC LIMIT $2";
    let rows = from.fetch_all(SQL, params![problem, limit]).await?;
    let mut entries = rows
        .iter()
        .map(|row| {
            let kind = EntryKind::from_name(row.str("kind")?);
            let actor = row.text("actor")?;
            Ok(Entry {
                n: row.int("n")?,
                kind: kind.ok_or_else(|| row.wrong("kind", "is no kind of entry"))?,
                at_ms: row.int("at_ms")?,
                auto: actor.is_empty(),
                actor,
                text: row.text("note")?,
                data: row.json("data")?,
            })
        })
        .collect::<db::Result<Vec<_>>>()?;
    entries.reverse();
    Ok(entries)
}
