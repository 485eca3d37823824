//! Rows of `account_session`.

use db::{Query, Result, Row, Sql, Tx, params};
use model::{SessionId, UserId};

use super::users::{USER_COLUMNS, read_user};
use crate::{AccountError, Session, User};

fn read(row: &Row) -> Result<Session> {
    Ok(Session {
        id: row.id("session_id")?,
        user: row.id("user_id")?,
        created_ms: row.int("session_created_ms")?,
        seen_ms: row.int("seen_ms")?,
        expires_ms: row.int("expires_ms")?,
        peer: row.text("peer")?,
        agent: row.text("agent")?,
    })
}

const COLUMNS: &str = "s.id AS session_id, s.user_id, s.created_ms AS session_created_ms, \
     s.seen_ms, s.expires_ms, s.peer, s.agent";

pub(crate) async fn session_by_secret(
    from: &mut impl Query,
    hash: &str,
) -> Result<Option<(Session, User)>> {
    let sql = Sql::assembled(format!(
        "SELECT {COLUMNS}, {USER_COLUMNS} FROM account_session s \
         JOIN account_user u ON u.id = s.user_id WHERE s.secret_hash = $1"
    ));
    let row = from.fetch_opt(sql, params![hash]).await?;
    row.map(|row| Ok((read(&row)?, read_user(&row)?)))
        .transpose()
}

pub(crate) async fn sessions_of(
    from: &mut impl Query,
    user: UserId,
    now_ms: i64,
) -> Result<Vec<Session>> {
    let sql = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM account_session s \
         WHERE s.user_id = $1 AND s.expires_ms > $2 ORDER BY s.seen_ms DESC"
    ));
    from.fetch_all(sql, params![user, now_ms])
        .await?
        .iter()
        .map(read)
        .collect()
}

pub(crate) async fn insert_session(tx: &mut Tx, session: &Session, hash: &str) -> Result<()> {
    tx.hint(crate::LOGGED_IN);
    // Ended sessions of everybody go at each log-in: the table stays as small as its use.
    tx.execute(
        "DELETE FROM account_session WHERE expires_ms <= $1",
        params![tx.now_ms()],
    )
    .await?;
    let sql = "INSERT INTO account_session (id, secret_hash, user_id, created_ms, seen_ms, \
         expires_ms, peer, agent) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let values = params![
        session.id,
        hash,
        session.user,
        session.created_ms,
        session.seen_ms,
        session.expires_ms,
        &session.peer,
        &session.agent,
    ];
    tx.execute(sql, values).await.map(drop)
}

pub(crate) async fn touch_session(
    tx: &mut Tx,
    id: SessionId,
    now_ms: i64,
) -> std::result::Result<(), AccountError> {
    let sql = "UPDATE account_session SET seen_ms = $2 WHERE id = $1";
    tx.execute(sql, params![id, now_ms]).await?;
    Ok(())
}

pub(crate) async fn delete_session(tx: &mut Tx, id: SessionId, user: UserId) -> Result<bool> {
    let sql = "DELETE FROM account_session WHERE id = $1 AND user_id = $2";
    Ok(tx.execute(sql, params![id, user]).await? > 0)
}

/// Ends all sessions of a user, but the one that is kept.
pub(crate) async fn delete_sessions_of(
    tx: &mut Tx,
    user: UserId,
    keep: Option<SessionId>,
) -> Result<u64> {
    let kept = keep.map_or_else(String::new, |id| id.to_string());
    let sql = "DELETE FROM account_session WHERE user_id = $1 AND id <> $2";
    tx.execute(sql, params![user, kept]).await
}
