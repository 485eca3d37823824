//! Watched things: what is refused, and what reaches which host.

use std::collections::BTreeMap;

use model::CiId;
use watch::{
    For, GroupEdit, GroupSelector, HostInfo, WatchError, WatchedEdit, WatchedKind, config_for,
};

use super::{KIM, on_both};

fn process(pattern: &str) -> WatchedKind {
    WatchedKind::Process {
        pattern: pattern.into(),
        user: String::new(),
        min: 1,
        max: None,
    }
}

fn thing(name: &str, what: WatchedKind, whom: For) -> WatchedEdit {
    WatchedEdit {
        name: name.into(),
        what,
        whom,
        enabled: true,
    }
}

fn info(ci: CiId, name: &str) -> HostInfo {
    HostInfo {
        ci,
        name: name.into(),
        os: "linux".into(),
        labels: BTreeMap::new(),
        interval_ms: 10_000,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_thing_is_refused_by_its_field() {
    on_both(async |watch, _| {
        let host = CiId::from_bits(1);
        for (what, field) in [
            (process("("), "pattern"),
            (process(""), "pattern"),
            (
                WatchedKind::File {
                    path: "etc/passwd".into(),
                },
                "path",
            ),
            (
                WatchedKind::Check {
                    command: "/usr/lib/nagios/plugins/check_http".into(),
                    args: Vec::new(),
                    interval_s: 60,
                    timeout_s: 90,
                },
                "timeout_s",
            ),
        ] {
            let refused = watch
                .create_watched(vec![thing("x", what, For::Host(host))], KIM)
                .await;
            let Err(WatchError::Field { field: found, .. }) = refused else {
                panic!("{refused:?}");
            };
            assert_eq!(found, field);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn watched_things_of_groups_reach_their_hosts() {
    on_both(async |watch, _| {
        let selector = GroupSelector {
            names: vec!["web*".into()],
            ..GroupSelector::default()
        };
        let edit = GroupEdit {
            name: "web".into(),
            note: String::new(),
            selector,
        };
        let web = watch.create_group(edit, KIM).await.unwrap();
        let host = CiId::from_bits(1);
        let all = vec![
            thing("nginx", process("nginx: master"), For::Group(web.id)),
            thing("sshd", process("sshd"), For::Group(web.id)),
            thing("nginx", process("nginx -g"), For::Host(host)),
        ];
        let made = watch.create_watched(all, KIM).await.unwrap();
        let twice = vec![thing("nginx", process("n"), For::Host(host))];
        assert!(matches!(
            watch.create_watched(twice, KIM).await,
            Err(WatchError::Taken(_))
        ));

        let config = watch.config().await.unwrap();
        let patterns = async |info: &HostInfo| {
            let listed = watch.watched(None, false).await.unwrap();
            let chosen = config_for(info, &config, &listed);
            let patterns = chosen.into_iter().map(|one| match one.what {
                WatchedKind::Process { pattern, .. } => pattern,
                other => other.name().to_owned(),
            });
            patterns.collect::<Vec<_>>().join(" | ")
        };
        let (first, second) = (info(host, "web01"), info(CiId::from_bits(2), "web02"));
        assert_eq!(patterns(&first).await, "nginx -g | sshd");
        assert_eq!(patterns(&second).await, "nginx: master | sshd");
        assert_eq!(patterns(&info(CiId::from_bits(3), "db01")).await, "");
        assert_eq!(
            watch
                .enable_watched(&[made[2].id], false, KIM)
                .await
                .unwrap(),
            1
        );
        assert_eq!(
            patterns(&first).await,
            "sshd",
            "an own thing switched off hides the group's"
        );
        watch
            .retire_watched(&[made[2].id, made[1].id], KIM)
            .await
            .unwrap();
        assert_eq!(patterns(&first).await, "nginx: master");
        let used = watch.retire_group((web.id, None), KIM).await.unwrap_err();
        assert_eq!(
            used.to_string(),
            "`web` is still used by watched process `nginx`"
        );
    })
    .await;
}
