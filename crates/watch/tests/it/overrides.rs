//! Overrides: a reason, a fitting value, an end.

use judge::Values;
use model::{CiId, OverrideId, RuleId};
use watch::{For, OverrideEdit, OverrideFilter, WatchError};

use super::{KIM, LEE, START_MS, on_both, rule};

fn edit(rule: RuleId, values: &str) -> OverrideEdit {
    OverrideEdit {
        rule,
        whom: For::Host(CiId::from_bits(1)),
        target_key: Some("/var".into()),
        values: serde_json::from_str::<Values>(values).unwrap(),
        until_ms: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn overrides_need_a_reason_and_fit_their_rule() {
    on_both(async |watch, _| {
        let disk = watch.create_rule(rule("disk-used"), KIM).await.unwrap();
        let edit = |values: &str| edit(disk.id, values);
        let mute = edit(r#"{"enabled": false}"#);
        let refused = watch.create_overrides(vec![mute.clone()], LEE).await;
        assert!(matches!(
            refused,
            Err(WatchError::Field { field: "why", .. })
        ));
        let unfit = edit(r#"{"levels": [{"severity": "info", "count": 2}]}"#);
        let refused = watch.create_overrides(vec![unfit], KIM).await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            "rule `disk-used` has no level `info` to change"
        );
        let past = OverrideEdit {
            until_ms: Some(START_MS - 1),
            ..mute.clone()
        };
        assert!(watch.create_overrides(vec![past], KIM).await.is_err());
        let nobody = OverrideEdit {
            whom: For::Group(model::GroupId::from_bits(9)),
            ..mute.clone()
        };
        let both = vec![mute.clone(), nobody];
        assert!(
            watch.create_overrides(both, KIM).await.is_err(),
            "all or none"
        );
        assert!(watch.config().await.unwrap().overrides.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn overrides_are_changed_taken_back_and_expire() {
    on_both(async |watch, clock| {
        let disk = watch.create_rule(rule("disk-used"), KIM).await.unwrap();
        let mute = edit(disk.id, r#"{"enabled": false}"#);
        let until_ms = watch_now(clock) + 60_000;
        let timed = OverrideEdit {
            until_ms: Some(until_ms),
            ..mute.clone()
        };
        let made = watch
            .create_overrides(vec![timed, mute.clone()], KIM)
            .await
            .unwrap();
        let higher = edit(
            disk.id,
            r#"{"levels": [{"severity": "major", "conditions": ["used > 97%"]}]}"#,
        );
        let changed = watch
            .update_override((made[1].id, Some(1)), higher, KIM)
            .await
            .unwrap();
        assert_eq!(changed.version, 2);
        let late = watch
            .update_override((made[1].id, Some(1)), mute, KIM)
            .await;
        assert!(matches!(late, Err(WatchError::ChangedMeanwhile { .. })));
        assert_eq!(watch.expire_overrides().await.unwrap(), 0);
        clock.advance_ms(60_000);
        assert_eq!(watch.expire_overrides().await.unwrap(), 1);
        let ended = watch.override_by_id(made[0].id).await.unwrap();
        assert_eq!((ended.by.as_str(), ended.why.as_str()), ("kim", "tried it"));
        assert_eq!(ended.ended_ms, Some(watch_now(clock)));
        let config = watch.config().await.unwrap();
        assert_eq!((config.rules.len(), config.overrides.len()), (1, 1));
        watch.end_overrides(&[made[1].id], LEE).await.unwrap();
        assert!(watch.end_overrides(&[made[1].id], LEE).await.is_err());
        let filter = OverrideFilter {
            rule: Some(disk.id),
            ended: true,
            limit: 10,
            ..OverrideFilter::default()
        };
        let listed: Vec<OverrideId> = watch
            .overrides(&filter)
            .await
            .unwrap()
            .iter()
            .map(|one| one.id)
            .collect();
        assert_eq!(listed, [made[1].id, made[0].id]);
        let id = made[1].id.to_string();
        assert_eq!(watch.history("override", &id, 10).await.unwrap().len(), 3);
    })
    .await;
}

fn watch_now(clock: &stdx::VirtualClock) -> i64 {
    stdx::Clock::now_ms(clock)
}
