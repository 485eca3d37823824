//! Channels that are down, hang, refuse or die half-way.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_down_for_an_hour_loses_nothing_and_tells_nothing_stale() {
    on_both(async |ground| {
        ground.take(&[dispatch(1, 1, Opened)]).await;
        ground.send().await;
        ground.sink.reply(HttpReply::Status(503));
        ground
            .take(&[
                dispatch(1, 2, Raised),
                dispatch(2, 1, Opened),
                dispatch(3, 1, Opened),
            ])
            .await;
        let mut lane = ground.lane(ground.hook);
        for minute in 0..60 {
            lane.run_due().await.unwrap();
            ground.clock.advance_ms(60_000);
            if minute == 30 {
                ground
                    .take(&[dispatch(1, 3, Recovered), dispatch(3, 2, Recovered)])
                    .await;
            }
        }
        let tries = ground.sink.requests().len();
        assert!((10..90).contains(&tries), "{tries} tries in an hour of 503");
        let health = service::health(&mut ground.db.reader()).await.unwrap();
        assert!(health[0].failures > 3 && health[0].failing_since_ms == START_MS);
        assert!(health[0].last_error.contains("503"));
        ground.sink.reply(HttpReply::Status(200));
        // Its return is noticed within half a minute, and what waits for its back-off hurries.
        ground.clock.advance_ms(30_000);
        lane.run_due().await.unwrap();
        let heard = ground.heard().split_off(tries);
        let mut told = heard.clone();
        told.sort();
        assert_eq!(told, ["opened 2", "recovered 1"], "{heard:?}");
        assert_eq!(
            ground.reasons(1).await,
            [Reason::Sent, Reason::OverBefore, Reason::Sent]
        );
        assert_eq!(
            ground.reasons(3).await,
            [Reason::OverBefore, Reason::NotNeeded]
        );
        assert_eq!(ground.ledger(2).await[0].reason, Reason::Sent);
        let health = service::health(&mut ground.db.reader()).await.unwrap();
        assert_eq!((health[0].failures, health[0].failing_since_ms), (0, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_arrived_is_sent_again_with_its_key_and_paired() {
    on_both(async |ground| {
        for reply in [HttpReply::Hang, HttpReply::Close, HttpReply::Status(500)] {
            let problem = 10 + ground.sink.requests().len() as u128;
            ground.sink.reply_next([reply]);
            ground.take(&[dispatch(problem, 1, Opened)]).await;
            ground.send().await;
            assert!(ground.ledger(problem).await[0].unsure, "{reply:?}");
            ground.take(&[dispatch(problem, 2, Recovered)]).await;
            ground.clock.advance_ms(10_000);
            ground.send().await;
            assert_eq!(
                ground.reasons(problem).await,
                [Reason::Sent, Reason::Sent],
                "{reply:?}"
            );
            let requests = ground.sink.requests();
            let last: Vec<_> = requests[requests.len() - 3..].iter().collect();
            let key = |at: usize| last[at].header("webhook-id").unwrap();
            assert_eq!(key(0), key(1), "{reply:?}");
            assert_ne!(key(1), key(2));
            assert!(event_of(&last[2].text()).starts_with("recovered"));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permanent_refusal_goes_to_the_fallback_or_is_visibly_undelivered() {
    on_both(async |ground| {
        let smtp = SmtpSink::start();
        let mail = mail(ground.db, &ground.context, &smtp).await;
        let broken = HttpSink::start();
        broken.reply(HttpReply::Status(404));
        let hook = webhook(ground.db, &ground.context, &broken, Some(mail)).await;
        recipient(ground.db, "김당직", &[hook], &[("mail", "kim@example.com")]).await;
        ground.sink.reply(HttpReply::Status(410));
        ground.take(&[dispatch(1, 1, Opened)]).await;
        ground.send().await;
        ground.lane(hook).run_due().await.unwrap();
        ground.lane(mail).run_due().await.unwrap();
        let rows = ground.ledger(1).await;
        let of = |channel| {
            rows.iter()
                .find(|row| row.channel == Some(channel))
                .unwrap()
        };
        assert_eq!(of(ground.hook).reason, Reason::Undelivered);
        assert!(of(ground.hook).detail.contains("410"));
        assert_eq!(of(hook).reason, Reason::Fallback);
        assert_eq!(
            (of(mail).reason, of(mail).fallback_of),
            (Reason::Sent, Some(of(hook).id))
        );
        let waiting = service::undelivered(&mut ground.db.reader(), 10)
            .await
            .unwrap();
        assert_eq!(waiting.len(), 1);
        // The recovery goes where the notice went, and nowhere else.
        ground.take(&[dispatch(1, 2, Recovered)]).await;
        for channel in [ground.hook, hook, mail] {
            ground.lane(channel).run_due().await.unwrap();
        }
        let mails = smtp.mails();
        assert_eq!(
            (
                mails.len(),
                broken.requests().len(),
                ground.sink.requests().len()
            ),
            (2, 1, 1)
        );
        assert_eq!(mails[1].to, ["kim@example.com"]);
        // Somebody mended the address: the button sends it after all.
        ground.sink.reply(HttpReply::Status(200));
        service::retry(ground.db, waiting[0].id).await.unwrap();
        ground.send().await;
        assert_eq!(ground.sink.requests().len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_moves_to_another_channel_takes_its_recovery_along() {
    on_both(async |ground| {
        let spare = HttpSink::start();
        let spare_hook = webhook(ground.db, &ground.context, &spare, None).await;
        let bad = HttpSink::start();
        bad.reply(HttpReply::Close);
        let hook = webhook(ground.db, &ground.context, &bad, Some(spare_hook)).await;
        recipient(ground.db, "김당직", &[hook], &[]).await;
        ground.take(&[dispatch(1, 1, Opened)]).await;
        let mut lane = ground.lane(hook);
        lane.run_due().await.unwrap();
        ground.clock.advance_ms(50_000);
        ground.take(&[dispatch(1, 2, Recovered)]).await;
        ground.clock.advance_ms(11_000);
        lane.run_due().await.unwrap();
        bad.reply(HttpReply::Status(200));
        ground.clock.advance_ms(30_000);
        lane.run_due().await.unwrap();
        ground.lane(spare_hook).run_due().await.unwrap();
        assert_eq!(heard_by(&spare), ["opened 1", "recovered 1"]);
        assert_eq!(heard_by(&bad).pop().as_deref(), Some("recovered 1"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_that_moves_is_sent_where_it_was_not_needed_before() {
    on_both(async |ground| {
        let spare = HttpSink::start();
        let spare_hook = webhook(ground.db, &ground.context, &spare, None).await;
        let bad = HttpSink::start();
        bad.reply(HttpReply::Close);
        let hook = webhook(ground.db, &ground.context, &bad, Some(spare_hook)).await;
        recipient(ground.db, "김당직", &[hook, spare_hook], &[]).await;
        ground.take(&[dispatch(1, 1, Opened)]).await;
        let mut lane = ground.lane(hook);
        lane.run_due().await.unwrap();
        // The spare channel never came to send its own notice.
        ground.take(&[dispatch(1, 2, Recovered)]).await;
        for _ in 0..4 {
            ground.clock.advance_ms(31_000);
            lane.run_due().await.unwrap();
        }
        ground.lane(spare_hook).run_due().await.unwrap();
        assert_eq!(heard_by(&spare).pop().as_deref(), Some("recovered 1"));
    })
    .await;
}

fn heard_by(sink: &HttpSink) -> Vec<String> {
    let requests = sink.requests();
    requests
        .iter()
        .map(|request| event_of(&request.text()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_killed_between_claim_and_answer_repeats_once_with_the_same_key() {
    on_both(async |ground| {
        ground.sink.reply_next([HttpReply::Late(200, 200)]);
        ground.take(&[dispatch(1, 1, Opened)]).await;
        let mut lane = ground.lane(ground.hook);
        let killed = tokio::spawn(async move { lane.run_due().await });
        let _ = ground.sink.wait_for(1, WAIT);
        killed.abort();
        let _ = killed.await;
        assert_eq!(ground.reasons(1).await, [Reason::Pending]);
        // Under the lease nobody else takes it, and its recovery waits behind it.
        ground.take(&[dispatch(1, 2, Recovered)]).await;
        assert_eq!(ground.send().await, 0);
        ground.clock.advance_ms(61_000);
        assert_eq!(ground.send().await, 2);
        assert_eq!(ground.heard(), ["opened 1", "opened 1", "recovered 1"]);
        let requests = ground.sink.requests();
        assert_eq!(
            requests[0].header("webhook-id"),
            requests[1].header("webhook-id")
        );
        assert_eq!(requests[0].body, requests[1].body);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_cannot_be_opened_stops_nobody_else_and_hands_over() {
    on_both(async |ground| {
        let spare = HttpSink::start();
        let spare_hook = webhook(ground.db, &ground.context, &spare, None).await;
        let broken = webhook(ground.db, &ground.context, &ground.sink, Some(spare_hook)).await;
        let spoil: db::Result<()> = ground
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let sql = "UPDATE notice_channel SET sealed = 'v1:AAAA' WHERE id = $1";
                    tx.execute(sql, params![broken]).await.map(|_| ())
                })
            })
            .await;
        spoil.unwrap();
        recipient(ground.db, "김당직", &[broken], &[]).await;
        ground.take(&[dispatch(1, 1, Opened)]).await;
        assert_eq!(ground.send().await, 1);
        let mut lane = ground.lane(broken);
        lane.run_due().await.unwrap();
        let health = service::health(&mut ground.db.reader()).await.unwrap();
        assert!(
            health
                .iter()
                .any(|one| one.channel == broken && one.failures == 1)
        );
        ground.clock.advance_ms(61_000);
        lane.run_due().await.unwrap();
        assert_eq!(ground.lane(spare_hook).run_due().await.unwrap(), 1);
        assert_eq!(spare.requests().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_inbox_left_is_decided_on_once_and_in_order() {
    on_both(async |ground| {
        for (seq, event) in [(1, Opened), (2, Raised), (3, Recovered)] {
            leave(ground.db, &dispatch(1, seq, event)).await;
        }
        let bad: db::Result<()> = ground
            .db
            .write(|tx| {
                Box::pin(async move {
                    let post = jobs::Post::new(Dispatch::KIND, &"nonsense")?;
                    jobs::put(tx, post).await.map(|_| ())
                })
            })
            .await;
        bad.unwrap();
        let (first, second) = tokio::join!(
            service::take_waiting(ground.db, &ground.context),
            service::take_waiting(ground.db, &ground.context),
        );
        assert_eq!(first.unwrap() + second.unwrap(), 3);
        let reasons = [Reason::OverBefore, Reason::OverBefore, Reason::NotNeeded];
        assert_eq!(ground.reasons(1).await, reasons);
        let dead = jobs::dead(&mut ground.db.reader(), None, 9).await.unwrap();
        assert!(dead[0].error.contains("dispatch"), "{dead:?}");
    })
    .await;
}

async fn leave(db: &Db, dispatch: &Dispatch) {
    let payload: serde_json::Value = serde_json::from_str(&encode(dispatch).unwrap()).unwrap();
    let left: db::Result<()> = db
        .write(move |tx| {
            Box::pin(async move {
                jobs::put(tx, jobs::Post::new(Dispatch::KIND, &payload)?)
                    .await
                    .map(|_| ())
            })
        })
        .await;
    left.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hung_channel_delays_nobody_else() {
    let env = Env::system();
    let store = sqlite_store(&env).await;
    let context = context(&env);
    let (good, bad) = (HttpSink::start(), HttpSink::start());
    bad.reply(HttpReply::Hang);
    let slow = webhook(&store.db, &context, &bad, None).await;
    let fast = webhook(&store.db, &context, &good, None).await;
    recipient(&store.db, "느림", &[slow], &[]).await;
    recipient(&store.db, "빠름", &[fast], &[]).await;
    let (trigger, down) = jobs::shutdown();
    let courier = tokio::spawn(notice::courier::run(store.db.clone(), context, down));
    let mut latencies_ms = Vec::new();
    for problem in 1..=20_usize {
        let before_ns = HttpSink::now_ns();
        leave(&store.db, &dispatch(problem as u128, 1, Opened)).await;
        let came = good.wait_for(problem, WAIT);
        latencies_ms.push((came[problem - 1].at_ns - before_ns) as f64 / 1e6);
    }
    latencies_ms.sort_by(f64::total_cmp);
    eprintln!("put to webhook beside a hung channel, ms: {latencies_ms:.1?}");
    assert!(latencies_ms[19] < 5_000.0);
    trigger.fire();
    courier.await.unwrap();
    store.db.close().await;
}
