//! For whom an override or a watched thing is meant, as the API says it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::ApiError;

use crate::For;

/// One group or one host.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhomBody {
    /// `group` or `host`.
    kind: String,
    /// `grp_…` or `ci_…`.
    id: String,
}

impl WhomBody {
    pub(super) fn whom(&self, field: &str) -> Result<For, ApiError> {
        match self.kind.as_str() {
            "group" => Ok(For::Group(web::field(&self.id, &format!("{field}.id"))?)),
            "host" => Ok(For::Host(web::field(&self.id, &format!("{field}.id"))?)),
            other => {
                let message = format!("`{other}`: use group or host");
                Err(ApiError::invalid_field(&format!("{field}.kind"), message))
            }
        }
    }
}

impl From<For> for WhomBody {
    fn from(whom: For) -> Self {
        Self {
            kind: whom.kind().to_owned(),
            id: whom.id(),
        }
    }
}

/// Everybody of a list; at least one.
pub(super) fn all(list: &[WhomBody]) -> Result<Vec<For>, ApiError> {
    if list.is_empty() {
        return Err(ApiError::invalid_field(
            "for",
            "name at least one group or host",
        ));
    }
    let each = list.iter().enumerate();
    each.map(|(at, whom)| whom.whom(&format!("for[{at}]")))
        .collect()
}

/// At most one of a host and a group.
pub(super) fn one_of(host: Option<&str>, group: Option<&str>) -> Result<Option<For>, ApiError> {
    let host = web::optional_field(host, "host")?.map(For::Host);
    let group = web::optional_field(group, "group")?.map(For::Group);
    match (host, group) {
        (Some(_), Some(_)) => Err(ApiError::invalid_field("group", "give a host or a group")),
        (host, group) => Ok(host.or(group)),
    }
}
