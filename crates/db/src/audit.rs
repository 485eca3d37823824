//! The audit: who did what, in a chain of hashes that shows when a row was changed or removed.
//!
//! Use cases only add rows; one sealing job gives each a number and a hash over the row before it.
//! So writers never wait for each other, and a row is open to silent change only until it is sealed.

use model::AuditId;
use serde_json::Value as Json;

use crate::error::Result;
use crate::limits::{SEAL_ROWS_MAX, VERIFY_ROWS_MAX};
use crate::open::Db;
use crate::params;
use crate::query::Query;
use crate::row::Row;
use crate::sql::Sql;
use crate::tx::Tx;
use crate::value::Value;

/// The hash before the first row.
const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// Where `core_meta` keeps the last sealed row: `seq:hash`. Shows when the chain's end is cut off.
const HEAD: &str = "audit_head";
const COLUMNS: &str = "id, seq, at_ms, actor, action, object, outcome, ip, detail, prev_hash, hash";

/// How an audited action ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It was done.
    Allowed,
    /// It was refused for lack of rights.
    Denied,
    /// It was tried and failed.
    Failed,
}

impl Outcome {
    /// As stored: `allowed`, `denied`, `failed`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::Failed => "failed",
        }
    }
}

impl std::str::FromStr for Outcome {
    type Err = &'static str;

    fn from_str(text: &str) -> std::result::Result<Self, &'static str> {
        [Self::Allowed, Self::Denied, Self::Failed]
            .into_iter()
            .find(|outcome| outcome.code() == text)
            .ok_or("expected allowed, denied or failed")
    }
}

/// One audited action, as the code that did it tells it.
#[derive(Clone, Debug)]
pub struct Audit<'a> {
    /// A user id, a token id or the name of a job.
    pub actor: &'a str,
    /// The action's name, e.g. `problem.acknowledge`.
    pub action: &'a str,
    /// What it was done to, e.g. a typed id.
    pub object: &'a str,
    /// How it ended.
    pub outcome: Outcome,
    /// Where the request came from, if it was one.
    pub ip: Option<&'a str>,
    /// Anything else worth keeping; never a secret.
    pub detail: Json,
}

/// One audited action, as it was kept.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditRow {
    /// Its id; later rows have greater ones.
    pub id: AuditId,
    /// Its place in the chain; none until it is sealed.
    pub seq: Option<i64>,
    /// When, in UTC milliseconds.
    pub at_ms: i64,
    /// Who: a user id, a token id or the name of a job.
    pub actor: String,
    /// The action's name.
    pub action: String,
    /// What it was done to.
    pub object: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Where the request came from, if it was one.
    pub ip: Option<String>,
    /// Anything else, as the JSON text that the hash covers.
    pub detail: String,
    /// The hash of the row before; none until it is sealed.
    pub prev_hash: Option<String>,
    /// The hash of this row and the one before; none until it is sealed.
    pub hash: Option<String>,
}

/// Which audit rows to list.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Only rows before this one.
    pub before: Option<AuditId>,
    /// Only this actor's.
    pub actor: Option<String>,
    /// Only this action.
    pub action: Option<String>,
    /// Only on this object.
    pub object: Option<String>,
}

/// What the check of the chain found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuditReport {
    /// Sealed rows that were checked and found whole, before the first broken one.
    pub whole: u64,
    /// Rows that wait for sealing.
    pub unsealed: u64,
    /// The first row that is not as it was sealed.
    pub broken: Option<BrokenRow>,
}

/// The first row at which the chain breaks.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BrokenRow {
    /// The place in the chain.
    pub seq: i64,
    /// What is wrong there.
    pub why: String,
}

impl Tx {
    /// Adds an audit row.
    ///
    /// # Errors
    /// When the database refuses it.
    pub async fn audit(&mut self, entry: Audit<'_>) -> Result<AuditId> {
        const SQL: &str = "INSERT INTO core_audit
            (id, at_ms, actor, action, object, outcome, ip, detail)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let id = AuditId::from_bits(self.new_bits());
        let values = params![
            id,
            self.now_ms(),
            entry.actor,
            entry.action,
            entry.object,
            entry.outcome.code(),
            entry.ip,
            entry.detail,
        ];
        self.execute(SQL, values).await?;
        Ok(id)
    }
}

/// Lists audit rows, the latest first, at most `limit` of them.
///
/// # Errors
/// When the database refuses it.
pub async fn audit_rows(
    from: &mut impl Query,
    filter: &AuditFilter,
    limit: usize,
) -> Result<Vec<AuditRow>> {
    let mut values = Vec::new();
    let mut conditions = String::new();
    let mut narrow = |column: &str, sign: &str, value: Option<Value>| {
        if let Some(value) = value {
            values.push(value);
            let word = if conditions.is_empty() {
                "WHERE"
            } else {
                "AND"
            };
            conditions.push_str(&format!(" {word} {column} {sign} ${}", values.len()));
        }
    };
    narrow("id", "<", filter.before.map(Value::from));
    narrow("actor", "=", filter.actor.as_ref().map(Value::from));
    narrow("action", "=", filter.action.as_ref().map(Value::from));
    narrow("object", "=", filter.object.as_ref().map(Value::from));
    values.push(limit.into());
    let place = values.len();
    let sql =
        format!("SELECT {COLUMNS} FROM core_audit{conditions} ORDER BY id DESC LIMIT ${place}");
    let rows = from.fetch_all(Sql::assembled(sql), values).await?;
    rows.iter().map(read).collect()
}

impl Db {
    /// Seals the rows that wait; returns how many. To be run by one job at a time.
    ///
    /// # Errors
    /// When the database refuses it.
    pub async fn seal_audit(&self) -> Result<u64> {
        let mut total = 0;
        loop {
            let sealed = self.write(|tx| Box::pin(seal(tx))).await?;
            total += sealed;
            if sealed < SEAL_ROWS_MAX.unsigned_abs() {
                return Ok(total);
            }
        }
    }

    /// Checks every sealed row against the chain.
    ///
    /// # Errors
    /// When the database refuses it.
    pub async fn verify_audit_chain(&self) -> Result<AuditReport> {
        self.read(|at| Box::pin(verify(at))).await
    }
}

async fn seal(tx: &mut Tx) -> Result<u64> {
    let (mut seq, mut prev) = head(tx.meta(HEAD).await?);
    let sql = format!("SELECT {COLUMNS} FROM core_audit WHERE seq IS NULL ORDER BY id LIMIT $1");
    let rows = tx
        .fetch_all(Sql::assembled(sql), params![SEAL_ROWS_MAX])
        .await?;
    for row in &rows {
        const SQL: &str = "UPDATE core_audit SET seq = $1, prev_hash = $2, hash = $3 WHERE id = $4";
        let row = read(row)?;
        seq += 1;
        let hash = link(&prev, seq, &row);
        tx.execute(SQL, params![seq, &prev, &hash, row.id]).await?;
        prev = hash;
    }
    if !rows.is_empty() {
        tx.set_meta(HEAD, &format!("{seq}:{prev}")).await?;
    }
    Ok(u64::try_from(rows.len()).unwrap_or(u64::MAX))
}

async fn verify(at: &mut impl Query) -> Result<AuditReport> {
    const HEAD_SQL: &str = "SELECT value FROM core_meta WHERE key = $1";
    const UNSEALED: &str = "SELECT count(*) AS rows FROM core_audit WHERE seq IS NULL";
    let kept = at.fetch_opt(HEAD_SQL, params![HEAD]).await?;
    let kept = head(kept.map(|row| row.text("value")).transpose()?);
    let unsealed = at.fetch_one(UNSEALED, params![]).await?.number("rows")?;
    let (mut seq, mut prev, mut whole) = (0, GENESIS.to_owned(), 0);
    let report = |whole, broken| {
        Ok(AuditReport {
            whole,
            unsealed,
            broken,
        })
    };
    loop {
        let sql = format!("SELECT {COLUMNS} FROM core_audit WHERE seq > $1 ORDER BY seq LIMIT $2");
        let rows = at
            .fetch_all(Sql::assembled(sql), params![seq, VERIFY_ROWS_MAX])
            .await?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            // A row that cannot even be read was not written by us.
            let fault = read(row).map_or_else(
                |error| Some(error.to_string()),
                |row| fault(&row, seq + 1, &prev),
            );
            if let Some(why) = fault {
                return report(whole, Some(BrokenRow { seq: seq + 1, why }));
            }
            seq += 1;
            prev = row.text("hash")?;
            whole += 1;
        }
    }
    let cut = (seq, &prev) != (kept.0, &kept.1);
    let why = || format!("the chain ends here, {} rows were sealed", kept.0);
    report(
        whole,
        cut.then(|| BrokenRow {
            seq: seq + 1,
            why: why(),
        }),
    )
}

/// What is wrong with a sealed row at its place, if anything.
fn fault(row: &AuditRow, seq: i64, prev: &str) -> Option<String> {
    if row.seq != Some(seq) {
        return Some("the row is missing".to_owned());
    }
    if row.prev_hash.as_deref() != Some(prev) {
        return Some(format!("row {} does not follow the one before it", row.id));
    }
    (row.hash.as_deref() != Some(&link(prev, seq, row)))
        .then(|| format!("row {} was changed after it was sealed", row.id))
}

/// The hash of a row and the one before: every field with its length, so that none can flow into
/// its neighbour.
fn link(prev: &str, seq: i64, row: &AuditRow) -> String {
    let mut hasher = blake3::Hasher::new();
    let (seq, at_ms) = (seq.to_string(), row.at_ms.to_string());
    let id = row.id.to_string();
    let ip = row
        .ip
        .as_deref()
        .map_or_else(|| "-".to_owned(), |ip| format!("+{ip}"));
    let outcome = row.outcome.code();
    let fields = [
        prev,
        &seq,
        &id,
        &at_ms,
        &row.actor,
        &row.action,
        &row.object,
        outcome,
        &ip,
    ];
    for field in fields.into_iter().chain([row.detail.as_str()]) {
        hasher.update(&u64::try_from(field.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(field.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

fn head(kept: Option<String>) -> (i64, String) {
    kept.as_deref()
        .and_then(|text| text.split_once(':'))
        .and_then(|(seq, hash)| Some((seq.parse().ok()?, hash.to_owned())))
        .unwrap_or((0, GENESIS.to_owned()))
}

fn read(row: &Row) -> Result<AuditRow> {
    Ok(AuditRow {
        id: row.id("id")?,
        seq: row.opt_int("seq")?,
        at_ms: row.int("at_ms")?,
        actor: row.text("actor")?,
        action: row.text("action")?,
        object: row.text("object")?,
        outcome: row.id("outcome")?,
        ip: row.opt_text("ip")?,
        detail: row.text("detail")?,
        prev_hash: row.opt_text("prev_hash")?,
        hash: row.opt_text("hash")?,
    })
}
