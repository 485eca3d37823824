//! Reconcilers run at the start, by hint and by period, whatever their last run did.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use db::DbError;
use jobs::Reconciler;
use stdx::Env;
use testkit::on_both_stores;

use crate::SOON;

/// Counts runs; the first `fails` panic or fail in turn.
fn counting(
    runs: &Arc<AtomicUsize>,
    fails: usize,
) -> impl Fn() -> std::future::Ready<Result<(), String>> + use<> {
    let runs = runs.clone();
    move || {
        let run = runs.fetch_add(1, Ordering::SeqCst);
        assert!(run >= fails || run.is_multiple_of(2), "on purpose");
        std::future::ready(if run < fails {
            Err("broken".to_owned())
        } else {
            Ok(())
        })
    }
}

async fn at_least(runs: &Arc<AtomicUsize>, count: usize) -> usize {
    let enough = async || Some(runs.load(Ordering::SeqCst)).filter(|runs| *runs >= count);
    testkit::wait_for(&format!("{count} runs"), SOON, enough).await
}

#[tokio::test(flavor = "multi_thread")]
async fn it_runs_at_the_start_and_after_each_hint() {
    on_both_stores(&Env::system(), async |store| {
        let runs = Arc::new(AtomicUsize::new(0));
        let (trigger, end) = jobs::shutdown();
        let reconciler = Reconciler::new(store.db.clone(), "test", 600_000)
            .hinted_by("problem")
            .hinted_by("maintenance");
        let task = tokio::spawn(reconciler.run(end, counting(&runs, 0)));
        at_least(&runs, 1).await;
        for (topic, count) in [("problem", 2), ("maintenance", 3)] {
            let told = store.db.write(move |tx| {
                Box::pin(async move {
                    tx.hint(topic);
                    tx.hint(topic);
                    Ok::<(), DbError>(())
                })
            });
            told.await.unwrap();
            at_least(&runs, count).await;
        }
        trigger.fire();
        tokio::time::timeout(SOON, task).await.unwrap().unwrap();
        let total = runs.load(Ordering::SeqCst);
        // On PostgreSQL one's own hint may be heard twice: at commit and through the server.
        assert!(
            (3..=5).contains(&total),
            "hints that come together count as one: {total}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_goes_on_after_failures_and_panics_and_by_period() {
    let store = testkit::sqlite_store(&Env::system()).await;
    let runs = Arc::new(AtomicUsize::new(0));
    let (trigger, end) = jobs::shutdown();
    let reconciler = Reconciler::new(store.db.clone(), "test", 20).within(5_000);
    let task = tokio::spawn(reconciler.run(end, counting(&runs, 4)));
    at_least(&runs, 8).await;
    trigger.fire();
    tokio::time::timeout(SOON, task).await.unwrap().unwrap();
}
