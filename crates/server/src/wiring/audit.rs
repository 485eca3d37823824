//! The audit of the gate, kept in the records store.

use db::{Audit, Db, DbError, Outcome, Tx};
use web::{ApiError, AuditEntry, AuditSink, BoxFuture};

/// Writes audit lines of requests.
pub(crate) struct Auditor {
    db: Db,
}

impl Auditor {
    pub(crate) const fn new(db: Db) -> Self {
        Self { db }
    }
}

impl AuditSink for Auditor {
    fn audit(&self, entry: AuditEntry) -> BoxFuture<'_, Result<(), ApiError>> {
        Box::pin(async move {
            let kept = self
                .db
                .write(move |tx: &mut Tx| Box::pin(keep(tx, entry)))
                .await;
            kept.map_err(|error: DbError| {
                ApiError::unavailable(format!("the audit cannot be kept: {error}"))
            })
        })
    }
}

async fn keep(tx: &mut Tx, entry: AuditEntry) -> Result<(), DbError> {
    let outcome = match entry.status {
        200..=399 => Outcome::Allowed,
        401 | 403 | 429 => Outcome::Denied,
        _ => Outcome::Failed,
    };
    let peer = entry.peer.map(|ip| ip.to_string());
    let detail = serde_json::from_str(&entry.detail).unwrap_or_default();
    tx.audit(Audit {
        actor: &entry.actor,
        action: entry.action,
        object: &entry.object,
        outcome,
        ip: peer.as_deref(),
        detail,
    })
    .await
    .map(drop)
}
