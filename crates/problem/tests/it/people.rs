//! Maintenances, silences, commands and lists.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_maintenance_holds_and_its_end_tells_what_is_still_bad() {
    on_both(async |ground| {
        let edit = MaintenanceEdit {
            name: "정기점검".into(),
            owner: "usr_kim".into(),
            reason: "커널 패치".into(),
            when: When::Once {
                from_ms: START_MS,
                to_ms: START_MS + 10 * MIN_MS,
            },
            scope: Scope {
                groups: vec!["웹서버".into()],
                ..Scope::default()
            },
        };
        let made = service::create_maintenance(ground.db, edit.clone(), "usr_kim")
            .await
            .unwrap();
        let mut settler = Settler::new(ground.ports.clone());
        ground.at(1, 1, Major).await;
        ground.at(2, 2, Major).await;
        settler.run(ground.db).await.unwrap();
        assert_eq!(ground.open().await[0].marks(START_MS), [Mark::Maintenance]);
        ground.at(3, 2, Normal).await;
        ground.clock.jump_to_ms(START_MS + 10 * MIN_MS);
        assert_eq!(settler.run(ground.db).await.unwrap(), 1);
        assert_eq!(settler.run(ground.db).await.unwrap(), 0);
        let held = Some(Hold::Maintenance { name: made.label() });
        assert_eq!(
            ground.story().await,
            [
                (DispatchEvent::Opened, held.clone()),
                (DispatchEvent::Opened, held.clone()),
                (DispatchEvent::Recovered, held),
                (DispatchEvent::StillBad, None),
            ]
        );
        assert!(ground.open().await[0].marks(START_MS).is_empty());
        let stale = service::edit_maintenance(ground.db, made.id, 7, edit.clone(), "usr_lee").await;
        assert!(matches!(
            stale,
            Err(ProblemError::Version { now: 1, of: 7 })
        ));
        let nothing = MaintenanceEdit {
            scope: Scope::default(),
            ..edit
        };
        let refused = service::create_maintenance(ground.db, nothing, "usr_kim").await;
        assert!(matches!(
            refused,
            Err(ProblemError::Field { field: "scope", .. })
        ));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silence_made_later_covers_and_its_early_end_tells_rises() {
    on_both(async |ground| {
        ground.at(0, 1, Major).await;
        let edit = SilenceEdit {
            selector: Selector::parse(r#"{host=~"web.*",rule="disk-used"}"#).unwrap(),
            owner: "usr_kim".into(),
            reason: "교체 예정".into(),
            from_ms: START_MS,
            to_ms: START_MS + 60 * MIN_MS,
        };
        let made = service::create_silence(ground.db, edit, "usr_kim")
            .await
            .unwrap();
        let mut settler = Settler::new(ground.ports.clone());
        assert_eq!(settler.run(ground.db).await.unwrap(), 1);
        assert_eq!(ground.open().await[0].marks(START_MS), [Mark::Suppressed]);
        ground.at(1, 1, Critical).await;
        service::end_silence(ground.db, made.id, "usr_kim")
            .await
            .unwrap();
        assert_eq!(settler.run(ground.db).await.unwrap(), 1);
        ground.at(2, 1, Normal).await;
        assert_eq!(
            ground.story().await,
            [
                (DispatchEvent::Opened, None),
                (
                    DispatchEvent::Raised,
                    Some(Hold::Silence { name: "S-1".into() })
                ),
                (DispatchEvent::StillBad, None),
                (DispatchEvent::Recovered, None),
            ]
        );
        let rows = service::silences(&mut ground.db.reader(), true, START_MS)
            .await
            .unwrap();
        assert_eq!((rows.len(), rows[0].version), (1, 2));
        let current = service::silences(&mut ground.db.reader(), false, START_MS)
            .await
            .unwrap();
        assert!(current.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_act_on_one_and_on_many() {
    on_both(async |ground| {
        let storm = (1..=300)
            .map(|host| transition(host, Major, START_MS))
            .collect();
        let ids = ground.apply(storm).await.opened;
        ground.at(1, 300, Normal).await;
        let order = Command::Acknowledge {
            problem: ids[0],
            comment: "확인 중".into(),
        };
        let taken = service::act(ground.db, order.clone(), "usr_kim")
            .await
            .unwrap();
        assert_eq!(taken.marks(START_MS), [Mark::Acknowledged]);
        let bulk = service::act_on_many(ground.db, order, ids.clone(), "usr_kim")
            .await
            .unwrap();
        assert_eq!((bulk.done.len(), bulk.refused.len()), (299, 1));
        assert!(bulk.refused[&ids[299]].to_string().contains("P-300"));
        let filter = Filter {
            acknowledged: Some(true),
            open: Some(true),
            ..Filter::default()
        };
        let mut reader = ground.db.reader();
        let counts = service::counts(&mut reader, &filter, START_MS)
            .await
            .unwrap();
        assert_eq!(counts[4], 299);
        let close = Command::Close {
            problem: ids[0],
            comment: "원복".into(),
        };
        service::act(ground.db, close.clone(), "usr_kim")
            .await
            .unwrap();
        let again = service::act(ground.db, close, "usr_kim").await;
        assert!(matches!(again, Err(ProblemError::Closed(label)) if label == "P-1"));
        let entries = service::timeline(&mut reader, ids[0]).await.unwrap();
        let closed = entries
            .iter()
            .find(|entry| entry.kind == EntryKind::Closed)
            .unwrap();
        assert_eq!(
            (closed.actor.as_str(), closed.text.as_str(), closed.auto),
            ("usr_kim", "원복", false)
        );
    })
    .await;
}

/// Filters, and how many of the sixty problems each shows.
fn filters() -> Vec<(Filter, usize)> {
    let all = Filter::default;
    vec![
        (all(), 60),
        (
            Filter {
                severities: vec![Major, Critical],
                ..all()
            },
            40,
        ),
        (
            Filter {
                host: Some(CiId::from_bits(3)),
                ..all()
            },
            1,
        ),
        (
            Filter {
                hosts: Some(vec![]),
                ..all()
            },
            0,
        ),
        (text("디스크 WEB07"), 1),
        (text("100%"), 0),
        (text("p-42"), 1),
        (
            Filter {
                group: Some("cpu".into()),
                ..all()
            },
            0,
        ),
        (
            Filter {
                opened_from_ms: Some(START_MS + 50),
                ..all()
            },
            10,
        ),
        (
            Filter {
                opened_to_ms: Some(START_MS + 50),
                ..all()
            },
            50,
        ),
        (marked(Mark::Snoozed), 0),
        (marked(Mark::Repairing), 0),
        (
            Filter {
                acknowledged: Some(false),
                open: Some(true),
                ..all()
            },
            60,
        ),
    ]
}

fn marked(mark: Mark) -> Filter {
    Filter {
        mark: Some(mark),
        ..Filter::default()
    }
}

fn text(text: &str) -> Filter {
    Filter {
        text: text.into(),
        ..Filter::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_filter_sort_and_page_without_gaps() {
    on_both(async |ground| {
        let levels = [Warning, Major, Critical];
        let storm = (0..60_u128).map(|n| {
            let at_ms = START_MS + i64::try_from(n).unwrap();
            transition(n + 1, levels[usize::try_from(n % 3).unwrap()], at_ms)
        });
        ground.apply(storm.collect()).await;
        let mut reader = ground.db.reader();
        for (filter, expected) in filters() {
            for sort in [
                Sort::Severity,
                Sort::Opened,
                Sort::Changed,
                Sort::Host,
                Sort::Oldest,
            ] {
                let (mut seen, mut cursor) = (Vec::new(), None);
                loop {
                    let at = (&filter, sort);
                    let page = service::list(&mut reader, at, cursor.as_ref(), 7, START_MS).await;
                    let page = page.unwrap();
                    seen.extend(page.rows.iter().map(|problem| problem.number));
                    cursor = page.next;
                    if cursor.is_none() {
                        break;
                    }
                }
                seen.sort_unstable();
                seen.dedup();
                assert_eq!(seen.len(), expected, "{filter:?} {sort:?}");
            }
            let counts = service::counts(&mut reader, &filter, START_MS)
                .await
                .unwrap();
            assert_eq!(counts.iter().sum::<i64>(), i64::try_from(expected).unwrap());
            let ids = service::ids(&mut reader, &filter, 500, START_MS)
                .await
                .unwrap();
            assert_eq!(ids.len(), expected);
        }
        let everything = Filter::default();
        let at = (&everything, Sort::Severity);
        let worst = service::list(&mut reader, at, None, 1, START_MS)
            .await
            .unwrap();
        assert_eq!(worst.rows[0].severity, Critical);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_host_was_doing_is_kept_once() {
    on_both(async |ground| {
        ground.at(1, 1, Major).await;
        let fresh = service::unwitnessed(&mut ground.db.reader(), START_MS, 10)
            .await
            .unwrap();
        let id = fresh[0].id;
        let seen = serde_json::json!({"by_cpu": [{"pid": 1}]});
        service::witness(ground.db, vec![id], seen.clone())
            .await
            .unwrap();
        let again = service::unwitnessed(&mut ground.db.reader(), START_MS, 10).await;
        assert_eq!(again.unwrap(), []);
        let story = service::timeline(&mut ground.db.reader(), id)
            .await
            .unwrap();
        let kept = story
            .iter()
            .find(|entry| entry.kind == EntryKind::Processes);
        assert_eq!(kept.unwrap().data, seen);
    })
    .await;
}
