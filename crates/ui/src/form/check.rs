//! Values as a browser sent them, and what is wrong with them, field by field.

use std::collections::BTreeMap;

use i18n::{Lang, t, tf};
use stdx::{parse_duration_ms, parse_quantity};

use super::field::{Choice, Field, FieldKind};

/// The answers of a form: each key with one or more values.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct FormValues(BTreeMap<String, Vec<String>>);

impl FormValues {
    /// From decoded pairs, in the order sent.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut values = Self::default();
        for (key, value) in pairs {
            values.0.entry(key).or_default().push(value);
        }
        values
    }

    /// Sets one value, replacing what was there.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.0.insert(key.into(), vec![value.into()]);
    }

    /// Adds a value to a key with several.
    pub fn add(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.0.entry(key.into()).or_default().push(value.into());
    }

    /// The last value of a key, white space around it dropped; empty when absent.
    #[must_use]
    pub fn get(&self, key: &str) -> &str {
        self.all(key).last().map_or("", |value| value.trim())
    }

    /// All values of a key.
    #[must_use]
    pub fn all(&self, key: &str) -> &[String] {
        self.0.get(key).map_or(&[], Vec::as_slice)
    }

    /// Whether one of a key's values is `value`.
    #[must_use]
    pub fn has(&self, key: &str, value: &str) -> bool {
        self.all(key).iter().any(|known| known == value)
    }

    /// The lines of a list field, empty ones dropped.
    #[must_use]
    pub fn lines(&self, key: &str) -> Vec<String> {
        self.get(key)
            .lines()
            .map(str::trim)
            .filter(|l| !l.is_empty())
            .map(str::to_owned)
            .collect()
    }
}

/// What is wrong, by field, in the reader's language; the key `""` is the form as a whole.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct FieldErrors(BTreeMap<String, String>);

impl FieldErrors {
    /// Adds an error; the first of a field stands.
    pub fn add(&mut self, key: impl Into<String>, text: impl Into<String>) {
        self.0.entry(key.into()).or_insert_with(|| text.into());
    }

    /// The error of a field.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All errors with their fields.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(key, text)| (key.as_str(), text.as_str()))
    }
}

/// Checks values against their fields; what only the owner knows (does the host exist?) it adds itself.
#[must_use]
pub fn check(lang: Lang, fields: &[Field], values: &FormValues) -> FieldErrors {
    let mut errors = FieldErrors::default();
    for field in fields {
        if let Err(text) = check_field(lang, field, values) {
            errors.add(field.key.clone(), text);
        }
    }
    errors
}

fn check_field(lang: Lang, field: &Field, values: &FormValues) -> Result<(), String> {
    let value = values.get(&field.key);
    let label = t(lang, &field.label);
    if value.is_empty() {
        // An empty secret means "as it is"; the owner knows whether there is one.
        let missing = field.required && !matches!(field.kind, FieldKind::Secret | FieldKind::Bool);
        return if missing {
            Err(tf(lang, "form.required", &[("label", &label)]))
        } else {
            Ok(())
        };
    }
    match &field.kind {
        FieldKind::Email if !is_mail(value) => Err(t(lang, "form.bad_email").to_owned()),
        FieldKind::Url if !is_url(value) => Err(t(lang, "form.bad_url").to_owned()),
        FieldKind::Integer { min, max } => check_integer(lang, value, *min, *max),
        FieldKind::Quantity => parse_quantity(value)
            .map(|_| ())
            .map_err(|_| t(lang, "form.bad_quantity").to_owned()),
        FieldKind::Duration => parse_duration_ms(value)
            .map(|_| ())
            .map_err(|_| t(lang, "form.bad_duration").to_owned()),
        FieldKind::Select(choices) => check_choices(lang, choices, &[value.to_owned()]),
        FieldKind::Checks(choices) => check_choices(lang, choices, values.all(&field.key)),
        FieldKind::TimeOfDay if !is_time(value) => Err(t(lang, "form.bad_time").to_owned()),
        FieldKind::DateTime if value.len() != 16 || !is_time(value.get(11..).unwrap_or("")) => {
            Err(t(lang, "form.bad_date_time").to_owned())
        }
        _ => Ok(()),
    }
}

fn check_integer(lang: Lang, value: &str, min: i64, max: i64) -> Result<(), String> {
    let number: Option<i64> = value.parse().ok();
    match number {
        Some(number) if (min..=max).contains(&number) => Ok(()),
        _ => Err(tf(
            lang,
            "form.bad_integer",
            &[("min", &min), ("max", &max)],
        )),
    }
}

fn check_choices(lang: Lang, choices: &[Choice], values: &[String]) -> Result<(), String> {
    let known = |value: &String| choices.iter().any(|choice| choice.value == *value);
    if values.iter().all(known) {
        Ok(())
    } else {
        Err(t(lang, "form.bad_choice").to_owned())
    }
}

fn is_mail(text: &str) -> bool {
    text.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty() && !host.is_empty() && !text.contains(char::is_whitespace)
    })
}

fn is_url(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace))
}

fn is_time(text: &str) -> bool {
    let part = |text: &str, max: u8| text.len() == 2 && text.parse::<u8>().is_ok_and(|n| n <= max);
    text.split_once(':')
        .is_some_and(|(hour, minute)| part(hour, 23) && part(minute, 59))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_refuses_what_it_cannot_be() {
        const YES_NO: &[Choice] = &[Choice::new("y", "y"), Choice::new("n", "n")];
        let select = || FieldKind::Select(YES_NO.into());
        let range = || FieldKind::Integer { min: 1, max: 10 };
        for (kind, value, good) in [
            (FieldKind::Text, "anything", true),
            (FieldKind::Email, "noc@example.kr", true),
            (FieldKind::Email, "noc", false),
            (FieldKind::Url, "https://hooks.example/x", true),
            (FieldKind::Url, "ftp://x", false),
            (range(), "10", true),
            (range(), "11", false),
            (range(), "x", false),
            (FieldKind::Quantity, "80%", true),
            (FieldKind::Quantity, "80 apples", false),
            (FieldKind::Duration, "1h30m", true),
            (FieldKind::Duration, "5", false),
            (select(), "y", true),
            (select(), "maybe", false),
            (FieldKind::TimeOfDay, "23:59", true),
            (FieldKind::TimeOfDay, "24:00", false),
            (FieldKind::DateTime, "2026-11-20T09:00", true),
            (FieldKind::DateTime, "tomorrow", false),
        ] {
            let field = Field::new("f", "F", kind.clone()).required();
            let mut values = FormValues::default();
            values.set("f", value);
            let errors = check(Lang::En, &[field], &values);
            assert_eq!(errors.is_empty(), good, "{kind:?} {value}: {errors:?}");
        }
    }

    #[test]
    fn a_required_field_is_asked_for_by_its_name() {
        let field = Field::new("f", "이름", FieldKind::Text).required();
        let errors = check(Lang::Ko, &[field], &FormValues::default());
        assert_eq!(errors.get("f"), Some("이름을 입력하세요"));
    }
}
