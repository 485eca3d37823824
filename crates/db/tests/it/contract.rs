//! Values, use cases, snapshots and hints behave alike on both stores.

use std::time::Duration;

use db::{Db, DbError, Kind, Query as _, Value, params};
use model::CiId;
use stdx::Env;
use testkit::on_both_stores;

use crate::{START_MS, count, keep, make};

const THINGS: &str = "CREATE TABLE thing (
    id TEXT PRIMARY KEY, number BIGINT, ratio DOUBLE PRECISION, word TEXT)";
const INSERT: &str = "INSERT INTO thing (id, number, ratio, word) VALUES ($1, $2, $3, $4)";

/// An error of a slice, as slices have them.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("no")]
    No,
    #[error(transparent)]
    Db(#[from] DbError),
}

#[tokio::test]
async fn every_value_comes_back_as_it_went_in() {
    on_both_stores(&Env::system(), async |store| {
        make(&store.db, THINGS).await;
        let id = CiId::from_bits(77);
        let rows = [
            params![id, i64::MIN, -0.5, "봉수 'quoted' \u{1F525}"],
            params!["b", Some(7_u32), Some(1.0), None::<&str>],
            params!["c", None::<i64>, None::<f64>, Some(String::new())],
            params!["d", Value::NULL, Value::NULL, Value::NULL],
            params!["e", true, 3_i64, serde_json::json!({"a": [1]})],
        ];
        for values in rows {
            let told = store
                .db
                .write(move |tx| Box::pin(async move { tx.execute(INSERT, values).await }));
            assert_eq!(told.await.unwrap(), 1);
        }
        let sql = "SELECT * FROM thing ORDER BY id";
        let rows = store.db.reader().fetch_all(sql, params![]).await.unwrap();
        let by = |key: &str| {
            rows.iter()
                .find(|row| row.str("id").unwrap() == key)
                .unwrap()
        };
        let first = by(&id.to_string());
        assert_eq!(first.id::<CiId>("id").unwrap(), id);
        assert_eq!(first.int("number").unwrap(), i64::MIN);
        assert!((first.real("ratio").unwrap() + 0.5).abs() < f64::EPSILON);
        assert_eq!(first.text("word").unwrap(), "봉수 'quoted' \u{1F525}");
        assert_eq!(by("b").number::<u32>("number").unwrap(), 7);
        assert_eq!(by("b").opt_str("word").unwrap(), None);
        assert_eq!(by("c").opt_int("number").unwrap(), None);
        assert_eq!(by("c").opt_text("word").unwrap(), Some(String::new()));
        assert!(
            by("d")
                .columns()
                .filter(|(name, _)| *name != "id")
                .all(|(_, v)| v.is_null())
        );
        assert!(by("e").bool("number").unwrap());
        assert!((by("e").real("ratio").unwrap() - 3.0).abs() < f64::EPSILON);
        assert_eq!(
            by("e").json::<serde_json::Value>("word").unwrap()["a"][0],
            1
        );
    })
    .await;
}

#[tokio::test]
async fn the_same_text_takes_other_kinds_of_values() {
    on_both_stores(&Env::system(), async |store| {
        make(&store.db, THINGS).await;
        // A prepared statement must not read the bits of a real as an integer, or the other way:
        // all in one use case, so that it is one connection's statement.
        let told = store.db.write(|tx| {
            Box::pin(async move {
                for (id, ratio) in [
                    ("a", Value::Int(2)),
                    ("b", Value::Real(2.5)),
                    ("c", Value::NULL),
                ] {
                    let values = params![id, Value::Null(Kind::Int), ratio, None::<String>];
                    tx.execute(INSERT, values).await?;
                }
                Ok::<(), DbError>(())
            })
        });
        told.await.unwrap();
        let sql = "SELECT ratio FROM thing ORDER BY id";
        let rows = store.db.reader().fetch_all(sql, params![]).await.unwrap();
        let ratios: Vec<_> = rows
            .iter()
            .map(|row| row.opt_real("ratio").unwrap())
            .collect();
        assert_eq!(ratios, [Some(2.0), Some(2.5), None]);
    })
    .await;
}

#[tokio::test]
async fn a_wrong_column_or_count_of_values_is_told_by_name() {
    on_both_stores(&Env::system(), async |store| {
        let mut reader = store.db.reader();
        let row = reader
            .fetch_one("SELECT 'x' AS word", params![])
            .await
            .unwrap();
        let said = |error: DbError| error.to_string();
        assert_eq!(
            said(row.int("word").unwrap_err()),
            "column `word` is no whole number: SELECT 'x' AS word"
        );
        assert_eq!(
            said(row.text("wrod").unwrap_err()),
            "column `wrod` is not in the result: SELECT 'x' AS word"
        );
        assert!(said(row.id::<CiId>("word").unwrap_err()).contains("`x` is not an id"));
        let few = reader
            .fetch_all("SELECT key FROM core_meta WHERE key = $1", params![])
            .await;
        assert!(matches!(
            few,
            Err(DbError::Values {
                wanted: 1,
                given: 0,
                ..
            })
        ));
        let none = reader
            .fetch_one("SELECT key FROM core_meta", params![])
            .await;
        assert!(matches!(none, Err(DbError::NoRow { .. })));
        let broken = reader
            .fetch_all("SELECT nothing FROM nowhere", params![])
            .await
            .unwrap_err();
        assert_eq!(
            said(broken),
            "statement failed: SELECT nothing FROM nowhere"
        );
    })
    .await;
}

async fn refuse(db: &Db) -> Result<(), Refused> {
    db.write(|tx| {
        Box::pin(async move {
            tx.set_meta("gone", "1").await?;
            tx.hint("topic");
            Err(Refused::No)
        })
    })
    .await
}

#[tokio::test]
async fn an_error_or_a_panic_rolls_back_its_own_use_case_only() {
    on_both_stores(&Env::system(), async |store| {
        let panics = store.db.write(|tx| {
            Box::pin(async move {
                tx.set_meta("gone", "2").await?;
                assert_eq!(tx.now_ms(), 0, "on purpose");
                Ok::<(), DbError>(())
            })
        });
        let (kept, refused, panicked, later) = tokio::join!(
            keep(&store.db, "before"),
            refuse(&store.db),
            panics,
            keep(&store.db, "after"),
        );
        assert!(kept.is_ok() && later.is_ok());
        assert!(matches!(refused, Err(Refused::No)));
        let said = panicked.unwrap_err().to_string();
        assert!(
            said.contains("panicked") && said.contains("on purpose"),
            "{said}"
        );
        assert_eq!(count(&store.db, "core_meta").await, 2);
    })
    .await;
}

#[tokio::test]
async fn after_a_failed_statement_a_use_case_cannot_be_kept() {
    on_both_stores(&Env::system(), async |store| {
        keep(&store.db, "taken").await.unwrap();
        let outcome = store.db.write(|tx| {
            Box::pin(async move {
                tx.set_meta("other", "1").await?;
                let sql = "INSERT INTO core_meta (key, value) VALUES ('taken', 'x')";
                let error = tx.execute(sql, params![]).await.unwrap_err();
                assert!(error.is_unique() && !error.is_foreign_key());
                let next = tx.fetch_all("SELECT 1 AS one", params![]).await;
                assert!(matches!(next, Err(DbError::Aborted)));
                Ok::<(), DbError>(())
            })
        });
        assert!(matches!(outcome.await, Err(DbError::Aborted)));
        assert_eq!(count(&store.db, "core_meta").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_snapshot_sees_one_moment() {
    on_both_stores(&Env::system(), async |store| {
        let db = store.db.clone();
        let seen: Result<(i64, i64), DbError> = store
            .db
            .read(|at| {
                Box::pin(async move {
                    let sql = "SELECT count(*) AS n FROM core_meta";
                    let before = at.fetch_one(sql, params![]).await?.int("n")?;
                    keep(&db, "new").await?;
                    Ok((before, at.fetch_one(sql, params![]).await?.int("n")?))
                })
            })
            .await;
        assert_eq!(seen.unwrap(), (0, 0));
        assert_eq!(count(&store.db, "core_meta").await, 1);
    })
    .await;
}

#[tokio::test]
async fn the_read_side_cannot_write() {
    on_both_stores(&Env::system(), async |store| {
        let written: Result<_, DbError> = store
            .db
            .read(|at| {
                Box::pin(async move {
                    at.fetch_all(
                        "INSERT INTO core_meta VALUES ('a', 'b') RETURNING key",
                        params![],
                    )
                    .await
                })
            })
            .await;
        assert!(written.is_err());
        assert_eq!(count(&store.db, "core_meta").await, 0);
    })
    .await;
}

#[tokio::test]
async fn hints_come_after_commit_and_only_then() {
    on_both_stores(&Env::system(), async |store| {
        let mut hinted = store.db.listen("topic");
        let soon = Duration::from_millis(100);
        assert!(refuse(&store.db).await.is_err());
        assert!(tokio::time::timeout(soon, hinted.wait()).await.is_err());
        let told = store.db.write(|tx| {
            Box::pin(async move {
                tx.hint("topic");
                tx.set_meta("a", "b").await
            })
        });
        told.await.unwrap();
        tokio::time::timeout(Duration::from_secs(10), hinted.wait())
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test]
async fn hints_reach_other_servers_on_postgres() {
    let env = Env::system();
    let store = testkit::require_or_skip!(testkit::postgres_store(&env).await);
    let other = Db::open(db::Options::new(store.url.as_str(), env))
        .await
        .unwrap();
    let mut hinted = other.listen("topic");
    let heard = async {
        // The other server may not listen yet: a hint may be lost, so it is given until heard.
        loop {
            let told = store.db.write(|tx| {
                Box::pin(async move {
                    tx.hint("topic");
                    Ok::<(), DbError>(())
                })
            });
            told.await.unwrap();
            if tokio::time::timeout(Duration::from_millis(50), hinted.wait())
                .await
                .is_ok()
            {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), heard)
        .await
        .unwrap();
    other.close().await;
}

#[tokio::test]
async fn time_stands_still_within_a_use_case_and_ids_grow() {
    let (env, _clock) = Env::simulated(START_MS, 1);
    on_both_stores(&env, async |store| {
        let told: Result<_, DbError> = store
            .db
            .write(|tx| Box::pin(async move { Ok((tx.now_ms(), tx.new_bits(), tx.new_bits())) }))
            .await;
        let (now_ms, first, second) = told.unwrap();
        assert_eq!(now_ms, START_MS);
        assert!(first < second);
    })
    .await;
}

#[tokio::test]
async fn a_closed_store_says_so() {
    on_both_stores(&Env::system(), async |store| {
        let db = Db::open(db::Options::new(store.url.as_str(), Env::system()))
            .await
            .unwrap();
        keep(&db, "a").await.unwrap();
        db.close().await;
        assert!(matches!(keep(&db, "b").await, Err(DbError::Closed)));
        let read = db.reader().fetch_all("SELECT 1 AS one", params![]).await;
        assert!(matches!(read, Err(DbError::Closed)));
    })
    .await;
}
