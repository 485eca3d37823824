//! Random lives of a store against a map in memory.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tsdb::{Options, Point, SeriesId, Tsdb};

use crate::store::{T0, batch, labels, open_with, options};

#[derive(Clone, Debug)]
enum Step {
    /// Samples of (series, minutes after `T0`, value).
    Append(Vec<(u32, i64, u64)>),
    Sync,
    Flush,
    Maintain,
    Reopen,
    Query(u32, i64, i64),
}

fn step() -> impl Strategy<Value = Step> {
    // 3,000 minutes are three days, so that flushes split and merges stay within a day.
    let value = prop_oneof![any::<u64>(), Just(0x7ff0_0000_0000_0002)];
    let sample = (0..6_u32, -1_500..1_500_i64, value);
    prop_oneof![
        6 => prop::collection::vec(sample, 1..40).prop_map(Step::Append),
        1 => Just(Step::Sync),
        3 => Just(Step::Flush),
        1 => Just(Step::Maintain),
        1 => Just(Step::Reopen),
        3 => (0..6_u32, -1_500..1_500_i64, 0..1_500_i64)
            .prop_map(|(s, a, n)| Step::Query(s, a, a + n)),
    ]
}

type Model = BTreeMap<(u32, i64), u64>;

fn bits(points: &[Point]) -> Vec<(i64, u64)> {
    points
        .iter()
        .map(|point| (point.t_ms, point.value.to_bits()))
        .collect()
}

fn minute(minutes: i64) -> i64 {
    T0 + minutes * 60_000
}

fn check(tsdb: &Tsdb, model: &Model, series: u32, from: i64, to: i64) -> Result<(), TestCaseError> {
    let id = tsdb.resolve(&labels("m", series)).unwrap();
    let want = model
        .range((series, from)..=(series, to))
        .map(|(&(_, t), &v)| (t, v));
    let want: Vec<_> = want.collect();
    let got = tsdb.query(&[id], from, to).unwrap();
    prop_assert_eq!(bits(&got[0]), want);
    Ok(())
}

fn run(steps: Vec<Step>, small: &Options) -> Result<(), TestCaseError> {
    let dir = tempfile::tempdir().unwrap();
    let mut tsdb = open_with(dir.path(), small.clone()).0;
    let mut model = Model::new();
    for step in steps {
        match step {
            Step::Append(samples) => {
                let mut rows = Vec::new();
                for (series, minutes, value) in samples {
                    let id = tsdb.resolve(&labels("m", series)).unwrap();
                    rows.push((id, minute(minutes), f64::from_bits(value)));
                    model.insert((series, minute(minutes)), value);
                }
                tsdb.append(&batch(&rows)).unwrap();
            }
            Step::Sync => drop(tsdb.sync().unwrap()),
            Step::Flush => tsdb.flush().unwrap(),
            Step::Maintain => tsdb.maintain().unwrap(),
            Step::Reopen => {
                drop(tsdb);
                tsdb = open_with(dir.path(), small.clone()).0;
            }
            Step::Query(series, a, b) => check(&tsdb, &model, series, minute(a), minute(b))?,
        }
    }
    for series in 0..6 {
        check(&tsdb, &model, series, i64::MIN, i64::MAX)?;
        let id = tsdb.resolve(&labels("m", series)).unwrap();
        let last = model
            .range((series, i64::MIN)..=(series, i64::MAX))
            .next_back();
        let got = tsdb
            .last(id)
            .map(|point| (point.t_ms, point.value.to_bits()));
        prop_assert_eq!(got, last.map(|(&(_, t), &v)| (t, v)));
    }
    prop_assert!(tsdb.verify().is_empty());
    prop_assert!(tsdb.series_count() <= 6 && tsdb.labels(SeriesId(6)).is_none());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_store_agrees_with_a_map(steps in prop::collection::vec(step(), 1..40)) {
        let small = Options {
            wal_segment_bytes: 500,
            hold_for_checkpoint: false,
            future_ms_max: 2 * 24 * 3_600_000,
            ..options()
        };
        run(steps, &small)?;
    }
}
