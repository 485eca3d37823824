//! Prints what judging costs, a JSON line a figure: `cargo xtask bench judge`.

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

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let load = Load {
        hosts: 1_000,
        pairs_per_host: 100,
        unjudged_per_host: 100,
        interval_ms: 1_000,
        rounds: 30,
    };
    let rule: Rule = serde_json::from_str(RULE)?;
    let m = run(load, &rule, &SystemClock::new())?;
    println!(
        "{} pairs, {} judged samples, {} changes",
        m.pairs, m.judged, m.fired
    );
    row("a judged sample", "ns", (m.judged_ns, 200.0));
    row("an unjudged sample", "ns", (m.unjudged_ns, 20.0));
    row(
        "100,000 pairs at 100,000 samples/s with snapshots",
        "cores",
        (m.core_share, 0.1),
    );
    row(
        "a pair in a snapshot",
        "bytes",
        (m.snapshot_bytes_per_pair, 64.0),
    );
    row("100,000 pairs written", "ms", (m.snapshot_ms, 50.0));
    row("100,000 pairs read", "ms", (m.restore_ms, 250.0));
    Ok(())
}

fn row(what: &str, unit: &str, (ours, target): (f64, f64)) {
    println!(
        r#"{{"what": "judge: {what}", "unit": "{unit}", "ours": {ours:.3}, "target": {target}}}"#
    );
}
