//! Rows of `account_attempt`: failed log-ins by name and by address.

use db::{Query, Result, Tx, params};

use crate::service::Attempts;

pub(crate) async fn attempt(from: &mut impl Query, subject: &str) -> Result<Attempts> {
    let sql = "SELECT failures, last_ms, blocked_until_ms FROM account_attempt WHERE subject = $1";
    let Some(row) = from.fetch_opt(sql, params![subject]).await? else {
        return Ok(Attempts::default());
    };
    Ok(Attempts {
        failures: row.number("failures")?,
        last_ms: row.int("last_ms")?,
        blocked_until_ms: row.int("blocked_until_ms")?,
    })
}

pub(crate) async fn save_attempt(tx: &mut Tx, subject: &str, state: Attempts) -> Result<()> {
    let sql = "INSERT INTO account_attempt (subject, failures, last_ms, blocked_until_ms) \
         VALUES ($1, $2, $3, $4) ON CONFLICT (subject) DO UPDATE SET failures = $2, last_ms = $3, \
         blocked_until_ms = $4";
    let values = params![
        subject,
        state.failures,
        state.last_ms,
        state.blocked_until_ms
    ];
    tx.execute(sql, values).await.map(drop)
}

pub(crate) async fn clear_attempts(tx: &mut Tx, subject: &str) -> Result<()> {
    tx.execute(
        "DELETE FROM account_attempt WHERE subject = $1",
        params![subject],
    )
    .await
    .map(drop)
}
