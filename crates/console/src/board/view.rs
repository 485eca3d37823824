//! What the board shows: counts, rows of hosts × signal groups, the worst problems.

use model::{CellState, Severity};
use serde::Serialize;
use ui::Choice;

use crate::problem::ProblemLine;

/// A column of the board: the part of a host that its signals speak of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SignalGroup {
    /// Utilisation, load, pressure.
    Cpu,
    /// Memory and swap.
    Memory,
    /// Space, inodes and I/O.
    Disk,
    /// Interfaces and TCP.
    Network,
    /// Watched processes and units.
    Process,
    /// Service checks, files and check commands.
    Check,
    /// The agent itself: silence, clock, version.
    Agent,
}

impl SignalGroup {
    /// All, in the order of the board's columns and of the snapshot's planes.
    pub const ALL: [Self; 7] = [
        Self::Cpu,
        Self::Memory,
        Self::Disk,
        Self::Network,
        Self::Process,
        Self::Check,
        Self::Agent,
    ];

    /// The name in addresses and in the snapshot's documentation.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Disk => "disk",
            Self::Network => "network",
            Self::Process => "process",
            Self::Check => "check",
            Self::Agent => "agent",
        }
    }
}

/// One cell as its wire byte: the state in the low three bits, the marks above.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Cell(u8);

impl Cell {
    /// Somebody took it.
    pub const ACKNOWLEDGED: u8 = 0x08;
    /// In maintenance: drawn, not told.
    pub const MAINTENANCE: u8 = 0x10;
    /// In another's shadow or silenced: drawn, not told.
    pub const SUPPRESSED: u8 = 0x20;
    /// Its state changes too often.
    pub const FLAPPING: u8 = 0x40;
    /// The rule or its source is broken.
    pub const CANNOT_JUDGE: u8 = 0x80;

    /// A cell of this state with these marks.
    #[must_use]
    pub const fn new(state: CellState, marks: u8) -> Self {
        Self(state.code() | (marks & 0xF8))
    }

    /// The wire byte.
    #[must_use]
    pub const fn byte(self) -> u8 {
        self.0
    }

    /// The state.
    #[must_use]
    pub const fn state(self) -> CellState {
        match self.0 & 0x07 {
            6 => CellState::Unknown,
            7 => CellState::Unregistered,
            code => match Severity::from_code(code) {
                Some(severity) => CellState::Judged(severity),
                None => CellState::Unknown,
            },
        }
    }

    /// Whether it has this mark.
    #[must_use]
    pub const fn has(self, mark: u8) -> bool {
        self.0 & mark != 0
    }

    /// How urgently it asks to be seen: severities first, then silence, then what nobody watches;
    /// what somebody took or maintenance covers stands behind the same state without marks.
    #[must_use]
    pub const fn urgency(self) -> u8 {
        let base = match self.state() {
            CellState::Judged(Severity::Normal) => return 0,
            CellState::Unregistered => 1,
            CellState::Judged(Severity::Info) => 2,
            CellState::Judged(Severity::Warning) => 3,
            CellState::Unknown => 4,
            CellState::Judged(Severity::Minor) => 5,
            CellState::Judged(Severity::Major) => 6,
            CellState::Judged(Severity::Critical) => 7,
        };
        let quiet = Self::ACKNOWLEDGED | Self::MAINTENANCE | Self::SUPPRESSED;
        base * 2 - (self.0 & quiet != 0) as u8
    }
}

/// One host of the board.
#[derive(Clone, Debug, Default)]
pub struct BoardRow {
    /// Its CI id, 128 bits.
    pub id_bits: u128,
    /// Its name.
    pub name: String,
    /// Its cells, in the order of [`SignalGroup::ALL`].
    pub cells: [Cell; 7],
}

impl BoardRow {
    /// Its most urgent cell. A column that nothing watches says nothing of the host as long as
    /// another is judged; only a host that nothing watches at all is unregistered.
    #[must_use]
    pub fn worst(&self) -> Cell {
        let unwatched = |cell: &Cell| cell.state() == CellState::Unregistered;
        self.cells
            .into_iter()
            .max_by_key(|cell| (!unwatched(cell), cell.urgency()))
            .unwrap_or_default()
    }

    /// The address of its host page.
    #[must_use]
    pub fn href(&self) -> String {
        format!("/hosts/{}", model::CiId::from_bits(self.id_bits))
    }
}

/// The board's counts; also the data of the `counts` event.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct BoardCounts {
    /// Open problems by severity, `Info` first.
    pub problems: [u32; 5],
    /// Hosts.
    pub hosts: u32,
    /// Hosts on which everything is normal.
    pub hosts_normal: u32,
    /// Hosts that are silent.
    pub hosts_unknown: u32,
    /// Discovered things that are watched.
    pub monitored: u32,
    /// Discovered things that somebody chose to ignore.
    pub ignored: u32,
    /// Discovered things that nothing watches.
    pub unregistered: u32,
}

impl BoardCounts {
    /// The share of discovered things about which somebody decided, rounded down to a tenth of a
    /// percent so that 100 % means all; 1 when there are none.
    #[must_use]
    pub fn coverage(&self) -> f64 {
        let decided = f64::from(self.monitored) + f64::from(self.ignored);
        let all = decided + f64::from(self.unregistered);
        if all > 0.0 {
            (decided / all * 1_000.0).floor() / 1_000.0
        } else {
            1.0
        }
    }
}

/// What the reader asked to see; every part stands in the address.
#[derive(Clone, Debug, Default)]
pub struct BoardFilter {
    /// Part of a host's name.
    pub text: String,
    /// Id of a host group.
    pub group: String,
    /// Least severity by its name; empty for all.
    pub severity: String,
    /// Only hosts on which something is not normal.
    pub only_bad: bool,
    /// `worst` (default) or `name`.
    pub sort: String,
    /// `table` (default) or `tiles`.
    pub view: String,
}

/// The board.
#[derive(Clone, Debug, Default)]
pub struct BoardView {
    /// The counts.
    pub counts: BoardCounts,
    /// The first rows of the view (at most [`super::FIRST_ROWS`]).
    pub rows: Vec<BoardRow>,
    /// Hosts that fit the filter.
    pub rows_total: usize,
    /// The worst open problems.
    pub problems: Vec<ProblemLine>,
    /// All open problems.
    pub problems_total: usize,
    /// The generation of the cells in `rows`.
    pub generation: u64,
    /// Where the island gets the snapshot, e.g. `/board/snapshot`.
    pub snapshot_url: String,
    /// Where the island gets the rows of the chosen host group; empty for all hosts.
    pub members_url: String,
    /// Where changes come from, e.g. `/board/events`.
    pub events_url: String,
    /// Where the problems beside are fetched again, e.g. `/board/problems`.
    pub problems_url: String,
    /// What the reader asked to see.
    pub filter: BoardFilter,
    /// Host groups to choose from.
    pub host_groups: Vec<Choice>,
    /// Whether it hangs on a wall (`?wall=1`).
    pub wall: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_one_byte_that_keeps_state_and_marks() {
        let state = CellState::Judged(Severity::Major);
        let cell = Cell::new(state, Cell::ACKNOWLEDGED | Cell::FLAPPING);
        assert_eq!(cell.byte(), 0x4C);
        assert_eq!(cell.state(), state);
        assert!(cell.has(Cell::FLAPPING) && !cell.has(Cell::MAINTENANCE));
        assert_eq!(Cell::new(CellState::Unknown, 0).state(), CellState::Unknown);
    }

    #[test]
    fn the_taken_stand_behind_the_untaken_of_the_same_state() {
        let major = CellState::Judged(Severity::Major);
        let minor = CellState::Judged(Severity::Minor);
        let taken = Cell::new(major, Cell::ACKNOWLEDGED);
        assert!(Cell::new(major, 0).urgency() > taken.urgency());
        assert!(taken.urgency() > Cell::new(minor, 0).urgency());
        assert!(Cell::new(minor, 0).urgency() > Cell::new(CellState::Unknown, 0).urgency());
    }

    #[test]
    fn a_column_that_nothing_watches_does_not_make_its_host_unregistered() {
        let unwatched = Cell::new(CellState::Unregistered, 0);
        let mut row = BoardRow {
            cells: [unwatched; 7],
            ..BoardRow::default()
        };
        assert_eq!(row.worst(), unwatched);
        row.cells[0] = Cell::new(CellState::Judged(Severity::Normal), 0);
        assert_eq!(row.worst().urgency(), 0);
    }

    #[test]
    fn coverage_counts_decisions() {
        let counts = BoardCounts {
            monitored: 90,
            ignored: 5,
            unregistered: 5,
            ..Default::default()
        };
        assert!((counts.coverage() - 0.95).abs() < 1e-9);
        assert!((BoardCounts::default().coverage() - 1.0).abs() < 1e-9);
    }
}
