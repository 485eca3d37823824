//! Which rows the board brings with the page, and in which order; `board.js` does the same.

use std::collections::HashSet;

use console::FIRST_ROWS;
use console::views::{BoardFilter, BoardRow};
use model::{CellState, CiId, Severity};

/// The places of the rows that fit.
pub(super) fn find(
    rows: &[BoardRow],
    filter: &BoardFilter,
    members: Option<&HashSet<CiId>>,
) -> Vec<usize> {
    let wanted = filter.text.trim().to_lowercase();
    let least: Option<Severity> = filter.severity.parse().ok();
    let fits = |row: &BoardRow| {
        let state = row.worst().state();
        let severe = match least {
            Some(least) if least > Severity::Normal => {
                matches!(state, CellState::Judged(severity) if severity >= least)
            }
            _ => true,
        };
        let mut cells = row.cells.iter();
        let mut silent = || cells.any(|cell| cell.state() == CellState::Unknown);
        severe
            && (filter.severity != "unknown" || silent())
            && !(filter.only_bad && state == CellState::Judged(Severity::Normal))
            && (wanted.is_empty() || row.name.to_lowercase().contains(&wanted))
            && members.is_none_or(|members| members.contains(&CiId::from_bits(row.id_bits)))
    };
    let places = rows.iter().enumerate();
    places
        .filter(|(_, row)| fits(row))
        .map(|(at, _)| at)
        .collect()
}

/// The first rows of those, the worst first unless by name.
pub(super) fn first(rows: &[BoardRow], mut found: Vec<usize>, by_name: bool) -> Vec<BoardRow> {
    if !by_name {
        let urgency = |at: &usize| rows.get(*at).map_or(0, |row| row.worst().urgency());
        found.sort_by_cached_key(|at| (std::cmp::Reverse(urgency(at)), *at));
    }
    let shown = found.into_iter().take(FIRST_ROWS);
    shown.filter_map(|at| rows.get(at).cloned()).collect()
}

#[cfg(test)]
mod tests {
    use console::samples::{self, Size};

    use super::*;

    #[test]
    fn the_worst_hundreds_come_first_and_filters_cut() {
        let rows = samples::fleet(Size::Large);
        let all = find(&rows, &BoardFilter::default(), None);
        assert_eq!(all.len(), rows.len());
        let shown = first(&rows, all, false);
        assert_eq!(shown.len(), FIRST_ROWS);
        let urgencies: Vec<u8> = shown.iter().map(|row| row.worst().urgency()).collect();
        assert!(urgencies.is_sorted_by(|a, b| a >= b));
        let bad = BoardFilter {
            severity: "major".to_owned(),
            ..BoardFilter::default()
        };
        for at in find(&rows, &bad, None) {
            assert!(rows[at].worst().urgency() >= 11);
        }
        let one = HashSet::from([CiId::from_bits(rows[5].id_bits)]);
        assert_eq!(find(&rows, &BoardFilter::default(), Some(&one)), [5]);
    }
}
