//! The board's compact snapshot and its change events; the format is `docs/format/board.md`.

use serde::Serialize;

use super::view::{BoardCounts, BoardRow, Cell, SignalGroup};

/// The first bytes of a snapshot; the digit is the format's version.
pub const MAGIC: &[u8; 4] = b"BGB1";
/// The longest name a snapshot carries, in bytes; longer ones are cut at a character.
const NAME_BYTES_MAX: usize = 255;

/// The whole board as bytes: one byte a cell. `rows` must be sorted by name, since a name is written
/// as its difference from the one before; the position in `rows` is the row number of the events.
#[must_use]
pub fn encode_snapshot(rows: &[BoardRow], generation: u64, taken_ms: u64) -> Vec<u8> {
    let groups = SignalGroup::ALL.len();
    let mut out = Vec::with_capacity(28 + rows.len() * (16 + groups + 8));
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&[u8::try_from(groups).unwrap_or(u8::MAX), 0, 0, 0]);
    out.extend_from_slice(&generation.to_le_bytes());
    out.extend_from_slice(&taken_ms.to_le_bytes());
    out.extend_from_slice(&u32::try_from(rows.len()).unwrap_or(u32::MAX).to_le_bytes());
    for row in rows {
        out.extend_from_slice(&row.id_bits.to_be_bytes());
    }
    for group in 0..groups {
        out.extend(
            rows.iter()
                .map(|row| row.cells.get(group).map_or(6, |cell| cell.byte())),
        );
    }
    let mut before: &[u8] = &[];
    for row in rows {
        let name = cut(&row.name).as_bytes();
        let shared = name.iter().zip(before).take_while(|(a, b)| a == b).count();
        let rest = name.get(shared..).unwrap_or(&[]);
        out.push(u8::try_from(shared).unwrap_or(0));
        out.push(u8::try_from(rest.len()).unwrap_or(0));
        out.extend_from_slice(rest);
        before = name;
    }
    out
}

fn cut(name: &str) -> &str {
    let mut end = name.len().min(NAME_BYTES_MAX);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.get(..end).unwrap_or("")
}

/// The data of the `hello` event, sent first on every connection.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Hello {
    /// The generation from which the following changes go on.
    pub generation: u64,
}

/// The data of a `cells` event: what changed between two generations.
#[derive(Clone, Debug, Serialize)]
pub struct CellsChanged {
    /// The generation it follows; a reader at another one fetches a new snapshot.
    pub from: u64,
    /// The generation it leads to.
    pub to: u64,
    /// Pairs of place (`row * groups + group`) and new byte, flat.
    pub cells: Vec<u32>,
}

impl CellsChanged {
    /// An event without changes yet.
    #[must_use]
    pub const fn new(from: u64, to: u64) -> Self {
        Self {
            from,
            to,
            cells: Vec::new(),
        }
    }

    /// Adds a change.
    pub fn push(&mut self, row: u32, group: SignalGroup, cell: Cell) {
        let groups = u32::try_from(SignalGroup::ALL.len()).unwrap_or(0);
        let at = SignalGroup::ALL
            .iter()
            .position(|known| *known == group)
            .unwrap_or(0);
        self.cells
            .push(row * groups + u32::try_from(at).unwrap_or(0));
        self.cells.push(u32::from(cell.byte()));
    }
}

/// One event for the browser: its name and its data.
#[derive(Clone, Debug)]
pub enum BoardEvent {
    /// First on every connection.
    Hello(Hello),
    /// Some cells changed.
    Cells(CellsChanged),
    /// The counts changed.
    Counts(BoardCounts),
    /// The list of problems beside changed.
    Problems,
    /// Hosts came, went or were renamed: row numbers are void, fetch a new snapshot.
    Hosts,
}

impl BoardEvent {
    /// The name in the event stream.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Hello(_) => "hello",
            Self::Cells(_) => "cells",
            Self::Counts(_) => "counts",
            Self::Problems => "problems",
            Self::Hosts => "hosts",
        }
    }

    /// The data in the event stream: one line of JSON.
    #[must_use]
    pub fn data(&self) -> String {
        let json = match self {
            Self::Hello(hello) => serde_json::to_string(hello),
            Self::Cells(changed) => serde_json::to_string(changed),
            Self::Counts(counts) => serde_json::to_string(counts),
            Self::Problems | Self::Hosts => Ok("{}".to_owned()),
        };
        // None of these types can fail to be written.
        json.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use model::{CellState, Severity};

    use super::*;

    fn row(id_bits: u128, name: &str, first: Cell) -> BoardRow {
        let mut cells = [Cell::default(); 7];
        cells[0] = first;
        BoardRow {
            id_bits,
            name: name.to_owned(),
            cells,
        }
    }

    #[test]
    fn the_snapshot_has_its_golden_bytes() {
        let major = Cell::new(CellState::Judged(Severity::Major), Cell::ACKNOWLEDGED);
        let rows = [row(1, "web01", major), row(2, "web02", Cell::default())];
        let bytes = encode_snapshot(&rows, 7, 9);
        let mut golden = b"BGB1\x07\0\0\0".to_vec();
        golden.extend([7, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0]);
        golden.extend([[0; 15].as_slice(), &[1], [0; 15].as_slice(), &[2]].concat());
        golden.extend([0x0C, 0]);
        golden.extend([0; 12]);
        golden.extend(b"\0\x05web01\x04\x012");
        assert_eq!(bytes, golden);
    }

    #[test]
    fn a_long_name_is_cut_at_a_character() {
        let name = "가".repeat(100);
        assert_eq!(cut(&name).len(), 255);
        assert_eq!(cut(&format!("a{name}")).len(), 253);
        assert_eq!(cut("web"), "web");
    }

    #[test]
    fn events_are_one_line_of_json() {
        let mut changed = CellsChanged::new(1, 2);
        changed.push(3, SignalGroup::Memory, Cell::new(CellState::Unknown, 0));
        let event = BoardEvent::Cells(changed);
        assert_eq!(event.name(), "cells");
        assert_eq!(event.data(), r#"{"from":1,"to":2,"cells":[22,6]}"#);
    }
}
