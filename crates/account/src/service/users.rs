//! Making and changing accounts and their passwords.

use db::{Change, Tx};
use model::{SessionId, UserId};
use web::Role;

use super::Accounts;
use crate::{AccountError, NewUser, User, UserChange, password, store};

impl Accounts {
    /// Makes the first administrator, if there is no account at all; returns the one-time password.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn bootstrap(&self) -> Result<Option<(String, String)>, AccountError> {
        if !store::users(&mut self.db.reader()).await?.is_empty() {
            return Ok(None);
        }
        let new = NewUser {
            login: "admin".to_owned(),
            display: "Administrator".to_owned(),
            role: Role::Administrator,
            lang: None,
            time_zone: None,
        };
        let (user, password) = self.create(new, "bongsu").await?;
        Ok(Some((user.login, password)))
    }

    /// Makes an account; returns it with its one-time password.
    ///
    /// # Errors
    /// When the name is malformed or taken, the time zone unknown, or the store fails.
    pub async fn create(&self, new: NewUser, by: &str) -> Result<(User, String), AccountError> {
        let login = checked_login(&new.login)?;
        check_zone(new.time_zone.as_deref())?;
        let one_time = password::one_time(&*self.env.entropy);
        let hash = password::hash(one_time.clone()).await?;
        let display = if new.display.trim().is_empty() {
            login.clone()
        } else {
            new.display
        };
        let user = User {
            id: UserId::new(&self.env),
            login,
            display,
            role: new.role,
            lang: new.lang,
            time_zone: new.time_zone,
            must_change: true,
            disabled_ms: None,
            created_ms: self.env.clock.now_ms(),
            version: 1,
        };
        let (kept, by) = (user.clone(), by.to_owned());
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    if store::user_by_login(tx, &kept.login).await?.is_some() {
                        return Err(AccountError::LoginTaken(kept.login));
                    }
                    store::insert_user(tx, &kept, &hash, &by).await?;
                    record(tx, &by, None, Some(&kept)).await
                })
            })
            .await?;
        Ok((user, one_time))
    }

    /// All accounts by name, the disabled ones too.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn users(&self) -> Result<Vec<User>, AccountError> {
        Ok(store::users(&mut self.db.reader()).await?)
    }

    /// One account.
    ///
    /// # Errors
    /// When there is none, or the store fails.
    pub async fn user(&self, id: UserId) -> Result<User, AccountError> {
        let found = store::user(&mut self.db.reader(), id).await?;
        found.ok_or(AccountError::NotFound("this account"))
    }

    /// Changes an account, if it still has the version that the caller saw.
    ///
    /// # Errors
    /// When it does not exist, was changed meanwhile, is the last administrator, or the store fails.
    pub async fn change(
        &self,
        id: UserId,
        seen: Option<i64>,
        change: UserChange,
        by: &str,
    ) -> Result<User, AccountError> {
        if let Some(zone) = &change.time_zone {
            check_zone(zone.as_deref())?;
        }
        let by = by.to_owned();
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let found = store::user(tx, id).await?;
                    let before = found.ok_or(AccountError::NotFound("this account"))?;
                    check_version(&before, seen)?;
                    let after = applied(&before, &change, tx.now_ms());
                    let administers = |user: &User| {
                        user.role == Role::Administrator && user.disabled_ms.is_none()
                    };
                    let last = administers(&before) && !administers(&after);
                    if last && store::count_administrators(tx).await? <= 1 {
                        return Err(AccountError::LastAdministrator(before.login));
                    }
                    store::save_user(tx, &after).await?;
                    if after.disabled_ms.is_some() {
                        store::delete_sessions_of(tx, id, None).await?;
                    }
                    record(tx, &by, Some(&before), Some(&after)).await?;
                    Ok(after)
                })
            })
            .await
    }

    /// Sets one's own password; ends all other sessions of the account.
    ///
    /// # Errors
    /// When the old one is wrong, the new one weak, or the store fails.
    pub async fn change_password(
        &self,
        id: UserId,
        keep: Option<SessionId>,
        old: &str,
        new: &str,
    ) -> Result<(), AccountError> {
        let user = self.user(id).await?;
        let hash = store::password_hash(&mut self.db.reader(), id).await?;
        let hash = hash.ok_or(AccountError::NotFound("this account"))?;
        if !password::verify(old.to_owned(), hash).await {
            return Err(AccountError::WrongLogin);
        }
        if old == new {
            return Err(AccountError::WeakPassword(
                "the new password must differ from the old one",
            ));
        }
        password::check_strength(&user.login, new)?;
        self.save_password(id, new.to_owned(), false, keep).await
    }

    /// Gives an account a new one-time password, which must be changed at the next log-in.
    ///
    /// # Errors
    /// When there is no such account, or the store fails.
    pub async fn reset_password(&self, id: UserId, by: &str) -> Result<String, AccountError> {
        let user = self.user(id).await?;
        let one_time = password::one_time(&*self.env.entropy);
        self.save_password(id, one_time.clone(), true, None).await?;
        tracing::info!(user.login = %user.login, by, "a password was reset");
        Ok(one_time)
    }

    async fn save_password(
        &self,
        id: UserId,
        password: String,
        must_change: bool,
        keep: Option<SessionId>,
    ) -> Result<(), AccountError> {
        let hash = password::hash(password).await?;
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    store::save_password(tx, id, &hash, must_change).await?;
                    store::delete_sessions_of(tx, id, keep).await?;
                    Ok(())
                })
            })
            .await
    }
}

fn applied(before: &User, change: &UserChange, now_ms: i64) -> User {
    let disabled_ms = match change.disabled {
        Some(true) => before.disabled_ms.or(Some(now_ms)),
        Some(false) => None,
        None => before.disabled_ms,
    };
    User {
        display: change
            .display
            .clone()
            .unwrap_or_else(|| before.display.clone()),
        role: change.role.unwrap_or(before.role),
        lang: change.lang.unwrap_or(before.lang),
        time_zone: change
            .time_zone
            .clone()
            .unwrap_or_else(|| before.time_zone.clone()),
        disabled_ms,
        version: before.version + 1,
        ..before.clone()
    }
}

fn check_version(user: &User, seen: Option<i64>) -> Result<(), AccountError> {
    match seen {
        Some(seen) if seen != user.version => Err(AccountError::ChangedMeanwhile {
            login: user.login.clone(),
            found: user.version,
            seen,
        }),
        _ => Ok(()),
    }
}

fn checked_login(login: &str) -> Result<String, AccountError> {
    let login = login.trim().to_lowercase();
    let fits = (2..=64).contains(&login.len())
        && login.chars().all(|c| {
            c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-' | '@')
        });
    if fits {
        Ok(login)
    } else {
        Err(AccountError::BadLogin(login))
    }
}

fn check_zone(zone: Option<&str>) -> Result<(), AccountError> {
    match zone {
        Some(zone) if jiff::tz::TimeZone::get(zone).is_err() => {
            Err(AccountError::BadTimeZone(zone.to_owned()))
        }
        _ => Ok(()),
    }
}

/// The change row; it never carries a password or its hash.
async fn record(
    tx: &mut Tx,
    by: &str,
    before: Option<&User>,
    after: Option<&User>,
) -> Result<(), AccountError> {
    let told = |user: &User| {
        serde_json::json!({
            "login": user.login,
            "display": user.display,
            "role": user.role.name(),
            "lang": user.lang.map(model::Lang::code),
            "time_zone": user.time_zone,
            "disabled_ms": user.disabled_ms,
        })
    };
    let Some(user) = after.or(before) else {
        return Ok(());
    };
    tx.record_change(Change {
        actor: by,
        object_kind: "user",
        object_id: user.id.to_string(),
        before: before.map(told),
        after: after.map(told),
        why: "",
    })
    .await?;
    Ok(())
}
