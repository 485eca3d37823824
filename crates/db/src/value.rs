//! Values that go into a statement and come out of a row: integer, real, text or a typed null.

use std::fmt;

/// The type of a value: the three column types that both databases share.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// BIGINT; also bool as 0 and 1, and UTC milliseconds.
    Int,
    /// DOUBLE PRECISION.
    Real,
    /// TEXT; also ids and JSON.
    Text,
    /// Not known: PostgreSQL finds it out from the statement.
    Unknown,
}

/// One value of a parameter or a column.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// A whole number.
    Int(i64),
    /// A floating-point number.
    Real(f64),
    /// A text.
    Text(String),
    /// Nothing, of this kind; PostgreSQL wants to know the kind even of nothing.
    Null(Kind),
}

impl Value {
    /// Nothing, of a kind that the statement tells.
    pub const NULL: Self = Self::Null(Kind::Unknown);

    /// The text that `shown` prints; for types without a conversion of their own.
    #[must_use]
    pub fn shown(shown: &impl fmt::Display) -> Self {
        Self::Text(shown.to_string())
    }

    /// The JSON text of `value`.
    ///
    /// # Errors
    /// When the value cannot be told in JSON, such as a map with keys that are not texts.
    pub fn json(value: &impl serde::Serialize) -> crate::Result<Self> {
        serde_json::to_string(value)
            .map(Self::Text)
            .map_err(|error| crate::DbError::Json(error.to_string()))
    }

    /// Whether this is a null of any kind.
    #[must_use]
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null(_))
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(value) => value.fmt(f),
            Self::Real(value) => value.fmt(f),
            Self::Text(value) => value.fmt(f),
            Self::Null(_) => f.write_str("NULL"),
        }
    }
}

/// A type that always becomes a value of the same kind, so that its `None` is a typed null.
pub trait Typed {
    /// That kind.
    const KIND: Kind;
}

impl<T: Typed + Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null(T::KIND), Into::into)
    }
}

macro_rules! values {
    ($($type:ty, $kind:ident, |$value:ident| $made:expr;)*) => {$(
        impl Typed for $type {
            const KIND: Kind = Kind::$kind;
        }

        impl From<$type> for Value {
            fn from($value: $type) -> Self {
                Self::$kind($made)
            }
        }
    )*};
}

values! {
    i64, Int, |value| value;
    i32, Int, |value| i64::from(value);
    u32, Int, |value| i64::from(value);
    u16, Int, |value| i64::from(value);
    u8, Int, |value| i64::from(value);
    bool, Int, |value| i64::from(value);
    // A count that does not fit is as good as endless: limits and durations, never ids.
    usize, Int, |value| i64::try_from(value).unwrap_or(i64::MAX);
    u64, Int, |value| i64::try_from(value).unwrap_or(i64::MAX);
    f64, Real, |value| value;
    f32, Real, |value| f64::from(value);
    &str, Text, |value| value.to_owned();
    String, Text, |value| value;
    &String, Text, |value| value.clone();
    std::borrow::Cow<'_, str>, Text, |value| value.into_owned();
    serde_json::Value, Text, |value| value.to_string();
    &serde_json::Value, Text, |value| value.to_string();
}

/// Typed ids travel as their text.
macro_rules! ids {
    ($($id:ident)*) => {
        values! {$(
            model::$id, Text, |id| id.to_string();
            &model::$id, Text, |id| id.to_string();
        )*}
    };
}

ids! {
    AgentId AuditId ChannelId CiId DeliveryId GroupId MaintenanceId MessageId OverrideId ProblemId
    RecipientId RevisionId RuleId RunId ScriptId SessionId SilenceId TokenId UserId WatchedId
}
