//! Migrations: listed at build, linear, checksummed, applied in one transaction at open.

use std::path::Path;
use std::sync::Arc;

use sqlx::{AssertSqlSafe, Executor as _, PgPool, SqliteConnection};

use crate::engine::{postgres, sqlite};
use crate::error::{DbError, Result};
use crate::open::Options;
use crate::row::Row;
use crate::sql::Sql;
use crate::value::Value;

/// One file of `migrations/`.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Its name without `.sql`; names sort in the order of applying.
    pub name: &'static str,
    /// Its text: statements that both databases understand.
    pub sql: &'static str,
}

/// The product's migrations in their order.
#[must_use]
pub const fn migrations() -> &'static [Migration] {
    include!(concat!(env!("OUT_DIR"), "/migrations.rs"))
}

const MADE: &str = "CREATE TABLE IF NOT EXISTS core_migration (
  name TEXT PRIMARY KEY,
  checksum TEXT NOT NULL,
  applied_ms BIGINT NOT NULL
)";
const APPLIED: &str = "SELECT name, checksum FROM core_migration ORDER BY name";
const NOTE: &str = "INSERT INTO core_migration (name, checksum, applied_ms) VALUES ($1, $2, $3)";
/// Two servers that start at once migrate one after the other; the number only has to be ours.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7700)";

fn checksum(sql: &str) -> String {
    blake3::hash(sql.as_bytes()).to_hex().to_string()
}

/// What is still to be applied, given what was.
fn pending(
    applied: &[(String, String)],
    known: &'static [Migration],
) -> Result<&'static [Migration]> {
    for (name, sum) in applied {
        match known.iter().find(|migration| migration.name == name) {
            None => return Err(DbError::Newer { name: name.clone() }),
            Some(found) if checksum(found.sql) != *sum => {
                return Err(DbError::Changed { name: name.clone() });
            }
            Some(_) => {}
        }
    }
    let (done, rest) = known.split_at(applied.len().min(known.len()));
    let missed = done
        .iter()
        .find(|migration| applied.iter().all(|(name, _)| name != migration.name));
    missed.map_or(Ok(rest), |missed| {
        Err(DbError::OutOfOrder {
            name: missed.name.to_owned(),
        })
    })
}

fn read(rows: &[Row]) -> Result<Vec<(String, String)>> {
    rows.iter()
        .map(|row| Ok((row.text("name")?, row.text("checksum")?)))
        .collect()
}

fn note(migration: &Migration, options: &Options) -> Vec<Value> {
    let now_ms = options.env.clock.now_ms();
    vec![
        migration.name.into(),
        checksum(migration.sql).into(),
        now_ms.into(),
    ]
}

fn failed(name: &str, source: sqlx::Error) -> DbError {
    DbError::Migration {
        name: name.to_owned(),
        source: Arc::new(source),
    }
}

/// Brings the SQLite file up to date, after a copy of it was put aside.
pub(crate) async fn sqlite(
    conn: &mut SqliteConnection,
    path: &Path,
    options: &Options,
) -> Result<()> {
    let exists = Sql::from("SELECT name FROM sqlite_master WHERE name = 'core_migration'");
    let applied = if sqlite::fetch(&mut *conn, &exists, Vec::new())
        .await?
        .is_empty()
    {
        Vec::new()
    } else {
        read(&sqlite::fetch(&mut *conn, &Sql::from(APPLIED), Vec::new()).await?)?
    };
    let todo = pending(&applied, options.migrations)?;
    let Some(first) = todo.first() else {
        return Ok(());
    };
    if !applied.is_empty() {
        let copy = format!("{}.before-{}", path.display(), first.name);
        crate::backup::copy(conn, Path::new(&copy)).await?;
        tracing::info!(%copy, "the older records store was copied before it is migrated");
    }
    let begun = conn.execute("BEGIN IMMEDIATE").await;
    begun.map_err(|error| DbError::statement_text("BEGIN IMMEDIATE", error))?;
    let done = apply_sqlite(conn, todo, options).await;
    let end = if done.is_ok() { "COMMIT" } else { "ROLLBACK" };
    let ended = conn
        .execute(end)
        .await
        .map_err(|error| DbError::statement_text(end, error));
    done.and(ended.map(|_| ()))
}

async fn apply_sqlite(
    conn: &mut SqliteConnection,
    todo: &[Migration],
    options: &Options,
) -> Result<()> {
    sqlite::execute(conn, &Sql::from(MADE), Vec::new()).await?;
    for migration in todo {
        let text = sqlx::raw_sql(AssertSqlSafe(migration.sql));
        text.execute(&mut *conn)
            .await
            .map_err(|error| failed(migration.name, error))?;
        sqlite::execute(conn, &Sql::from(NOTE), note(migration, options)).await?;
        tracing::info!(name = migration.name, "migrated");
    }
    Ok(())
}

/// Brings the PostgreSQL database up to date.
pub(crate) async fn postgres(pool: &PgPool, options: &Options) -> Result<()> {
    let begun = pool.begin().await;
    let mut tx = begun.map_err(|error| DbError::statement_text("BEGIN", error))?;
    postgres::fetch(&mut *tx, &Sql::from(LOCK), Vec::new()).await?;
    postgres::execute(&mut *tx, &Sql::from(MADE), Vec::new()).await?;
    let applied = read(&postgres::fetch(&mut *tx, &Sql::from(APPLIED), Vec::new()).await?)?;
    for migration in pending(&applied, options.migrations)? {
        let text = sqlx::raw_sql(AssertSqlSafe(migration.sql));
        text.execute(&mut *tx)
            .await
            .map_err(|error| failed(migration.name, error))?;
        postgres::execute(&mut *tx, &Sql::from(NOTE), note(migration, options)).await?;
        tracing::info!(name = migration.name, "migrated");
    }
    tx.commit()
        .await
        .map_err(|error| DbError::statement_text("COMMIT", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Migration = Migration {
        name: "202601010000_a_create",
        sql: "-- a",
    };
    const B: Migration = Migration {
        name: "202601020000_b_create",
        sql: "-- b",
    };
    const KNOWN: &[Migration] = &[A, B];

    fn was(migration: &Migration) -> (String, String) {
        (migration.name.to_owned(), checksum(migration.sql))
    }

    #[test]
    fn what_is_pending_follows_from_what_was_applied() {
        assert_eq!(pending(&[], KNOWN).unwrap().len(), 2);
        assert_eq!(pending(&[was(&A)], KNOWN).unwrap()[0].name, B.name);
        assert!(pending(&[was(&A), was(&B)], KNOWN).unwrap().is_empty());
    }

    #[test]
    fn a_store_that_does_not_fit_is_refused_by_name() {
        let newer = pending(&[was(&A), was(&B)], &KNOWN[..1]).unwrap_err();
        assert!(matches!(&newer, DbError::Newer { name } if name == B.name));
        assert!(
            newer
                .to_string()
                .contains("upgrade the program or restore a backup")
        );
        let changed = pending(&[(A.name.to_owned(), "other".to_owned())], KNOWN).unwrap_err();
        assert!(matches!(changed, DbError::Changed { name } if name == A.name));
        let missed = pending(&[was(&B)], KNOWN).unwrap_err();
        assert!(matches!(missed, DbError::OutOfOrder { name } if name == A.name));
    }

    #[test]
    fn the_product_has_migrations_in_order_and_each_begins_with_a_comment() {
        let all = migrations();
        assert!(!all.is_empty() && all.is_sorted_by_key(|migration| migration.name));
        for migration in all {
            assert!(migration.sql.starts_with("-- "), "{}", migration.name);
        }
    }
}
