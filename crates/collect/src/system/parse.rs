//! Uptime, open files and the name of the operating system.

use crate::scan::{float, lines, text, unsigned, words};

/// Seconds since boot.
#[must_use]
pub fn uptime(bytes: &[u8]) -> Option<f64> {
    float(words(bytes).next()?)
}

/// `/proc/sys/fs/file-nr`: open files and how many may be open.
#[must_use]
pub fn file_nr(bytes: &[u8]) -> Option<(u64, u64)> {
    let mut words = words(bytes);
    let open = unsigned(words.next()?)?;
    Some((open, unsigned(words.nth(1)?)?))
}

/// What `/etc/os-release` says under a key, without its quotes.
#[must_use]
pub fn os_release<'a>(bytes: &'a [u8], key: &str) -> Option<&'a str> {
    lines(bytes).find_map(|line| {
        let (name, value) = text(line)?.split_once('=')?;
        let value = value.trim();
        let inner = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
        (name.trim() == key).then(|| inner('"').or_else(|| inner('\'')).unwrap_or(value))
    })
}

/// Every parser of this collector over arbitrary bytes: none may panic.
pub fn fuzz_system(data: &[u8]) {
    let _ = (uptime(data), file_nr(data), os_release(data, "ID"));
}
