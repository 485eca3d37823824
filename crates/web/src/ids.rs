//! Ids in paths, bodies and queries: what is malformed there is a `404` or names its field.

use std::fmt::Display;
use std::str::FromStr;

use crate::ApiError;

/// The id of a path; a text that is none names nothing, so it is `404`.
///
/// # Errors
/// `404` with `what`, e.g. `this rule`.
pub fn path_id<T: FromStr>(text: &str, what: &str) -> Result<T, ApiError> {
    text.parse().map_err(|_| ApiError::not_found(what))
}

/// The value of a field of a body or query.
///
/// # Errors
/// `422` that names the field and says what is expected.
pub fn field<T: FromStr<Err: Display>>(text: &str, field: &str) -> Result<T, ApiError> {
    text.parse()
        .map_err(|error: T::Err| ApiError::invalid_field(field, error.to_string()))
}

/// The same for a field that may be absent; an empty text counts as absent.
///
/// # Errors
/// As [`field`].
pub fn optional_field<T: FromStr<Err: Display>>(
    text: Option<&str>,
    name: &str,
) -> Result<Option<T>, ApiError> {
    text.filter(|text| !text.is_empty())
        .map(|text| field(text, name))
        .transpose()
}

/// The same for a field that lists several with commas.
///
/// # Errors
/// As [`field`].
pub fn list_field<T: FromStr<Err: Display>>(text: &str, name: &str) -> Result<Vec<T>, ApiError> {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| field(part, name))
        .collect()
}
