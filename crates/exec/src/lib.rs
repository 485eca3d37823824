//! Programs run under guard: spawned bare, limited, watched, and killed with all their descendants.
//!
//! Used by check commands, which the agent runs itself without privilege, and by recovery scripts,
//! which only the runner runs: a second process that verifies the server's signature, expiry and
//! sequence, obeys a root-owned allow-list and is the only one that may change user.
//!
//! Invariants: a run ends within its time limit and grace; nothing it started outlives it unless
//! the allow-list says so; its transcript is bounded and says what it left out; an order runs at
//! most once, even when the runner is killed between two instructions. No shell is involved unless
//! the program is one; the environment of this process is never handed down.

mod allow;
mod contain;
mod order;
mod pidstat;
mod run;
pub mod runner;
mod sequence;
mod spawn;
mod spec;
mod transcript;
mod user;

pub use allow::{AllowError, AllowList, AllowedProgram, NewEntry};
pub use order::{KeyRing, KeyRingError, Order, OrderError, OrderKind, SignedOrder};
pub use pidstat::{PAGE_BYTES, PidStat, fuzz_pidstat};
pub use run::{Cancel, Ended, OUTPUT_TOTAL_BYTES_MAX, Report, RunError, Usage, run};
pub use sequence::{SequenceError, SequenceStore};
pub use spec::{Containment, Leftovers, Limits, Spec};
pub use transcript::{Chunk, Stream, Transcript};
pub use user::{User, UserError};
