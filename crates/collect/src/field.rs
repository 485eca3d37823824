//! Settings that describe themselves, so that the console draws their form without knowing them.

/// A text in both languages that is fixed in the program.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Said {
    /// Korean.
    pub ko: &'static str,
    /// English.
    pub en: &'static str,
}

/// What kind of value a setting has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FieldKind {
    /// One line of text.
    Text,
    /// A whole number within bounds.
    Number {
        /// The least value.
        min: i64,
        /// The greatest value.
        max: i64,
    },
    /// A span such as `10s`.
    Duration,
    /// On or off.
    Switch,
    /// One of these.
    Choice(&'static [&'static str]),
    /// Several texts, one a line.
    TextList,
    /// Several records, each with these fields.
    Records(&'static [Field]),
}

/// One setting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field {
    /// Its key in the settings object.
    pub name: &'static str,
    /// What kind of value it has.
    pub kind: FieldKind,
    /// Its label in the form.
    pub label: Said,
    /// What it does, with an example.
    pub help: Said,
    /// Its default, as it would be typed; empty when there is none.
    pub default: &'static str,
    /// Whether it must be given.
    pub required: bool,
}
