//! Watching: rules, groups, overrides, watched things, and the judge's driver.
//!
//! Owns the tables `watch_*` and the judge's state in memory and in its snapshot file. *Takes*
//! edits of people, default rules of collectors, hosts and series from the server, samples and
//! time. *Leaves* `model::flow::Transition` for `problem`, and the hint [`CHANGED`] after every edit.
//!
//! Invariants: an upgrade never overwrites what a person made of a default; every edit has an
//! author, a version and a change row; the second of two editors learns that there was a first;
//! records are retired, never deleted; a rule that cannot be judged is itself a problem; late data
//! is never judged. Absent on purpose: problems, notices, agents, and the CMDB (hosts are handed in).

mod backtest;
mod defaults;
mod driver;
mod error;
mod matching;
mod records;
mod routes;
mod service;
mod store;
mod testcase;
mod values;

pub use backtest::{Backtest, CHANGES_SHOWN_MAX, History, SeriesPoints, WouldBe, backtest};

pub use defaults::{OWN_SOURCE, own_rules};
pub use driver::{
    Arrival, BoardCells, BoardDelta, Catalog, Driver, Explained, FileError, Marked, OpenProblem,
    PairStatus, RULE_BROKEN, RuleStatus, Source, Update, load_snapshot, rule_broken, save_snapshot,
};
pub use error::WatchError;
pub use matching::MatchError;
pub use records::{
    Config, For, Group, GroupSelector, HostInfo, Origin, Override, RuleRecord, Watched, WatchedKind,
};
pub use routes::{Api, Inventory, routes};
pub use service::{
    Applied, ApplyOptions, By, DefaultsReport, DocumentError, GroupEdit, OverrideEdit,
    OverrideFilter, RuleFile, RuleFilter, Watch, WatchedEdit, config_for, read_rules, write_rules,
};
pub use testcase::{Expected, Outcome, Row, TestCase, run_tests};
pub use values::{Change, changes};

/// The hint sent after rules, groups, overrides or watched things were changed.
pub const CHANGED: &str = "watch.changed";
