//! Enrolment tokens: what one gives to the host that uses it.

use model::{GroupId, TokenId};

/// What the host gets that enrols with a token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TokenGrant {
    /// The token.
    pub id: TokenId,
    /// What a person called it.
    pub label: String,
    /// Groups that the host is put into.
    pub groups: Vec<GroupId>,
    /// Labels that the host gets.
    pub labels: Vec<(String, String)>,
}

/// How a token is made.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TokenSpec {
    /// What a person calls it.
    pub label: String,
    /// Groups that hosts are put into.
    pub groups: Vec<GroupId>,
    /// Labels that hosts get.
    pub labels: Vec<(String, String)>,
    /// How many hosts may enrol with it, at least 1.
    pub uses: u32,
    /// How long it is good, in milliseconds.
    pub valid_ms: i64,
}

/// A token as lists show it; the secret itself is shown once, when it is made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TokenRow {
    /// What it gives.
    pub grant: TokenGrant,
    /// How many more hosts may enrol with it.
    pub uses_left: u32,
    /// When it was made, UTC milliseconds.
    pub created_ms: i64,
    /// When it stops being good, UTC milliseconds.
    pub expires_ms: i64,
    /// When it was used last, UTC milliseconds.
    pub used_ms: Option<i64>,
}

/// Why a token does not let a host in.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TokenRefused {
    /// No such token.
    #[error("this enrolment token is not known here: copy the line from \"Add a server\" again")]
    Unknown,
    /// All its uses are gone.
    #[error("this enrolment token is used up: make a new one with \"Add a server\"")]
    UsedUp,
    /// Its time is over.
    #[error("this enrolment token has expired: make a new one with \"Add a server\"")]
    Expired,
}

impl TokenRow {
    /// Whether a host may enrol with it now.
    ///
    /// # Errors
    /// When its uses or its time are over.
    pub const fn check(&self, now_ms: i64) -> Result<(), TokenRefused> {
        if now_ms >= self.expires_ms {
            return Err(TokenRefused::Expired);
        }
        if self.uses_left == 0 {
            return Err(TokenRefused::UsedUp);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_until_its_time_or_its_uses_are_over() {
        let row = TokenRow {
            grant: TokenGrant {
                id: TokenId::from_bits(1),
                label: "web".into(),
                groups: Vec::new(),
                labels: Vec::new(),
            },
            uses_left: 1,
            created_ms: 0,
            expires_ms: 10,
            used_ms: None,
        };
        assert_eq!(row.check(9), Ok(()));
        assert_eq!(row.check(10), Err(TokenRefused::Expired));
        let used = TokenRow {
            uses_left: 0,
            ..row
        };
        assert_eq!(used.check(9), Err(TokenRefused::UsedUp));
    }
}
