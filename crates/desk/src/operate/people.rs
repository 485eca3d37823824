//! The names of the people that records name by id.

use std::collections::HashMap;

use account::User;
use web::{ApiError, Role};

use crate::Desk;

/// Everybody with an account, by the text of the id.
#[derive(Debug, Default)]
pub(crate) struct People(HashMap<String, User>);

impl People {
    /// Everybody as they are now.
    ///
    /// # Errors
    /// When the records store fails.
    pub(crate) async fn load(desk: &Desk) -> Result<Self, ApiError> {
        let users = desk.accounts.users().await?.into_iter();
        Ok(Self(
            users.map(|user| (user.id.to_string(), user)).collect(),
        ))
    }

    /// The name on screens of whoever a record names: an id of ours, else the text itself.
    pub(crate) fn name(&self, who: &str) -> String {
        let user = self.0.get(who);
        user.map_or_else(|| who.to_owned(), |user| user.display.clone())
    }

    /// Those who may act on problems, by name.
    pub(crate) fn operators(&self) -> Vec<&User> {
        let able = |user: &&User| user.disabled_ms.is_none() && user.role >= Role::Operator;
        let mut users: Vec<&User> = self.0.values().filter(able).collect();
        users.sort_by(|a, b| a.display.cmp(&b.display));
        users
    }
}
