//! One moment of the board: every host with its cells and marks, sorted by name, and the counts.

use std::collections::HashMap;
use std::sync::Arc;

use cmdb::Host;
use console::views::{BoardCounts, BoardRow, Cell, SignalGroup};
use console::{BoardEvent, CellsChanged};
use model::{CellState, CiId, Severity};
use problem::OpenCell;

use super::Coverage;

/// All hosts of one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Picture {
    /// Counts every change; readers compare theirs with it.
    pub(crate) generation: u64,
    /// Every host in service, sorted by name bytewise; the place is the row number of events.
    pub(crate) rows: Vec<BoardRow>,
    /// The row of each host.
    pub(crate) places: Arc<HashMap<CiId, u32>>,
    /// The counts.
    pub(crate) counts: BoardCounts,
}

/// What a picture is drawn from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    /// The cells as judged, by host, in the order of the judge's columns.
    pub(crate) judged: HashMap<CiId, Vec<u8>>,
    /// The place of each judge's column among [`SignalGroup::ALL`].
    pub(crate) columns: Vec<Option<usize>>,
    /// Marks of open problems.
    pub(crate) marks: HashMap<CiId, [u8; 7]>,
    /// Open problems by severity, `Info` first.
    pub(crate) problems: [u32; 5],
    /// Discovered things.
    pub(crate) coverage: Coverage,
}

impl Sources {
    /// Takes the names of the judge's columns.
    pub(crate) fn set_columns(&mut self, names: &[String]) {
        let place = |name: &String| {
            let mut groups = SignalGroup::ALL.iter();
            groups.position(|group| group.name() == name)
        };
        self.columns = names.iter().map(place).collect();
    }

    /// Takes the open problems: their number, and the marks of every cell. A cell stands back only
    /// when all its problems of the highest severity do.
    pub(crate) fn set_problems(&mut self, open: &[OpenCell]) {
        self.problems = [0; 5];
        let mut worst: HashMap<(CiId, usize), &OpenCell> = HashMap::new();
        for cell in open {
            let code = usize::from(cell.severity.code());
            if let Some(count) = code.checked_sub(1).and_then(|at| self.problems.get_mut(at)) {
                *count += cell.problems;
            }
            let mut groups = SignalGroup::ALL.iter();
            let Some(group) = groups.position(|group| group.name() == cell.group) else {
                continue;
            };
            let known = worst.entry((cell.host, group)).or_insert(cell);
            if known.severity < cell.severity {
                *known = cell;
            }
        }
        self.marks.clear();
        for ((host, group), cell) in worst {
            let marks = self.marks.entry(host).or_default();
            if let Some(mark) = marks.get_mut(group) {
                *mark = mark_of(cell);
            }
        }
    }

    fn row(&self, host: &Host) -> BoardRow {
        let mut row = BoardRow {
            id_bits: host.id.bits(),
            name: host.name.clone(),
            cells: [Cell::new(CellState::Unregistered, 0); 7],
        };
        self.fill(host.id, &mut row);
        row
    }

    /// Draws the cells of a host anew.
    fn fill(&self, host: CiId, row: &mut BoardRow) {
        let marks = self.marks.get(&host).copied().unwrap_or_default();
        let judged = self.judged.get(&host).map_or(&[][..], Vec::as_slice);
        for (column, byte) in self.columns.iter().zip(judged) {
            let Some(group) = *column else { continue };
            let Some(cell) = row.cells.get_mut(group) else {
                continue;
            };
            let mark = marks.get(group).copied().unwrap_or(0);
            *cell = cell_of(*byte, mark);
        }
    }

    /// The picture of these hosts with every row drawn.
    pub(crate) fn draw(&self, hosts: &HashMap<CiId, Arc<Host>>, generation: u64) -> Picture {
        let mut rows: Vec<BoardRow> = hosts
            .values()
            .filter(|host| host.retired_ms.is_none())
            .map(|host| self.row(host))
            .collect();
        rows.sort_unstable_by(|a, b| a.name.as_bytes().cmp(b.name.as_bytes()));
        let place = |(at, row): (u32, &BoardRow)| (CiId::from_bits(row.id_bits), at);
        let places = (0_u32..).zip(&rows).map(place).collect();
        let mut picture = Picture {
            generation,
            rows,
            places: Arc::new(places),
            counts: BoardCounts::default(),
        };
        picture.counts = self.count(&picture.rows);
        picture
    }

    /// The picture after changes of these hosts' cells, and the event that tells of it.
    pub(crate) fn redraw(
        &self,
        before: &Picture,
        hosts: impl Iterator<Item = CiId>,
    ) -> Option<(Picture, BoardEvent)> {
        let generation = before.generation + 1;
        let mut event = CellsChanged::new(before.generation, generation);
        let mut after: Option<Vec<BoardRow>> = None;
        for host in hosts {
            let Some(&place) = before.places.get(&host) else {
                continue;
            };
            let rows = after.get_or_insert_with(|| before.rows.clone());
            let Some(row) = rows.get_mut(place as usize) else {
                continue;
            };
            let old = row.cells;
            self.fill(host, row);
            for ((group, was), is) in SignalGroup::ALL.into_iter().zip(old).zip(row.cells) {
                if was != is {
                    event.push(place, group, is);
                }
            }
        }
        if event.cells.is_empty() {
            return None;
        }
        let rows = after?;
        let picture = Picture {
            generation,
            counts: self.count(&rows),
            places: before.places.clone(),
            rows,
        };
        Some((picture, BoardEvent::Cells(event)))
    }

    /// The counts over these rows.
    pub(crate) fn count(&self, rows: &[BoardRow]) -> BoardCounts {
        let small = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let normal =
            |row: &&BoardRow| matches!(row.worst().state(), CellState::Judged(Severity::Normal));
        let unknown = |row: &&BoardRow| {
            let mut cells = row.cells.iter();
            cells.any(|cell| cell.state() == CellState::Unknown)
        };
        BoardCounts {
            problems: self.problems,
            hosts: small(rows.len()),
            hosts_normal: small(rows.iter().filter(normal).count()),
            hosts_unknown: small(rows.iter().filter(unknown).count()),
            monitored: small(self.coverage.monitored),
            ignored: small(self.coverage.ignored),
            unregistered: small(self.coverage.unregistered),
        }
    }
}

fn mark_of(cell: &OpenCell) -> u8 {
    if cell.quiet < cell.problems {
        return 0;
    }
    let marks = [
        (cell.acknowledged, Cell::ACKNOWLEDGED),
        (cell.maintenance, Cell::MAINTENANCE),
        (cell.silenced, Cell::SUPPRESSED),
    ];
    let marked = marks.iter().filter(|(count, _)| *count > 0);
    marked.fold(0, |marks, (_, bit)| marks | bit)
}

/// The wire byte of a judged cell with the marks of its problems.
fn cell_of(judged: u8, mut marks: u8) -> Cell {
    let state = match judged & judge::CELL_STATE {
        6 => CellState::Unknown,
        7 => CellState::Unregistered,
        code => Severity::from_code(code).map_or(CellState::Unknown, CellState::Judged),
    };
    if judged & judge::CELL_FLAPPING != 0 {
        marks |= Cell::FLAPPING;
    }
    if judged & judge::CELL_CANNOT_JUDGE != 0 {
        marks |= Cell::CANNOT_JUDGE;
    }
    Cell::new(state, marks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(severity: Severity, problems: u32, acknowledged: u32) -> OpenCell {
        OpenCell {
            host: CiId::from_bits(1),
            group: "disk".to_owned(),
            severity,
            problems,
            acknowledged,
            maintenance: 0,
            silenced: 0,
            quiet: acknowledged,
        }
    }

    fn disk_mark(open: &[OpenCell]) -> u8 {
        let mut sources = Sources::default();
        sources.set_problems(open);
        sources.marks.get(&CiId::from_bits(1)).map_or(0, |m| m[2])
    }

    #[test]
    fn a_cell_stands_back_only_when_all_its_worst_problems_do() {
        let (major, minor) = (Severity::Major, Severity::Minor);
        assert_eq!(disk_mark(&[open(major, 1, 1)]), Cell::ACKNOWLEDGED);
        assert_eq!(disk_mark(&[open(major, 2, 1)]), 0);
        assert_eq!(disk_mark(&[open(major, 1, 0), open(minor, 1, 1)]), 0);
        assert_eq!(
            disk_mark(&[open(minor, 3, 0), open(major, 1, 1)]),
            Cell::ACKNOWLEDGED
        );
    }

    #[test]
    fn problems_are_counted_also_where_the_board_has_no_column() {
        let mut sources = Sources::default();
        let other = OpenCell {
            group: "custom".to_owned(),
            ..open(Severity::Critical, 4, 0)
        };
        sources.set_problems(&[other, open(Severity::Info, 2, 0)]);
        assert_eq!(sources.problems, [2, 0, 0, 0, 4]);
    }

    #[test]
    fn a_change_is_told_once_with_its_generations() {
        let host = |n: u128, name: &str| {
            let host = Host {
                id: CiId::from_bits(n),
                name: name.to_owned(),
                labels: Default::default(),
                facts: cmdb::HostFacts::default(),
                retired_ms: None,
                created_ms: 0,
                version: 1,
            };
            (host.id, Arc::new(host))
        };
        let hosts = HashMap::from([host(1, "web02"), host(2, "web01")]);
        let mut sources = Sources::default();
        sources.set_columns(&["agent".to_owned(), "cpu".to_owned()]);
        sources.judged.insert(CiId::from_bits(1), vec![0, 0]);
        let before = sources.draw(&hosts, 7);
        assert_eq!(before.rows[0].name, "web01");
        assert_eq!(before.counts.hosts_normal, 1);
        sources.judged.insert(CiId::from_bits(1), vec![0, 4]);
        let ids = || [CiId::from_bits(1), CiId::from_bits(9)].into_iter();
        let (after, event) = sources.redraw(&before, ids()).unwrap();
        assert_eq!(event.data(), r#"{"from":7,"to":8,"cells":[7,4]}"#);
        assert_eq!(after.counts.hosts_normal, 0);
        assert!(sources.redraw(&after, ids()).is_none());
    }
}
