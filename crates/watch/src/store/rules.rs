//! Rows of `watch_rule`.

use db::{Query, Result, Row, Sql, Tx, Value, params};
use model::RuleId;
use model::rule::Rule;

use crate::records::{Origin, RuleRecord};
use crate::service::RuleFilter;

const COLUMNS: &str = "id, rule_key, origin, source, shipped, edited, edited_over, enabled, \
     version, created_ms, updated_ms, updated_by, retired_ms";

fn read(row: &Row) -> Result<RuleRecord> {
    let shipped: Option<Rule> = row.opt_json("shipped")?;
    let edited: Option<Rule> = row.opt_json("edited")?;
    let edited_over: Option<Rule> = row.opt_json("edited_over")?;
    let in_force = edited.clone().or_else(|| shipped.clone());
    let mut rule = in_force.ok_or_else(|| row.wrong("edited", "and `shipped` are both null"))?;
    rule.enabled = row.bool("enabled")?;
    Ok(RuleRecord {
        id: row.id("id")?,
        origin: row.id::<Origin>("origin")?,
        source: row.text("source")?,
        rule,
        edited: shipped.is_some() && edited.is_some(),
        outdated: edited.is_some() && shipped.is_some() && edited_over != shipped,
        shipped,
        version: row.int("version")?,
        created_ms: row.int("created_ms")?,
        updated_ms: row.int("updated_ms")?,
        updated_by: row.text("updated_by")?,
        retired_ms: row.opt_int("retired_ms")?,
    })
}

async fn one(from: &mut impl Query, by: &str, value: Value) -> Result<Option<RuleRecord>> {
    let sql = Sql::assembled(format!("SELECT {COLUMNS} FROM watch_rule WHERE {by} = $1"));
    let row = from.fetch_opt(sql, vec![value]).await?;
    row.as_ref().map(read).transpose()
}

pub(crate) async fn by_id(from: &mut impl Query, id: RuleId) -> Result<Option<RuleRecord>> {
    one(from, "id", Value::from(id)).await
}

pub(crate) async fn by_key(from: &mut impl Query, key: &str) -> Result<Option<RuleRecord>> {
    one(from, "rule_key", Value::from(key)).await
}

/// All rules by key, the retired too when asked.
pub(crate) async fn all(from: &mut impl Query, retired: bool) -> Result<Vec<RuleRecord>> {
    let sql = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM watch_rule WHERE ($1 = 1 OR retired_ms IS NULL) ORDER BY rule_key"
    ));
    let rows = from.fetch_all(sql, params![retired]).await?;
    rows.iter().map(read).collect()
}

/// A page of rules by key.
pub(crate) async fn list(from: &mut impl Query, filter: &RuleFilter) -> Result<Vec<RuleRecord>> {
    let sql = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM watch_rule WHERE rule_key > $1 \
         AND ($2 = 1 OR retired_ms IS NULL) \
         AND (lower(rule_key) LIKE $3 OR title LIKE $3) \
         AND ($4 = '' OR group_name = $4) AND ($5 = '' OR origin = $5) \
         AND ($6 = -1 OR enabled = $6) \
         ORDER BY rule_key LIMIT $7"
    ));
    let values = params![
        filter.after.clone().unwrap_or_default(),
        filter.retired,
        super::like(&filter.text),
        filter.group.clone(),
        filter.origin.map_or("", Origin::name),
        filter.enabled.map_or(-1_i64, i64::from),
        filter.limit,
    ];
    let rows = from.fetch_all(sql, values).await?;
    rows.iter().map(read).collect()
}

pub(crate) async fn save(
    tx: &mut Tx,
    before: Option<&RuleRecord>,
    after: &RuleRecord,
) -> Result<()> {
    let is_users = after.origin == Origin::User;
    let edited = (is_users || after.edited)
        .then(|| Value::json(&after.rule))
        .transpose()?;
    let shipped = after.shipped.as_ref().map(Value::json).transpose()?;
    let title = format!("{} {}", after.rule.title.ko, after.rule.title.en).to_lowercase();
    let mut values = params![
        after.id,
        after.rule.key.clone(),
        after.origin.name(),
        after.source.clone(),
    ];
    values.push(shipped.unwrap_or(Value::Null(db::Kind::Text)));
    values.push(edited.unwrap_or(Value::Null(db::Kind::Text)));
    values.extend(params![
        after.rule.group.clone(),
        title,
        after.rule.enabled,
        after.version,
        after.created_ms,
        after.updated_ms,
        after.updated_by.clone(),
        after.retired_ms,
    ]);
    let sql = match before {
        None => {
            "INSERT INTO watch_rule (id, rule_key, origin, source, shipped, edited, group_name, \
             title, enabled, version, created_ms, updated_ms, updated_by, retired_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
        }
        Some(_) => {
            "UPDATE watch_rule SET rule_key = $2, origin = $3, source = $4, shipped = $5, \
             edited = $6, group_name = $7, title = $8, enabled = $9, version = $10, \
             created_ms = $11, updated_ms = $12, updated_by = $13, retired_ms = $14 WHERE id = $1"
        }
    };
    tx.execute(sql, values).await?;
    Ok(())
}

/// Remembers what shipped when a person edited a default, to tell later that it has changed.
pub(crate) async fn save_base(tx: &mut Tx, id: RuleId, base: Option<&Rule>) -> Result<()> {
    const SQL: &str = "UPDATE watch_rule SET edited_over = $2 WHERE id = $1";
    let base = base.map(Value::json).transpose()?;
    let base = base.unwrap_or(Value::Null(db::Kind::Text));
    tx.execute(SQL, vec![Value::from(id), base]).await?;
    Ok(())
}
