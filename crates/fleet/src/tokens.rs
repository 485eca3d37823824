//! Enrolment tokens in the records store: made once, used a counted number of times, revoked.

use db::{Query, Row, Tx};
use model::TokenId;
use stdx::Env;

use crate::grant::{TokenGrant, TokenRefused, TokenRow, TokenSpec};

/// Letters of a secret: those of ids, safe in URLs and shells.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 32 letters of five bits: nobody guesses 160 bits.
const SECRET_LETTERS: usize = 32;

/// A token as it is shown once.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewToken {
    /// Its id.
    pub id: TokenId,
    /// What the installer sends; not kept here.
    pub secret: String,
}

/// Makes a token. The caller authorises and writes the audit row in the same use case.
///
/// # Errors
/// When the store refuses it.
pub async fn make_token(tx: &mut Tx, spec: &TokenSpec) -> db::Result<NewToken> {
    let id = TokenId::from_bits(tx.new_bits());
    let secret = new_secret(tx.env());
    let values = vec![
        id.into(),
        spec.label.as_str().into(),
        hash(&secret).into(),
        serde_json::json!(spec.groups).into(),
        serde_json::json!(spec.labels).into(),
        spec.uses.max(1).into(),
        tx.now_ms().into(),
        tx.now_ms().saturating_add(spec.valid_ms).into(),
    ];
    tx.execute(
        "INSERT INTO fleet_token (id, label, secret_hash, host_groups, host_labels, uses_left, \
         created_ms, expires_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        values,
    )
    .await?;
    Ok(NewToken { id, secret })
}

/// Takes a token back; hosts that have enrolled with it stay.
///
/// # Errors
/// When the store refuses it.
pub async fn revoke_token(tx: &mut Tx, id: TokenId) -> db::Result<bool> {
    let sql = "UPDATE fleet_token SET revoked_ms = $2 WHERE id = $1 AND revoked_ms IS NULL";
    Ok(tx.execute(sql, vec![id.into(), tx.now_ms().into()]).await? == 1)
}

/// The tokens that are not revoked, the newest first.
///
/// # Errors
/// When the store cannot be read.
pub async fn token_rows(reader: &mut impl Query) -> db::Result<Vec<TokenRow>> {
    let sql = "SELECT id, label, host_groups, host_labels, uses_left, created_ms, expires_ms, \
               used_ms FROM fleet_token WHERE revoked_ms IS NULL ORDER BY id DESC LIMIT $1";
    let limit = model::limits::PAGE_ROWS_MAX;
    reader
        .fetch_all(sql, vec![limit.into()])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// The token with this secret, if it lets a host in now.
pub(crate) async fn find(
    reader: &mut impl Query,
    secret: &str,
    now_ms: i64,
) -> db::Result<Result<TokenRow, TokenRefused>> {
    let sql = "SELECT id, label, host_groups, host_labels, uses_left, created_ms, expires_ms, \
               used_ms FROM fleet_token WHERE secret_hash = $1 AND revoked_ms IS NULL";
    let Some(row) = reader.fetch_opt(sql, vec![hash(secret).into()]).await? else {
        return Ok(Err(TokenRefused::Unknown));
    };
    let row = read(&row)?;
    Ok(row.check(now_ms).map(|()| row))
}

/// Takes one use of a token; false when somebody else took the last one.
pub(crate) async fn use_up(tx: &mut Tx, id: TokenId) -> db::Result<bool> {
    let sql = "UPDATE fleet_token SET uses_left = uses_left - 1, used_ms = $2 \
               WHERE id = $1 AND uses_left > 0 AND expires_ms > $2 AND revoked_ms IS NULL";
    Ok(tx.execute(sql, vec![id.into(), tx.now_ms().into()]).await? == 1)
}

fn read(row: &Row) -> db::Result<TokenRow> {
    Ok(TokenRow {
        grant: TokenGrant {
            id: row.id("id")?,
            label: row.text("label")?,
            groups: row.json("host_groups")?,
            labels: row.json("host_labels")?,
        },
        uses_left: row.number("uses_left")?,
        created_ms: row.int("created_ms")?,
        expires_ms: row.int("expires_ms")?,
        used_ms: row.opt_int("used_ms")?,
    })
}

fn hash(secret: &str) -> String {
    blake3::hash(secret.as_bytes()).to_hex().to_string()
}

fn new_secret(env: &Env) -> String {
    let mut bytes = [0; SECRET_LETTERS];
    env.entropy.fill(&mut bytes);
    let letter = |byte: &u8| {
        ALPHABET
            .get(usize::from(*byte & 31))
            .copied()
            .unwrap_or(b'0')
    };
    bytes.iter().map(letter).map(char::from).collect()
}
