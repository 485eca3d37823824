//! Change rows and the audit chain: what was kept stays kept, and tampering shows.

use db::{Audit, AuditFilter, Change, Db, DbError, Outcome, params};
use serde_json::json;
use stdx::Env;
use testkit::on_both_stores;

use crate::START_MS;

async fn act(db: &Db, actor: &'static str, object: &'static str) {
    let told = db.write(move |tx| {
        Box::pin(async move {
            let detail = json!({"reason": "밤샘 작업"});
            let ip = (actor == "usr_a").then_some("10.0.0.7");
            let outcome = Outcome::Allowed;
            tx.audit(Audit {
                actor,
                action: "rule.edit",
                object,
                outcome,
                ip,
                detail,
            })
            .await
        })
    });
    told.await.unwrap();
}

async fn tamper(db: &Db, sql: &'static str) {
    let told = db.write(move |tx| Box::pin(async move { tx.execute(sql, params![]).await }));
    assert!(told.await.unwrap() > 0);
}

#[tokio::test]
async fn a_record_keeps_its_history() {
    let (env, clock) = Env::simulated(START_MS, 1);
    on_both_stores(&env, async |store| {
        for (before, after, why) in [
            (None, Some(json!({"level": 80})), ""),
            (
                Some(json!({"level": 80})),
                Some(json!({"level": 90})),
                "너무 잦은 경보",
            ),
            (Some(json!({"level": 90})), None, "retired"),
        ] {
            clock.advance_ms(10);
            let told = store.db.write(move |tx| {
                Box::pin(async move {
                    let (actor, object_kind) = ("usr_a", "rule");
                    let object_id = "rul_1".to_owned();
                    tx.record_change(Change {
                        actor,
                        object_kind,
                        object_id,
                        before,
                        after,
                        why,
                    })
                    .await
                })
            });
            told.await.unwrap();
        }
        let history = db::revisions(&mut store.db.reader(), "rule", "rul_1", 10)
            .await
            .unwrap();
        let whys: Vec<_> = history.iter().map(|edit| edit.why.as_str()).collect();
        assert_eq!(whys, ["retired", "너무 잦은 경보", ""]);
        assert_eq!(history[1].before, Some(json!({"level": 80})));
        assert_eq!(history[0].after, None);
        assert_eq!(history[0].at_ms - history[2].at_ms, 20);
        let none = db::revisions(&mut store.db.reader(), "rule", "rul_2", 10)
            .await
            .unwrap();
        assert!(none.is_empty());
    })
    .await;
}

#[tokio::test]
async fn the_audit_is_listed_and_narrowed() {
    on_both_stores(&Env::system(), async |store| {
        for (actor, object) in [("usr_a", "rul_1"), ("usr_b", "rul_2"), ("usr_a", "rul_3")] {
            act(&store.db, actor, object).await;
        }
        let list = async |filter: AuditFilter| {
            let rows = db::audit_rows(&mut store.db.reader(), &filter, 10)
                .await
                .unwrap();
            rows.into_iter().map(|row| row.object).collect::<Vec<_>>()
        };
        assert_eq!(
            list(AuditFilter::default()).await,
            ["rul_3", "rul_2", "rul_1"]
        );
        let of_a = AuditFilter {
            actor: Some("usr_a".into()),
            ..AuditFilter::default()
        };
        assert_eq!(list(of_a).await, ["rul_3", "rul_1"]);
        let none = AuditFilter {
            action: Some("rule.drop".into()),
            ..AuditFilter::default()
        };
        assert!(list(none).await.is_empty());
        let all = AuditFilter::default();
        let rows = db::audit_rows(&mut store.db.reader(), &all, 1)
            .await
            .unwrap();
        let before = Some(rows[0].id);
        assert_eq!(
            list(AuditFilter {
                before,
                ..AuditFilter::default()
            })
            .await,
            ["rul_2", "rul_1"]
        );
        assert_eq!(
            (rows[0].ip.as_deref(), rows[0].seq),
            (Some("10.0.0.7"), None)
        );
    })
    .await;
}

#[tokio::test]
async fn the_chain_is_whole_after_sealing_and_shows_every_change() {
    const CASES: [(&str, &str, i64); 5] = [
        (
            "UPDATE core_audit SET actor = 'usr_x' WHERE seq = 2",
            "changed after",
            2,
        ),
        (
            "UPDATE core_audit SET ip = '' WHERE seq = 1",
            "changed after",
            1,
        ),
        ("DELETE FROM core_audit WHERE seq = 3", "row is missing", 3),
        (
            "DELETE FROM core_audit WHERE seq = 4",
            "the chain ends here, 4 rows",
            4,
        ),
        (
            "UPDATE core_audit SET outcome = 'fine' WHERE seq = 2",
            "allowed, denied or failed",
            2,
        ),
    ];
    let env = Env::system();
    for (sql, why, seq) in CASES {
        on_both_stores(&env, async |store| {
            for object in ["one", "two", "three"] {
                act(&store.db, "usr_a", object).await;
            }
            assert_eq!(store.db.seal_audit().await.unwrap(), 3);
            act(&store.db, "usr_b", "four").await;
            let report = store.db.verify_audit_chain().await.unwrap();
            assert_eq!((report.whole, report.unsealed, report.broken), (3, 1, None));
            assert_eq!(store.db.seal_audit().await.unwrap(), 1);
            assert_eq!(store.db.seal_audit().await.unwrap(), 0);
            let report = store.db.verify_audit_chain().await.unwrap();
            assert_eq!((report.whole, report.unsealed, report.broken), (4, 0, None));
            tamper(&store.db, sql).await;
            let broken = store.db.verify_audit_chain().await.unwrap().broken.unwrap();
            assert!(
                broken.seq == seq && broken.why.contains(why),
                "{sql}: {broken:?}"
            );
        })
        .await;
    }
}

#[tokio::test]
async fn more_rows_than_one_sealing_takes_are_sealed_all() {
    on_both_stores(&Env::system(), async |store| {
        let told: Result<(), DbError> = store
            .db
            .write(|tx| {
                Box::pin(async move {
                    for _ in 0..1_203 {
                        let (outcome, detail) = (Outcome::Denied, json!({}));
                        let (action, object) = ("a", "o");
                        tx.audit(Audit {
                            actor: "x",
                            action,
                            object,
                            outcome,
                            ip: None,
                            detail,
                        })
                        .await?;
                    }
                    Ok(())
                })
            })
            .await;
        told.unwrap();
        assert_eq!(store.db.seal_audit().await.unwrap(), 1_203);
        let report = store.db.verify_audit_chain().await.unwrap();
        assert_eq!((report.whole, report.broken), (1_203, None));
    })
    .await;
}
