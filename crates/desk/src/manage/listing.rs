//! Lists of configuration: searched, filtered, sorted, paged and exported on the server.

use std::cmp::Ordering;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use model::Severity;
use ui::{BulkAction, Column, Empty, Filter, Html, ListQuery, PageContext, PageHead, Row, Table};
use web::Ctx;

use crate::csv::Csv;

/// Rows of a page.
const PAGE_ROWS: usize = 50;

/// What a cell is sorted by.
#[derive(Clone, Debug, PartialEq)]
enum Key {
    Number(f64),
    Text(String),
}

impl Key {
    fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Number(_), Self::Text(_)) => Ordering::Less,
            (Self::Text(_), Self::Number(_)) => Ordering::Greater,
        }
    }
}

/// A cell: as text for search and export, as markup for the page, and its place in the order.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    html: Html,
    key: Key,
}

impl Cell {
    /// A plain text.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            html: Html::text(&text),
            key: Key::Text(text.to_lowercase()),
            text,
        }
    }

    /// Markup, with the text that it says.
    pub(crate) fn html(text: impl Into<String>, html: Html) -> Self {
        Self {
            html,
            ..Self::text(text)
        }
    }

    /// A count; nothing to see when it is none.
    pub(crate) fn count(number: usize) -> Self {
        let shown = i64::try_from(number).unwrap_or(i64::MAX);
        #[expect(clippy::cast_precision_loss, reason = "only for the order")]
        let key = Key::Number(number as f64);
        Self {
            text: number.to_string(),
            html: Html::text(&i18n::integer(shown)),
            key,
        }
    }

    /// How long ago, or a dash.
    pub(crate) fn ago(page: &PageContext, at_ms: Option<i64>) -> Self {
        Self::time(at_ms, at_ms.map(|at_ms| page.ago(at_ms)))
    }

    /// Date and time, or a dash.
    pub(crate) fn at(page: &PageContext, at_ms: Option<i64>) -> Self {
        Self::time(at_ms, at_ms.map(|at_ms| page.at(at_ms)))
    }

    fn time(at_ms: Option<i64>, html: Option<Html>) -> Self {
        #[expect(
            clippy::cast_precision_loss,
            reason = "milliseconds fit for ages to come"
        )]
        let key = Key::Number(at_ms.unwrap_or(0) as f64);
        Self {
            text: at_ms.map_or_else(String::new, i18n::iso),
            html: html.unwrap_or_else(|| Html::text("–")),
            key,
        }
    }

    /// A severity.
    pub(crate) fn severity(page: &PageContext, severity: Severity) -> Self {
        Self {
            text: severity.name().to_owned(),
            html: page.sev(&severity),
            key: Key::Number(f64::from(severity.code())),
        }
    }

    /// The same cell at another place in the order.
    pub(crate) fn by(self, number: i64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "only for the order")]
        let key = Key::Number(number as f64);
        Self { key, ..self }
    }
}

/// A row before it is known whether it is shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    /// The value of its check box; empty for none.
    pub(crate) id: String,
    /// Where it leads; empty for nowhere.
    pub(crate) href: String,
    /// What it is called.
    pub(crate) name: String,
    /// Extra class.
    pub(crate) class: String,
    /// Its cells, one a column.
    pub(crate) cells: Vec<Cell>,
    /// What filters ask of it: filter, value; several values of one filter may hold.
    pub(crate) facets: Vec<(&'static str, String)>,
}

/// A list as its page has it.
pub(crate) struct Listing<'a> {
    /// The head.
    pub(crate) head: PageHead,
    /// Its path; `.csv` behind it exports.
    pub(crate) path: &'a str,
    /// The columns.
    pub(crate) columns: &'a [Column],
    /// Every row there is.
    pub(crate) lines: Vec<Line>,
    /// Filters.
    pub(crate) filters: Vec<Filter>,
    /// Catalogue key of the search box's placeholder.
    pub(crate) search: &'a str,
    /// Actions on checked rows, sent to `path`.
    pub(crate) bulk: &'a [BulkAction],
    /// What stands there when there is nothing.
    pub(crate) empty: Empty,
    /// What stands between head and list: a banner, a hint.
    pub(crate) above: Html,
}

impl Listing<'_> {
    /// The page, or the file when the path asked for ends in `.csv`.
    pub(crate) fn answer(mut self, ctx: &Ctx, page: &PageContext, query: &ListQuery) -> Response {
        self.choose(query);
        let asked = ctx.uri.split('?').next().unwrap_or("");
        if asked.ends_with(".csv") {
            return self.csv(page);
        }
        self.page(page, query).into_response()
    }

    fn choose(&mut self, query: &ListQuery) {
        for filter in &self.filters {
            let wanted = query.get(filter.key);
            if !wanted.is_empty() {
                let has = |line: &Line| {
                    let mut facets = line.facets.iter();
                    facets.any(|(key, value)| *key == filter.key && value == wanted)
                };
                self.lines.retain(has);
            }
        }
        let asked = query.get("q").to_lowercase();
        if !asked.is_empty() && !self.search.is_empty() {
            self.lines.retain(|line| {
                let mut all = line.name.to_lowercase();
                for cell in &line.cells {
                    all.push(' ');
                    all.push_str(&cell.text.to_lowercase());
                }
                asked.split_whitespace().all(|word| all.contains(word))
            });
        }
        let (sort, descending) = query.sort();
        let column = self.columns.iter().position(|column| column.sort == sort);
        if let Some(at) = column.filter(|_| !sort.is_empty()) {
            self.lines.sort_by(|a, b| {
                let order = match (a.cells.get(at), b.cells.get(at)) {
                    (Some(a), Some(b)) => a.key.order(&b.key),
                    _ => Ordering::Equal,
                };
                if descending { order.reverse() } else { order }
            });
        }
    }

    fn page(self, page: &PageContext, query: &ListQuery) -> Html {
        let total = self.lines.len();
        let start = (query.page() - 1).saturating_mul(PAGE_ROWS);
        let rows = self.lines.into_iter().skip(start).take(PAGE_ROWS);
        let export = format!("{}.csv", self.path);
        let table = Table {
            path: self.path,
            query,
            columns: self.columns,
            rows: rows.map(row).collect(),
            total,
            page_size: PAGE_ROWS,
            filters: self.filters,
            search: self.search,
            bulk: self.bulk,
            bulk_path: self.path,
            export: &export,
            empty: self.empty,
            actions: Vec::new(),
        };
        super::sheet::sheet(page, &self.head, &[self.above, table.draw(page)], "wide")
    }

    fn csv(self, page: &PageContext) -> Response {
        let titles: Vec<&str> = self
            .columns
            .iter()
            .map(|column| page.t(column.title))
            .collect();
        let mut file = Csv::new(&titles);
        for line in &self.lines {
            let cells: Vec<&str> = line.cells.iter().map(|cell| cell.text.as_str()).collect();
            file.row(&cells);
        }
        let name = self.path.trim_start_matches('/').replace('/', "-");
        file.answer(&format!("bongsu-{name}.csv"))
    }
}

/// A file to be kept.
pub(crate) fn file(name: &str, kind: &'static str, text: String) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    (headers, text).into_response()
}

fn row(line: Line) -> Row {
    Row {
        id: line.id,
        href: line.href,
        name: line.name,
        class: line.class,
        cells: line.cells.into_iter().map(|cell| cell.html).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_ordered_as_numbers() {
        let (nine, ten) = (Cell::count(9), Cell::count(10));
        assert_eq!(nine.key.order(&ten.key), Ordering::Less);
        let (a, b) = (Cell::text("Web"), Cell::text("db"));
        assert_eq!(a.key.order(&b.key), Ordering::Greater);
    }
}
