//! API tokens: shown once, with a role and an end.

use db::Tx;
use model::{TokenId, UserId};
use web::Role;

use super::Accounts;
use crate::{AccountError, Token, secret, store};

/// Longest life of a token, in days.
const DAYS_MAX: u32 = 730;

/// What is needed for a token.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Whose.
    pub user: UserId,
    /// What it is for.
    pub label: String,
    /// What it may do, at most what its owner may.
    pub role: Role,
    /// How many days it lives, 1 to 730.
    pub days: u32,
}

impl Accounts {
    /// Makes a token; the secret is returned here and never again.
    ///
    /// # Errors
    /// When it would live too long or may more than its owner, or the store fails.
    pub async fn issue_token(&self, new: NewToken) -> Result<(Token, String), AccountError> {
        if !(1..=DAYS_MAX).contains(&new.days) {
            return Err(AccountError::BadToken("a token lives 1 to 730 days"));
        }
        let label = new.label.trim().to_owned();
        if label.is_empty() || label.chars().count() > 100 {
            return Err(AccountError::BadToken(
                "say in 1 to 100 characters what the token is for",
            ));
        }
        let user = self.user(new.user).await?;
        if new.role > user.role {
            return Err(AccountError::BadToken(
                "a token may not do more than its owner",
            ));
        }
        let secret = format!("bongsu_{}", secret::new(&*self.env.entropy));
        let hash = secret::hash(&secret);
        let now_ms = self.env.clock.now_ms();
        let token = Token {
            id: TokenId::new(&self.env),
            user: user.id,
            login: user.login,
            label,
            role: new.role,
            created_ms: now_ms,
            expires_ms: now_ms + i64::from(new.days) * 86_400_000,
            used_ms: None,
            revoked_ms: None,
        };
        let kept = token.clone();
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    store::insert_token(tx, &kept, &hash).await?;
                    Ok::<_, AccountError>(())
                })
            })
            .await?;
        Ok((token, secret))
    }

    /// The tokens of one account, or of all, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn tokens(&self, of: Option<UserId>) -> Result<Vec<Token>, AccountError> {
        Ok(store::tokens(&mut self.db.reader(), of).await?)
    }

    /// Revokes a token of `owner`, or anybody's when `owner` is none.
    ///
    /// # Errors
    /// When there is no such live token, or the store fails.
    pub async fn revoke_token(
        &self,
        id: TokenId,
        owner: Option<UserId>,
    ) -> Result<(), AccountError> {
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    match store::revoke_token(tx, id, owner).await? {
                        true => Ok(()),
                        false => Err(AccountError::NotFound("this live token")),
                    }
                })
            })
            .await
    }
}
