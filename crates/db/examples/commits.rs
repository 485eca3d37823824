//! How many use cases a second SQLite keeps: one at a time, and by many callers at once.
//!
//! `cargo run -p db --example commits [folder]`: the folder decides which disk is measured.

use std::path::PathBuf;

use db::{Db, DbError, Options, params};
use stdx::{Clock as _, Env, SystemClock};

const SINGLE: i64 = 300;
const CALLERS: i64 = 256;
const EACH: i64 = 100;

async fn insert(db: &Db, id: i64) -> Result<u64, DbError> {
    db.write(move |tx| {
        Box::pin(async move {
            const SQL: &str = "INSERT INTO sample (id, host, value) VALUES ($1, $2, $3)";
            tx.execute(SQL, params![id, format!("host-{id}"), 0.5])
                .await
        })
    })
    .await
}

#[tokio::main]
async fn main() -> Result<(), DbError> {
    let folder = std::env::args()
        .nth(1)
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = folder.join(format!("bongsu-commits-{}", std::process::id()));
    let mut options = Options::sqlite(&folder.join("commits.db"), Env::system());
    options.ballast_bytes = 0;
    let db = Db::open(options).await?;
    let table = "CREATE TABLE sample (id BIGINT PRIMARY KEY, host TEXT, value DOUBLE PRECISION)";
    db.write(move |tx| Box::pin(async move { tx.execute(table, params![]).await }))
        .await?;
    let clock = SystemClock::new();

    let began_ns = clock.mono_ns();
    for id in 0..SINGLE {
        insert(&db, id).await?;
    }
    told("one at a time", SINGLE, clock.mono_ns() - began_ns);

    let began_ns = clock.mono_ns();
    let callers = (0..CALLERS).map(|caller| {
        let db = db.clone();
        tokio::spawn(async move {
            for n in 0..EACH {
                insert(&db, SINGLE + caller * EACH + n).await?;
            }
            Ok::<(), DbError>(())
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.map_err(|_| DbError::Closed)??;
    }
    told(
        "256 callers at once",
        CALLERS * EACH,
        clock.mono_ns() - began_ns,
    );
    db.close().await;
    // What is left of the measurement is of no use to anyone.
    let _ = std::fs::remove_dir_all(&folder);
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn told(what: &str, use_cases: i64, took_ns: u64) {
    let per_second = use_cases as f64 * 1e9 / took_ns as f64;
    println!("{what}: {use_cases} use cases, {per_second:.0} a second");
}
