//! What must hold for every rule and every input: random rules, random batches, random restarts.

use std::sync::Arc;

use model::Severity;
use model::rule::Rule;
use proptest::prelude::*;

use crate::{
    Engine, Event, Fired, HostIx, HostSpec, PairIx, PairKey, PairSpec, Sample, Snapshot,
    WalPosition, compile,
};

const PAIRS: u32 = 4;
const SIGNALS: u32 = 2;

#[derive(Clone, Debug)]
struct Batch {
    advance_ms: u32,
    values: Vec<Option<f64>>,
    old: bool,
}

fn batches() -> impl Strategy<Value = Vec<Batch>> {
    let value = prop_oneof![
        6 => (0_u32..=20).prop_map(|v| Some(f64::from(v) * 5.0)),
        1 => Just(None),
        1 => Just(Some(f64::NAN)),
    ];
    let advance = prop_oneof![8 => Just(10_000_u32), 1 => 1_u32..100, 1 => 30_000_u32..400_000];
    let batch = (
        advance,
        prop::collection::vec(value, (PAIRS * SIGNALS) as usize),
        prop::bool::weighted(0.1),
    );
    let batch = batch.prop_map(|(advance_ms, values, old)| Batch {
        advance_ms,
        values,
        old,
    });
    prop::collection::vec(batch, 1..120)
}

fn rule() -> impl Strategy<Value = Rule> {
    let level = (0_u32..4, 1_u32..4, prop::bool::ANY);
    (prop::collection::vec(level, 5), 1_u32..4, 1_u32..31).prop_map(|(levels, clear, mask)| {
        let mut out = Vec::new();
        for (at, (duration, count, both)) in (0_u32..).zip(levels) {
            if mask & (1 << at) == 0 {
                continue;
            }
            let severity = Severity::LEVELS[at as usize].name();
            let threshold = 50 + at * 10;
            let and = if both { ", \"b > 20\"" } else { "" };
            out.push(format!(
                r#"{{"severity": "{severity}", "for": "{}s", "count": {count},
                "any": [{{"all": ["a > {threshold}"{and}]}}, {{"all": ["b > {}"]}}]}}"#,
                duration * 15,
                threshold + 5,
            ));
        }
        let text = format!(
            r#"{{"key": "random", "title": {{"ko": "임의", "en": "Random"}}, "group": "g",
            "target": {{"kind": "host"}}, "clear_count": {clear}, "levels": [{}],
            "signals": {{"a": {{"series": "a"}}, "b": {{"series": "b"}}}}}}"#,
            out.join(",")
        );
        serde_json::from_str(&text).unwrap()
    })
}

fn engine(rule: &Rule, snapshot: Option<Snapshot>) -> (Engine, HostIx, Vec<PairIx>) {
    let mut engine = Engine::new();
    if let Some(snapshot) = snapshot {
        engine.restore(snapshot);
    }
    let host = engine.add_host(HostSpec {
        key: 9,
        interval_ms: 10_000,
    });
    let program = Arc::new(compile(rule).unwrap());
    let pairs = (0..PAIRS).map(|number| {
        let pair = engine.add_pair(PairSpec {
            key: PairKey(u64::from(number) << 32),
            host,
            group: 0,
            program: Arc::clone(&program),
        });
        for signal in 0..SIGNALS {
            engine.bind(
                number * SIGNALS + signal,
                pair,
                u8::try_from(signal).unwrap(),
            );
        }
        pair
    });
    let pairs = pairs.collect();
    (engine, host, pairs)
}

fn samples(batches: &[Batch]) -> Vec<Vec<Sample>> {
    let mut now_ms = 1_700_000_000_000;
    let make = |batch: &Batch| {
        now_ms += i64::from(batch.advance_ms);
        let at_ms = if batch.old { now_ms - 45_000 } else { now_ms };
        let values = (0_u32..).zip(&batch.values);
        let samples = values.filter_map(|(series, value)| {
            Some(Sample {
                series,
                at_ms,
                value: (*value)?,
            })
        });
        samples.collect()
    };
    batches.iter().map(make).collect()
}

fn judge(engine: &mut Engine, host: HostIx, batches: &[Vec<Sample>]) -> Vec<Event> {
    let mut events = Vec::new();
    for batch in batches {
        engine.ingest(host, batch, i64::MAX, &mut events);
    }
    events
}

fn fired(events: &[Event]) -> Vec<Fired> {
    let fired = events.iter().filter_map(|event| match event {
        Event::Fired(fired) => Some(fired.clone()),
        Event::Mark(_) => None,
    });
    fired.collect()
}

/// Events with NaN values made comparable.
fn text(events: &[Event]) -> Vec<String> {
    events.iter().map(|event| format!("{event:?}")).collect()
}

proptest! {
    #[test]
    fn a_snapshot_and_the_rest_say_what_an_uninterrupted_run_says(
        rule in rule(), batches in batches(), cut in 0_usize..120,
    ) {
        let batches = samples(&batches);
        let cut = cut.min(batches.len());
        let (mut whole, host, pairs) = engine(&rule, None);
        let mut expected = judge(&mut whole, host, &batches[..cut]);
        let position = WalPosition { segment: 3, offset: cut as u64 };
        let bytes = whole.snapshot(position, 1_700_000_123_456);
        let said_before = expected.len();
        expected.extend(judge(&mut whole, host, &batches[cut..]));

        let snapshot = Snapshot::decode(&bytes).unwrap();
        prop_assert_eq!(snapshot.wal, position);
        let (mut resumed, host, resumed_pairs) = engine(&rule, Some(snapshot));
        prop_assert_eq!(resumed.waiting_count(), 0);
        let after = judge(&mut resumed, host, &batches[cut..]);
        prop_assert_eq!(text(&after), text(&expected[said_before..]));
        for (a, b) in pairs.into_iter().zip(resumed_pairs) {
            prop_assert_eq!(whole.pair(a).unwrap().state, resumed.pair(b).unwrap().state);
        }
        prop_assert_eq!(whole.board().cells(), resumed.board().cells());
    }

    #[test]
    fn replaying_what_is_already_contained_says_nothing(
        rule in rule(), batches in batches(), from in 0_usize..120,
    ) {
        // Old samples of slow signals may still complete a later evaluation, so times only rise.
        let rising: Vec<Batch> = batches.into_iter().filter(|batch| !batch.old).collect();
        let batches = samples(&rising);
        let (mut engine, host, _) = engine(&rule, None);
        judge(&mut engine, host, &batches);
        let again = judge(&mut engine, host, &batches[from.min(batches.len())..]);
        prop_assert_eq!(text(&again), Vec::<String>::new());
    }

    #[test]
    fn transitions_form_one_chain_and_only_levels_of_the_rule_are_reached(
        rule in rule(), batches in batches(),
    ) {
        let (mut engine, host, pairs) = engine(&rule, None);
        let events = judge(&mut engine, host, &samples(&batches));
        for pair in pairs {
            let mut at = (Severity::Normal, i64::MIN);
            for one in fired(&events).iter().filter(|one| one.pair == pair) {
                prop_assert_ne!(one.from, one.to);
                prop_assert_eq!(one.from, at.0);
                prop_assert!(one.at_ms > at.1);
                let has = rule.levels.iter().any(|level| level.severity == one.to);
                prop_assert!(has || one.to == Severity::Normal);
                prop_assert_eq!(one.because.level, one.from.max(one.to));
                at = (one.to, one.at_ms);
            }
            prop_assert_eq!(engine.pair(pair).unwrap().state.severity(), at.0);
        }
    }

    #[test]
    fn good_values_for_long_enough_close_everything(rule in rule(), batches in batches()) {
        let (mut engine, host, pairs) = engine(&rule, None);
        let mut all = samples(&batches);
        let mut at_ms = 1_700_000_000_000 + 200 * 400_000;
        for _ in 0..4 {
            at_ms += 10_000;
            let series = 0..PAIRS * SIGNALS;
            all.push(series.map(|series| Sample { series, at_ms, value: 0.0 }).collect());
        }
        judge(&mut engine, host, &all);
        for pair in pairs {
            prop_assert_eq!(engine.pair(pair).unwrap().state.severity(), Severity::Normal);
        }
    }

    #[test]
    fn a_damaged_snapshot_is_refused_and_never_panics(
        batches in batches(), at in 0_usize..4_000, bit in 0_u8..8, cut in 0_usize..4_000,
    ) {
        let rule = super::values::disk_rule();
        let (mut engine, host, _) = engine(&rule, None);
        judge(&mut engine, host, &samples(&batches));
        let mut bytes = engine.snapshot(WalPosition::default(), 1_700_000_000_000);
        let cut = cut % bytes.len();
        prop_assert!(Snapshot::decode(&bytes[..cut]).is_err());
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        prop_assert!(Snapshot::decode(&bytes).is_err());
    }
}
