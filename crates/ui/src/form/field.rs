//! A field: what is asked, in which form, and what may be answered.

use std::borrow::Cow;

/// One of the answers of a select or of checks.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Choice {
    /// The value sent.
    pub value: Cow<'static, str>,
    /// A catalogue key, or a ready text such as a name a user gave.
    pub label: Cow<'static, str>,
}

impl Choice {
    /// A choice known at compile time.
    #[must_use]
    pub const fn new(value: &'static str, label: &'static str) -> Self {
        Self {
            value: Cow::Borrowed(value),
            label: Cow::Borrowed(label),
        }
    }

    /// A choice made at run time, such as a group by its id and name.
    #[must_use]
    pub const fn owned(value: String, label: String) -> Self {
        Self {
            value: Cow::Owned(value),
            label: Cow::Owned(label),
        }
    }
}

/// In which form a field is answered, and what is checked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum FieldKind {
    /// One line.
    Text,
    /// A mail address.
    Email,
    /// An `http` or `https` address.
    Url,
    /// A whole number in a range, both ends included.
    Integer {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
    },
    /// A number with an optional unit, e.g. `80%` or `20GiB`.
    Quantity,
    /// A secret: never sent back to the browser; left empty it stays as it is.
    Secret,
    /// Yes or no; sent as `1`.
    Bool,
    /// A duration such as `5m` or `1h30m`.
    Duration,
    /// Several lines.
    Textarea {
        /// Rows shown.
        rows: u8,
        /// Whether it is code, drawn in a fixed width.
        code: bool,
    },
    /// One entry a line.
    List,
    /// One of some.
    Select(Cow<'static, [Choice]>),
    /// Any of some.
    Checks(Cow<'static, [Choice]>),
    /// A time of day, `HH:MM`.
    TimeOfDay,
    /// A date and time in the reader's zone, `YYYY-MM-DDTHH:MM`.
    DateTime,
}

/// A field of a form; `label` and `hint` are catalogue keys (or ready texts).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Field {
    /// The name in the form, in the API and in YAML.
    pub key: Cow<'static, str>,
    /// What it is called.
    pub label: Cow<'static, str>,
    /// What to write and why; may be empty.
    pub hint: Cow<'static, str>,
    /// An example shown while the field is empty; may be empty.
    pub example: Cow<'static, str>,
    /// Its form and check.
    pub kind: FieldKind,
    /// Whether it must be answered.
    pub required: bool,
}

impl Field {
    /// An optional field without hint; `const`, so that plug-ins can list theirs in a constant.
    #[must_use]
    pub const fn new(key: &'static str, label: &'static str, kind: FieldKind) -> Self {
        Self {
            key: Cow::Borrowed(key),
            label: Cow::Borrowed(label),
            hint: Cow::Borrowed(""),
            example: Cow::Borrowed(""),
            kind,
            required: false,
        }
    }

    /// The same field, obligatory.
    #[must_use]
    pub fn required(self) -> Self {
        Self {
            required: true,
            ..self
        }
    }

    /// The same field with a hint.
    #[must_use]
    pub fn hint(self, hint: &'static str) -> Self {
        Self {
            hint: Cow::Borrowed(hint),
            ..self
        }
    }

    /// The same field with an example.
    #[must_use]
    pub fn example(self, example: &'static str) -> Self {
        Self {
            example: Cow::Borrowed(example),
            ..self
        }
    }
}
