//! What goes into the engine and what comes out of it.

use std::sync::Arc;

use model::Severity;

use super::SIGNALS_MAX;
use crate::key::PairKey;
use crate::pair::{Because, PairState};
use crate::program::Program;

/// The number of a pair within this engine; it may be given again after removal.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PairIx(pub u32);

/// The number of a host within this engine, also its row of the board; may be given again.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct HostIx(pub u32);

/// One sample of one series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// The series' number, dense.
    pub series: u32,
    /// Sample time, UTC milliseconds.
    pub at_ms: i64,
    /// The value; NaN says "no value".
    pub value: f64,
}

/// A host to be judged.
#[derive(Clone, Copy, Debug)]
pub struct HostSpec {
    /// Its stable name ([`crate::host_key`]).
    pub key: u64,
    /// How often it is expected to be heard, in milliseconds.
    pub interval_ms: u32,
}

/// A pair to be judged.
#[derive(Clone, Debug)]
pub struct PairSpec {
    /// Its stable name ([`crate::pair_key`]).
    pub key: PairKey,
    /// Its host.
    pub host: HostIx,
    /// The board column, below [`BOARD_GROUPS_MAX`].
    pub group: u8,
    /// The rule with the values in force.
    pub program: Arc<Program>,
}

/// What judging tells its caller, in the order in which it happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A severity changed.
    Fired(Fired),
    /// Something else about a pair changed.
    Mark(Mark),
}

/// A pair changed its severity.
#[derive(Clone, Debug, PartialEq)]
pub struct Fired {
    /// Which pair.
    pub pair: PairIx,
    /// The severity before; never equal to `to`.
    pub from: Severity,
    /// The severity after.
    pub to: Severity,
    /// Sample time, UTC milliseconds.
    pub at_ms: i64,
    /// Whether the flap guard is on.
    pub flapping: bool,
    /// Which condition decided.
    pub because: Because,
    /// What was seen, by signal in the order of names; NaN where there was no value.
    pub values: [f64; SIGNALS_MAX],
}

/// A pair's mark changed; its severity did not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Mark {
    /// Which pair.
    pub pair: PairIx,
    /// Sample time of the last evaluation; for silence the server's time. UTC milliseconds.
    pub at_ms: i64,
    /// What happened.
    pub kind: MarkKind,
}

/// What a [`Mark`] says.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum MarkKind {
    /// An open pair is frozen: its data stopped or its host is silent.
    NoData,
    /// No condition has a value to compare.
    CannotJudge,
    /// A frozen pair is judged again.
    Judged,
    /// The severity changes too often: later notices are held from here.
    FlapBegan,
    /// It has been flapping for ten minutes: it is told now, as flapping.
    FlapHoldOver,
    /// It settled.
    FlapEnded,
}

/// What the engine has done since it was made.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counters {
    /// Samples handed in.
    pub samples: u64,
    /// Evaluations.
    pub evaluations: u64,
    /// Samples of judged series not newer than the pair's last evaluation.
    pub old: u64,
    /// Samples of judged series too far in the future.
    pub future: u64,
    /// Evaluations without any usable value.
    pub cannot_judge: u64,
    /// Changes of severity.
    pub fired: u64,
}

/// One pair as seen from outside.
#[derive(Clone, Debug)]
pub struct PairView<'a> {
    /// Its stable name.
    pub key: PairKey,
    /// Its host.
    pub host: HostIx,
    /// Its board column.
    pub group: u8,
    /// Its state.
    pub state: &'a PairState,
    /// The last value of each signal, NaN where none is known.
    pub values: [f64; SIGNALS_MAX],
}
