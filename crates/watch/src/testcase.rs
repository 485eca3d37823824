//! Test cases of rules: values over time in, severities at times expected (`bongsu rules test`).

use std::collections::BTreeMap;
use std::sync::Arc;

use judge::{Engine, Event, HostSpec, PairKey, PairSpec, Sample, compile};
use model::Severity;
use model::rule::{Rule, Span};
use serde::{Deserialize, Serialize};
use stdx::parse_quantity;

/// Where the time of a test case begins.
const START_MS: i64 = 1_700_000_000_000;
/// Steps of one test case: a month of minutes.
const STEPS_MAX: usize = 50_000;
const SECOND_MS: u64 = 1_000;

/// One test case.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TestCase {
    /// What it shows.
    pub name: String,
    /// The key of the rule under test.
    pub rule: String,
    /// The distance of samples; 10 s by default.
    #[serde(default = "ten_seconds")]
    pub interval: Span,
    /// Values by signal, one an interval: `50% 85%x30 50%..90%x10 _ nan`.
    #[serde(default)]
    pub values: BTreeMap<String, Row>,
    /// When the host is heard, for rules on silence: `1x3 _x30`. A step with a value is heard too.
    #[serde(default, skip_serializing_if = "Row::is_empty")]
    pub heard: Row,
    /// What the rule must say.
    pub expect: Vec<Expected>,
}

/// A severity at a time.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// Time since the first step; everything up to it is judged.
    pub at: Span,
    /// The severity then.
    pub severity: Severity,
}

/// Values of one signal, read from their notation.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Row {
    written: String,
    steps: Vec<Option<f64>>,
}

impl Row {
    const fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

impl From<Row> for String {
    fn from(row: Row) -> Self {
        row.written
    }
}

impl TryFrom<String> for Row {
    type Error = String;

    fn try_from(written: String) -> Result<Self, String> {
        let mut steps = Vec::new();
        for word in written.split_whitespace() {
            let (value, count) = match word.rsplit_once('x') {
                Some((value, count)) => {
                    let count = count
                        .parse()
                        .map_err(|_| format!("`{word}`: no count after x"))?;
                    (value, count)
                }
                None => (word, 1),
            };
            if steps.len().saturating_add(count) > STEPS_MAX {
                return Err(format!("more than {STEPS_MAX} steps"));
            }
            expand(value, count, &mut steps)?;
        }
        Ok(Self { written, steps })
    }
}

fn expand(value: &str, count: usize, steps: &mut Vec<Option<f64>>) -> Result<(), String> {
    let number = |text: &str| {
        let quantity = parse_quantity(text).map_err(|error| error.to_string())?;
        Ok::<f64, String>(quantity.value)
    };
    match value {
        "_" => steps.extend(std::iter::repeat_n(None, count)),
        "nan" => steps.extend(std::iter::repeat_n(Some(f64::NAN), count)),
        _ => match value.split_once("..") {
            None => steps.extend(std::iter::repeat_n(Some(number(value)?), count)),
            Some((from, to)) => {
                let (from, to) = (number(from)?, number(to)?);
                #[expect(clippy::cast_precision_loss, reason = "at most 50,000 steps")]
                let share = |step: usize| step as f64 / count.saturating_sub(1).max(1) as f64;
                steps.extend((0..count).map(|step| Some(from + (to - from) * share(step))));
            }
        },
    }
    Ok(())
}

/// How a test case went.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Outcome {
    /// The test case.
    pub name: String,
    /// What was expected and did not happen; empty when it passed.
    pub failures: Vec<String>,
    /// Every change of severity: `5m0s normal -> warning`.
    pub said: Vec<String>,
}

impl Outcome {
    /// Whether everything was as expected.
    #[must_use]
    pub const fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

/// Runs test cases against the rules they name.
#[must_use]
pub fn run_tests(rules: &[Rule], tests: &[TestCase]) -> Vec<Outcome> {
    tests.iter().map(|test| run(rules, test)).collect()
}

fn run(rules: &[Rule], test: &TestCase) -> Outcome {
    let mut outcome = Outcome {
        name: test.name.clone(),
        failures: Vec::new(),
        said: Vec::new(),
    };
    let Some(rule) = rules.iter().find(|rule| rule.key == test.rule) else {
        outcome
            .failures
            .push(format!("there is no rule `{}`", test.rule));
        return outcome;
    };
    for name in test
        .values
        .keys()
        .filter(|name| !rule.signals.contains_key(*name))
    {
        outcome
            .failures
            .push(format!("rule `{}` has no signal `{name}`", rule.key));
    }
    let timeline = match judge_case(rule, test) {
        Ok(timeline) => timeline,
        Err(why) => {
            outcome.failures.push(why);
            return outcome;
        }
    };
    for (at_ms, from, to) in &timeline {
        outcome
            .said
            .push(format!("{} {from} -> {to}", clock(*at_ms)));
    }
    for expected in &test.expect {
        let mut before = timeline
            .iter()
            .filter(|(at_ms, _, _)| *at_ms <= expected.at.ms);
        let found = before
            .next_back()
            .map_or(Severity::Normal, |(_, _, to)| *to);
        if found != expected.severity {
            let at = clock(expected.at.ms);
            outcome.failures.push(format!(
                "at {at}: expected {}, it is {found}",
                expected.severity
            ));
        }
    }
    outcome
}

/// Every change of severity with its time since the start.
fn judge_case(rule: &Rule, test: &TestCase) -> Result<Vec<(u64, Severity, Severity)>, String> {
    let program = compile(rule).map_err(|error| error.to_string())?;
    let interval_ms = test.interval.ms.max(1);
    let mut engine = Engine::new();
    let host = engine.add_host(HostSpec {
        key: 1,
        interval_ms: u32::try_from(interval_ms).unwrap_or(u32::MAX),
    });
    let pair = engine.add_pair(PairSpec {
        key: PairKey(1),
        host,
        group: 0,
        program: Arc::new(program),
    });
    for signal in 0..u8::try_from(rule.signals.len()).unwrap_or(0) {
        engine.bind(u32::from(signal), pair, signal);
    }
    let rows: Vec<Option<&Row>> = rule
        .signals
        .keys()
        .map(|name| test.values.get(name))
        .collect();
    let longest = rows.iter().flatten().map(|row| row.steps.len());
    let steps = longest.chain([test.heard.steps.len()]).max().unwrap_or(0);
    let mut events = Vec::new();
    let mut ticked_ms = 0;
    engine.tick(0, START_MS, &mut events);
    for step in 0..steps {
        let now_ms = step as u64 * interval_ms;
        while ticked_ms + SECOND_MS <= now_ms {
            ticked_ms += SECOND_MS;
            engine.tick(ticked_ms, wall(ticked_ms), &mut events);
        }
        let values = (0_u32..).zip(&rows).filter_map(|(series, row)| {
            let value = (*row.as_ref()?.steps.get(step)?)?;
            Some(Sample {
                series,
                at_ms: wall(now_ms),
                value,
            })
        });
        let samples: Vec<Sample> = values.collect();
        let heard = test.heard.steps.get(step).copied().flatten().is_some();
        if heard || !samples.is_empty() {
            engine.heard(host, now_ms, wall(now_ms), &mut events);
            engine.ingest(host, &samples, i64::MAX, &mut events);
        }
    }
    let fired = events.into_iter().filter_map(|event| match event {
        Event::Fired(fired) => {
            let at_ms = u64::try_from(fired.at_ms - START_MS).unwrap_or(0);
            Some((at_ms, fired.from, fired.to))
        }
        Event::Mark(_) => None,
    });
    Ok(fired.collect())
}

fn wall(since_ms: u64) -> i64 {
    START_MS.saturating_add_unsigned(since_ms)
}

/// `1h5m30s`.
fn clock(ms: u64) -> String {
    let seconds = ms / 1_000;
    let (hours, minutes, rest) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest}s"),
        (0, _) => format!("{minutes}m{rest}s"),
        _ => format!("{hours}h{minutes}m{rest}s"),
    }
}

const fn ten_seconds() -> Span {
    Span { ms: 10_000 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_rules;

    const FILE: &str = r#"
version: 1
rules:
  - key: disk-used
    title: { ko: "디스크", en: "Disk" }
    group: disk
    target: { kind: filesystem, by: [mountpoint] }
    signals:
      used: { series: used_ratio, unit: ratio }
    levels:
      - { severity: warning, any: [{ all: ["used > 80%"] }], for: 1m }
      - { severity: critical, any: [{ all: ["used > 98%"] }] }
  - key: silent
    title: { ko: "무응답", en: "Silent" }
    group: agent
    target: { kind: host }
    signals:
      missed: { builtin: missed_intervals }
    levels:
      - { severity: minor, any: [{ all: ["missed >= 3"] }] }
tests:
  - name: it fills up and is cleared
    rule: disk-used
    values: { used: "50% 85%x10 80%..100%x5 10%" }
    expect:
      - { at: 60s, severity: normal }
      - { at: 70s, severity: warning }
      - { at: 150s, severity: critical }
      - { at: 160s, severity: normal }
  - name: three messages are missed
    rule: silent
    heard: 1x2 _x5 1
    expect:
      - { at: 44s, severity: normal }
      - { at: 45s, severity: minor }
      - { at: 70s, severity: normal }
"#;

    #[test]
    fn cases_run_against_the_rules_of_their_file() {
        let file = read_rules("rules.yaml", FILE).unwrap();
        for outcome in run_tests(&file.rules, &file.tests) {
            assert!(outcome.passed(), "{outcome:?}");
        }
    }

    #[test]
    fn a_failure_says_what_was_instead() {
        let wrong = FILE.replace(
            "{ at: 70s, severity: warning }",
            "{ at: 70s, severity: major }",
        );
        let file = read_rules("rules.yaml", &wrong).unwrap();
        let outcome = &run_tests(&file.rules, &file.tests)[0];
        assert_eq!(
            outcome.failures,
            ["at 1m10s: expected major, it is warning"]
        );
        assert_eq!(outcome.said[0], "1m10s normal -> warning");
    }

    #[test]
    fn a_wrong_case_is_told() {
        let file = read_rules("a.yaml", &FILE.replace("rule: silent", "rule: slient")).unwrap();
        let outcome = &run_tests(&file.rules, &file.tests)[1];
        assert_eq!(outcome.failures, ["there is no rule `slient`"]);
        let error = read_rules("a.yaml", &FILE.replace("85%x10", "85%xx")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 24: tests[0].values: `85%xx`: no count after x"
        );
    }
}
