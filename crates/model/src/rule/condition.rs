//! One condition of a level: `signal op value`, such as `used > 80%` or `full < 7d clear 8d`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use stdx::{QuantityError, parse_quantity};

/// A comparison of a signal with a threshold.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum CompareOp {
    /// Greater than.
    Gt,
    /// At least.
    Ge,
    /// Less than.
    Lt,
    /// At most.
    Le,
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
}

impl CompareOp {
    /// The operator as written.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Eq => "==",
            Self::Ne => "!=",
        }
    }

    /// Whether `value op threshold` holds; never for NaN.
    #[must_use]
    #[expect(clippy::float_cmp, reason = "`==` in a rule means exactly equal")]
    pub fn holds(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::Gt => value > threshold,
            Self::Ge => value >= threshold,
            Self::Lt => value < threshold,
            Self::Le => value <= threshold,
            Self::Eq => value == threshold,
            Self::Ne => !value.is_nan() && value != threshold,
        }
    }
}

/// `signal op value`, optionally with its own recovery threshold.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The short name of the signal.
    pub signal: String,
    /// The comparison.
    pub op: CompareOp,
    /// The threshold in the signal's base unit (`80%` is 0.8).
    pub threshold: f64,
    /// The recovery threshold, when it is not derived from the signal's `clear_by`.
    pub clear: Option<f64>,
    /// The text as written, so that a person reads back what a person wrote.
    written: String,
}

/// Why a condition could not be read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ConditionError {
    /// It is not `signal op value`.
    #[error(
        "condition `{0}` must be `signal op value`, e.g. `used > 80%`, with >, >=, <, <=, == or !="
    )]
    Shape(String),
    /// The value is malformed.
    #[error("condition `{0}`: {1}")]
    Value(String, QuantityError),
}

impl Condition {
    /// A condition from its parts; the written form shows the threshold in the base unit.
    #[must_use]
    pub fn new(signal: &str, op: CompareOp, threshold: f64, clear: Option<f64>) -> Self {
        let mut written = format!("{signal} {} {threshold}", op.symbol());
        if let Some(clear) = clear {
            written.push_str(&format!(" clear {clear}"));
        }
        Self {
            signal: signal.to_owned(),
            op,
            threshold,
            clear,
            written,
        }
    }
}

impl FromStr for Condition {
    type Err = ConditionError;

    fn from_str(text: &str) -> Result<Self, ConditionError> {
        let shape = || ConditionError::Shape(text.to_owned());
        let at = text.find(['>', '<', '=', '!']).ok_or_else(shape)?;
        let (signal, rest) = text.split_at(at);
        let signal = signal.trim();
        let ops = [
            CompareOp::Ge,
            CompareOp::Le,
            CompareOp::Eq,
            CompareOp::Ne,
            CompareOp::Gt,
            CompareOp::Lt,
        ];
        let (op, rest) = ops
            .into_iter()
            .find_map(|op| rest.strip_prefix(op.symbol()).map(|rest| (op, rest)))
            .ok_or_else(shape)?;
        let named = !signal.is_empty()
            && signal
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !named {
            return Err(shape());
        }
        let (value, clear) = match rest.split_once(" clear ") {
            Some((value, clear)) => (value, Some(clear)),
            None => (rest, None),
        };
        let number = |text_of: &str| {
            parse_quantity(text_of)
                .map(|quantity| quantity.value)
                .map_err(|error| ConditionError::Value(text.to_owned(), error))
        };
        Ok(Self {
            signal: signal.to_owned(),
            op,
            threshold: number(value)?,
            clear: clear.map(number).transpose()?,
            written: text.split_whitespace().collect::<Vec<_>>().join(" "),
        })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}
