//! Finds the files that a path with `*` and `?` means, and sums them up.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Names looked at per path.
pub const NAMES_MAX: usize = 10_000;

/// What was found under one path.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Files and folders that fit.
    pub count: u64,
    /// Their sizes together, folders not counted.
    pub size_bytes: u64,
    /// When the newest was changed, UTC milliseconds.
    pub newest_ms: Option<i64>,
    /// When the oldest was changed, UTC milliseconds.
    pub oldest_ms: Option<i64>,
    /// Whether a folder on the way may not be read.
    pub not_permitted: bool,
    /// Whether there are more names than are looked at.
    pub cut: bool,
}

/// Looks at a path.
#[must_use]
pub fn look(pattern: &str) -> Found {
    let mut found = Found::default();
    let mut budget = NAMES_MAX;
    let parts: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty()).collect();
    descend(PathBuf::from("/"), &parts, &mut budget, &mut found);
    found
}

fn descend(at: PathBuf, parts: &[&str], budget: &mut usize, found: &mut Found) {
    let Some((part, rest)) = parts.split_first() else {
        return enter(&at, found);
    };
    if !part.contains(['*', '?']) {
        return descend(at.join(part), rest, budget, found);
    }
    let entries = match fs::read_dir(&at) {
        Ok(entries) => entries,
        Err(error) => {
            found.not_permitted |= error.kind() == std::io::ErrorKind::PermissionDenied;
            return;
        }
    };
    for entry in entries.flatten() {
        if *budget == 0 {
            found.cut = true;
            return;
        }
        *budget -= 1;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // As in a shell, names that begin with a dot must be asked for.
        let hidden = name.starts_with('.') && !part.starts_with('.');
        if !hidden && matches(part, &name) {
            descend(entry.path(), rest, budget, found);
        }
    }
}

fn enter(path: &Path, found: &mut Found) {
    let data = match fs::metadata(path) {
        Ok(data) => data,
        Err(error) => {
            found.not_permitted |= error.kind() == std::io::ErrorKind::PermissionDenied;
            return;
        }
    };
    found.count += 1;
    if !data.is_dir() {
        found.size_bytes = found.size_bytes.saturating_add(data.len());
    }
    let since = data
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    if let Some(ms) = since.and_then(|since| i64::try_from(since.as_millis()).ok()) {
        found.newest_ms = Some(found.newest_ms.map_or(ms, |newest| newest.max(ms)));
        found.oldest_ms = Some(found.oldest_ms.map_or(ms, |oldest| oldest.min(ms)));
    }
}

/// Whether a name fits a pattern of `*` (anything) and `?` (one character).
#[must_use]
pub fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    // Where the last star stands, and how much of the name it has taken.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match (pattern.get(p), name.get(n)) {
            (Some('*'), _) => {
                star = Some((p, n));
                p += 1;
            }
            (Some('?'), _) => (p, n) = (p + 1, n + 1),
            (Some(wanted), Some(given)) if wanted == given => (p, n) = (p + 1, n + 1),
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    (p, n) = (at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern
        .get(p..)
        .is_some_and(|rest| rest.iter().all(|&c| c == '*'))
}

/// The matcher over arbitrary text: it may neither panic nor take long.
pub fn fuzz_file(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let half = text.chars().count() / 2;
    let pattern: String = text.chars().take(half).collect();
    let name: String = text.chars().skip(half).collect();
    let _ = matches(&pattern, &name);
}
