//! Rows of `remedy_binding` and `remedy_switch`.

use db::{Query, Result, Row, Tx, params};
use model::{RuleId, ScriptId, Severity};

use crate::{Binding, KillSwitch};

fn read(row: &Row) -> Result<Binding> {
    let severity = Severity::from_code(row.number("from_severity")?);
    Ok(Binding {
        rule: row.id("rule")?,
        script: row.id("script")?,
        from_severity: severity.ok_or_else(|| row.wrong("from_severity", "names no severity"))?,
        target_key: row.text("target_key")?,
        holds_notice: row.bool("holds_notice")?,
        by: row.text("by")?,
    })
}

pub(crate) async fn bindings(from: &mut impl Query) -> Result<Vec<Binding>> {
    let sql = "SELECT b.rule, b.script, b.from_severity, b.target_key, b.holds_notice, b.by \
         FROM remedy_binding b JOIN remedy_script s ON s.id = b.script \
         WHERE s.retired_ms IS NULL ORDER BY b.rule, b.script, b.target_key";
    from.fetch_all(sql, params![])
        .await?
        .iter()
        .map(read)
        .collect()
}

pub(crate) async fn put_binding(tx: &mut Tx, binding: &Binding) -> Result<()> {
    let sql = "INSERT INTO remedy_binding (rule, script, from_severity, target_key, \
         holds_notice, by, at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (rule, script, target_key) DO UPDATE SET from_severity = $3, \
         holds_notice = $5, by = $6, at_ms = $7";
    let values = params![
        binding.rule,
        binding.script,
        binding.from_severity.code(),
        &binding.target_key,
        binding.holds_notice,
        &binding.by,
        tx.now_ms(),
    ];
    tx.execute(sql, values).await.map(drop)
}

pub(crate) async fn delete_binding(
    tx: &mut Tx,
    rule: RuleId,
    script: ScriptId,
    target_key: &str,
) -> Result<bool> {
    let sql = "DELETE FROM remedy_binding WHERE rule = $1 AND script = $2 AND target_key = $3";
    Ok(tx.execute(sql, params![rule, script, target_key]).await? > 0)
}

pub(crate) async fn kill_switch(from: &mut impl Query) -> Result<Option<KillSwitch>> {
    let sql = "SELECT off_by, off_why, off_ms FROM remedy_switch WHERE name = 'all'";
    let row = from.fetch_opt(sql, params![]).await?;
    row.map(|row| {
        Ok(KillSwitch {
            by: row.text("off_by")?,
            why: row.text("off_why")?,
            at_ms: row.int("off_ms")?,
        })
    })
    .transpose()
}

/// Pulls the switch, or (`None`) lifts it.
pub(crate) async fn set_kill_switch(tx: &mut Tx, switch: Option<(&str, &str)>) -> Result<()> {
    tx.execute("DELETE FROM remedy_switch WHERE name = 'all'", params![])
        .await?;
    let Some((by, why)) = switch else {
        return Ok(());
    };
    let sql =
        "INSERT INTO remedy_switch (name, off_by, off_why, off_ms) VALUES ('all', $1, $2, $3)";
    tx.execute(sql, params![by, why, tx.now_ms()])
        .await
        .map(drop)
}
