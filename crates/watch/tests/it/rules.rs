//! Rules: defaults and upgrades, two editors, lists.

use model::rule::Rule;
use watch::{Origin, RuleFilter, WatchError};

use super::{KIM, LEE, all, on_both, rule, with_threshold};

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_never_overwrites_what_a_person_made_of_a_default() {
    on_both(async |watch, _| {
        let ship = |rules: Vec<Rule>| async {
            let rules = rules
                .into_iter()
                .map(|rule| ("filesystem".to_owned(), rule))
                .collect();
            watch.install_defaults(rules).await.unwrap()
        };
        let first = ship(vec![rule("disk-used"), rule("inodes"), rule("old")]).await;
        assert_eq!(first.added, ["disk-used", "inodes", "old"]);
        let again = ship(vec![rule("disk-used"), rule("inodes"), rule("old")]).await;
        assert_eq!(again.unchanged.len(), 3);

        let disk = watch.rule_by_key("disk-used").await.unwrap();
        assert_eq!(
            (disk.origin, disk.source.as_str()),
            (Origin::Default, "filesystem")
        );
        let mine = with_threshold("disk-used", "used > 97%");
        let edited = watch
            .update_rule((disk.id, Some(1)), mine.clone(), KIM)
            .await
            .unwrap();
        assert!(edited.edited && !edited.outdated);
        let inodes = watch.rule_by_key("inodes").await.unwrap();
        watch.enable_rules(&[inodes.id], false, LEE).await.unwrap();

        let newer = |key| with_threshold(key, "used > 96%");
        let upgrade = ship(vec![newer("disk-used"), newer("inodes")]).await;
        assert_eq!(upgrade.updated, ["disk-used", "inodes"]);
        assert_eq!(upgrade.retired, ["old"]);
        let disk = watch.rule(disk.id).await.unwrap();
        assert_eq!(disk.rule, mine);
        assert!(
            disk.edited && disk.outdated,
            "the edit stays, and it is said"
        );
        let inodes = watch.rule(inodes.id).await.unwrap();
        assert!(
            !inodes.edited && !inodes.rule.enabled,
            "switching off is kept, not an edit"
        );
        assert_eq!(inodes.rule.levels, newer("inodes").levels);

        let back = watch.revert_rule((disk.id, None), KIM).await.unwrap();
        assert!(!back.edited && !back.outdated);
        assert_eq!(back.rule, newer("disk-used"));
        let refused = watch.retire_rule((disk.id, None), KIM).await;
        assert!(
            matches!(refused, Err(WatchError::Shipped(_))),
            "{refused:?}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_editors_of_one_rule_and_the_history_of_their_edits() {
    on_both(async |watch, clock| {
        let made = watch.create_rule(rule("mine"), KIM).await.unwrap();
        let taken = watch.create_rule(rule("mine"), KIM).await;
        assert!(matches!(taken, Err(WatchError::Taken(_))));
        clock.advance_ms(1_000);
        let first = with_threshold("mine", "used > 96%");
        let saved = watch
            .update_rule((made.id, Some(1)), first, KIM)
            .await
            .unwrap();
        assert_eq!((saved.version, saved.updated_by.as_str()), (2, "kim"));
        let second = with_threshold("mine", "used > 97%");
        let late = watch.update_rule((made.id, Some(1)), second, LEE).await;
        let text = late.unwrap_err().to_string();
        assert_eq!(
            text,
            "`mine` was changed meanwhile (version 2, you saw 1): load it again"
        );
        let renamed = watch.update_rule((made.id, None), rule("other"), LEE).await;
        assert!(matches!(renamed, Err(WatchError::KeyChanged(..))));
        let mut wrong = rule("mine");
        wrong.levels[1].any[0].all[0] = "used > 10%".parse().unwrap();
        let refused = watch
            .update_rule((made.id, None), wrong, LEE)
            .await
            .unwrap_err();
        assert!(
            refused.to_string().contains("thresholds must rise"),
            "{refused}"
        );

        watch.retire_rule((made.id, Some(2)), LEE).await.unwrap();
        assert!(watch.rules(&all()).await.unwrap().is_empty());
        let again = watch.create_rule(rule("mine"), KIM).await.unwrap();
        assert_eq!((again.id, again.version), (made.id, 4));
        let history = watch
            .history("rule", &made.id.to_string(), 10)
            .await
            .unwrap();
        let authors: Vec<&str> = history.iter().map(|edit| edit.actor.as_str()).collect();
        assert_eq!(authors, ["kim", "lee", "kim", "kim"]);
        assert_eq!(history[2].why, "tried it");
        assert_eq!(history[1].after, None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_filtered_and_paged() {
    on_both(async |watch, _| {
        let ship = ["cpu-used", "disk-used"].map(|key| ("c".to_owned(), rule(key)));
        watch.install_defaults(ship.to_vec()).await.unwrap();
        watch.create_rule(rule("my-disk"), KIM).await.unwrap();
        let keys = async |filter: RuleFilter| {
            let rules = watch.rules(&filter).await.unwrap();
            rules
                .into_iter()
                .map(|rule| rule.rule.key)
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(keys(all()).await, "cpu-used disk-used my-disk");
        let text = RuleFilter {
            text: "CPU".into(),
            ..all()
        };
        assert_eq!(keys(text).await, "cpu-used");
        let title = RuleFilter {
            text: "디스크".into(),
            ..all()
        };
        assert_eq!(keys(title).await, "cpu-used disk-used my-disk");
        let mine = RuleFilter {
            origin: Some(Origin::User),
            ..all()
        };
        assert_eq!(keys(mine).await, "my-disk");
        let off = RuleFilter {
            enabled: Some(false),
            ..all()
        };
        assert_eq!(keys(off).await, "");
        let page = RuleFilter {
            after: Some("cpu-used".into()),
            limit: 1,
            ..all()
        };
        assert_eq!(keys(page).await, "disk-used");
    })
    .await;
}
