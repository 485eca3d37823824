//! The five severities, after ITU-T X.733 and the five beacon fires, and what a board cell may show.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How bad it is; `Normal` when nothing is wrong. The order is the order of the codes 0–5.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum Severity {
    /// Nothing wrong (정상).
    #[default]
    Normal = 0,
    /// Worth knowing, no action (무해).
    Info = 1,
    /// Look at it in working hours (주의).
    Warning = 2,
    /// Will hurt soon, act today (위험).
    Minor = 3,
    /// Act now (긴급).
    Major = 4,
    /// People wake up (치명).
    Critical = 5,
}

/// A text or number that names no severity.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is no severity: use normal, info, warning, minor, major or critical")]
pub struct SeverityError(pub String);

impl Severity {
    /// All six, from `Normal` upward.
    pub const ALL: [Self; 6] = [
        Self::Normal,
        Self::Info,
        Self::Warning,
        Self::Minor,
        Self::Major,
        Self::Critical,
    ];

    /// The five that a level may have, from `Info` upward.
    pub const LEVELS: [Self; 5] = [
        Self::Info,
        Self::Warning,
        Self::Minor,
        Self::Major,
        Self::Critical,
    ];

    /// The code 0–5; also the number of fires drawn.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The severity with this code.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Normal,
            1 => Self::Info,
            2 => Self::Warning,
            3 => Self::Minor,
            4 => Self::Major,
            5 => Self::Critical,
            _ => return None,
        })
    }

    /// The name used in the API, in YAML and as a CSS class.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Minor => "minor",
            Self::Major => "major",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Severity {
    type Err = SeverityError;

    fn from_str(text: &str) -> Result<Self, SeverityError> {
        Self::ALL
            .into_iter()
            .find(|s| s.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| SeverityError(text.to_owned()))
    }
}

impl Serialize for Severity {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Severity {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// What one cell of the board shows; the codes are the board's wire bytes.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum CellState {
    /// Judged: `Normal` or one of the five severities (codes 0–5).
    Judged(Severity),
    /// No data where data is due (미수신, code 6).
    Unknown,
    /// The thing exists and nothing watches it (미등록, code 7).
    Unregistered,
}

impl CellState {
    /// The code 0–7.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Judged(severity) => severity.code(),
            Self::Unknown => 6,
            Self::Unregistered => 7,
        }
    }

    /// The name used in the API and as a CSS class.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Judged(severity) => severity.name(),
            Self::Unknown => "unknown",
            Self::Unregistered => "unregistered",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_codes_go_both_ways() {
        for severity in Severity::ALL {
            assert_eq!(severity.name().parse(), Ok(severity));
            assert_eq!(Severity::from_code(severity.code()), Some(severity));
        }
        assert_eq!(Severity::from_code(6), None);
        assert!("fatal".parse::<Severity>().is_err());
        assert!(Severity::Major > Severity::Minor);
    }
}
