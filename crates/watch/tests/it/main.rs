//! Rules, groups, overrides, watched things and documents on both record stores.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "what a test puts together is there, or the test fails"
)]

mod defaults;
mod documents;
mod groups;
mod overrides;
mod rules;
mod watched;

use model::rule::Rule;
use stdx::Env;
use testkit::Store;
use watch::{By, RuleFilter, Watch};

const START_MS: i64 = 1_700_000_000_000;

async fn on_both(test: impl AsyncFn(&Watch, &stdx::VirtualClock)) {
    let (env, clock) = Env::simulated(START_MS, 5);
    testkit::on_both_stores(&env, async |store: &Store| {
        test(&Watch::new(store.db.clone()), &clock).await;
    })
    .await;
}

fn rule(key: &str) -> Rule {
    let text = r#"{
        "key": "KEY", "title": {"ko": "디스크 사용률", "en": "Disk used"}, "group": "disk",
        "target": {"kind": "filesystem", "by": ["mountpoint"]},
        "signals": {"used": {"series": "used_ratio", "unit": "ratio"}},
        "levels": [{"severity": "warning", "any": [{"all": ["used > 80%"]}]},
                   {"severity": "major", "any": [{"all": ["used > 95%"]}]}]}"#;
    serde_json::from_str(&text.replace("KEY", key)).unwrap()
}

fn with_threshold(key: &str, text: &str) -> Rule {
    let mut rule = rule(key);
    rule.levels[1].any[0].all[0] = text.parse().unwrap();
    rule
}

const KIM: By<'static> = By {
    actor: "kim",
    why: "tried it",
};
const LEE: By<'static> = By {
    actor: "lee",
    why: "",
};

fn all() -> RuleFilter {
    RuleFilter {
        limit: 100,
        ..RuleFilter::default()
    }
}
