//! Who acts, what an action is called, and which role it needs.

use serde::{Deserialize, Serialize};

/// What somebody may do in general; each includes those before it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Sees everything but secrets (조회).
    Viewer,
    /// Also acknowledges, comments, silences, plans maintenance (운영).
    Operator,
    /// Also changes rules, channels, users, tokens and scripts (관리).
    Administrator,
}

impl Role {
    /// All roles, from the least upward.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Administrator];

    /// The name in the API and the records store.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Administrator => "administrator",
        }
    }

    /// The role with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// What an action needs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Need {
    /// Nothing: log-in, health, assets.
    Nothing,
    /// Anybody who is logged in, whatever the role: own password, log-out.
    LoggedIn,
    /// At least this role.
    Role(Role),
}

/// A named action; every route, page and command has exactly one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Action {
    /// `<area>.<verb>`, e.g. `problem.acknowledge`; stands in the audit.
    pub name: &'static str,
    /// What it needs.
    pub need: Need,
}

impl Action {
    /// An action that needs nothing.
    #[must_use]
    pub const fn public(name: &'static str) -> Self {
        Self {
            name,
            need: Need::Nothing,
        }
    }

    /// An action of anybody who is logged in.
    #[must_use]
    pub const fn own(name: &'static str) -> Self {
        Self {
            name,
            need: Need::LoggedIn,
        }
    }

    /// An action that shows.
    #[must_use]
    pub const fn view(name: &'static str) -> Self {
        Self {
            name,
            need: Need::Role(Role::Viewer),
        }
    }

    /// An action of daily operation.
    #[must_use]
    pub const fn operate(name: &'static str) -> Self {
        Self {
            name,
            need: Need::Role(Role::Operator),
        }
    }

    /// An action that changes how the product works.
    #[must_use]
    pub const fn administer(name: &'static str) -> Self {
        Self {
            name,
            need: Need::Role(Role::Administrator),
        }
    }
}

/// How somebody was recognised.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ActorKind {
    /// A browser with a session cookie.
    Session,
    /// A program with a bearer token.
    Token,
}

/// Somebody who was recognised.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Actor {
    /// How.
    pub kind: ActorKind,
    /// The account's id (`usr_…`).
    pub user: model::UserId,
    /// The log-in name; also who did it, in records and audit.
    pub name: String,
    /// The role; of a token, at most its owner's.
    pub role: Role,
    /// The session's or token's id, for log-out and audit.
    pub credential: String,
    /// The account must change its password before anything else.
    pub must_change_password: bool,
    /// The language the account prefers, if it chose one.
    pub lang: Option<model::Lang>,
    /// The IANA time zone of the account, if it chose one.
    pub time_zone: Option<String>,
}

impl Actor {
    /// Whether this actor has at least the role.
    #[must_use]
    pub fn has(&self, role: Role) -> bool {
        self.role >= role
    }
}
