//! Transitions: replay, storms, repairs, silent and retired hosts.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_lives_and_its_replay_changes_nothing() {
    on_both(async |ground| {
        let all = [
            (0, Warning),
            (1, Major),
            (2, Critical),
            (3, Normal),
            (4, Major),
        ];
        let all = all.map(|(minute, to)| transition(1, to, START_MS + minute * MIN_MS));
        let first = ground.apply(all.to_vec()).await;
        assert_eq!(
            (first.opened.len(), first.updated.len(), first.ignored),
            (2, 3, 0)
        );
        let before = (ground.open().await, ground.dispatches().await);
        for _ in 0..2 {
            let again = ground.apply(all.to_vec()).await;
            assert_eq!((again.opened.len(), again.ignored), (0, 5));
        }
        assert_eq!((ground.open().await, ground.dispatches().await), before);
        let mut reader = ground.db.reader();
        let old = service::by_number(&mut reader, 1).await.unwrap();
        assert_eq!(
            (old.label(), old.highest, old.told),
            ("P-1".into(), Critical, Critical)
        );
        let detail = service::detail(&mut reader, first.opened[1]).await.unwrap();
        assert_eq!(detail.earlier, std::slice::from_ref(&old));
        let kinds: Vec<_> = service::timeline(&mut reader, old.id).await.unwrap();
        let kinds: Vec<_> = kinds.iter().map(|entry| (entry.n, entry.kind)).collect();
        assert_eq!(
            kinds.iter().map(|(_, kind)| *kind).collect::<Vec<_>>(),
            [
                EntryKind::Opened,
                EntryKind::Dispatched,
                EntryKind::Raised,
                EntryKind::Dispatched,
                EntryKind::Raised,
                EntryKind::Dispatched,
                EntryKind::Closed,
                EntryKind::Dispatched,
            ]
        );
        assert_eq!(
            kinds.iter().map(|(n, _)| *n).collect::<Vec<_>>(),
            (1..=8).collect::<Vec<_>>()
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_problems_open_and_close_at_once() {
    on_both(async |ground| {
        let storm = |to, at_ms| (1..=10_000).map(|host| transition(host, to, at_ms)).collect();
        let begin = testkit::HttpSink::now_ns();
        let applied = ground.apply(storm(Major, START_MS)).await;
        let opened_ms = (testkit::HttpSink::now_ns() - begin) / 1_000_000;
        assert_eq!(applied.opened.len(), 10_000);
        let begin = testkit::HttpSink::now_ns();
        let filter = Filter { open: Some(true), ..Filter::default() };
        let mut reader = ground.db.reader();
        let counts = service::counts(&mut reader, &filter, START_MS).await.unwrap();
        let at = (&filter, Sort::Severity);
        let page = service::list(&mut reader, at, None, 200, START_MS).await.unwrap();
        let read_ms = (testkit::HttpSink::now_ns() - begin) / 1_000_000;
        assert_eq!((counts[4], page.rows.len()), (10_000, 200));
        let begin = testkit::HttpSink::now_ns();
        let mut settler = Settler::new(ground.ports.clone());
        assert_eq!(settler.run(ground.db).await.unwrap(), 0);
        let settled_ms = (testkit::HttpSink::now_ns() - begin) / 1_000_000;
        let begin = testkit::HttpSink::now_ns();
        let applied = ground.apply(storm(Normal, START_MS + 1)).await;
        let closed_ms = (testkit::HttpSink::now_ns() - begin) / 1_000_000;
        assert_eq!(applied.updated.len(), 10_000);
        assert_eq!(ground.dispatches().await.len(), 20_000);
        eprintln!("10,000: open {opened_ms} ms, count and page {read_ms} ms, look at all {settled_ms} ms, close {closed_ms} ms");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repair_is_ordered_and_its_failure_is_told() {
    on_both(async |ground| {
        let ports = Ports {
            repairs: Arc::new(Restart),
            ..ground.ports.clone()
        };
        let gone = Transition {
            rule: RuleId::from_bits(9),
            ..transition(1, Major, START_MS)
        };
        let opened = service::apply(ground.db, &ports, vec![gone])
            .await
            .unwrap()
            .opened[0];
        let sql = "SELECT payload FROM core_outbox WHERE topic = $1";
        let mut reader = ground.db.reader();
        let row = reader
            .fetch_one(sql, params![RunOrder::KIND])
            .await
            .unwrap();
        let order: RunOrder = decode(row.str("payload").unwrap()).unwrap();
        assert_eq!(
            (order.problem, order.script),
            (Some(opened), ScriptId::from_bits(9))
        );
        let outcome = Outcome::Run {
            run: order.run,
            script: "nginx 재기동".into(),
            problem: Some(opened),
            result: RunResult::Failed,
            summary: "종료 코드 1".into(),
            at_ms: START_MS + 1,
        };
        let taken: problem::Result<()> = ground
            .db
            .write(move |tx| Box::pin(async move { service::take_outcome(tx, &[outcome]).await }))
            .await;
        taken.unwrap();
        let story = ground.story().await;
        assert_eq!(story[0], (DispatchEvent::Opened, Some(Hold::RepairRunning)));
        assert_eq!(story[1], (DispatchEvent::RepairFailed, None));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_hosts_freeze_and_retired_ones_close() {
    on_both(async |ground| {
        ground.at(0, 1, Major).await;
        ground.at(0, 2, Major).await;
        let silent = CiId::from_bits(1);
        let rule = RuleId::from_bits(1);
        for expected in [1, 0] {
            let frozen = service::freeze_host(ground.db, silent, START_MS, None)
                .await
                .unwrap();
            assert_eq!(frozen, expected);
        }
        assert_eq!(
            service::cannot_judge(ground.db, rule, "표현식 오류")
                .await
                .unwrap(),
            2
        );
        let marks = ground.open().await[0].marks(START_MS);
        assert_eq!(marks, [Mark::Frozen, Mark::CannotJudge]);
        assert_eq!(service::cannot_judge(ground.db, rule, "").await.unwrap(), 2);
        // A sample of the host ends the freeze by itself.
        ground.at(1, 1, Critical).await;
        assert!(ground.open().await[0].marks(START_MS).is_empty());
        let mut settler = Settler::new(ground.ports.clone());
        settler.run(ground.db).await.unwrap();
        ground.world.retired.lock().unwrap().push(silent);
        ground.clock.advance_ms(31_000);
        assert_eq!(settler.run(ground.db).await.unwrap(), 1);
        ground
            .world
            .rules
            .lock()
            .unwrap()
            .insert(rule, RuleState::Retired);
        ground.clock.advance_ms(31_000);
        assert_eq!(settler.run(ground.db).await.unwrap(), 1);
        assert!(ground.open().await.is_empty());
        let closed = ground.story().await;
        assert_eq!(
            closed
                .iter()
                .filter(|(event, _)| *event == DispatchEvent::Recovered)
                .count(),
            2
        );
    })
    .await;
}
