//! Many use cases at once: none is lost, none sees a half, and every caller gets its own answer.

use std::collections::BTreeSet;

use db::{Db, DbError, Query as _, params};
use stdx::Env;
use testkit::on_both_stores;

use crate::{count, make};

async fn add_one(db: Db) -> Result<i64, DbError> {
    db.write(|tx| {
        Box::pin(async move {
            // Load, decide, save: right only if use cases run as if alone.
            let row = tx.fetch_one("SELECT n FROM counter", params![]).await?;
            let next = row.int("n")? + 1;
            tx.execute("UPDATE counter SET n = $1", params![next])
                .await?;
            Ok(next)
        })
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn load_decide_save_is_safe_without_a_thought_for_others() {
    on_both_stores(&Env::system(), async |store| {
        make(&store.db, "CREATE TABLE counter (n BIGINT NOT NULL)").await;
        make(&store.db, "INSERT INTO counter (n) VALUES (0)").await;
        let tasks: Vec<_> = (0..60)
            .map(|_| tokio::spawn(add_one(store.db.clone())))
            .collect();
        let mut seen = BTreeSet::new();
        for task in tasks {
            seen.insert(task.await.unwrap().unwrap());
        }
        assert_eq!(seen, (1..=60).collect());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_for_people_are_never_given_twice() {
    on_both_stores(&Env::system(), async |store| {
        let number = |db: Db| async move {
            db.write(|tx| Box::pin(async move { tx.next_number("problem").await }))
                .await
        };
        let tasks: Vec<_> = (0..40)
            .map(|_| tokio::spawn(number(store.db.clone())))
            .collect();
        let mut seen = BTreeSet::new();
        for task in tasks {
            assert!(seen.insert(task.await.unwrap().unwrap()));
        }
        assert_eq!(seen.len(), 40);
        let other = store
            .db
            .write(|tx| Box::pin(async move { tx.next_number("run").await }));
        assert_eq!(other.await.unwrap(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_crowd_each_failure_is_its_own() {
    on_both_stores(&Env::system(), async |store| {
        let one = |db: Db, number: i64| async move {
            db.write(move |tx| {
                Box::pin(async move {
                    tx.set_meta(&format!("key {number}"), "1").await?;
                    // Every third runs into a unique key and must take nothing of the others along.
                    let key = if number % 3 == 0 {
                        "same".to_owned()
                    } else {
                        format!("own {number}")
                    };
                    let sql = "INSERT INTO core_meta (key, value) VALUES ($1, $2)";
                    tx.execute(sql, params![key, number.to_string()]).await
                })
            })
            .await
        };
        one(store.db.clone(), 3_000).await.unwrap();
        let tasks: Vec<_> = (0..300)
            .map(|n| (n, tokio::spawn(one(store.db.clone(), n))))
            .collect();
        for (number, task) in tasks {
            let result: Result<u64, DbError> = task.await.unwrap();
            if number % 3 == 0 {
                assert!(result.unwrap_err().is_unique(), "{number}");
            } else {
                assert_eq!(result.unwrap(), 1, "{number}");
            }
        }
        assert_eq!(count(&store.db, "core_meta").await, 2 + 2 * 200);
    })
    .await;
}

#[tokio::test]
async fn a_caller_who_goes_away_leaves_all_or_nothing() {
    on_both_stores(&Env::system(), async |store| {
        let (db, began) = (
            store.db.clone(),
            std::sync::Arc::new(tokio::sync::Notify::new()),
        );
        let noted = began.clone();
        let task = tokio::spawn(async move {
            db.write(move |tx| {
                Box::pin(async move {
                    tx.set_meta("first", "1").await?;
                    noted.notify_one();
                    tx.set_meta("second", "1").await
                })
            })
            .await
        });
        began.notified().await;
        task.abort();
        let _ = task.await;
        crate::keep(&store.db, "later").await.unwrap();
        assert!([1, 3].contains(&count(&store.db, "core_meta").await));
    })
    .await;
}
