//! Kept answers on both databases: one effect and one answer a key, until a day has passed.

use db::{Begun, Db, Tx};
use stdx::Env;
use testkit::on_both_stores;

async fn begin(db: &Db, key: &'static str, request: &'static str) -> Begun {
    let begun: Result<Begun, db::DbError> = db
        .write(move |tx: &mut Tx| Box::pin(tx.begin_answer("usr_1", key, request)))
        .await;
    begun.unwrap()
}

#[tokio::test]
async fn a_key_has_one_request_and_one_answer() {
    let (env, clock) = Env::simulated(1_000_000, 1);
    on_both_stores(&env, async |store| {
        let db = &store.db;
        assert_eq!(begin(db, "a", "one").await, Begun::Fresh);
        assert_eq!(begin(db, "a", "one").await, Begun::Busy);
        assert_eq!(begin(db, "a", "two").await, Begun::Other);
        clock.advance_ms(60_001);
        assert_eq!(begin(db, "a", "one").await, Begun::Lost);
        let kept: Result<(), db::DbError> = db
            .write(|tx: &mut Tx| Box::pin(tx.keep_answer(("usr_1", "a"), 201, "made")))
            .await;
        kept.unwrap();
        let (status, answer) = (201, "made".to_owned());
        assert_eq!(begin(db, "a", "one").await, Begun::Done { status, answer });
        clock.advance_ms(24 * 3_600_000);
        assert_eq!(begin(db, "a", "two").await, Begun::Fresh, "a day later");
        let dropped: Result<(), db::DbError> = db
            .write(|tx: &mut Tx| Box::pin(tx.drop_answer("usr_1", "a")))
            .await;
        dropped.unwrap();
        assert_eq!(begin(db, "a", "three").await, Begun::Fresh);
    })
    .await;
}
