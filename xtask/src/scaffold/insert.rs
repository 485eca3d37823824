//! Puts one line where it belongs into a list that people keep in alphabetic order; pure.

use anyhow::{Context as _, Result, ensure};

/// Adds a line such as `mod x;` or `pub use x::X;` among the lines that begin alike.
pub(super) fn module(text: &str, line: &str) -> Result<String> {
    ensure!(
        !text.lines().any(|known| known == line),
        "`{line}` is there already"
    );
    let kind = line.rsplit_once(' ').map_or("", |(kind, _)| kind);
    // Any kind of visibility keeps one alphabet: `mod a;` and `pub mod b;` are neighbours.
    let word = kind.rsplit(' ').next().unwrap_or_default();
    let named = |text: &str| -> Option<String> {
        let rest = text.strip_suffix(';')?;
        let (before, name) = rest.rsplit_once(' ')?;
        let is_alike = before == word
            || before.strip_prefix("pub ") == Some(word)
            || before.strip_prefix("pub(crate) ") == Some(word);
        is_alike.then(|| name.to_owned())
    };
    let own = named(line).context("not a line of a list")?;
    let lines: Vec<&str> = text.lines().collect();
    let alike = |at: &usize| lines.get(*at).and_then(|line| named(line)).is_some();
    let before = |at: &usize| {
        lines
            .get(*at)
            .and_then(|line| named(line))
            .is_some_and(|n| n < own)
    };
    let last_before = (0..lines.len()).rev().find(before);
    let first = (0..lines.len()).find(alike);
    let at = last_before
        .map(|at| at + 1)
        .or(first)
        .context("the list is not there")?;
    Ok(with_line(&lines, at, line))
}

/// Adds an item to the list called `ALL`, and counts its length up when the type says it.
pub(super) fn item(text: &str, item: &str) -> Result<String> {
    let start = text.find(" ALL: ").context("there is no list called ALL")?;
    let equals = start
        + text
            .get(start..)
            .and_then(|t| t.find('='))
            .context("ALL has no value")?;
    let open = equals
        + text
            .get(equals..)
            .and_then(|t| t.find('['))
            .context("ALL is no list")?;
    let close = open
        + text
            .get(open..)
            .and_then(|t| t.find(']'))
            .context("ALL has no end")?;
    let inside = text.get(open + 1..close).unwrap_or_default();
    let mut items: Vec<&str> = inside
        .split(',')
        .map(str::trim)
        .filter(|i| !i.is_empty())
        .collect();
    ensure!(!items.contains(&item), "`{item}` is in ALL already");
    items.push(item);
    items.sort_unstable();
    let kind = text.get(start..equals).unwrap_or_default();
    let kind = match kind.rsplit_once("; ").zip(kind.rsplit_once(']')) {
        Some(((before, _), (_, after))) => format!("{before}; {}]{after}", items.len()),
        None => kind.to_owned(),
    };
    let head = text.get(..start).unwrap_or_default();
    let between = text.get(equals..=open).unwrap_or_default();
    let tail = text.get(close..).unwrap_or_default();
    Ok(format!("{head}{kind}{between}{}{tail}", items.join(", ")))
}

/// The type of the state that `pub fn routes(state: State)` takes.
pub(super) fn state_of(text: &str) -> Option<&str> {
    let parameters = text.split("fn routes(").nth(1)?.split(')').next()?;
    let kind = parameters.split(": ").nth(1)?.trim().trim_end_matches(',');
    kind.starts_with(char::is_uppercase).then_some(kind)
}

/// Merges the routes of a module in before the state is given.
pub(super) fn merged(text: &str, name: &str) -> Result<String> {
    let lines: Vec<&str> = text.lines().collect();
    let is_end = |line: &&str| line.trim_start().starts_with(".with_state(");
    let at = lines
        .iter()
        .position(is_end)
        .context("no `.with_state(` on its line")?;
    let indent: String = lines
        .get(at)
        .into_iter()
        .flat_map(|line| line.chars())
        .take_while(|c| *c == ' ')
        .collect();
    Ok(with_line(
        &lines,
        at,
        &format!("{indent}.merge({name}::routes())"),
    ))
}

fn with_line(lines: &[&str], at: usize, line: &str) -> String {
    let (before, after) = lines.split_at(at.min(lines.len()));
    let mut text = before
        .iter()
        .chain(&[line])
        .chain(after)
        .copied()
        .collect::<Vec<_>>()
        .join("\n");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_put_in_order_whatever_their_visibility() {
        let text =
            "//! A.\n\nmod cpu;\npub mod disk;\n#[cfg(test)]\nmod tests;\n\npub use cpu::Cpu;\n";
        assert_eq!(
            module(text, "mod net;").unwrap(),
            "//! A.\n\nmod cpu;\npub mod disk;\nmod net;\n#[cfg(test)]\nmod tests;\n\npub use cpu::Cpu;\n"
        );
        assert!(
            module(text, "mod arp;")
                .unwrap()
                .contains("\nmod arp;\nmod cpu;")
        );
        assert!(
            module(text, "pub use net::Net;")
                .unwrap()
                .ends_with("cpu::Cpu;\npub use net::Net;\n")
        );
        assert!(module(text, "mod cpu;").is_err());
        assert!(module("//! A.\n", "mod cpu;").is_err());
    }

    #[test]
    fn items_are_put_in_order_and_counted() {
        let counted = "pub static ALL: [&dyn Channel; 2] = [&Mail, &Webhook];\n";
        assert_eq!(
            item(counted, "&Slack").unwrap(),
            "pub static ALL: [&dyn Channel; 3] = [&Mail, &Slack, &Webhook];\n"
        );
        let open = "pub const ALL: &[Plugin] = &[\n    cpu::PLUGIN,\n    net::PLUGIN,\n];\n";
        assert_eq!(
            item(open, "disk::PLUGIN").unwrap(),
            "pub const ALL: &[Plugin] = &[cpu::PLUGIN, disk::PLUGIN, net::PLUGIN];\n"
        );
        assert!(item(counted, "&Mail").is_err());
        assert!(item("nothing", "&Mail").is_err());
    }

    #[test]
    fn routes_are_merged_before_the_state() {
        let text = "pub fn routes(cmdb: Cmdb) -> Mounted {\n    Routes::new()\n        .with_state(cmdb)\n}\n";
        assert_eq!(state_of(text), Some("Cmdb"));
        let changed = merged(text, "racks").unwrap();
        assert!(changed.contains("        .merge(racks::routes())\n        .with_state(cmdb)"));
        assert_eq!(state_of("fn other() {}"), None);
        assert!(merged("", "racks").is_err());
    }
}
