//! Names and `name*` patterns of settings.

/// Whether a list of names and `name*` patterns covers a name.
#[must_use]
pub fn covers(patterns: &[String], name: &str) -> bool {
    patterns
        .iter()
        .any(|pattern| match pattern.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix),
            None => name == pattern,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_covers_what_begins_so() {
        let patterns = ["veth*".to_owned(), "lo".to_owned()];
        assert!(covers(&patterns, "veth1") && covers(&patterns, "lo"));
        assert!(!covers(&patterns, "lo1") && !covers(&patterns, "eth0"));
    }
}
