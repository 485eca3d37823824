//! What happened lately, for whoever has to understand a broken promise.

use std::collections::VecDeque;

/// Events kept for the report.
const KEPT: usize = 60;

/// The last events, with their virtual time.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    events: VecDeque<String>,
    verbose: bool,
    /// The step at hand.
    pub(crate) step: u32,
    /// Virtual seconds since the start.
    pub(crate) second: i64,
}

impl Trace {
    pub(crate) fn new(verbose: bool) -> Self {
        Self {
            verbose,
            ..Self::default()
        }
    }

    /// Notes an event.
    pub(crate) fn note(&mut self, what: impl AsRef<str>) {
        let event = format!("step {} +{} s: {}", self.step, self.second, what.as_ref());
        if self.verbose {
            println!("{event}");
        }
        if self.events.len() == KEPT {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }

    /// The last events, the oldest first.
    pub(crate) fn last(&self) -> Vec<String> {
        self.events.iter().cloned().collect()
    }
}
