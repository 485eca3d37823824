//! Change rows: who changed which record when, from what to what, and why.

use model::RevisionId;
use serde_json::Value as Json;

use crate::error::Result;
use crate::params;
use crate::query::Query;
use crate::tx::Tx;

/// One edit of a record, as the slice that makes it tells it.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    /// A user id, a token id or the name of a job.
    pub actor: &'a str,
    /// The kind of record, e.g. `rule`.
    pub object_kind: &'a str,
    /// The record's id.
    pub object_id: String,
    /// The record before; none when it was made.
    pub before: Option<Json>,
    /// The record after; none when it was retired.
    pub after: Option<Json>,
    /// The reason that was given; may be empty.
    pub why: &'a str,
}

/// One edit of a record, as it was kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Revision {
    /// Its id; later edits have greater ones.
    pub id: RevisionId,
    /// When, in UTC milliseconds.
    pub at_ms: i64,
    /// Who: a user id, a token id or the name of a job.
    pub actor: String,
    /// The record before; none when it was made.
    pub before: Option<Json>,
    /// The record after; none when it was retired.
    pub after: Option<Json>,
    /// The reason that was given.
    pub why: String,
}

impl Tx {
    /// Keeps a change row beside the edit it tells of.
    ///
    /// # Errors
    /// When the database refuses it.
    pub async fn record_change(&mut self, change: Change<'_>) -> Result<RevisionId> {
        const SQL: &str = "INSERT INTO core_change
            (id, at_ms, actor, object_kind, object_id, before_json, after_json, why)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let id = RevisionId::from_bits(self.new_bits());
        let values = params![
            id,
            self.now_ms(),
            change.actor,
            change.object_kind,
            change.object_id,
            change.before,
            change.after,
            change.why,
        ];
        self.execute(SQL, values).await?;
        Ok(id)
    }
}

/// The history of one record, the latest edit first, at most `limit` of them.
///
/// # Errors
/// When the database refuses it.
pub async fn revisions(
    from: &mut impl Query,
    object_kind: &str,
    object_id: &str,
    limit: usize,
) -> Result<Vec<Revision>> {
    const SQL: &str = "SELECT id, at_ms, actor, before_json, after_json, why FROM core_change
        WHERE object_kind = $1 AND object_id = $2 ORDER BY id DESC LIMIT $3";
    let rows = from
        .fetch_all(SQL, params![object_kind, object_id, limit])
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Revision {
                id: row.id("id")?,
                at_ms: row.int("at_ms")?,
                actor: row.text("actor")?,
                before: row.opt_json("before_json")?,
                after: row.opt_json("after_json")?,
                why: row.text("why")?,
            })
        })
        .collect()
}
