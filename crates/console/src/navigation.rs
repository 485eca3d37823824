//! The navigation of the console: its areas, their pages, and which one is open.

use ui::NavItem;

type Entry = (&'static str, &'static str);

/// Areas with their pages; the first address that is a prefix of the path, longest first, is open.
const AREAS: [(Entry, &[Entry]); 7] = [
    (("nav.board", "/"), &[]),
    (("nav.problems", "/problems"), &[]),
    (
        ("nav.hosts", "/hosts"),
        &[
            ("nav.host_list", "/hosts"),
            ("nav.groups", "/groups"),
            ("nav.agents", "/agents"),
            ("nav.coverage", "/coverage"),
        ],
    ),
    (
        ("nav.rules", "/rules"),
        &[
            ("nav.rule_list", "/rules"),
            ("nav.maintenance", "/maintenance"),
            ("nav.silences", "/silences"),
        ],
    ),
    (
        ("nav.notices", "/notices"),
        &[
            ("nav.ledger", "/notices"),
            ("nav.recipients", "/recipients"),
            ("nav.channels", "/channels"),
        ],
    ),
    (
        ("nav.scripts", "/scripts"),
        &[("nav.script_list", "/scripts"), ("nav.runs", "/runs")],
    ),
    (
        ("nav.manage", "/users"),
        &[
            ("nav.users", "/users"),
            ("nav.tokens", "/tokens"),
            ("nav.audit", "/audit"),
            ("nav.health", "/health"),
        ],
    ),
];

/// The navigation with the area and page of `path` open.
#[must_use]
pub fn navigation(path: &str) -> Vec<NavItem> {
    let path = path.split('?').next().unwrap_or(path);
    let open = AREAS
        .iter()
        .flat_map(|(area, pages)| std::iter::once(area).chain(pages.iter()))
        .map(|(_, href)| *href)
        .filter(|href| covers(href, path))
        .max_by_key(|href| href.len());
    AREAS
        .iter()
        .map(|((label, href), pages)| {
            let children: Vec<NavItem> = pages.iter().map(|page| item(*page, open)).collect();
            let active = open == Some(*href) || children.iter().any(|child| child.active);
            NavItem {
                label,
                href,
                active,
                children,
            }
        })
        .collect()
}

fn item((label, href): Entry, open: Option<&str>) -> NavItem {
    NavItem {
        label,
        href,
        active: open == Some(href),
        children: Vec::new(),
    }
}

fn covers(href: &str, path: &str) -> bool {
    match path.strip_prefix(href) {
        Some(rest) if href == "/" => rest.is_empty(),
        Some(rest) => rest.is_empty() || rest.starts_with('/'),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_area_and_one_page_are_open() {
        for (path, area, page) in [
            ("/", "nav.board", None),
            ("/?wall=1", "nav.board", None),
            ("/problems/prb_1", "nav.problems", None),
            ("/hosts/ci_1?from=1", "nav.hosts", Some("nav.host_list")),
            ("/agents/add", "nav.hosts", Some("nav.agents")),
            ("/audit", "nav.manage", Some("nav.audit")),
        ] {
            let items = navigation(path);
            let active: Vec<_> = items.iter().filter(|item| item.active).collect();
            assert_eq!(active.len(), 1, "{path}");
            assert_eq!(active[0].label, area, "{path}");
            let child = active[0]
                .children
                .iter()
                .find(|item| item.active)
                .map(|item| item.label);
            assert_eq!(child, page, "{path}");
        }
        assert!(navigation("/hostsx").iter().all(|item| !item.active));
    }
}
