//! The list of problems: filters, order, pages, and counts by severity.

use db::{Cursor, Direction, Keyset, Kind, List, Page, Query, Sql, Value, params};
use model::{CiId, RuleId, Severity, UserId};

use super::{places, problem};
use crate::error::Result;
use crate::model::{Mark, Problem};

/// Which problems a list shows; an empty part filters nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Open ones (`true`), closed ones (`false`), or both.
    pub open: Option<bool>,
    /// Any of these severities.
    pub severities: Vec<Severity>,
    /// On this host.
    pub host: Option<CiId>,
    /// On any of these hosts, e.g. those of a group; an empty list shows nothing.
    pub hosts: Option<Vec<CiId>>,
    /// Of this rule.
    pub rule: Option<RuleId>,
    /// Of this board column.
    pub group: Option<String>,
    /// All of these words, in number, host, title, rule or key.
    pub text: String,
    /// Assigned to or taken by this person.
    pub mine: Option<UserId>,
    /// Taken by somebody, or by nobody.
    pub acknowledged: Option<bool>,
    /// With this mark.
    pub mark: Option<Mark>,
    /// Opened at or after, UTC milliseconds.
    pub opened_from_ms: Option<i64>,
    /// Opened before, UTC milliseconds.
    pub opened_to_ms: Option<i64>,
}

/// In which order a list stands.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Sort {
    /// The worst first, among them the newest.
    #[default]
    Severity,
    /// The newest first.
    Opened,
    /// The one that changed last first.
    Changed,
    /// By host.
    Host,
    /// The oldest first.
    Oldest,
}

impl Sort {
    const fn keyset(self) -> Keyset {
        let (columns, direction): (&'static [(&'static str, Kind)], _) = match self {
            Self::Severity => (
                &[
                    ("severity", Kind::Int),
                    ("opened_ms", Kind::Int),
                    ("id", Kind::Text),
                ],
                Direction::Descending,
            ),
            Self::Opened => (
                &[("opened_ms", Kind::Int), ("id", Kind::Text)],
                Direction::Descending,
            ),
            Self::Changed => (
                &[("changed_ms", Kind::Int), ("id", Kind::Text)],
                Direction::Descending,
            ),
            Self::Host => (
                &[("host", Kind::Text), ("id", Kind::Text)],
                Direction::Ascending,
            ),
            Self::Oldest => (
                &[("opened_ms", Kind::Int), ("id", Kind::Text)],
                Direction::Ascending,
            ),
        };
        Keyset::new(columns, direction)
    }
}

/// Conditions joined by AND, with their values.
#[derive(Default)]
struct Where {
    parts: Vec<String>,
    values: Vec<Value>,
}

impl Where {
    /// Adds a condition; `?` in it is the value's place.
    fn and(&mut self, condition: &str, value: impl Into<Value>) {
        self.values.push(value.into());
        let place = format!("${}", self.values.len());
        self.parts.push(condition.replace('?', &place));
    }

    fn any_of(&mut self, column: &str, values: Vec<Value>) {
        if values.is_empty() {
            self.parts.push("1 = 0".to_owned());
            return;
        }
        let places = places(self.values.len() + 1, values.len());
        self.values.extend(values);
        self.parts.push(format!("{column} IN {places}"));
    }
}

impl Filter {
    fn conditions(&self, now_ms: i64) -> Where {
        let mut all = Where::default();
        match self.open {
            Some(true) => all.parts.push("closed_ms IS NULL".to_owned()),
            Some(false) => all.parts.push("closed_ms IS NOT NULL".to_owned()),
            None => {}
        }
        if !self.severities.is_empty() {
            let codes = self
                .severities
                .iter()
                .map(|severity| severity.code().into());
            all.any_of("severity", codes.collect());
        }
        if let Some(host) = self.host {
            all.and("ci = ?", host);
        }
        if let Some(hosts) = &self.hosts {
            all.any_of("ci", hosts.iter().map(Value::from).collect());
        }
        if let Some(rule) = self.rule {
            all.and("rule = ?", rule);
        }
        if let Some(group) = &self.group {
            all.and("board_group = ?", group);
        }
        for word in self.text.to_lowercase().split_whitespace() {
            all.and("search LIKE ? ESCAPE '\\'", format!("%{}%", escaped(word)));
        }
        if let Some(user) = self.mine {
            all.and("(assignee = ? OR acked_by = ?)", user);
        }
        match self.acknowledged {
            Some(true) => all.parts.push("acked_ms IS NOT NULL".to_owned()),
            Some(false) => all.parts.push("acked_ms IS NULL".to_owned()),
            None => {}
        }
        if let Some(from_ms) = self.opened_from_ms {
            all.and("opened_ms >= ?", from_ms);
        }
        if let Some(to_ms) = self.opened_to_ms {
            all.and("opened_ms < ?", to_ms);
        }
        if let Some(mark) = self.mark {
            mark_condition(&mut all, mark, now_ms);
        }
        all
    }
}

fn mark_condition(all: &mut Where, mark: Mark, now_ms: i64) {
    let condition = match mark {
        Mark::Acknowledged => "acked_ms IS NOT NULL",
        Mark::Maintenance => "maintenance IS NOT NULL",
        Mark::Suppressed => "silence IS NOT NULL",
        Mark::Flapping => "flapping = 1",
        Mark::Frozen => "last_seen_ms IS NOT NULL",
        Mark::CannotJudge => "cannot_judge <> ''",
        Mark::Repairing => "repair LIKE '%\"ended_ms\":null%'",
        Mark::Snoozed => return all.and("snoozed_until_ms > ?", now_ms),
    };
    all.parts.push(condition.to_owned());
}

/// A word that LIKE takes literally.
fn escaped(word: &str) -> String {
    word.replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_")
}

/// One page of a list.
pub(crate) async fn page(
    from: &mut impl Query,
    (filter, sort): (&Filter, Sort),
    cursor: Option<&Cursor>,
    limit: usize,
    now_ms: i64,
) -> Result<Page<Problem>> {
    let Where { parts, values } = filter.conditions(now_ms);
    let filtered = !parts.is_empty();
    let mut select = problem::select();
    if filtered {
        select.push_str(&format!(" WHERE {}", parts.join(" AND ")));
    }
    let keyset = sort.keyset();
    let (sql, values) = keyset.complete(
        List {
            select,
            values,
            filtered,
        },
        cursor,
        limit,
    )?;
    let rows = from.fetch_all(sql, values).await?;
    Ok(keyset.page(rows, limit, problem::read)?)
}

/// How many problems of the filter have each severity, by code 0–5.
pub(crate) async fn counts(
    from: &mut impl Query,
    filter: &Filter,
    now_ms: i64,
) -> Result<[i64; 6]> {
    let Where { parts, values } = filter.conditions(now_ms);
    let condition = if parts.is_empty() {
        "1 = 1".to_owned()
    } else {
        parts.join(" AND ")
    };
    let sql = format!(
        "SELECT severity, count(*) AS problems FROM problem_problem WHERE {condition} GROUP BY severity"
    );
    let mut counts = [0; 6];
    for row in from.fetch_all(Sql::assembled(sql), values).await? {
        let code: usize = row.number("severity")?;
        if let Some(count) = counts.get_mut(code) {
            *count = row.int("problems")?;
        }
    }
    Ok(counts)
}

/// Ids that a filter selects, the newest first, at most `limit`; for actions on many rows.
pub(crate) async fn ids(
    from: &mut impl Query,
    filter: &Filter,
    limit: usize,
    now_ms: i64,
) -> Result<Vec<model::ProblemId>> {
    let Where { parts, mut values } = filter.conditions(now_ms);
    let condition = if parts.is_empty() {
        "1 = 1".to_owned()
    } else {
        parts.join(" AND ")
    };
    values.extend(params![limit]);
    let sql = format!(
        "SELECT id FROM problem_problem WHERE {condition} ORDER BY id DESC LIMIT ${}",
        values.len()
    );
    let rows = from.fetch_all(Sql::assembled(sql), values).await?;
    rows.iter().map(|row| Ok(row.id("id")?)).collect()
}

/// Open problems of one host in one column of the board with one severity.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OpenCell {
    /// The host.
    pub host: CiId,
    /// The board column.
    pub group: String,
    /// Their severity.
    pub severity: Severity,
    /// How many.
    pub problems: u32,
    /// How many of them somebody took.
    pub acknowledged: u32,
    /// How many a maintenance covers.
    pub maintenance: u32,
    /// How many a silence covers.
    pub silenced: u32,
    /// How many somebody took or a maintenance or silence covers.
    pub quiet: u32,
}

/// All open problems, counted by host, column and severity; one statement for the whole board.
pub(crate) async fn open_cells(from: &mut impl Query) -> Result<Vec<OpenCell>> {
    const SQL: &str = "SELECT ci, board_group, severity, count(*) AS problems, \
         count(acked_ms) AS acknowledged, count(maintenance) AS maintenance, \
         count(silence) AS silenced, \
         count(COALESCE(maintenance, silence, CAST(acked_ms AS TEXT))) AS quiet \
         FROM problem_problem WHERE closed_ms IS NULL GROUP BY ci, board_group, severity";
    let rows = from.fetch_all(SQL, params![]).await?;
    let read = |row: &db::Row| {
        Ok(OpenCell {
            host: row.id("ci")?,
            group: row.text("board_group")?,
            severity: Severity::from_code(row.number("severity")?).unwrap_or(Severity::Info),
            problems: row.number("problems")?,
            acknowledged: row.number("acknowledged")?,
            maintenance: row.number("maintenance")?,
            silenced: row.number("silenced")?,
            quiet: row.number("quiet")?,
        })
    };
    rows.iter().map(read).collect()
}
