//! The navigation of the console: its areas, their pages, which one is open, and for whom.

use ui::NavItem;

type Entry = (&'static str, &'static str);

/// Pages that only an administrator may open; nobody else is led to them.
const ADMINISTRATORS: [&str; 2] = ["/users", "/audit"];

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
            ("nav.overrides", "/overrides"),
            ("nav.watched", "/watched"),
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
            ("nav.me", "/me"),
        ],
    ),
];

/// The navigation with the area and page of `path` open, as somebody sees it who is an
/// administrator or not.
#[must_use]
pub fn navigation(path: &str, administers: bool) -> Vec<NavItem> {
    let path = path.split('?').next().unwrap_or(path);
    let allowed = |href: &str| administers || !ADMINISTRATORS.contains(&href);
    let open = AREAS
        .iter()
        .flat_map(|(area, pages)| std::iter::once(area).chain(pages.iter()))
        .map(|(_, href)| *href)
        .filter(|href| covers(href, path))
        .max_by_key(|href| href.len());
    AREAS
        .iter()
        .map(|((label, href), pages)| {
            let pages = pages.iter().filter(|(_, href)| allowed(href));
            let children: Vec<NavItem> = pages.map(|page| item(*page, open)).collect();
            let first = children.first().map_or(*href, |child| child.href);
            let active = open == Some(*href) || children.iter().any(|child| child.active);
            NavItem {
                label,
                href: if allowed(href) { href } else { first },
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
            ("/watched/new/unit", "nav.rules", Some("nav.watched")),
            ("/me/password", "nav.manage", Some("nav.me")),
        ] {
            let items = navigation(path, true);
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
        assert!(navigation("/hostsx", true).iter().all(|item| !item.active));
    }

    #[test]
    fn nobody_is_led_to_a_page_that_is_forbidden_to_them() {
        let items = navigation("/tokens", false);
        let all = items
            .iter()
            .flat_map(|item| std::iter::once(item).chain(&item.children));
        assert!(
            !all.clone()
                .any(|item| item.href == "/users" || item.href == "/audit")
        );
        assert!(
            all.clone()
                .any(|item| item.label == "nav.manage" && item.href == "/tokens")
        );
    }
}
