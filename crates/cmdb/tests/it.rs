//! Hosts on both record stores: enrolment, names, labels, versions, discoveries.

use std::collections::BTreeMap;

use cmdb::{Cmdb, CmdbError, HostChange, HostFacts, HostFilter, Ignore, Seen};
use stdx::Env;
use testkit::Store;

async fn on_both(test: impl AsyncFn(&Cmdb, &stdx::VirtualClock)) {
    let (env, clock) = Env::simulated(1_700_000_000_000, 5);
    testkit::on_both_stores(&env, async |store: &Store| {
        test(&Cmdb::new(store.db.clone(), env.clone()), &clock).await;
    })
    .await;
}

fn facts(hostname: &str, machine: &str) -> HostFacts {
    HostFacts {
        hostname: hostname.into(),
        machine: machine.into(),
        os_family: "linux".into(),
        addresses: vec!["10.0.0.1".into()],
        ..HostFacts::default()
    }
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_keeps_its_id_and_a_taken_name_gets_a_number() {
    on_both(async |cmdb, _| {
        let first = cmdb
            .enrol(facts("web01", "m1"), labels(&[("env", "prod")]))
            .await
            .unwrap();
        let again = cmdb.enrol(facts("other", "m1"), labels(&[])).await.unwrap();
        assert_eq!((first.id, again.name.as_str()), (again.id, "web01"));
        let twin = cmdb.enrol(facts("web01", "m2"), labels(&[])).await.unwrap();
        assert_eq!(twin.name, "web01-2");
        let nameless = cmdb.enrol(facts("한글", ""), labels(&[])).await.unwrap();
        assert_eq!(nameless.name, "host");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_are_checked_versioned_and_never_undone_by_facts() {
    on_both(async |cmdb, _| {
        let host = cmdb.enrol(facts("web01", "m1"), labels(&[])).await.unwrap();
        let rename = HostChange {
            name: Some("front-1".into()),
            ..HostChange::default()
        };
        let renamed = cmdb
            .change(host.id, Some(1), rename.clone(), "kim")
            .await
            .unwrap();
        assert_eq!((renamed.name.as_str(), renamed.version), ("front-1", 2));
        let stale = cmdb.change(host.id, Some(1), rename, "lee").await;
        assert!(matches!(
            stale,
            Err(CmdbError::ChangedMeanwhile {
                found: 2,
                seen: 1,
                ..
            })
        ));
        let bad = HostChange {
            labels: Some(labels(&[("a-b", "x")])),
            ..HostChange::default()
        };
        let refused = cmdb.change(host.id, None, bad, "kim").await;
        assert!(matches!(refused, Err(CmdbError::BadLabel(_))));
        let grown = HostFacts {
            cpus: 8,
            ..facts("web01", "m1")
        };
        cmdb.observe(host.id, grown).await.unwrap();
        let found = cmdb.host(host.id).await.unwrap();
        assert_eq!(
            (found.name.as_str(), found.facts.cpus, found.version),
            ("front-1", 8, 2)
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_filter_by_text_labels_and_service() {
    on_both(async |cmdb, _| {
        for number in 0..5 {
            let env = if number % 2 == 0 { "prod" } else { "dev" };
            let name = format!("web{number}");
            cmdb.enrol(facts(&name, &name), labels(&[("env", env)]))
                .await
                .unwrap();
        }
        let names = async |filter: HostFilter| {
            let hosts = cmdb
                .hosts(&HostFilter {
                    limit: 10,
                    ..filter
                })
                .await
                .unwrap();
            hosts.into_iter().map(|host| host.name).collect::<Vec<_>>()
        };
        let prod = HostFilter {
            labels: vec![("env".into(), "prod".into())],
            ..Default::default()
        };
        assert_eq!(names(prod).await, ["web0", "web2", "web4"]);
        let text = HostFilter {
            text: "EB3".into(),
            ..Default::default()
        };
        assert_eq!(names(text).await, ["web3"]);
        let host = cmdb.host_by_name("web1").await.unwrap();
        let retire = HostChange {
            retired: Some(true),
            ..HostChange::default()
        };
        cmdb.change(host.id, None, retire, "kim").await.unwrap();
        assert_eq!(
            names(HostFilter::default()).await,
            ["web0", "web2", "web3", "web4"]
        );
        let all = HostFilter {
            retired: true,
            after: Some("web0".into()),
            ..Default::default()
        };
        assert_eq!(names(all).await, ["web1", "web2", "web3", "web4"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn discoveries_come_go_and_are_ignored_with_a_reason_and_an_end() {
    on_both(async |cmdb, clock| {
        let host = cmdb.enrol(facts("web01", "m1"), labels(&[])).await.unwrap();
        let thing = |key: &str| Seen {
            kind: "filesystem".into(),
            key: key.into(),
            title: key.into(),
            attributes: BTreeMap::new(),
        };
        cmdb.discover(host.id, vec![thing("/"), thing("/var")])
            .await
            .unwrap();
        clock.advance_ms(1_000);
        cmdb.discover(host.id, vec![thing("/")]).await.unwrap();
        let found = cmdb.discovered(Some(host.id)).await.unwrap();
        assert_eq!(
            found
                .iter()
                .map(|d| d.seen.key.as_str())
                .collect::<Vec<_>>(),
            ["/"]
        );
        let until_ms = Some(stdx::Clock::now_ms(clock) + 10_000);
        let ignore = Ignore {
            by: "kim".into(),
            why: "scratch".into(),
            until_ms,
        };
        let mute = Ignore {
            why: " ".into(),
            ..ignore.clone()
        };
        let refused = cmdb.ignore(host.id, "filesystem", "/", Some(mute)).await;
        assert!(matches!(refused, Err(CmdbError::NoReason(_))));
        cmdb.ignore(host.id, "filesystem", "/", Some(ignore))
            .await
            .unwrap();
        assert!(cmdb.discovered(None).await.unwrap()[0].ignored.is_some());
        clock.advance_ms(60_000);
        assert!(
            cmdb.discovered(None).await.unwrap()[0].ignored.is_none(),
            "its end came"
        );
    })
    .await;
}
