//! Every route of the program names an action, changes are audited, and what is open to all is listed.

use std::collections::BTreeSet;

use axum::http::Method;
use web::{EndpointKind, EndpointSpec, Need};

use super::*;
use crate::config::Overrides;

/// What anybody may ask who reaches the port; a longer list needs a reason.
const PUBLIC: &str = include_str!("public_routes.txt");

/// Every endpoint, as the program mounts them.
async fn specs() -> Vec<EndpointSpec> {
    let folder = tempfile::tempdir().unwrap();
    let over = Overrides {
        data_dir: Some(folder.path().to_owned()),
        listen: Some("127.0.0.1:0".parse().unwrap()),
        ..Overrides::default()
    };
    let config = Config::load(None, over).unwrap();
    let core = prepare(config, Env::system()).await.unwrap();
    let (plane, _staged) = DataPlane::new(
        core.stores.tsdb.clone(),
        core.judging.driver.clone(),
        core.env.clone(),
    );
    let (intake, _thread) = plane.start().unwrap();
    let fleet = core.fleet(intake).unwrap();
    let accounts = Accounts::new(core.stores.db.clone(), core.env.clone());
    let entrance = core.entrance(&fleet);
    let desk = listen::desk(&core, &fleet, entrance.clone(), &accounts);
    let (mounted, _) = listen::mounted(&core, &fleet, entrance, (&accounts, desk));
    let document = crate::routes::document(&mounted.specs);
    let specs = mounted.merge(document).specs;
    core.stores.db.close().await;
    specs
}

fn name(spec: &EndpointSpec) -> String {
    format!("{} {}", spec.method, spec.path)
}

/// `area.verb`, lower case.
fn is_named(action: &str) -> bool {
    let sane = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_lowercase() || "-_".contains(c))
    };
    action.contains('.') && action.split('.').all(sane)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_is_without_action_or_audit() {
    let specs = specs().await;
    assert!(specs.len() > 100, "{} routes", specs.len());
    let mut bad = Vec::new();
    let mut seen = BTreeSet::new();
    let mut public = BTreeSet::new();
    for spec in &specs {
        if !is_named(spec.action.name) {
            bad.push(format!("{} has no action", name(spec)));
        }
        let reason = spec.unaudited_reason.unwrap_or_default();
        if spec.method != Method::GET && !spec.audited && reason.is_empty() {
            bad.push(format!("{} has no audit", name(spec)));
        }
        if spec.kind == EndpointKind::Api && spec.summary.is_empty() {
            bad.push(format!("{} has no summary in the API document", name(spec)));
        }
        if !seen.insert(name(spec)) {
            bad.push(format!("{} is there twice", name(spec)));
        }
        if spec.action.need == Need::Nothing {
            public.insert(name(spec));
        }
    }
    assert!(bad.is_empty(), "{bad:#?}");
    let known: BTreeSet<String> = PUBLIC
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(str::to_owned)
        .collect();
    assert_eq!(
        public, known,
        "what is open to all is listed in public_routes.txt"
    );
}
