//! Logging in and out, and the back-off after failures.

use db::Tx;
use model::{SessionId, UserId};

use super::Accounts;
use crate::{AccountError, Session, User, password, secret, store};

/// How long a session lives without a new log-in, in milliseconds: one shift of a control room.
const SESSION_MS: i64 = 12 * 60 * 60 * 1_000;
/// Failures that cost nothing.
const FREE_FAILURES: u32 = 4;
/// The first block, in milliseconds; it doubles with every further failure.
const FIRST_BLOCK_MS: i64 = 2_000;
/// The longest block, in milliseconds.
const BLOCK_MS_MAX: i64 = 15 * 60 * 1_000;
/// After this long without a failure, counting starts again.
const FORGET_MS: i64 = 60 * 60 * 1_000;
/// A hash that no password fits: an unknown name costs the same time as a known one.
const NO_ONES_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA\
     $AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Failures of one name or address.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Attempts {
    pub(crate) failures: u32,
    pub(crate) last_ms: i64,
    pub(crate) blocked_until_ms: i64,
}

impl Attempts {
    /// The state after one more failure.
    pub(crate) fn failed(self, now_ms: i64) -> Self {
        let before = if now_ms - self.last_ms > FORGET_MS {
            0
        } else {
            self.failures
        };
        let failures = before.saturating_add(1);
        let over = failures.saturating_sub(FREE_FAILURES);
        let block_ms = match over {
            0 => 0,
            over => FIRST_BLOCK_MS
                .saturating_mul(1 << (over - 1).min(20))
                .min(BLOCK_MS_MAX),
        };
        Self {
            failures,
            last_ms: now_ms,
            blocked_until_ms: now_ms + block_ms,
        }
    }

    fn check(self, now_ms: i64) -> Result<(), AccountError> {
        let wait_ms = self.blocked_until_ms - now_ms;
        match u64::try_from(wait_ms) {
            Ok(wait_ms) if wait_ms > 0 => Err(AccountError::Blocked {
                wait_s: wait_ms.div_ceil(1_000),
            }),
            _ => Ok(()),
        }
    }
}

/// A successful log-in.
#[derive(Clone, Debug)]
pub struct LoggedIn {
    /// Who.
    pub user: User,
    /// The secret for the cookie.
    pub secret: String,
    /// How long the cookie lives, in seconds.
    pub max_age_s: u64,
}

impl Accounts {
    /// Checks name and password and begins a session.
    ///
    /// # Errors
    /// [`AccountError::WrongLogin`] or [`AccountError::Blocked`]; or when the store fails.
    pub async fn log_in(
        &self,
        login: &str,
        password: &str,
        peer: &str,
        agent: &str,
    ) -> Result<LoggedIn, AccountError> {
        let login = login.trim().to_lowercase();
        let subjects = [format!("login:{login}"), format!("peer:{peer}")];
        let now_ms = self.env.clock.now_ms();
        let mut reader = self.db.reader();
        for subject in &subjects {
            store::attempt(&mut reader, subject).await?.check(now_ms)?;
        }
        let user = store::user_by_login(&mut reader, &login).await?;
        let known = user.as_ref().filter(|user| user.disabled_ms.is_none());
        let hash = match known {
            Some(user) => store::password_hash(&mut reader, user.id).await?,
            None => None,
        };
        let hash = hash.unwrap_or_else(|| NO_ONES_HASH.to_owned());
        let fits = password::verify(password.to_owned(), hash).await;
        let Some(user) = user.filter(|user| fits && user.disabled_ms.is_none()) else {
            return Err(self.note_failure(subjects).await?);
        };
        self.begin_session(user, subjects, peer, agent).await
    }

    async fn note_failure(&self, subjects: [String; 2]) -> Result<AccountError, AccountError> {
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    for subject in &subjects {
                        let state = store::attempt(tx, subject).await?.failed(tx.now_ms());
                        store::save_attempt(tx, subject, state).await?;
                    }
                    Ok(AccountError::WrongLogin)
                })
            })
            .await
    }

    async fn begin_session(
        &self,
        user: User,
        subjects: [String; 2],
        peer: &str,
        agent: &str,
    ) -> Result<LoggedIn, AccountError> {
        let secret = secret::new(&*self.env.entropy);
        let hash = secret::hash(&secret);
        let now_ms = self.env.clock.now_ms();
        let session = Session {
            id: SessionId::new(&self.env),
            user: user.id,
            created_ms: now_ms,
            seen_ms: now_ms,
            expires_ms: now_ms + SESSION_MS,
            peer: peer.to_owned(),
            agent: agent.chars().take(200).collect(),
        };
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    for subject in &subjects {
                        store::clear_attempts(tx, subject).await?;
                    }
                    store::insert_session(tx, &session, &hash).await?;
                    Ok::<_, AccountError>(())
                })
            })
            .await?;
        let max_age_s = u64::try_from(SESSION_MS / 1_000).unwrap_or(0);
        Ok(LoggedIn {
            user,
            secret,
            max_age_s,
        })
    }

    /// Ends a session of `user`.
    ///
    /// # Errors
    /// When the user has no such session, or the store fails.
    pub async fn log_out(&self, user: UserId, session: SessionId) -> Result<(), AccountError> {
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    match store::delete_session(tx, session, user).await? {
                        true => Ok(()),
                        false => Err(AccountError::NotFound("this session")),
                    }
                })
            })
            .await
    }

    /// The live sessions of a user, the last used first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn sessions(&self, user: UserId) -> Result<Vec<Session>, AccountError> {
        let now_ms = self.env.clock.now_ms();
        Ok(store::sessions_of(&mut self.db.reader(), user, now_ms).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_cost_nothing_at_first_and_then_double_up_to_the_cap() {
        let mut state = Attempts::default();
        let mut blocks = Vec::new();
        for _ in 0..16 {
            state = state.failed(1_000);
            blocks.push((state.blocked_until_ms - 1_000) / 1_000);
        }
        assert_eq!(
            blocks,
            [
                0, 0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900
            ]
        );
        assert_eq!(state.failed(1_000 + FORGET_MS + 1).failures, 1);
    }
}
