//! Leadership: one at a time, taken over when it dies, fenced by its epoch.

use std::sync::{Arc, Mutex};

use db::{Db, Query as _, params};
use jobs::{LeaderLease, Shutdown, Term};
use stdx::Env;
use testkit::on_both_stores;

use crate::SOON;

const LEASE_MS: u64 = 600;

fn lease(db: &Db, holder: &str) -> LeaderLease {
    LeaderLease::new(db.clone(), "seal-audit", holder, LEASE_MS)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_leads_until_it_stops_renewing() {
    let (env, clock) = Env::simulated(1_000, 7);
    on_both_stores(&env, async |store| {
        let (mut a, mut b) = (lease(&store.db, "a"), lease(&store.db, "b"));
        assert_eq!(a.campaign().await.unwrap(), Some(Term { epoch: 1 }));
        for _ in 0..10 {
            assert_eq!(b.campaign().await.unwrap(), None);
            assert_eq!(a.campaign().await.unwrap(), Some(Term { epoch: 1 }));
            clock.advance_ms(LEASE_MS / 2);
        }
        // Neither a wall clock that jumps nor one look after a long time takes the lease away.
        clock.jump_to_ms(9_000_000_000_000);
        let mut c = lease(&store.db, "c");
        assert_eq!(c.campaign().await.unwrap(), None);
        assert_eq!(b.campaign().await.unwrap(), None);
        clock.advance_ms(LEASE_MS - 1);
        assert_eq!(b.campaign().await.unwrap(), None);
        clock.advance_ms(1);
        assert_eq!(b.campaign().await.unwrap(), Some(Term { epoch: 2 }));
        assert_eq!(
            a.campaign().await.unwrap(),
            None,
            "the old leader learns that it lost"
        );
        assert_eq!(
            c.campaign().await.unwrap(),
            None,
            "the others begin to watch anew"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_resigns_or_starts_again_costs_no_waiting() {
    let (env, _clock) = Env::simulated(1_000, 7);
    on_both_stores(&env, async |store| {
        let (mut a, mut b) = (lease(&store.db, "a"), lease(&store.db, "b"));
        assert!(a.campaign().await.unwrap().is_some());
        assert_eq!(b.campaign().await.unwrap(), None);
        a.resign().await.unwrap();
        assert_eq!(b.campaign().await.unwrap(), Some(Term { epoch: 2 }));
        let mut b_again = lease(&store.db, "b");
        assert_eq!(b_again.campaign().await.unwrap(), Some(Term { epoch: 3 }));
    })
    .await;
}

/// Who leads, as the work itself notes it.
#[derive(Clone, Default)]
struct Stage(
    Arc<Mutex<Vec<(&'static str, i64)>>>,
    Arc<Mutex<Vec<&'static str>>>,
);

impl Stage {
    fn enter(&self, who: &'static str, term: Term) -> OnStage {
        self.0.lock().unwrap().push((who, term.epoch));
        self.1.lock().unwrap().push(who);
        OnStage(self.clone(), who)
    }

    fn never(&self, who: &str) -> bool {
        self.1.lock().unwrap().iter().all(|entered| *entered != who)
    }

    fn on(&self) -> Vec<(&'static str, i64)> {
        self.0.lock().unwrap().clone()
    }
}

struct OnStage(Stage, &'static str);

impl Drop for OnStage {
    fn drop(&mut self) {
        self.0.0.lock().unwrap().retain(|(who, _)| *who != self.1);
    }
}

fn play(db: &Db, who: &'static str, stage: &Stage, end: Shutdown) -> tokio::task::JoinHandle<()> {
    let (lease, stage) = (lease(db, who), stage.clone());
    tokio::spawn(lease.run(end, move |term, mut stop| {
        let stage = stage.clone();
        async move {
            let _on = stage.enter(who, term);
            stop.wait().await;
        }
    }))
}

/// Waits until the leader has renewed twice from now on.
async fn renewed(db: &Db) {
    let read = async || {
        let sql = "SELECT renewals FROM core_lease WHERE name = 'seal-audit'";
        db.reader()
            .fetch_one(sql, params![])
            .await
            .unwrap()
            .int("renewals")
            .unwrap()
    };
    let from = read().await;
    let grown = async || (read().await >= from + 2).then_some(());
    testkit::wait_for("two renewals", SOON, grown).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_work_runs_on_one_server_and_moves_when_that_dies() {
    // Time by which leases are counted moves only here, so a busy machine changes nothing.
    let (env, clock) = Env::simulated(1_000, 7);
    on_both_stores(&env, async |store| {
        let stage = Stage::default();
        let (trigger, end) = jobs::shutdown();
        let first = play(&store.db, "a", &stage, end.clone());
        let alone = async |who: &'static str| {
            let on = stage.on();
            on.first()
                .filter(|first| on.len() == 1 && first.0 == who)
                .map(|first| first.1)
        };
        let epoch = testkit::wait_for("a on stage", SOON, async || alone("a").await).await;
        let second = play(&store.db, "b", &stage, end);
        for _ in 0..4 {
            clock.advance_ms(LEASE_MS / 3);
            renewed(&store.db).await;
        }
        assert!(stage.never("b"), "renewed, so not taken over");
        first.abort();
        let _ = first.await;
        let next = testkit::wait_for("b on stage", SOON, async || {
            clock.advance_ms(LEASE_MS / 20);
            alone("b").await
        });
        assert!(next.await > epoch);
        trigger.fire();
        tokio::time::timeout(SOON, second).await.unwrap().unwrap();
        assert!(stage.on().is_empty());
        let mut c = lease(&store.db, "c");
        assert!(
            c.campaign().await.unwrap().is_some(),
            "b resigned at the shutdown"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_whose_store_takes_its_lease_away_stops() {
    let (env, _clock) = Env::simulated(1_000, 7);
    on_both_stores(&env, async |store| {
        let stage = Stage::default();
        let (trigger, end) = jobs::shutdown();
        let task = play(&store.db, "a", &stage, end);
        let on = async || (!stage.on().is_empty()).then_some(());
        testkit::wait_for("a on stage", SOON, on).await;
        let sql = "UPDATE core_lease SET holder = 'b', epoch = epoch + 1";
        let taken = store
            .db
            .write(move |tx| Box::pin(async move { tx.execute(sql, params![]).await }));
        taken.await.unwrap();
        let off = async || stage.on().is_empty().then_some(());
        testkit::wait_for("a off stage", SOON, off).await;
        trigger.fire();
        tokio::time::timeout(SOON, task).await.unwrap().unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_that_campaign_at_once_do_not_both_win() {
    let (env, clock) = Env::simulated(1_000, 7);
    on_both_stores(&env, async |store| {
        let (mut a, mut b) = (lease(&store.db, "a"), lease(&store.db, "b"));
        let (won_a, won_b) = tokio::join!(a.campaign(), b.campaign());
        let won = [won_a.unwrap(), won_b.unwrap()];
        assert_eq!(won.iter().flatten().count(), 1, "{won:?}");
        let loser = if won[0].is_some() { &mut b } else { &mut a };
        assert_eq!(loser.campaign().await.unwrap(), None);
        clock.advance_ms(LEASE_MS);
        let term = loser.campaign().await.unwrap().unwrap();
        assert_eq!(term.epoch, 2);
    })
    .await;
}
