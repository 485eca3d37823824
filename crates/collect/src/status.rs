//! What could be measured and what not: one state per signal, never a zero instead of an absence.

use crate::root::ReadError;

/// Whether a signal is measured.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Availability {
    /// It is measured.
    Available,
    /// It exists, but the agent may not read it.
    NotPermitted,
    /// This machine does not have it.
    NotAvailable,
    /// It should be there, but reading it failed; in words.
    Failed(String),
}

impl Availability {
    /// The name used on the wire and in the API.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::NotPermitted => "not permitted",
            Self::NotAvailable => "not available",
            Self::Failed(_) => "failed",
        }
    }
}

impl From<ReadError> for Availability {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NotPermitted => Self::NotPermitted,
            ReadError::NotAvailable => Self::NotAvailable,
            ReadError::Os(_) => Self::Failed(error.to_string()),
        }
    }
}

/// The state of one signal of one collector.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Status {
    /// The collector, e.g. `cpu`.
    pub collector: &'static str,
    /// The signal, e.g. `pressure`.
    pub signal: &'static str,
    /// Which of several, e.g. a mount point; empty when there is one.
    pub key: String,
    /// Whether it is measured.
    pub availability: Availability,
}

/// The states of all signals; its generation changes only when one of them does.
#[derive(Debug, Default)]
pub struct StatusList {
    entries: Vec<Status>,
    generation: u64,
}

impl StatusList {
    /// Records the state of a signal.
    pub fn set(&mut self, signal: (&'static str, &'static str), key: &str, now: Availability) {
        let (collector, signal) = signal;
        let same = |s: &&mut Status| s.collector == collector && s.signal == signal && s.key == key;
        match self.entries.iter_mut().find(same) {
            Some(entry) if entry.availability == now => return,
            Some(entry) => entry.availability = now,
            None => {
                let key = key.to_owned();
                self.entries.push(Status {
                    collector,
                    signal,
                    key,
                    availability: now,
                });
            }
        }
        self.generation += 1;
    }

    /// Forgets a signal that no longer exists, such as an unmounted file system.
    pub fn forget(&mut self, signal: (&'static str, &'static str), key: &str) {
        let before = self.entries.len();
        self.entries
            .retain(|s| (s.collector, s.signal) != signal || s.key != key);
        if self.entries.len() != before {
            self.generation += 1;
        }
    }

    /// All states, in the order they were first told.
    #[must_use]
    pub fn entries(&self) -> &[Status] {
        &self.entries
    }

    /// Grows with every change: send the list again when it differs from the one sent last.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }
}
