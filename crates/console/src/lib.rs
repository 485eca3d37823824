//! The composite pages of the console: board, host, problem, lists, log-in, and the navigation.
//!
//! Owns the pages made of several slices and how they look. Each page is a pure function of a
//! [`ui::PageContext`] and a plain view model from [`views`]; the server fills the models from
//! the slices. Invariants: every page renders for every sample in both languages (tested); no page
//! holds a script or a style. Absent: no slice, no database, no clock, no request.

mod board;
mod host;
mod login;
mod navigation;
mod problem;
mod problems;
pub mod samples;

pub use board::{
    BoardEvent, CellsChanged, FIRST_ROWS, Hello, MAGIC, board, board_problems, encode_snapshot,
};
pub use host::{RANGES, host, host_end, host_top};
pub use login::{login, password};
pub use navigation::navigation;
pub use problem::problem;
pub use problems::problems;

/// The view models: what each page is told.
pub mod views {
    pub use crate::board::{BoardCounts, BoardFilter, BoardRow, BoardView, Cell, SignalGroup};
    pub use crate::host::{
        Discovered, GraphSpec, HostEnd, HostHead, HostView, KINDS, Range, RuleInForce, TopProcess,
        TopView,
    };
    pub use crate::login::{LoginView, PasswordView};
    pub use crate::problem::{NoticeDecision, ProblemLine, ProblemView, RUN_STATES};
    pub use crate::problem::{RecentChange, ScriptRun};
    pub use crate::problems::ProblemsView;
}
