//! The default rules of this slice: what the server knows without a collector.

use model::rule::Rule;

use crate::service::{DocumentError, read_rules};

/// The source under which [`own_rules`] are kept.
pub const OWN_SOURCE: &str = "server";

/// The rules that ship with watching itself, to be installed beside those of the collectors.
///
/// # Errors
/// When `rules.toml` is malformed; a test sees to it that this never happens.
pub fn own_rules() -> Result<Vec<(String, Rule)>, DocumentError> {
    let file = read_rules("rules.toml", include_str!("rules.toml"))?;
    let named = file
        .rules
        .into_iter()
        .map(|rule| (OWN_SOURCE.to_owned(), rule));
    Ok(named.collect())
}
