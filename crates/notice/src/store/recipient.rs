//! Rows of `notice_recipient`.

use db::{Query, Row, Sql, Tx, Value, params};
use model::{Lang, RecipientId};

use crate::error::{NoticeError, Result};
use crate::model::Recipient;

const SELECT: &str = "SELECT id, name, shared, user_id, lang, zone, enabled, addresses, rules,
    retired_ms, version FROM notice_recipient";

fn read(row: &Row) -> db::Result<Recipient> {
    Ok(Recipient {
        id: row.id("id")?,
        name: row.text("name")?,
        shared: row.bool("shared")?,
        user: row.opt_id("user_id")?,
        lang: Lang::from_code(row.str("lang")?).unwrap_or(model::flow::DEFAULT_LANG),
        zone: row.text("zone")?,
        enabled: row.bool("enabled")?,
        addresses: row.json("addresses")?,
        rules: row.json("rules")?,
        retired_ms: row.opt_int("retired_ms")?,
        version: row.int("version")?,
    })
}

/// Everybody who is not retired, by id.
pub(crate) async fn current(from: &mut impl Query) -> db::Result<Vec<Recipient>> {
    let sql = Sql::assembled(format!("{SELECT} WHERE retired_ms IS NULL ORDER BY id"));
    from.fetch_all(sql, params![])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// One recipient, retired or not.
pub(crate) async fn one(from: &mut impl Query, id: RecipientId) -> Result<Recipient> {
    let sql = Sql::assembled(format!("{SELECT} WHERE id = $1"));
    let row = from.fetch_opt(sql, params![id]).await?;
    let missing = || NoticeError::NotFound {
        what: "recipient",
        id: id.to_string(),
    };
    Ok(read(&row.ok_or_else(missing)?)?)
}

/// Keeps a recipient, new or edited.
pub(crate) async fn save(tx: &mut Tx, one: &Recipient) -> db::Result<()> {
    const SQL: &str = "INSERT INTO notice_recipient
        (id, name, shared, user_id, lang, zone, enabled, addresses, rules, retired_ms, version)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, shared = excluded.shared,
            user_id = excluded.user_id, lang = excluded.lang, zone = excluded.zone,
            enabled = excluded.enabled, addresses = excluded.addresses, rules = excluded.rules,
            retired_ms = excluded.retired_ms, version = excluded.version";
    let values = params![
        one.id,
        &one.name,
        one.shared,
        one.user,
        one.lang.code(),
        &one.zone,
        one.enabled,
        Value::json(&one.addresses)?,
        Value::json(&one.rules)?,
        one.retired_ms,
        one.version,
    ];
    tx.execute(SQL, values).await.map(|_| ())
}
