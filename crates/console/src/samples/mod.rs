//! Sample view models in both languages and every size, for the gallery, screenshots and tests.
//!
//! Deterministic: the same size gives the same fleet.

mod fleet;
mod generic;
mod host;
mod lines;
mod problem;

use model::Lang;
use ui::{Beacon, Choice, Health, PageContext, Theme, User};

use crate::board::{BoardCounts, BoardFilter, BoardView};

pub use fleet::{Dice, fleet, worst_first};
pub use generic::generic_pages;
pub use host::host;
pub use lines::problem_lines;
pub use problem::{problem, problems};

/// How much there is to show.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Size {
    /// A server just started.
    Empty,
    /// Ten hosts.
    Ten,
    /// Ten thousand hosts.
    Large,
}

impl Size {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Empty, Self::Ten, Self::Large];

    /// The name in the gallery's addresses.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Ten => "10",
            Self::Large => "10000",
        }
    }

    /// How many hosts.
    #[must_use]
    pub const fn hosts(self) -> usize {
        match self {
            Self::Empty => 0,
            Self::Ten => 10,
            Self::Large => 10_000,
        }
    }
}

/// The sample text of a language.
#[must_use]
pub const fn pick(lang: Lang, ko: &'static str, en: &'static str) -> &'static str {
    match lang {
        Lang::Ko => ko,
        Lang::En => en,
    }
}

/// A context with a user, the navigation and the fleet's open problems.
#[must_use]
pub fn context(lang: Lang, theme: Theme, size: Size, path: &str, now_ms: i64) -> PageContext {
    PageContext {
        zone: i18n::time_zone("Asia/Seoul"),
        path: path.to_owned(),
        user: Some(User {
            name: pick(lang, "김서연", "Seoyeon Kim").to_owned(),
            role: "role.operator".to_owned(),
        }),
        csrf: "sample-token".to_owned(),
        nav: crate::navigation(path, true),
        health: Health {
            summary: pick(
                lang,
                "수집·판정·통보 모두 정상",
                "Collecting, judging and telling",
            )
            .to_owned(),
            ..Health::default()
        },
        beacon: Beacon(counts(size).problems),
        ..PageContext::bare(lang, theme, now_ms)
    }
}

/// The counts of a fleet of this size.
#[must_use]
pub fn counts(size: Size) -> BoardCounts {
    let rows = fleet(size);
    let normal = rows.iter().filter(|row| row.worst().urgency() == 0).count();
    let unknown = rows
        .iter()
        .filter(|row| {
            row.cells
                .iter()
                .any(|cell| cell.state() == model::CellState::Unknown)
        })
        .count();
    let small = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let hosts = small(rows.len());
    BoardCounts {
        problems: lines::counts(&rows),
        hosts,
        hosts_normal: small(normal),
        hosts_unknown: small(unknown),
        monitored: hosts * 23,
        ignored: hosts / 4,
        unregistered: if hosts == 0 { 0 } else { hosts / 160 + 3 },
    }
}

/// The board of a fleet of this size.
#[must_use]
pub fn board(lang: Lang, size: Size, filter: BoardFilter, now_ms: i64) -> BoardView {
    let rows = fleet(size);
    let problems = problem_lines(lang, &rows, now_ms);
    let fits = |row: &&crate::board::BoardRow| {
        (!filter.only_bad || row.worst().urgency() > 0) && row.name.contains(&filter.text)
    };
    let shown: Vec<_> = worst_first(&rows)
        .into_iter()
        .filter(fits)
        .cloned()
        .collect();
    let group = |id: &str, ko, en| Choice::owned(id.to_owned(), pick(lang, ko, en).to_owned());
    BoardView {
        counts: counts(size),
        rows_total: shown.len(),
        rows: shown.into_iter().take(crate::FIRST_ROWS).collect(),
        problems_total: problems.len(),
        problems: problems.into_iter().take(60).collect(),
        generation: 1,
        snapshot_url: format!("/board/snapshot?size={}", size.name()),
        members_url: String::new(),
        events_url: format!("/board/events?size={}", size.name()),
        problems_url: format!("/board/problems?size={}&lang={}", size.name(), lang.code()),
        filter,
        host_groups: if rows.is_empty() {
            Vec::new()
        } else {
            vec![
                group("grp_web", "웹 서버", "Web servers"),
                group("grp_db", "데이터베이스", "Databases"),
                group("grp_pay", "결제 서비스", "Payment service"),
            ]
        },
        wall: false,
    }
}
