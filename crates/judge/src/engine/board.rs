//! The board: one byte per host × signal group, with a generation that counts changes.

use std::collections::VecDeque;

use super::at;

/// Columns of the board; rules with further groups share the last one.
pub const BOARD_GROUPS_MAX: usize = 16;
/// The bits of a cell that hold the code of `model::CellState`.
pub const CELL_STATE: u8 = 0x07;
/// Set when a pair of the cell flaps.
pub const CELL_FLAPPING: u8 = 0x08;
/// Set when a pair of the cell cannot be judged.
pub const CELL_CANNOT_JUDGE: u8 = 0x10;
/// Changes kept for readers that follow; a reader further behind takes the whole board again.
const CHANGES_KEPT: usize = 65_536;
const UNKNOWN: u8 = 6;
const UNREGISTERED: u8 = 7;

/// One cell changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BoardChange {
    /// The generation that this change made.
    pub generation: u64,
    /// The host's row.
    pub host: u32,
    /// The column.
    pub group: u8,
    /// The cell now.
    pub cell: u8,
}

#[derive(Debug, Default)]
pub(super) struct Board {
    /// Row by row, [`BOARD_GROUPS_MAX`] cells each.
    cells: Vec<u8>,
    counts: Vec<Counts>,
    generation: u64,
    changes: VecDeque<BoardChange>,
}

/// How many pairs of one cell show what.
#[derive(Clone, Debug, Default)]
struct Counts {
    by_state: [u32; 7],
    flapping: u32,
    cannot_judge: u32,
}

/// The board as readers see it.
#[derive(Clone, Copy, Debug)]
pub struct BoardView<'a> {
    board: &'a Board,
}

impl<'a> BoardView<'a> {
    /// The number of the last change; 0 before the first.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.board.generation
    }

    /// All cells, row after row with [`BOARD_GROUPS_MAX`] cells each; a row's number is its host's.
    #[must_use]
    pub fn cells(&self) -> &'a [u8] {
        &self.board.cells
    }

    /// The cells of one host.
    #[must_use]
    pub fn row(&self, host: u32) -> Option<&'a [u8]> {
        let from = at(host) * BOARD_GROUPS_MAX;
        self.board.cells.get(from..from + BOARD_GROUPS_MAX)
    }

    /// The changes after `generation`, oldest first; `None` when they are no longer all there and
    /// the reader must take the whole board.
    #[must_use]
    pub fn changes_since(&self, generation: u64) -> Option<Vec<BoardChange>> {
        if generation > self.board.generation {
            return None;
        }
        let missed = usize::try_from(self.board.generation - generation).ok()?;
        let skip = self.board.changes.len().checked_sub(missed)?;
        Some(self.board.changes.iter().skip(skip).copied().collect())
    }
}

impl Board {
    pub(super) const fn view(&self) -> BoardView<'_> {
        BoardView { board: self }
    }

    pub(super) fn add_row(&mut self, host: u32) {
        let cells = (at(host) + 1) * BOARD_GROUPS_MAX;
        if self.cells.len() < cells {
            self.cells.resize(cells, UNREGISTERED);
            self.counts.resize(cells, Counts::default());
        }
    }

    pub(super) fn clear_row(&mut self, host: u32) {
        for group in 0..BOARD_GROUPS_MAX {
            let cell = at(host) * BOARD_GROUPS_MAX + group;
            if let Some(counts) = self.counts.get_mut(cell) {
                *counts = Counts::default();
            }
            self.show(host, u8::try_from(group).unwrap_or(0));
        }
    }

    pub(super) fn add(&mut self, host: u32, group: u8, cell: u8) {
        self.count(host, group, (cell, true));
        self.show(host, group);
    }

    pub(super) fn remove(&mut self, host: u32, group: u8, cell: u8) {
        self.count(host, group, (cell, false));
        self.show(host, group);
    }

    pub(super) fn change(&mut self, host: u32, group: u8, (from, to): (u8, u8)) {
        if from != to {
            self.count(host, group, (from, false));
            self.count(host, group, (to, true));
            self.show(host, group);
        }
    }

    fn place(host: u32, group: u8) -> usize {
        at(host) * BOARD_GROUPS_MAX + usize::from(group).min(BOARD_GROUPS_MAX - 1)
    }

    fn count(&mut self, host: u32, group: u8, (cell, more): (u8, bool)) {
        let Some(counts) = self.counts.get_mut(Self::place(host, group)) else {
            return;
        };
        let step = |count: &mut u32| {
            *count = if more {
                *count + 1
            } else {
                count.saturating_sub(1)
            };
        };
        if let Some(count) = counts.by_state.get_mut(usize::from(cell & CELL_STATE)) {
            step(count);
        }
        if cell & CELL_FLAPPING != 0 {
            step(&mut counts.flapping);
        }
        if cell & CELL_CANNOT_JUDGE != 0 {
            step(&mut counts.cannot_judge);
        }
    }

    /// Writes the cell anew; a change makes a generation.
    fn show(&mut self, host: u32, group: u8) {
        let place = Self::place(host, group);
        let (Some(counts), Some(cell)) = (self.counts.get(place), self.cells.get_mut(place)) else {
            return;
        };
        let new = counts.cell();
        if *cell == new {
            return;
        }
        *cell = new;
        self.generation += 1;
        if self.changes.len() == CHANGES_KEPT {
            self.changes.pop_front();
        }
        self.changes.push_back(BoardChange {
            generation: self.generation,
            host,
            group,
            cell: new,
        });
    }
}

impl Counts {
    /// The worst first: the five severities, then what is unknown (never drawn green), then normal.
    fn cell(&self) -> u8 {
        let has = |state: u8| {
            self.by_state
                .get(usize::from(state))
                .is_some_and(|&n| n > 0)
        };
        let order = [5, 4, 3, 2, 1, UNKNOWN, 0];
        let state = order
            .into_iter()
            .find(|&state| has(state))
            .unwrap_or(UNREGISTERED);
        let flapping = if self.flapping > 0 { CELL_FLAPPING } else { 0 };
        let cannot = if self.cannot_judge > 0 {
            CELL_CANNOT_JUDGE
        } else {
            0
        };
        state | flapping | cannot
    }
}
