//! The board: what is wrong anywhere, at a glance, on a desk and on a wall.

mod view;
mod wire;

use askama::Template;
use model::{CellState, Severity};
use ui::{Choice, Empty, Html, Page, PageContext};

pub use view::{BoardCounts, BoardFilter, BoardRow, BoardView, Cell, SignalGroup};
pub use wire::{BoardEvent, CellsChanged, Hello, MAGIC, encode_snapshot};

use crate::problem::ProblemLine;

/// Rows that come with the page; more come with the snapshot.
pub const FIRST_ROWS: usize = 200;

/// The signs that a cell carries for its marks, as `board.css` draws them.
const MARK_SIGNS: [(&str, &str); 5] = [
    ("acknowledged", "✓"),
    ("maintenance", "◷"),
    ("suppressed", "⤓"),
    ("flapping", "∿"),
    ("cannot_judge", "⊘"),
];

#[derive(Template)]
#[template(path = "board.html")]
struct BoardTemplate<'a> {
    ctx: &'a PageContext,
    view: &'a BoardView,
}

#[derive(Template)]
#[template(path = "wall.html")]
struct WallTemplate<'a> {
    ctx: &'a PageContext,
    view: &'a BoardView,
}

#[derive(Template)]
#[template(path = "board_problems.html")]
struct ProblemsTemplate<'a> {
    ctx: &'a PageContext,
    title: &'static str,
    href: String,
    /// Title, text, and whether emptiness is good news.
    empty: (&'static str, &'static str, bool),
    problems: &'a [ProblemLine],
    total: usize,
}

/// The board as a page, or as a wall when the view says so.
#[must_use]
pub fn board(ctx: &PageContext, view: &BoardView) -> Html {
    let title = match ctx.beacon.total() {
        0 => ctx.t("board.title").to_owned(),
        total => format!("({total}) {}", ctx.t("board.title")),
    };
    let page = |body, class| Page {
        title,
        body,
        modules: vec!["board.js"],
        styles: vec!["board.css"],
        class,
        ..Page::default()
    };
    if view.wall {
        let body = Html::render(&WallTemplate { ctx, view });
        return ui::bare_page(ctx, &page(body, "wall"));
    }
    let body = Html::render(&BoardTemplate { ctx, view });
    ui::page(ctx, &page(body, "wide board-page"))
}

/// The problems beside the board, as the fragment that is fetched again when they change. Without
/// any host it says that nothing is watched instead of that all is well.
#[must_use]
pub fn board_problems(
    ctx: &PageContext,
    problems: &[ProblemLine],
    total: usize,
    hosts: u32,
) -> Html {
    let (title, href) = ("board.problems", "/problems".to_owned());
    let empty = match hosts {
        0 => ("board.nothing_watched", "board.nothing_watched_text", false),
        _ => ("board.no_problems", "board.no_problems_text", true),
    };
    Html::render(&ProblemsTemplate {
        ctx,
        title,
        href,
        empty,
        problems,
        total,
    })
}

/// The problems of one host, in the same form; `title` is a catalogue key. A host without values is
/// not called well.
pub(crate) fn host_problems(
    ctx: &PageContext,
    title: &'static str,
    (host, has_values): (&str, bool),
    problems: &[ProblemLine],
) -> Html {
    let href = format!("/problems?q={}", ui::encode(host));
    let empty = match has_values {
        true => ("board.no_problems", "host.no_problems_text", true),
        false => ("board.no_problems", "host.not_judged", false),
    };
    Html::render(&ProblemsTemplate {
        ctx,
        title,
        href,
        empty,
        problems,
        total: problems.len(),
    })
}

impl ProblemsTemplate<'_> {
    fn hidden(&self) -> String {
        self.ctx
            .count(&self.total.saturating_sub(self.problems.len()))
    }
}

impl BoardTemplate<'_> {
    fn counts(&self) -> Vec<(Severity, u32)> {
        ui::Beacon(self.view.counts.problems)
            .worst_first()
            .collect()
    }

    /// Whether only the own machine is watched yet, and the reader may add others.
    fn invites(&self) -> bool {
        let administers = |user: &ui::User| user.role == "role.administrator";
        self.view.counts.hosts == 1 && self.ctx.user.as_ref().is_some_and(administers)
    }

    fn row(&self, row: &BoardRow) -> Html {
        draw_row(self.ctx, row)
    }

    fn problems(&self) -> Html {
        beside(self.ctx, self.view)
    }

    fn words(&self) -> String {
        words(self.ctx)
    }

    fn empty(&self) -> Html {
        let add = ui::Action::primary(self.ctx.t("board.add_server"), "/agents/add");
        Empty {
            title: self.ctx.t("board.empty_title").to_owned(),
            text: self.ctx.t("board.empty_text").to_owned(),
            actions: vec![add],
            good: false,
        }
        .draw()
    }

    fn is_chosen(&self, choice: &Choice) -> bool {
        self.view.filter.group == choice.value
    }

    fn with(&self, key: &str, value: &str) -> String {
        let filter = &self.view.filter;
        let bad = if filter.only_bad { "1" } else { "" };
        let pairs = [
            ("q", filter.text.as_str()),
            ("group", &filter.group),
            ("severity", &filter.severity),
            ("bad", bad),
            ("sort", &filter.sort),
            ("view", &filter.view),
        ];
        let query = ui::ListQuery::new(pairs.map(|(k, v)| (k.to_owned(), v.to_owned())));
        query.with("/", key, value)
    }

    fn coverage(&self) -> String {
        let counts = &self.view.counts;
        match counts.monitored + counts.ignored + counts.unregistered {
            0 => "–".to_owned(),
            _ => i18n::percent(counts.coverage()),
        }
    }
}

fn beside(ctx: &PageContext, view: &BoardView) -> Html {
    board_problems(ctx, &view.problems, view.problems_total, view.counts.hosts)
}

impl WallTemplate<'_> {
    fn counts(&self) -> Vec<(Severity, u32)> {
        ui::Beacon(self.view.counts.problems)
            .worst_first()
            .collect()
    }

    fn problems(&self) -> Html {
        beside(self.ctx, self.view)
    }

    fn words(&self) -> String {
        words(self.ctx)
    }

    fn clock(&self) -> String {
        i18n::clock_time(self.ctx.now_ms, &self.ctx.zone)
    }
}

fn state_word(ctx: &PageContext, state: CellState) -> &'static str {
    match state {
        CellState::Judged(severity) => ui::severity_word(ctx.lang, severity),
        CellState::Unknown => i18n::t(ctx.lang, "state.unknown"),
        CellState::Unregistered => i18n::t(ctx.lang, "state.unregistered"),
    }
}

/// The words the island needs, in the order of the codes 0–7, then the marks from 0x08 up.
fn words(ctx: &PageContext) -> String {
    let judged = Severity::ALL.map(|severity| state_word(ctx, CellState::Judged(severity)));
    let others = [CellState::Unknown, CellState::Unregistered].map(|state| state_word(ctx, state));
    let marks = MARKS.map(|(_, name)| i18n::t(ctx.lang, &format!("mark.{name}")).to_owned());
    let words = judged
        .into_iter()
        .chain(others)
        .map(str::to_owned)
        .chain(marks);
    words.collect::<Vec<_>>().join("|")
}

const MARKS: [(u8, &str); 5] = [
    (Cell::ACKNOWLEDGED, "acknowledged"),
    (Cell::MAINTENANCE, "maintenance"),
    (Cell::SUPPRESSED, "suppressed"),
    (Cell::FLAPPING, "flapping"),
    (Cell::CANNOT_JUDGE, "cannot_judge"),
];

/// One row as the server draws it; `board.js` draws the same.
fn draw_row(ctx: &PageContext, row: &BoardRow) -> Html {
    let worst = row.worst().state();
    let mut out = format!(
        "<tr><th scope=\"row\" class=\"s-{}\"><a href=\"{}\">{}</a><span class=\"worst\">{}</span></th>",
        worst.name(),
        row.href(),
        ui::escape(&row.name),
        state_word(ctx, worst),
    );
    for cell in row.cells {
        out.push_str(&draw_cell(ctx, cell));
    }
    out.push_str("</tr>");
    Html::trusted(out)
}

fn draw_cell(ctx: &PageContext, cell: Cell) -> String {
    let state = cell.state();
    let word = state_word(ctx, state);
    let glyph = match state {
        CellState::Judged(severity) => format!("fires f{}", severity.code()),
        CellState::Unknown | CellState::Unregistered => "glyph".to_owned(),
    };
    let (mut classes, mut title) = (String::new(), word.to_owned());
    for (bit, name) in MARKS {
        if cell.has(bit) {
            classes.push_str(" has-");
            classes.push_str(name);
            title.push_str(" · ");
            title.push_str(i18n::t(ctx.lang, &format!("mark.{name}")));
        }
    }
    let (name, title) = (state.name(), ui::escape(&title));
    format!(
        "<td class=\"cell s-{name}{classes}\" title=\"{title}\"><i class=\"{glyph}\"></i>\
         <span>{word}</span></td>"
    )
}
