//! Contract tests: the same promises on SQLite and on a real PostgreSQL.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops where its ground gives way"
)]

mod answers;
mod contract;
mod crowd;
mod disk;
mod history;
mod paging;
mod schema;
mod tls;
mod versions;

use db::{Db, DbError, Query as _, Sql, Tx, params};

/// The time at which simulated clocks start.
const START_MS: i64 = 1_763_600_000_000;

/// Makes a table that no migration knows.
async fn make(db: &Db, sql: &'static str) {
    let made = db.write(move |tx| Box::pin(async move { tx.execute(sql, params![]).await }));
    made.await.unwrap();
}

/// How many rows a table has.
async fn count(db: &Db, table: &str) -> i64 {
    let sql = Sql::assembled(format!("SELECT count(*) AS n FROM {table}"));
    db.reader()
        .fetch_one(sql, params![])
        .await
        .unwrap()
        .int("n")
        .unwrap()
}

/// Keeps one setting: the smallest use case.
async fn keep(db: &Db, key: &str) -> Result<(), DbError> {
    let key = key.to_owned();
    db.write(move |tx: &mut Tx| Box::pin(async move { tx.set_meta(&key, "kept").await }))
        .await
}
