//! What is told, paired, bounded and kept secret.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_is_told_once_and_its_recovery_is_paired() {
    on_both(async |ground| {
        let held = Dispatch {
            hold: Some(Hold::Maintenance {
                name: "M-12".into(),
            }),
            ..dispatch(1, 1, Opened)
        };
        ground.take(&[held, dispatch(2, 1, Opened)]).await;
        // Taken twice, decided once.
        ground.take(&[dispatch(2, 1, Opened)]).await;
        assert_eq!(ground.send().await, 1);
        assert_eq!(ground.send().await, 0);
        let rows = ground.ledger(1).await;
        assert_eq!(
            (rows[0].reason, rows[0].detail.as_str()),
            (Reason::HeldMaintenance, "M-12")
        );
        assert_eq!(ground.reasons(2).await, [Reason::Sent]);
        // The recovery is held by nothing and asks no rule: it is paired.
        let hold = Some(Hold::Silence { name: "S-1".into() });
        ground
            .take(&[Dispatch {
                hold,
                ..dispatch(2, 2, Recovered)
            }])
            .await;
        ground.take(&[dispatch(1, 2, Recovered)]).await;
        ground.send().await;
        assert_eq!(ground.heard(), ["opened 2", "recovered 2"]);
        assert_eq!(
            ground.reasons(1).await,
            [Reason::HeldMaintenance, Reason::NobodyTold]
        );
        let sent = ground.sink.requests().remove(0);
        let key = sent.header("webhook-id").unwrap().to_owned();
        assert!(key.starts_with("prb_") && sent.header("webhook-signature").is_some());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_is_told_in_a_few_messages_and_keeps_every_row() {
    on_both(async |ground| {
        let storm: Vec<_> = (1..=1_000)
            .map(|problem| dispatch(problem, 1, Opened))
            .collect();
        let begin_ns = HttpSink::now_ns();
        ground.take(&storm).await;
        let mut lane = ground.lane(ground.hook);
        assert_eq!(lane.run_due().await.unwrap(), 21);
        let told_ms = (HttpSink::now_ns() - begin_ns) / 1_000_000;
        eprintln!("1,000 dispatches decided and told in {told_ms} ms");
        let requests = ground.sink.requests();
        let digest: serde_json::Value = serde_json::from_str(&requests[20].text()).unwrap();
        assert_eq!(
            (&digest["event"], &digest["digest"]["count"]),
            (&"digest".into(), &980.into())
        );
        assert!(
            digest["text"]["body"]
                .as_str()
                .unwrap()
                .contains("외 970건")
        );
        assert_eq!(ground.reasons(777).await, [Reason::Sent]);
        let over: Vec<_> = (1..=1_000)
            .map(|problem| dispatch(problem, 2, Recovered))
            .collect();
        ground.take(&over).await;
        ground.clock.advance_ms(5_000);
        assert_eq!(lane.run_due().await.unwrap(), 1);
        assert_eq!(ground.reasons(777).await, [Reason::Sent, Reason::Sent]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recoveries_reach_people_whose_rules_and_channels_changed_meanwhile() {
    on_both(async |ground| {
        let lee = recipient(ground.db, "이당직", &[ground.hook], &[("webhook", "010")]).await;
        ground.take(&[dispatch(1, 1, Opened)]).await;
        ground.send().await;
        service::retire_recipient(ground.db, lee, "usr_admin")
            .await
            .unwrap();
        ground.take(&[dispatch(1, 2, Recovered)]).await;
        ground.send().await;
        let mut heard = ground.heard();
        heard.sort();
        assert_eq!(
            heard,
            ["opened 1", "opened 1", "recovered 1", "recovered 1"]
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_sealed_in_every_row_and_never_shown() {
    on_both(async |ground| {
        let mut reader = ground.db.reader();
        let sealed = reader
            .fetch_one("SELECT sealed FROM notice_channel", params![])
            .await
            .unwrap();
        assert!(sealed.str("sealed").unwrap().starts_with("v1:"));
        let edits = reader
            .fetch_all("SELECT after_json FROM core_change", params![])
            .await
            .unwrap();
        let all: String = edits
            .iter()
            .map(|row| row.text("after_json").unwrap())
            .collect();
        assert!(all.contains("/hook") && !all.contains("s3cret-value"));
        let channel = service::channel(&mut reader, &ground.context, ground.hook)
            .await
            .unwrap();
        assert!(!format!("{channel:?}").contains("s3cret-value"));
        let mut other = ground.context.clone();
        other.sealer = Sealer::new(&[8; 32]);
        assert!(
            service::channel(&mut reader, &other, ground.hook)
                .await
                .is_err()
        );
        // A form that leaves the secret empty keeps it; a stale edit is refused.
        let edit = ChannelEdit {
            name: "웹훅".into(),
            enabled: true,
            settings: Settings::new([("url", ground.sink.url("/other"))]),
            fallback: None,
            per_minute: 20,
        };
        let at = (ground.hook, 1);
        let edited = service::edit_channel(ground.db, &ground.context, at, edit.clone(), "usr_a");
        assert_eq!(edited.await.unwrap().settings.get("secret"), "s3cret-value");
        let stale = service::edit_channel(ground.db, &ground.context, at, edit, "usr_b").await;
        assert!(matches!(
            stale,
            Err(notice::NoticeError::Version { now: 2, of: 1 })
        ));
        service::test_send(
            ground.db,
            &ground.context,
            ground.hook,
            ("", Lang::En, "UTC"),
        )
        .await
        .unwrap();
        assert_eq!(ground.heard(), ["test null"]);
    })
    .await;
}
