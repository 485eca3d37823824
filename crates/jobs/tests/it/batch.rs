//! Many messages at once: kept once per key, drained exactly once, in order, or not at all.

use db::{Db, Isolation};
use testkit::on_both_stores;

use super::*;

async fn put(db: &Db, keys: &[&str]) {
    let messages: Vec<(String, String)> = keys
        .iter()
        .map(|key| ((*key).to_owned(), format!("\"{key}\"")))
        .collect();
    let put: db::Result<()> = db
        .write(move |tx| Box::pin(async move { jobs::put_all(tx, TOPIC, &messages).await }))
        .await;
    put.unwrap();
}

/// Drains at most `limit`; the transaction is kept or given up.
async fn drain(db: &Db, limit: usize, keep: bool) -> Vec<String> {
    let (said, heard) = std::sync::mpsc::channel();
    let drained: db::Result<()> = db
        .write_with(Isolation::Committed, move |tx| {
            Box::pin(async move {
                let drained = jobs::drain(tx, TOPIC, limit).await?;
                let payloads = drained.into_iter().map(|message| message.payload);
                let _ = said.send(payloads.collect::<Vec<_>>());
                if keep { Ok(()) } else { Err(DbError::Aborted) }
            })
        })
        .await;
    assert_eq!(drained.is_ok(), keep);
    heard.into_iter().last().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_takes_each_message_once_in_order_and_gives_back_what_was_not_kept() {
    let (env, _) = stdx::Env::simulated(1_763_600_000_000, 3);
    on_both_stores(&env, async |store| {
        let keys: Vec<String> = (100..160).map(|n| n.to_string()).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        put(&store.db, &keys).await;
        put(&store.db, &keys[..10]).await;
        let quoted: Vec<String> = keys.iter().map(|key| format!("\"{key}\"")).collect();
        assert_eq!(drain(&store.db, 40, false).await, quoted[..40]);
        assert_eq!(drain(&store.db, 40, true).await, quoted[..40]);
        assert_eq!(drain(&store.db, 40, true).await, quoted[40..]);
        assert!(drain(&store.db, 40, true).await.is_empty());
        put(&store.db, &keys[..1]).await;
        assert!(
            drain(&store.db, 40, true).await.is_empty(),
            "its key was delivered before"
        );
    })
    .await;
}
