//! Counts tests from the reports of cargo-nextest and of `cargo test`.
//!
//! A test that cannot run on this machine prints `skipped: <what is missing>` and returns; both
//! runners keep that line, and it is counted as skipped rather than passed.

const MARK: &str = "skipped: ";

/// What may be missing in CI without failing it: reference data that lies outside the repository.
const EXCUSED: &str = "../shared/data";

/// A test that said it could not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Skip {
    /// The test's name.
    pub(crate) test: String,
    /// What it said was missing.
    pub(crate) missing: String,
}

/// The sum over all runs.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Tests that passed.
    pub(crate) passed: usize,
    /// The names of tests that failed.
    pub(crate) failed: Vec<String>,
    /// The names of tests that failed first and passed when tried again.
    pub(crate) flaky: Vec<String>,
    /// Tests that could not run.
    pub(crate) skipped: Vec<Skip>,
    /// Steps other than tests that failed, such as the formatter's.
    pub(crate) failed_steps: Vec<&'static str>,
}

impl Tally {
    /// Everything that failed: tests, and steps such as the formatter's that are no tests.
    pub(crate) fn failures(&self) -> usize {
        self.failed.len() + self.failed_steps.len()
    }

    /// The last line of a run.
    pub(crate) fn sum(&self) -> String {
        let (passed, failed, skipped) = (self.passed, self.failures(), self.skipped.len());
        format!("{passed} passed, {failed} failed, {skipped} skipped")
    }

    /// Turns skips into failures, but for those that miss only the reference data.
    pub(crate) fn refuse_skips(&mut self) {
        for skip in std::mem::take(&mut self.skipped) {
            if skip.missing.contains(EXCUSED) {
                self.skipped.push(skip);
            } else {
                self.failed.push(format!(
                    "{} (skipped, missing: {})",
                    skip.test, skip.missing
                ));
            }
        }
    }

    /// Adds the tests of a JUnit report of cargo-nextest.
    pub(crate) fn add_junit(&mut self, xml: &str) {
        for case in xml.split("<testcase ").skip(1) {
            let case = case.split("</testsuite>").next().unwrap_or(case);
            let head = case.split('>').next().unwrap_or_default();
            let name = format!(
                "{} {}",
                attribute(head, "classname"),
                attribute(head, "name")
            );
            if case.contains("<flakyFailure") || case.contains("<flakyError") {
                self.flaky.push(name.clone());
            }
            let is_failed = case.contains("<failure") || case.contains("<error");
            self.add(name, is_failed, skipped(case));
        }
    }

    /// Adds the tests of a `cargo test -- --show-output` run; `false` when it ran none to its end.
    pub(crate) fn add_libtest(&mut self, output: &str) -> bool {
        let mut is_complete = false;
        for line in output.lines() {
            is_complete |= line.starts_with("test result: ");
            let Some(rest) = line.strip_prefix("test ") else {
                continue;
            };
            // A doc test that must not compile says so between its name and its result.
            let Some((name, result)) = rest.rsplit_once(" ... ") else {
                continue;
            };
            match result.split(',').next().unwrap_or_default() {
                "ok" => self.add(name.to_owned(), false, said(output, name)),
                "FAILED" => self.add(name.to_owned(), true, None),
                _ => {}
            }
        }
        is_complete
    }

    fn add(&mut self, test: String, is_failed: bool, missing: Option<String>) {
        match (is_failed, missing) {
            (true, _) => self.failed.push(test),
            (false, Some(missing)) => self.skipped.push(Skip { test, missing }),
            (false, None) => self.passed += 1,
        }
    }
}

/// What a test's captured output says is missing, on a line of its own.
fn skipped(output: &str) -> Option<String> {
    // In the report, the first line of an output follows the opening tag.
    let lines = output
        .lines()
        .map(|line| line.rsplit_once("-out>").map_or(line, |(_, l)| l));
    let lines = lines.map(|line| line.rsplit_once("-err>").map_or(line, |(_, line)| line));
    let missing = lines.filter_map(|line| line.strip_prefix(MARK)).next()?;
    let text = missing.split("</system").next().unwrap_or_default();
    Some(unescaped(text).trim().to_owned())
}

/// What the test `name` printed, from the part of libtest's report that shows outputs.
fn said(output: &str, name: &str) -> Option<String> {
    let after = output.split(&format!("---- {name} stdout ----")).nth(1)?;
    skipped(after.split("\n---- ").next().unwrap_or_default())
}

fn attribute(head: &str, name: &str) -> String {
    let value = head.split(&format!("{name}=\"")).nth(1);
    // `classname` ends in `name`: a value found inside another attribute is not it.
    let own = if name == "name" {
        head.strip_prefix("name=\"")
            .or_else(|| head.split(" name=\"").nth(1))
    } else {
        value
    };
    unescaped(
        own.and_then(|rest| rest.split('"').next())
            .unwrap_or_default(),
    )
}

fn unescaped(text: &str) -> String {
    let quotes = text.replace("&quot;", "\"").replace("&apos;", "'");
    quotes
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_of_nextest_is_counted() {
        let xml = r#"<testsuites name="nextest-run" tests="4" failures="1">
<testsuite name="db" tests="4">
  <testcase name="a::passes" classname="db" time="0.1"><system-out>not skipped: it</system-out></testcase>
  <testcase name="b" classname="db::it" time="0.1"><flakyFailure type="x">once</flakyFailure></testcase>
  <testcase name="c&lt;u8&gt;" classname="db"><failure type="x">boom</failure></testcase>
  <testcase name="d" classname="db"><system-err>skipped: postgresql is &quot;gone&quot;
</system-err></testcase>
</testsuite></testsuites>"#;
        let mut tally = Tally::default();
        tally.add_junit(xml);
        assert_eq!(tally.sum(), "2 passed, 1 failed, 1 skipped");
        assert_eq!(tally.failed, ["db c<u8>"]);
        assert_eq!(tally.flaky, ["db::it b"]);
        assert_eq!(tally.skipped[0].missing, "postgresql is \"gone\"");
    }

    #[test]
    fn the_output_of_cargo_test_is_counted() {
        let output = "test a::b ... ok\ntest c ... FAILED\ntest d ... ok\n\
                      test src/lib.rs - f (line 3) - compile fail ... ok\n\nsuccesses:\n\n\
                      ---- d stdout ----\nskipped: chromium\n\n---- a::b stdout ----\nfine\n\n\
                      test result: FAILED. 3 passed; 1 failed; 0 ignored\n";
        let mut tally = Tally::default();
        assert!(tally.add_libtest(output));
        assert_eq!(tally.sum(), "2 passed, 1 failed, 1 skipped");
        assert_eq!(
            tally.skipped,
            [Skip {
                test: "d".to_owned(),
                missing: "chromium".to_owned()
            }]
        );
        assert!(!tally.add_libtest("error: could not compile"));
    }

    #[test]
    fn ci_refuses_skips_but_for_the_reference_data() {
        let skip = |missing: &str| Skip {
            test: "t".to_owned(),
            missing: missing.to_owned(),
        };
        let skipped = vec![skip("../shared/data/promqltest"), skip("postgresql")];
        let mut tally = Tally {
            skipped,
            failed_steps: vec!["fmt"],
            ..Tally::default()
        };
        tally.refuse_skips();
        assert_eq!(tally.sum(), "0 passed, 2 failed, 1 skipped");
    }
}
