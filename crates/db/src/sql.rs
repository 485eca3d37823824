//! A statement: a literal, or text that its author vouches for.

use std::borrow::Cow;

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

/// The text of one statement with `$1`, `$2`, … for its values.
///
/// A literal converts by itself. Anything else must go through [`Sql::assembled`], so that a
/// statement made from input does not compile by accident.
#[derive(Clone, Debug)]
pub struct Sql(Cow<'static, str>);

impl Sql {
    /// A statement put together from literals, placeholders and checked column names only; never
    /// from input.
    #[must_use]
    pub const fn assembled(text: String) -> Self {
        Self(Cow::Owned(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The highest `$n` of the text: how many values it wants.
    pub(crate) fn wanted(&self) -> usize {
        let mut highest = 0;
        let mut rest = self.0.as_ref();
        while let Some(at) = rest.find('$') {
            rest = rest.get(at + 1..).unwrap_or("");
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let number = rest
                .get(..digits)
                .and_then(|text| text.parse().ok())
                .unwrap_or(0);
            highest = highest.max(number);
        }
        highest
    }

    pub(crate) fn to_sqlx(&self) -> SqlStr {
        AssertSqlSafe(self.0.clone()).into_sql_str()
    }
}

impl From<&'static str> for Sql {
    fn from(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl From<&Self> for Sql {
    fn from(sql: &Self) -> Self {
        sql.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_placeholder_counts() {
        for (text, wanted) in [
            ("SELECT 1", 0),
            ("a = $1 AND b = $12 OR c = $2", 12),
            ("'$' $", 0),
        ] {
            assert_eq!(Sql::from(text).wanted(), wanted, "{text}");
        }
    }
}
