//! A fleet of hosts with troubles in the shares that a real one has.

use model::{CellState, Severity};

use super::Size;
use crate::board::{BoardRow, Cell, SignalGroup};

/// A small generator of repeatable numbers (xorshift); samples need no better one.
#[derive(Clone, Copy, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice that always fall the same way for the same seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `sides`.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides.max(1)
    }
}

const ROLES: [(&str, u64); 9] = [
    ("web", 26),
    ("was", 26),
    ("api", 14),
    ("db", 9),
    ("cache", 6),
    ("kafka", 4),
    ("batch", 6),
    ("log", 5),
    ("gw", 4),
];
const SITES: [&str; 4] = ["sel1", "sel2", "pus1", "icn1"];
const SERVICES: [&str; 8] = [
    "order", "pay", "member", "search", "point", "stock", "auth", "notice",
];

/// The hosts of this size, sorted by name.
#[must_use]
pub fn fleet(size: Size) -> Vec<BoardRow> {
    let mut dice = Dice::new(7);
    let mut rows: Vec<BoardRow> = (0..size.hosts())
        .map(|at| host(at, size, &mut dice))
        .collect();
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    rows
}

fn host(at: usize, size: Size, dice: &mut Dice) -> BoardRow {
    let name = match size {
        Size::Large => {
            let role = weighted(dice.roll(100));
            let site = choose(&SITES, dice);
            let service = choose(&SERVICES, dice);
            format!("{site}-{service}-{role}-{:03}", at % 1_000)
        }
        _ => format!(
            "{}-{:02}",
            choose(&["web", "was", "db", "batch"], dice),
            at + 1
        ),
    };
    let id_bits = (0x0197_5A3C_0000_u128 + at as u128 * 41) << 80
        | 0x7000 << 64
        | u128::from(dice.roll(1 << 53)) << 11
        | u128::from(dice.roll(2_048));
    let chance = if size == Size::Large { 1_000 } else { 14 };
    BoardRow {
        id_bits,
        name,
        cells: cells(at, size, chance, dice),
    }
}

fn cells(at: usize, size: Size, chance: u64, dice: &mut Dice) -> [Cell; 7] {
    let mut cells = [Cell::default(); 7];
    if size == Size::Ten {
        for (host, group, cell) in trouble_of_ten() {
            if host == at
                && let Some(place) = SignalGroup::ALL.iter().position(|g| *g == group)
                && let Some(slot) = cells.get_mut(place)
            {
                *slot = cell;
            }
        }
        return cells;
    }
    for slot in &mut cells {
        let state = match dice.roll(chance * 10) {
            0..=3 => Severity::Critical,
            4..=15 => Severity::Major,
            16..=55 => Severity::Minor,
            56..=180 => Severity::Warning,
            181..=330 => Severity::Info,
            _ => continue,
        };
        let marks = match dice.roll(12) {
            0..=2 => Cell::ACKNOWLEDGED,
            3 => Cell::MAINTENANCE,
            4 => Cell::FLAPPING,
            _ => 0,
        };
        *slot = Cell::new(CellState::Judged(state), marks);
    }
    if dice.roll(700) == 0 {
        cells = [Cell::new(CellState::Unknown, 0); 7];
        if let Some(agent) = cells.last_mut() {
            *agent = Cell::new(CellState::Judged(Severity::Major), 0);
        }
    }
    if dice.roll(250) == 0
        && let Some(process) = cells.get_mut(4)
    {
        *process = Cell::new(CellState::Unregistered, 0);
    }
    cells
}

fn trouble_of_ten() -> [(usize, SignalGroup, Cell); 9] {
    use SignalGroup::{Agent, Check, Cpu, Disk, Memory, Process};
    let judged = |severity, marks| Cell::new(CellState::Judged(severity), marks);
    [
        (2, Disk, judged(Severity::Critical, 0)),
        (2, Memory, judged(Severity::Warning, 0)),
        (5, Process, judged(Severity::Major, Cell::ACKNOWLEDGED)),
        (7, Cpu, judged(Severity::Minor, 0)),
        (7, Check, Cell::new(CellState::Unregistered, 0)),
        (3, Memory, judged(Severity::Info, 0)),
        (8, Disk, judged(Severity::Warning, Cell::MAINTENANCE)),
        (9, Agent, judged(Severity::Minor, 0)),
        (9, Cpu, Cell::new(CellState::Unknown, 0)),
    ]
}

/// The rows, most urgent first, by name among equals.
#[must_use]
pub fn worst_first(rows: &[BoardRow]) -> Vec<&BoardRow> {
    let mut sorted: Vec<&BoardRow> = rows.iter().collect();
    sorted.sort_by_key(|row| std::cmp::Reverse(row.worst().urgency()));
    sorted
}

fn weighted(mut roll: u64) -> &'static str {
    for (name, share) in ROLES {
        if roll < share {
            return name;
        }
        roll -= share;
    }
    "web"
}

fn choose(names: &[&'static str], dice: &mut Dice) -> &'static str {
    let at = usize::try_from(dice.roll(names.len() as u64)).unwrap_or(0);
    names.get(at).copied().unwrap_or("host")
}
