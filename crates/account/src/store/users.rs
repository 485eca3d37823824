//! Rows of `account_user`.

use db::{Query, Result, Row, Sql, Tx, params};
use model::{Lang, UserId};
use web::Role;

use crate::User;

pub(crate) const USER_COLUMNS: &str = "u.id, u.login, u.display, u.role, u.lang, u.time_zone, \
     u.must_change, u.disabled_ms, u.created_ms, u.version";

pub(crate) fn read_user(row: &Row) -> Result<User> {
    let role = row.text("role")?;
    Ok(User {
        id: row.id("id")?,
        login: row.text("login")?,
        display: row.text("display")?,
        role: Role::from_name(&role).ok_or_else(|| row.wrong("role", "names no role"))?,
        lang: row.opt_str("lang")?.and_then(Lang::from_code),
        time_zone: row.opt_text("time_zone")?,
        must_change: row.bool("must_change")?,
        disabled_ms: row.opt_int("disabled_ms")?,
        created_ms: row.int("created_ms")?,
        version: row.int("version")?,
    })
}

pub(crate) async fn users(from: &mut impl Query) -> Result<Vec<User>> {
    let sql = Sql::assembled(format!(
        "SELECT {USER_COLUMNS} FROM account_user u ORDER BY u.login"
    ));
    from.fetch_all(sql, params![])
        .await?
        .iter()
        .map(read_user)
        .collect()
}

pub(crate) async fn user(from: &mut impl Query, id: UserId) -> Result<Option<User>> {
    let sql = Sql::assembled(format!(
        "SELECT {USER_COLUMNS} FROM account_user u WHERE u.id = $1"
    ));
    from.fetch_opt(sql, params![id])
        .await?
        .as_ref()
        .map(read_user)
        .transpose()
}

pub(crate) async fn user_by_login(from: &mut impl Query, login: &str) -> Result<Option<User>> {
    let sql = Sql::assembled(format!(
        "SELECT {USER_COLUMNS} FROM account_user u WHERE u.login = $1"
    ));
    from.fetch_opt(sql, params![login])
        .await?
        .as_ref()
        .map(read_user)
        .transpose()
}

pub(crate) async fn password_hash(from: &mut impl Query, id: UserId) -> Result<Option<String>> {
    let sql = "SELECT password_hash FROM account_user WHERE id = $1";
    from.fetch_opt(sql, params![id])
        .await?
        .map(|row| row.text("password_hash"))
        .transpose()
}

pub(crate) async fn count_administrators(from: &mut impl Query) -> Result<i64> {
    let sql = "SELECT count(*) AS n FROM account_user WHERE role = $1 AND disabled_ms IS NULL";
    from.fetch_one(sql, params![Role::Administrator.name()])
        .await?
        .int("n")
}

pub(crate) async fn insert_user(
    tx: &mut Tx,
    user: &User,
    password_hash: &str,
    by: &str,
) -> Result<()> {
    let sql = "INSERT INTO account_user (id, login, display, password_hash, must_change, role, \
         lang, time_zone, disabled_ms, created_ms, created_by, updated_ms, version) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    let values = params![
        user.id,
        &user.login,
        &user.display,
        password_hash,
        user.must_change,
        user.role.name(),
        user.lang.map(Lang::code),
        user.time_zone.clone(),
        user.disabled_ms,
        user.created_ms,
        by,
        user.created_ms,
        user.version,
    ];
    tx.execute(sql, values).await.map(drop)
}

pub(crate) async fn save_user(tx: &mut Tx, user: &User) -> Result<()> {
    let sql = "UPDATE account_user SET display = $2, role = $3, lang = $4, time_zone = $5, \
         disabled_ms = $6, updated_ms = $7, version = $8 WHERE id = $1";
    let values = params![
        user.id,
        &user.display,
        user.role.name(),
        user.lang.map(Lang::code),
        user.time_zone.clone(),
        user.disabled_ms,
        tx.now_ms(),
        user.version,
    ];
    tx.execute(sql, values).await.map(drop)
}

pub(crate) async fn save_password(
    tx: &mut Tx,
    id: UserId,
    hash: &str,
    must_change: bool,
) -> Result<()> {
    let sql = "UPDATE account_user SET password_hash = $2, must_change = $3, updated_ms = $4, \
         version = version + 1 WHERE id = $1";
    let values = params![id, hash, must_change, tx.now_ms()];
    tx.execute(sql, values).await.map(drop)
}
