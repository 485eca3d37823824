//! The kinds of watched things: their fields, and the thing that the answers mean.

use ui::{Field, FieldKind, FormValues};
use watch::WatchedKind;

/// The kinds by name.
pub(super) const KINDS: [&str; 5] = ["process", "unit", "file", "directory", "check"];

/// The fields of a kind.
pub(super) fn fields(kind: &str) -> Vec<Field> {
    let count = |max| FieldKind::Integer { min: 0, max };
    match kind {
        "process" => vec![
            Field::new("pattern", "watched.pattern", FieldKind::Text)
                .required()
                .hint("watched.pattern_hint")
                .example("nginx: master"),
            Field::new("user", "watched.user", FieldKind::Text).example("www-data"),
            Field::new("min", "watched.min", count(100_000)).required(),
            Field::new("max", "watched.max", count(100_000)).hint("watched.max_hint"),
        ],
        "unit" => vec![
            Field::new("unit", "watched.unit", FieldKind::Text)
                .required()
                .example("nginx.service"),
        ],
        "file" => vec![
            Field::new("path", "watched.path", FieldKind::Text)
                .required()
                .hint("watched.file_hint")
                .example("/var/backups/last.tar.gz"),
        ],
        "directory" => vec![
            Field::new("path", "watched.path", FieldKind::Text)
                .required()
                .hint("watched.directory_hint")
                .example("/var/spool/queue"),
            Field::new("entries", "watched.entries", FieldKind::Text).example("*.msg"),
        ],
        _ => vec![
            Field::new("command", "watched.command", FieldKind::Text)
                .required()
                .hint("watched.command_hint")
                .example("/usr/lib/nagios/plugins/check_http"),
            Field::new("args", "watched.args", FieldKind::List)
                .hint("watched.args_hint")
                .example("-H\nlocalhost"),
            Field::new(
                "interval_s",
                "watched.interval",
                FieldKind::Integer {
                    min: 5,
                    max: 86_400,
                },
            )
            .required(),
            Field::new(
                "timeout_s",
                "watched.timeout",
                FieldKind::Integer { min: 1, max: 3_600 },
            )
            .required(),
        ],
    }
}

/// What a new one's form begins with.
pub(super) fn blank(values: &mut FormValues) {
    for (key, value) in [("min", "1"), ("interval_s", "60"), ("timeout_s", "10")] {
        values.set(key, value);
    }
    values.set("enabled", "1");
}

/// The thing that the answers mean.
pub(super) fn read(kind: &str, values: &FormValues) -> Option<WatchedKind> {
    let text = |key: &str| values.get(key).to_owned();
    let number = |key: &str| values.get(key).parse::<u32>().ok();
    Some(match kind {
        "process" => WatchedKind::Process {
            pattern: text("pattern"),
            user: text("user"),
            min: number("min").unwrap_or(1),
            max: number("max"),
        },
        "unit" => WatchedKind::Unit { unit: text("unit") },
        "file" => WatchedKind::File { path: text("path") },
        "directory" => WatchedKind::Directory {
            path: text("path"),
            entries: text("entries"),
        },
        "check" => WatchedKind::Check {
            command: text("command"),
            args: values.lines("args"),
            interval_s: number("interval_s").unwrap_or(60),
            timeout_s: number("timeout_s").unwrap_or(10),
        },
        _ => return None,
    })
}

/// The answers for a known thing.
pub(super) fn fill(what: &WatchedKind, values: &mut FormValues) {
    match what {
        WatchedKind::Process {
            pattern,
            user,
            min,
            max,
        } => {
            values.set("pattern", pattern.as_str());
            values.set("user", user.as_str());
            values.set("min", min.to_string());
            values.set("max", max.map_or_else(String::new, |max| max.to_string()));
        }
        WatchedKind::Unit { unit } => values.set("unit", unit.as_str()),
        WatchedKind::File { path } => values.set("path", path.as_str()),
        WatchedKind::Directory { path, entries } => {
            values.set("path", path.as_str());
            values.set("entries", entries.as_str());
        }
        WatchedKind::Check {
            command,
            args,
            interval_s,
            timeout_s,
        } => {
            values.set("command", command.as_str());
            values.set("args", args.join("\n"));
            values.set("interval_s", interval_s.to_string());
            values.set("timeout_s", timeout_s.to_string());
        }
    }
}

/// How it is found, in one line.
pub(super) fn said(what: &WatchedKind) -> String {
    match what {
        WatchedKind::Process {
            pattern,
            user,
            min,
            max,
        } => {
            let max = max.map_or_else(|| "∞".to_owned(), |max| max.to_string());
            let user = if user.is_empty() {
                String::new()
            } else {
                format!(" ({user})")
            };
            format!("{pattern}{user}, {min}–{max}")
        }
        WatchedKind::Unit { unit } => unit.clone(),
        WatchedKind::File { path } => path.clone(),
        WatchedKind::Directory { path, entries } if entries.is_empty() => path.clone(),
        WatchedKind::Directory { path, entries } => format!("{path}/{entries}"),
        WatchedKind::Check {
            command,
            args,
            interval_s,
            ..
        } => format!("{command} {} / {interval_s}s", args.join(" ")),
    }
}
