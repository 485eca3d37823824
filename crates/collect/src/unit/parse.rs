//! Where a unit's cgroup is, and what its files say.

use crate::scan::{lines, unsigned, words};

/// The full name of a unit: `.service` when no type is given.
#[must_use]
pub fn full_name(name: &str) -> String {
    const TYPES: [&str; 5] = [".service", ".socket", ".slice", ".scope", ".mount"];
    if TYPES.iter().any(|end| name.ends_with(end)) {
        name.to_owned()
    } else {
        format!("{name}.service")
    }
}

/// The folder of a unit below the root of the hierarchy: instances of a template have a slice of
/// their own, in whose name a dash of the template is written `\x2d`.
#[must_use]
pub fn folder(unit: &str) -> String {
    match unit.split_once('@') {
        Some((template, _)) if !template.is_empty() => {
            let slice = template.replace('-', "\\x2d");
            format!("system.slice/system-{slice}.slice/{unit}")
        }
        _ => format!("system.slice/{unit}"),
    }
}

/// `cgroup.events`: whether there are processes in the group or below it.
#[must_use]
pub fn populated(bytes: &[u8]) -> Option<bool> {
    field(bytes, b"populated").map(|value| value > 0)
}

/// A number of a file of words and numbers, such as `usage_usec` of `cpu.stat`.
#[must_use]
pub fn field(bytes: &[u8], name: &[u8]) -> Option<u64> {
    lines(bytes).find_map(|line| {
        let mut words = words(line);
        (words.next() == Some(name))
            .then(|| unsigned(words.next()?))
            .flatten()
    })
}

/// Every parser of this collector over arbitrary bytes: none may panic.
pub fn fuzz_unit(data: &[u8]) {
    let _ = (populated(data), field(data, b"usage_usec"));
    let _ = folder(&full_name(&String::from_utf8_lossy(data)));
}
