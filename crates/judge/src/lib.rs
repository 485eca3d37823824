//! Judging: from a sample to a change of severity; pure functions, no I/O, no clock.
//!
//! *Takes* rules (`model::rule::Rule`) with the values in force, samples by series number, and time as
//! an argument. *Leaves* [`Fired`] (a pair changed its severity) and [`Mark`] (it flaps, it has no
//! data, it cannot be judged). *Never* reads a clock, a file or a database.
//!
//! The words: a **pair** is one rule on one target. A **program** is a rule compiled with the values
//! in force. An **evaluation** is one judgement of one pair at one sample time.
//!
//! Invariants
//! - A pair has exactly one severity: the highest of its reached levels.
//! - A pair never goes back in time: samples not newer than its last evaluation are not judged.
//! - `Fired` always has `from != to`; the same samples in the same batches fire the same, so a
//!   snapshot and the samples after it give what an uninterrupted run gives.
//! - Absence resolves nothing: a missing value neither raises nor clears a level.
//! - There is no timer in here: `for` counts sample time, silence counts the monotonic
//!   milliseconds that the caller hands in.

mod engine;
mod key;
pub mod load;
mod pair;
mod program;
mod snapshot;
mod values;

pub use engine::{
    BOARD_GROUPS_MAX, BoardChange, BoardView, CELL_CANNOT_JUDGE, CELL_FLAPPING, CELL_STATE,
    Counters, Engine, Event, Fired, HostIx, HostSpec, Mark, MarkKind, PairIx, PairSpec, PairView,
    SILENT_AFTER_INTERVALS, Sample,
};
pub use key::{KeyHasher, PairKey, PairMap, host_key, pair_key};
pub use pair::{Because, FLAP_CHANGES_MAX, FLAP_EVALUATIONS, GAP_INTERVALS, PairState, Status};
pub use program::{CompileError, Program, compile};
pub use snapshot::{SavedHost, SavedPair, Snapshot, SnapshotError, WalPosition};
pub use values::{LevelValues, Values, ValuesError, apply};

#[cfg(test)]
mod tests;
