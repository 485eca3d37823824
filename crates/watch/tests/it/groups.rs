//! Groups: unique names, selectors that can be read, nothing retired that is used.

use watch::{GroupEdit, GroupSelector, WatchError};

use super::{KIM, LEE, on_both, rule};

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_named_once_and_kept_while_they_are_used() {
    on_both(async |watch, _| {
        let edit = |name: &str| GroupEdit {
            name: name.into(),
            note: String::new(),
            selector: GroupSelector {
                names: vec!["web*".into()],
                ..GroupSelector::default()
            },
        };
        let web = watch.create_group(edit("web"), KIM).await.unwrap();
        let taken = watch.create_group(edit("web"), LEE).await;
        assert!(matches!(taken, Err(WatchError::Taken(_))));
        let hollow = GroupEdit {
            selector: GroupSelector::default(),
            ..edit("x")
        };
        let refused = watch.create_group(hollow, LEE).await;
        assert!(matches!(
            refused,
            Err(WatchError::Field {
                field: "selector",
                ..
            })
        ));
        let labels = serde_json::from_str(r#"{"labels": "{env=~\"(\"}"}"#).unwrap();
        let broken = GroupEdit {
            selector: labels,
            ..edit("x")
        };
        assert!(matches!(
            watch.create_group(broken, LEE).await,
            Err(WatchError::Selector(_))
        ));

        let mut scoped = rule("scoped");
        scoped.scope.groups = vec!["web".into()];
        let scoped = watch.create_rule(scoped, KIM).await.unwrap();
        let refused = watch.retire_group((web.id, None), KIM).await.unwrap_err();
        assert_eq!(refused.to_string(), "`web` is still used by rule `scoped`");
        let renamed = watch
            .update_group((web.id, Some(1)), edit("front"), KIM)
            .await;
        assert!(matches!(renamed, Err(WatchError::InUse { .. })));
        watch.retire_rule((scoped.id, None), KIM).await.unwrap();
        let front = watch
            .update_group((web.id, Some(1)), edit("front"), KIM)
            .await
            .unwrap();
        let late = watch
            .update_group((web.id, Some(1)), edit("front"), LEE)
            .await;
        assert!(matches!(late, Err(WatchError::ChangedMeanwhile { .. })));
        watch
            .retire_group((web.id, Some(front.version)), KIM)
            .await
            .unwrap();
        assert!(watch.groups(false).await.unwrap().is_empty());
        let again = watch.create_group(edit("front"), KIM).await.unwrap();
        assert_eq!(again.id, web.id);
    })
    .await;
}
