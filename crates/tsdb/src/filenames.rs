//! The names of every file the engine keeps; no other module spells one.

use std::path::{Path, PathBuf};

/// Held with an exclusive lock by the one process that has the directory open.
const LOCK: &str = "LOCK";
/// Lists the live parts and the flushed position; replaced by rename.
const MANIFEST: &str = "MANIFEST";
/// Labels of every series, appended before the parts that use them.
const SERIES_LOG: &str = "series.log";
const WAL_DIR: &str = "wal";
const PARTS_DIR: &str = "parts";
const QUARANTINE_DIR: &str = "quarantine";
const WAL_SUFFIX: &str = ".wal";
const PART_SUFFIX: &str = ".part";
/// Ends the name of a file that is being written; removed when found at open.
const TMP_SUFFIX: &str = ".tmp";

pub(crate) fn lock(dir: &Path) -> PathBuf {
    dir.join(LOCK)
}

pub(crate) fn manifest(dir: &Path) -> PathBuf {
    dir.join(MANIFEST)
}

pub(crate) fn series_log(dir: &Path) -> PathBuf {
    dir.join(SERIES_LOG)
}

pub(crate) fn wal_dir(dir: &Path) -> PathBuf {
    dir.join(WAL_DIR)
}

pub(crate) fn parts_dir(dir: &Path) -> PathBuf {
    dir.join(PARTS_DIR)
}

pub(crate) fn quarantine_dir(dir: &Path) -> PathBuf {
    dir.join(QUARANTINE_DIR)
}

/// A segment's name is its first position, in hexadecimal so that names sort like positions.
pub(crate) fn wal_segment(dir: &Path, start: u64) -> PathBuf {
    wal_dir(dir).join(format!("{start:016x}{WAL_SUFFIX}"))
}

/// A part's name is the number it was given when it was made; higher is newer.
pub(crate) fn part(dir: &Path, number: u64) -> PathBuf {
    parts_dir(dir).join(format!("{number:016x}{PART_SUFFIX}"))
}

/// Where `path` is written before it is renamed into place.
pub(crate) fn tmp(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(TMP_SUFFIX);
    path.with_file_name(name)
}

pub(crate) fn parse_wal_segment(name: &str) -> Option<u64> {
    parse_hex(name.strip_suffix(WAL_SUFFIX)?)
}

pub(crate) fn parse_part(name: &str) -> Option<u64> {
    parse_hex(name.strip_suffix(PART_SUFFIX)?)
}

pub(crate) fn is_tmp(name: &str) -> bool {
    name.ends_with(TMP_SUFFIX)
}

fn parse_hex(digits: &str) -> Option<u64> {
    (digits.len() == 16).then(|| u64::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_strangers_are_not() {
        let dir = Path::new("d");
        let name = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        assert_eq!(
            parse_wal_segment(&name(wal_segment(dir, 0xABC))),
            Some(0xABC)
        );
        assert_eq!(parse_part(&name(part(dir, u64::MAX))), Some(u64::MAX));
        assert_eq!(parse_part("1.part"), None);
        assert!(is_tmp(&name(tmp(&part(dir, 1)))));
        assert_eq!(parse_part(&name(tmp(&part(dir, 1)))), None);
    }
}
