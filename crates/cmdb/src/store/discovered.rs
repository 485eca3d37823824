//! Rows of `cmdb_discovered`.

use db::{Query, Result, Row, Tx, Value, params};
use model::CiId;

use crate::{Discovered, Ignore, Seen};

fn read(row: &Row) -> Result<Discovered> {
    let ignored = match row.opt_text("ignored_by")? {
        Some(by) => Some(Ignore {
            by,
            why: row.opt_text("ignored_why")?.unwrap_or_default(),
            until_ms: row.opt_int("ignored_until_ms")?,
        }),
        None => None,
    };
    Ok(Discovered {
        ci: row.id("ci")?,
        seen: Seen {
            kind: row.text("kind")?,
            key: row.text("item")?,
            title: row.text("title")?,
            attributes: row.json("attributes")?,
        },
        first_seen_ms: row.int("first_seen_ms")?,
        last_seen_ms: row.int("last_seen_ms")?,
        gone_ms: row.opt_int("gone_ms")?,
        ignored,
    })
}

/// The things of one host, or of all hosts, that are still reported.
pub(crate) async fn discovered(from: &mut impl Query, ci: Option<CiId>) -> Result<Vec<Discovered>> {
    let ci = ci.map_or_else(String::new, |ci| ci.to_string());
    let sql = "SELECT d.ci, d.kind, d.item, d.title, d.attributes, d.first_seen_ms, \
         d.last_seen_ms, d.gone_ms, d.ignored_by, d.ignored_why, d.ignored_until_ms \
         FROM cmdb_discovered d JOIN cmdb_host h ON h.id = d.ci \
         WHERE ($1 = '' OR d.ci = $1) AND d.gone_ms IS NULL AND h.retired_ms IS NULL \
         ORDER BY d.ci, d.kind, d.item";
    from.fetch_all(sql, params![ci])
        .await?
        .iter()
        .map(read)
        .collect()
}

pub(crate) async fn upsert_seen(tx: &mut Tx, ci: CiId, seen: &Seen) -> Result<()> {
    let sql = "INSERT INTO cmdb_discovered (ci, kind, item, title, attributes, first_seen_ms, \
         last_seen_ms) VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (ci, kind, item) \
         DO UPDATE SET title = $4, attributes = $5, last_seen_ms = $6, gone_ms = NULL";
    let attributes = Value::json(&seen.attributes)?;
    let values = params![
        ci,
        &seen.kind,
        &seen.key,
        &seen.title,
        attributes,
        tx.now_ms()
    ];
    tx.execute(sql, values).await.map(drop)
}

/// Marks what the latest report of a host did not name.
pub(crate) async fn forget_gone(tx: &mut Tx, ci: CiId, reported_ms: i64) -> Result<()> {
    let sql = "UPDATE cmdb_discovered SET gone_ms = $2 \
         WHERE ci = $1 AND gone_ms IS NULL AND last_seen_ms < $2";
    tx.execute(sql, params![ci, reported_ms]).await.map(drop)
}

/// Ignores a thing, or takes that back.
pub(crate) async fn ignore(
    tx: &mut Tx,
    thing: (CiId, &str, &str),
    ignore: Option<&Ignore>,
) -> Result<bool> {
    let (ci, kind, key) = thing;
    let sql = "UPDATE cmdb_discovered SET ignored_by = $4, ignored_why = $5, \
         ignored_until_ms = $6 WHERE ci = $1 AND kind = $2 AND item = $3";
    let by = ignore.map(|ignore| ignore.by.clone());
    let why = ignore.map(|ignore| ignore.why.clone());
    let until_ms = ignore.and_then(|ignore| ignore.until_ms);
    Ok(tx
        .execute(sql, params![ci, kind, key, by, why, until_ms])
        .await?
        > 0)
}
