//! Prints what judging costs: `cargo bench -p judge`.

use judge::load::{Load, run};
use model::rule::Rule;
use stdx::SystemClock;

const RULE: &str = r#"{
    "key": "cpu-used", "title": {"ko": "CPU 사용률", "en": "CPU used"}, "group": "cpu",
    "target": {"kind": "host"},
    "signals": {"used": {"series": "bongsu_cpu_used_ratio", "unit": "ratio", "clear_by": "10%"}},
    "levels": [
        {"severity": "info", "any": [{"all": ["used > 70%"]}]},
        {"severity": "warning", "any": [{"all": ["used > 80%"]}], "for": "5m"},
        {"severity": "minor", "any": [{"all": ["used > 90%"]}], "for": "5m"},
        {"severity": "major", "any": [{"all": ["used > 95%"]}], "for": "5m"},
        {"severity": "critical", "any": [{"all": ["used > 98%"]}], "for": "5m"}
    ]}"#;

fn main() {
    let load = Load {
        hosts: 1_000,
        pairs_per_host: 100,
        unjudged_per_host: 100,
        interval_ms: 1_000,
        rounds: 30,
    };
    let rule: Rule = serde_json::from_str(RULE).expect("the rule above");
    let clock = SystemClock::new();
    for _ in 0..3 {
        let m = run(load, &rule, &clock).expect("the rule compiles");
        println!(
            "{} pairs, {} judged samples: {:.1} ns judged, {:.1} ns unjudged, {} changes; \
             snapshot {:.1} bytes a pair, {:.1} ms to write, {:.1} ms to read; \
             100,000 samples/s with snapshots take {:.3} of a core",
            m.pairs,
            m.judged,
            m.judged_ns,
            m.unjudged_ns,
            m.fired,
            m.snapshot_bytes_per_pair,
            m.snapshot_ms,
            m.restore_ms,
            m.core_share,
        );
    }
}
