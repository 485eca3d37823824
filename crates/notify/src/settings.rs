//! The settings of one channel: texts by field key; never printed.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use ui::{Field, FieldKind};

/// Field key → value, as the form or the API gave it.
#[derive(Clone, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Settings(BTreeMap<String, String>);

/// A setting that cannot work, with the catalogue key of the reason.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("setting `{field}`: {reason}")]
pub struct SettingError {
    /// The field's key.
    pub field: &'static str,
    /// A catalogue key, e.g. `notice.check.url`.
    pub reason: &'static str,
}

impl Settings {
    /// Settings from pairs.
    pub fn new<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let pairs = pairs.into_iter().map(|(k, v)| (k.into(), v.into()));
        Self(pairs.collect())
    }

    /// The value of a field, trimmed; empty when it is not set.
    #[must_use]
    pub fn get(&self, key: &str) -> &str {
        self.0.get(key).map_or("", |value| value.trim())
    }

    /// The value of a field, or this default when it is empty.
    #[must_use]
    pub fn get_or<'a>(&'a self, key: &str, default: &'a str) -> &'a str {
        Some(self.get(key))
            .filter(|v| !v.is_empty())
            .unwrap_or(default)
    }

    /// Whether a yes-or-no field says yes.
    #[must_use]
    pub fn is_on(&self, key: &str) -> bool {
        matches!(self.get(key), "1" | "true" | "on" | "yes")
    }

    /// The lines of a list field that hold something.
    pub fn lines<'a>(&'a self, key: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.get(key)
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
    }

    /// Sets one field.
    pub fn set(&mut self, key: &str, value: &str) {
        self.0.insert(key.to_owned(), value.to_owned());
    }

    /// What people and the API may see: the secret fields are left out.
    #[must_use]
    pub fn visible(&self, fields: &[Field]) -> BTreeMap<String, String> {
        let secret = |key: &str| {
            let field = fields.iter().find(|field| field.key == key);
            field.is_none_or(|field| field.kind == FieldKind::Secret)
        };
        let kept = self.0.iter().filter(|(key, _)| !secret(key));
        kept.map(|(k, v)| (k.clone(), v.clone())).collect()
    }

    /// New answers over these: an empty secret keeps its old value, unknown keys are dropped.
    #[must_use]
    pub fn updated(&self, fields: &[Field], answers: &Self) -> Self {
        let pick = |field: &Field| {
            let answer = answers.get(&field.key);
            let keep = field.kind == FieldKind::Secret && answer.is_empty();
            let value = if keep { self.get(&field.key) } else { answer };
            (field.key.to_string(), value.to_owned())
        };
        Self(
            fields
                .iter()
                .map(pick)
                .filter(|(_, v)| !v.is_empty())
                .collect(),
        )
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
