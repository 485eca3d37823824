//! A target: the one thing a rule watches, such as (web01, filesystem, /var).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::CiId;

/// What kind of thing is watched, such as `host`, `filesystem` or `process`.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct TargetKind(String);

impl TargetKind {
    /// The host as a whole; its key is empty.
    pub const HOST: &'static str = "host";

    /// A kind by its name, e.g. `filesystem`.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TargetKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The thing one rule watches: a configuration item, a kind and a key within it.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Target {
    /// The host (or other CI) it belongs to.
    pub ci: CiId,
    /// Its kind.
    pub kind: TargetKind,
    /// Its key within the CI: a mount point, an interface; empty for the host itself.
    pub key: String,
}

impl Target {
    /// The host itself.
    #[must_use]
    pub fn host(ci: CiId) -> Self {
        Self {
            ci,
            kind: TargetKind::new(TargetKind::HOST),
            key: String::new(),
        }
    }
}
