//! Rows of `account_token`.

use db::{Query, Result, Row, Sql, Tx, params};
use model::{TokenId, UserId};
use web::Role;

use super::users::{USER_COLUMNS, read_user};
use crate::{AccountError, Token, User};

const COLUMNS: &str = "t.id AS token_id, t.user_id, u.login AS token_login, t.label, \
     t.role AS token_role, t.created_ms AS token_created_ms, t.expires_ms, t.used_ms, t.revoked_ms";

fn read(row: &Row) -> Result<Token> {
    let role = row.text("token_role")?;
    Ok(Token {
        id: row.id("token_id")?,
        user: row.id("user_id")?,
        login: row.text("token_login")?,
        label: row.text("label")?,
        role: Role::from_name(&role).ok_or_else(|| row.wrong("token_role", "names no role"))?,
        created_ms: row.int("token_created_ms")?,
        expires_ms: row.int("expires_ms")?,
        used_ms: row.opt_int("used_ms")?,
        revoked_ms: row.opt_int("revoked_ms")?,
    })
}

pub(crate) async fn token_by_secret(
    from: &mut impl Query,
    hash: &str,
) -> Result<Option<(Token, User)>> {
    let sql = Sql::assembled(format!(
        "SELECT {COLUMNS}, {USER_COLUMNS} FROM account_token t \
         JOIN account_user u ON u.id = t.user_id WHERE t.secret_hash = $1"
    ));
    let row = from.fetch_opt(sql, params![hash]).await?;
    row.map(|row| Ok((read(&row)?, read_user(&row)?)))
        .transpose()
}

/// The tokens of one user, or of everybody, newest first.
pub(crate) async fn tokens(from: &mut impl Query, of: Option<UserId>) -> Result<Vec<Token>> {
    let user = of.map_or_else(String::new, |id| id.to_string());
    let sql = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM account_token t JOIN account_user u ON u.id = t.user_id \
         WHERE $1 = '' OR t.user_id = $1 ORDER BY t.created_ms DESC, t.id DESC"
    ));
    from.fetch_all(sql, params![user])
        .await?
        .iter()
        .map(read)
        .collect()
}

pub(crate) async fn insert_token(tx: &mut Tx, token: &Token, hash: &str) -> Result<()> {
    let sql = "INSERT INTO account_token (id, user_id, label, secret_hash, role, created_ms, \
         expires_ms) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let values = params![
        token.id,
        token.user,
        &token.label,
        hash,
        token.role.name(),
        token.created_ms,
        token.expires_ms,
    ];
    tx.execute(sql, values).await.map(drop)
}

pub(crate) async fn touch_token(
    tx: &mut Tx,
    id: TokenId,
    now_ms: i64,
) -> std::result::Result<(), AccountError> {
    tx.execute(
        "UPDATE account_token SET used_ms = $2 WHERE id = $1",
        params![id, now_ms],
    )
    .await?;
    Ok(())
}

/// Revokes a token of `owner`, or anybody's when `owner` is none.
pub(crate) async fn revoke_token(tx: &mut Tx, id: TokenId, owner: Option<UserId>) -> Result<bool> {
    let owner = owner.map_or_else(String::new, |id| id.to_string());
    let sql = "UPDATE account_token SET revoked_ms = $2 \
         WHERE id = $1 AND revoked_ms IS NULL AND ($3 = '' OR user_id = $3)";
    Ok(tx.execute(sql, params![id, tx.now_ms(), owner]).await? > 0)
}
