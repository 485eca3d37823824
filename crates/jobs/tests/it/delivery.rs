//! A message that is left is delivered: once where nothing fails, soon, and not too many at a time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use db::{Db, DbError, Options, params};
use jobs::{Delivery, Failure, Policy, Post};
use stdx::{Clock as _, Env, SystemClock};
use testkit::on_both_stores;

use crate::{Log, QUICK, SOON, TOPIC, becomes, post, work};

#[tokio::test(flavor = "multi_thread")]
async fn a_message_leaves_with_its_state_change_or_not_at_all() {
    on_both_stores(&Env::system(), async |store| {
        let log = Log::default();
        let running = work(&store.db, QUICK, log.noting());
        let refused: Result<(), DbError> = store
            .db
            .write(|tx| {
                Box::pin(async move {
                    jobs::put(tx, Post::new(TOPIC, &"never")?).await?;
                    Err(DbError::Aborted)
                })
            })
            .await;
        assert!(refused.is_err());
        let id = post(&store.db, "발생").await;
        let seen = log.wait(1).await;
        assert_eq!((seen[0].id, seen[0].attempt, seen[0].last), (id, 1, false));
        assert_eq!(seen[0].read::<String>().unwrap(), "발생");
        assert!(matches!(seen[0].read::<u64>(), Err(Failure::Never(_))));
        becomes(&store.db, id, "done").await;
        running.stop().await;
        assert_eq!(log.seen().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_message_with_the_same_key_is_not_stored() {
    on_both_stores(&Env::system(), async |store| {
        let log = Log::default();
        let running = work(&store.db, QUICK, log.noting());
        let leave = async |topic: &'static str| {
            let left: Result<_, DbError> = store
                .db
                .write(move |tx| {
                    Box::pin(async move {
                        jobs::put(tx, Post::new(topic, &1)?.key("prb_1/opened")).await
                    })
                })
                .await;
            left.unwrap()
        };
        let first = leave(TOPIC).await;
        assert!(first.is_some());
        assert_eq!(leave(TOPIC).await, None);
        becomes(&store.db, first.unwrap(), "done").await;
        assert_eq!(leave(TOPIC).await, None, "also after it was delivered");
        assert!(leave("another topic").await.is_some());
        running.stop().await;
        assert_eq!(log.seen().len(), 1);
        let now_ms = SystemClock::new().now_ms() + 60_000;
        let pruned = store
            .db
            .write(move |tx| Box::pin(async move { jobs::prune(tx, now_ms, 100).await }));
        assert_eq!(pruned.await.unwrap(), 1);
        assert!(leave(TOPIC).await.is_some(), "a pruned key may come again");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_for_later_comes_at_its_time() {
    on_both_stores(&Env::system(), async |store| {
        let log = Log::default();
        let running = work(&store.db, QUICK, log.noting());
        let clock = SystemClock::new();
        let due_ms = clock.now_ms() + 150;
        let left: Result<_, DbError> = store
            .db
            .write(move |tx| {
                Box::pin(
                    async move { jobs::put(tx, Post::new(TOPIC, &1)?.not_before(due_ms)).await },
                )
            })
            .await;
        left.unwrap();
        log.wait(1).await;
        assert!(clock.now_ms() >= due_ms);
        running.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_workers_on_several_servers_share_the_messages() {
    on_both_stores(&Env::system(), async |store| {
        // On PostgreSQL a second handle is a second server; SQLite has one by nature.
        let second = match store.db.dialect() {
            db::Dialect::Sqlite => store.db.clone(),
            db::Dialect::Postgres => Db::open(Options::new(store.url.as_str(), Env::system()))
                .await
                .unwrap(),
        };
        let log = Log::default();
        let workers = [&store.db, &second, &store.db].map(|db| work(db, QUICK, log.noting()));
        let mut left = BTreeSet::new();
        for batch in 0..10 {
            let ids: Result<Vec<_>, DbError> = store
                .db
                .write(move |tx| {
                    Box::pin(async move {
                        let mut ids = Vec::new();
                        for n in 0..20 {
                            ids.extend(jobs::put(tx, Post::new(TOPIC, &(batch, n))?).await?);
                        }
                        Ok(ids)
                    })
                })
                .await;
            left.extend(ids.unwrap());
        }
        let seen = log.wait(200).await;
        assert_eq!(
            seen.iter()
                .map(|delivery| delivery.id)
                .collect::<BTreeSet<_>>(),
            left
        );
        for worker in workers {
            worker.stop().await;
        }
        assert_eq!(log.seen().len(), 200, "nothing is delivered twice");
        assert!(
            jobs::backlog(&mut store.db.reader())
                .await
                .unwrap()
                .is_empty()
        );
        second.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_run_at_a_time_than_the_policy_says() {
    on_both_stores(&Env::system(), async |store| {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let log = Log::default();
        let (inside, peak, noted) = (now.clone(), most.clone(), log.clone());
        let running = work(&store.db, QUICK, move |delivery: Delivery| {
            let (inside, peak, noted) = (inside.clone(), peak.clone(), noted.clone());
            async move {
                peak.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(5)).await;
                inside.fetch_sub(1, Ordering::SeqCst);
                noted.note(delivery);
                Ok::<(), Failure>(())
            }
        });
        for n in 0..30 {
            post(&store.db, &n.to_string()).await;
        }
        log.wait(30).await;
        running.stop().await;
        let most = most.load(Ordering::SeqCst);
        assert!((1..=QUICK.concurrency).contains(&most), "{most}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_waits_for_what_is_under_way_and_takes_nothing_new() {
    on_both_stores(&Env::system(), async |store| {
        let (log, gate) = (Log::default(), Arc::new(tokio::sync::Semaphore::new(0)));
        let (noted, waited) = (log.clone(), gate.clone());
        // With room for one only, nothing can be taken between the signal and its being heard.
        let policy = Policy {
            concurrency: 1,
            ..QUICK
        };
        let running = work(&store.db, policy, move |delivery: Delivery| {
            let (noted, waited) = (noted.clone(), waited.clone());
            async move {
                noted.note(delivery);
                waited.acquire().await.unwrap().forget();
                Ok::<(), Failure>(())
            }
        });
        let first = post(&store.db, "first").await;
        log.wait(1).await;
        running.trigger.fire();
        let late = post(&store.db, "late").await;
        gate.add_permits(5);
        tokio::time::timeout(SOON, running.task)
            .await
            .unwrap()
            .unwrap();
        becomes(&store.db, first, "done").await;
        becomes(&store.db, late, "ready").await;
        assert_eq!(log.seen().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_from_commit_to_handler_is_short() {
    on_both_stores(&Env::system(), async |store| {
        let clock = Arc::new(SystemClock::new());
        let (arrived, times) = (Arc::new(std::sync::Mutex::new(Vec::new())), clock.clone());
        let noted = arrived.clone();
        let running = work(&store.db, QUICK, move |_: Delivery| {
            noted.lock().unwrap().push(times.mono_ns());
            std::future::ready(Ok::<(), Failure>(()))
        });
        let mut took_us = Vec::new();
        for n in 0..50_usize {
            post(&store.db, "timed").await;
            let committed_ns = clock.mono_ns();
            let came = async || arrived.lock().unwrap().get(n).copied();
            let at_ns = testkit::wait_for("the delivery", SOON, came).await;
            took_us.push(at_ns.saturating_sub(committed_ns) / 1_000);
        }
        took_us.sort_unstable();
        eprintln!(
            "{}: commit → handler p50 {} µs, p98 {} µs",
            store.name, took_us[25], took_us[48]
        );
        running.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_may_settle_in_its_own_transaction() {
    on_both_stores(&Env::system(), async |store| {
        let (log, db) = (Log::default(), store.db.clone());
        let noted = log.clone();
        let running = work(&store.db, QUICK, move |delivery: Delivery| {
            let (noted, db) = (noted.clone(), db.clone());
            async move {
                noted.note(delivery.clone());
                let done: Result<(), DbError> = db
                    .write(move |tx| {
                        Box::pin(async move {
                            delivery.done_in(tx).await?;
                            tx.set_meta(&delivery.id.to_string(), "effect").await?;
                            if delivery.attempt == 1 {
                                Err(DbError::Aborted)
                            } else {
                                Ok(())
                            }
                        })
                    })
                    .await;
                done.map_err(Failure::from)
            }
        });
        let id = post(&store.db, "once").await;
        becomes(&store.db, id, "done").await;
        running.stop().await;
        // The first attempt was rolled back with its effect; the second kept both.
        assert_eq!(log.seen().len(), 2);
        use db::Query as _;
        let sql = "SELECT value FROM core_meta WHERE key = $1";
        let row = store
            .db
            .reader()
            .fetch_one(sql, params![id.to_string()])
            .await
            .unwrap();
        assert_eq!(row.str("value").unwrap(), "effect");
    })
    .await;
}
