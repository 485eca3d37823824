//! Lists: searched, filtered, sorted and paged on the server; every view has an address.

use askama::Template;

use crate::context::PageContext;
use crate::form::Choice;
use crate::html::Html;
use crate::pieces::{Action, Empty};
use crate::query::ListQuery;

/// A column of a list.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// The name in `sort=`; empty when it cannot be sorted by.
    pub sort: &'static str,
    /// Catalogue key of its head.
    pub title: &'static str,
    /// Class of its cells: `num` (right, tabular), `grow` (takes the rest), `hide-s` (not on small
    /// screens) or several.
    pub class: &'static str,
}

impl Column {
    /// A column that can be sorted by.
    #[must_use]
    pub const fn sorted(sort: &'static str, title: &'static str) -> Self {
        Self {
            sort,
            title,
            class: "",
        }
    }

    /// A column that cannot be sorted by.
    #[must_use]
    pub const fn plain(title: &'static str) -> Self {
        Self {
            sort: "",
            title,
            class: "",
        }
    }

    /// The same column with a class.
    #[must_use]
    pub const fn class(self, class: &'static str) -> Self {
        Self {
            sort: self.sort,
            title: self.title,
            class,
        }
    }
}

/// A row of a list.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// The value of its check box in bulk actions; empty for none.
    pub id: String,
    /// Where its first cell links to; empty for nowhere.
    pub href: String,
    /// What a screen reader calls it.
    pub name: String,
    /// Extra class, e.g. `s-major` for a severity's edge or `is-off`.
    pub class: String,
    /// Its cells, one a column.
    pub cells: Vec<Html>,
}

/// A filter beside the search box.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Its key in the address.
    pub key: &'static str,
    /// Catalogue key of its name.
    pub label: &'static str,
    /// What may be chosen; the empty value ("all") is added.
    pub choices: Vec<Choice>,
}

/// An action on the checked rows.
#[derive(Clone, Copy, Debug)]
pub struct BulkAction {
    /// Sent as `action`.
    pub value: &'static str,
    /// Catalogue key of the button.
    pub label: &'static str,
    /// Catalogue key of the question asked before; empty for none.
    pub confirm: &'static str,
    /// Whether a comment or reason is asked for (the form's `comment` field is then shown).
    pub danger: bool,
}

/// A list as it is drawn.
#[derive(Clone, Debug)]
pub struct Table<'a> {
    /// Its path, e.g. `/problems`.
    pub path: &'a str,
    /// The view.
    pub query: &'a ListQuery,
    /// The columns.
    pub columns: &'a [Column],
    /// The rows of this page.
    pub rows: Vec<Row>,
    /// Rows over all pages.
    pub total: usize,
    /// Rows a page.
    pub page_size: usize,
    /// Filters.
    pub filters: Vec<Filter>,
    /// Catalogue key of the search box's placeholder; empty for no search.
    pub search: &'a str,
    /// Actions on checked rows.
    pub bulk: &'a [BulkAction],
    /// Where the bulk form is sent.
    pub bulk_path: &'a str,
    /// Where the whole view is exported (`.csv`); empty for none.
    pub export: &'a str,
    /// What stands there when there is nothing at all.
    pub empty: Empty,
    /// Buttons at the head, e.g. "add".
    pub actions: Vec<Action>,
}

#[derive(Template)]
#[template(path = "list.html")]
struct ListTemplate<'a> {
    ctx: &'a PageContext,
    table: &'a Table<'a>,
}

impl ListTemplate<'_> {
    fn sort_link(&self, column: &Column) -> String {
        let (current, descending) = self.table.query.sort();
        let next = match (current == column.sort, descending) {
            (true, false) => format!("-{}", column.sort),
            _ => column.sort.to_owned(),
        };
        self.table.query.with(self.table.path, "sort", &next)
    }

    fn aria_sort(&self, column: &Column) -> &'static str {
        match self.table.query.sort() {
            (current, _) if current != column.sort || current.is_empty() => "none",
            (_, true) => "descending",
            (_, false) => "ascending",
        }
    }

    fn selected(&self, filter: &Filter, choice: &Choice) -> bool {
        self.table.query.get(filter.key) == choice.value
    }

    fn filter_names(&self) -> Vec<&'static str> {
        let names = self.table.filters.iter().map(|filter| filter.key);
        names.chain(["q", "page"]).collect()
    }

    fn kept(&self) -> Vec<(String, String)> {
        let names = self.filter_names();
        let kept = self.table.query.except(&names);
        kept.map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    }

    fn first(&self) -> usize {
        (self.table.query.page() - 1) * self.table.page_size + 1
    }

    fn last(&self) -> usize {
        (self.first() + self.table.rows.len()).saturating_sub(1)
    }

    fn page_link(&self, page: usize) -> String {
        self.table
            .query
            .with(self.table.path, "page", &page.to_string())
    }

    fn has_next(&self) -> bool {
        self.last() < self.table.total
    }

    fn export_link(&self) -> String {
        self.table.query.with(self.table.export, "page", "")
    }

    fn range(&self) -> String {
        let count = |number| i18n::integer(i64::try_from(number).unwrap_or(i64::MAX));
        let (first, last) = (count(self.first()), count(self.last()));
        let total = count(self.table.total);
        self.ctx.tf(
            "list.range",
            &[("first", &first), ("last", &last), ("total", &total)],
        )
    }
}

impl Table<'_> {
    /// The list's markup: head with search and filters, rows, pages.
    #[must_use]
    pub fn draw(&self, ctx: &PageContext) -> Html {
        Html::render(&ListTemplate { ctx, table: self })
    }
}
