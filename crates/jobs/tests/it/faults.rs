//! Handlers that fail, hang, panic or die with their worker: tried again, taken over, given up.

use std::time::Duration;

use db::{Db, DbError};
use jobs::{Delivery, Failure, Policy};
use stdx::{Clock as _, Env, SystemClock};
use testkit::on_both_stores;

use crate::{Log, QUICK, TOPIC, becomes, post, work};

/// A handler that notes each delivery and does what its text says.
fn obeying(log: &Log) -> impl Fn(Delivery) -> db::BoxFuture<'static, Told> + use<> {
    let log = log.clone();
    move |delivery| {
        let log = log.clone();
        Box::pin(async move {
            let order: String = delivery.read()?;
            let first = delivery.attempt == 1;
            log.note(delivery);
            match order.as_str() {
                "fail once" if first => Err(Failure::retry(&"not yet")),
                "fail" => Err(Failure::retry(&"still broken")),
                "never" => Err(Failure::never(&"no such address")),
                "hang once" if first => std::future::pending().await,
                "panic once" if first => panic!("on purpose"),
                "in a moment" if first => {
                    let at_ms = SystemClock::new().now_ms() + 50;
                    Err(Failure::RetryAt(at_ms, "429".to_owned()))
                }
                _ => Ok(()),
            }
        })
    }
}

type Told = Result<(), Failure>;

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_hangs_or_panics_once_is_delivered_in_the_end() {
    on_both_stores(&Env::system(), async |store| {
        let log = Log::default();
        let policy = Policy {
            timeout_ms: 300,
            ..QUICK
        };
        let running = work(&store.db, policy, obeying(&log));
        for order in ["fail once", "hang once", "panic once", "in a moment"] {
            let id = post(&store.db, order).await;
            becomes(&store.db, id, "done").await;
            let attempts: Vec<_> = log
                .seen()
                .iter()
                .filter(|seen| seen.id == id)
                .map(|seen| seen.attempt)
                .collect();
            // A slow machine may need the third attempt after a time-out; never none, never more.
            assert!(
                attempts == [1, 2] || attempts == [1, 2, 3],
                "{order}: {attempts:?}"
            );
        }
        running.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_works_is_given_up_visibly_and_may_be_revived() {
    on_both_stores(&Env::system(), async |store| {
        let log = Log::default();
        let running = work(&store.db, QUICK, obeying(&log));
        let (hopeless, stubborn) = (
            post(&store.db, "never").await,
            post(&store.db, "fail").await,
        );
        becomes(&store.db, hopeless, "dead").await;
        becomes(&store.db, stubborn, "dead").await;
        let fine = post(&store.db, "fine").await;
        becomes(&store.db, fine, "done").await;
        let dead = jobs::dead(&mut store.db.reader(), Some(TOPIC), 10)
            .await
            .unwrap();
        let by = |id| dead.iter().find(|dead| dead.id == id).unwrap();
        assert_eq!(
            (by(hopeless).attempts, by(hopeless).error.as_str()),
            (1, "no such address")
        );
        assert_eq!(
            (by(stubborn).attempts, by(stubborn).error.as_str()),
            (3, "still broken")
        );
        assert!(
            log.seen()
                .iter()
                .any(|seen| seen.id == stubborn && seen.last)
        );
        let backlog = jobs::backlog(&mut store.db.reader()).await.unwrap();
        assert_eq!(
            (backlog[0].dead, backlog[0].ready, backlog[0].oldest_due_ms),
            (2, 0, None)
        );
        let none = jobs::dead(&mut store.db.reader(), Some("other"), 10)
            .await
            .unwrap();
        assert!(none.is_empty());

        let before = log.seen().len();
        let revived = revive(&store.db, hopeless).await;
        assert!(revived);
        log.wait(before + 1).await;
        becomes(&store.db, hopeless, "dead").await;
        assert!(!revive(&store.db, fine).await, "only the dead are revived");
        running.stop().await;
    })
    .await;
}

async fn revive(db: &Db, id: model::MessageId) -> bool {
    let revived = db.write(move |tx| Box::pin(async move { jobs::revive(tx, id).await }));
    revived.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_a_worker_that_died_is_taken_over_and_its_late_answer_is_void() {
    on_both_stores(&Env::system(), async |store| {
        let log = Log::default();
        let brief = Policy {
            timeout_ms: 200,
            grace_ms: 200,
            ..QUICK
        };
        let noted = log.clone();
        let dying = work(
            &store.db,
            Policy {
                timeout_ms: 400,
                grace_ms: 0,
                ..QUICK
            },
            move |delivery| {
                noted.note(delivery);
                std::future::pending::<Told>()
            },
        );
        let id = post(&store.db, "hold").await;
        let stale = log.wait(1).await.remove(0);
        dying.task.abort();
        let _ = dying.task.await;
        let running = work(&store.db, brief, log.noting());
        let second = log.wait(2).await.remove(1);
        assert_eq!((second.id, second.attempt), (id, 2));
        becomes(&store.db, id, "done").await;
        let late: Result<(), DbError> = store
            .db
            .write(move |tx| {
                let stale = stale.clone();
                Box::pin(async move { stale.done_in(tx).await })
            })
            .await;
        assert!(matches!(late, Err(DbError::Aborted)));
        running.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_takes_down_every_worker_is_given_up() {
    on_both_stores(&Env::system(), async |store| {
        let id = post(&store.db, "poison").await;
        let policy = Policy {
            timeout_ms: 50,
            grace_ms: 0,
            attempts_max: 2,
            ..QUICK
        };
        for attempt in 1..=2 {
            let log = Log::default();
            let noted = log.clone();
            let dying = work(&store.db, policy, move |delivery| {
                noted.note(delivery);
                std::future::pending::<Told>()
            });
            assert_eq!(log.wait(1).await[0].attempt, attempt);
            dying.task.abort();
            let _ = dying.task.await;
        }
        let log = Log::default();
        let running = work(&store.db, policy, log.noting());
        becomes(&store.db, id, "dead").await;
        let dead = jobs::dead(&mut store.db.reader(), None, 10).await.unwrap();
        assert!(dead[0].error.contains("lease ran out"), "{}", dead[0].error);
        assert!(log.seen().is_empty());
        running.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_hint_the_period_finds_the_message() {
    on_both_stores(&Env::system(), async |store| {
        let log = Log::default();
        let running = work(
            &store.db,
            Policy {
                period_ms: 50,
                ..QUICK
            },
            log.noting(),
        );
        // Let it look once, so that only the period is left.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let sql = "INSERT INTO core_outbox
            (id, topic, dedup_key, payload, state, attempts, created_ms, due_ms)
            VALUES ($1, 'notice', 'k', '1', 'ready', 0, 0, 0)";
        let id = model::MessageId::from_bits(5);
        let put = store
            .db
            .write(move |tx| Box::pin(async move { tx.execute(sql, db::params![id]).await }));
        put.await.unwrap();
        log.wait(1).await;
        running.stop().await;
    })
    .await;
}
