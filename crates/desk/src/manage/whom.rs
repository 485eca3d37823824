//! For whom something is meant: a host by its name, or a group.

use model::{CiId, GroupId};
use ui::{Choice, Field, FieldErrors, FieldKind, FormValues, Html, ListQuery, PageContext};
use watch::For;
use web::ApiError;

use super::{fields, hosts, sheet};
use crate::Desk;

/// The two fields: one of them is to be answered.
pub(crate) fn whom_fields(groups: Vec<Choice>) -> [Field; 2] {
    [
        Field::new("host", "manage.for_host", FieldKind::Text).hint("manage.for_host_hint"),
        Field::new("group", "manage.for_group", fields::select(groups)),
    ]
}

/// What was chosen.
pub(crate) fn read(
    desk: &Desk,
    page: &PageContext,
    values: &FormValues,
    errors: &mut FieldErrors,
) -> Option<For> {
    let (host, group) = (values.get("host"), values.get("group"));
    match (host.is_empty(), group.is_empty()) {
        (false, true) => {
            let found = hosts::by_name(desk, host);
            if found.is_none() {
                errors.add("host", page.tf("manage.no_host", &[("name", &host)]));
            }
            found.map(For::Host)
        }
        (true, false) => group.parse::<GroupId>().ok().map(For::Group),
        _ => {
            errors.add("host", page.t("manage.one_of_both"));
            None
        }
    }
}

/// Fills the fields.
pub(crate) fn fill(desk: &Desk, whom: For, values: &mut FormValues) {
    match whom {
        For::Host(ci) => values.set("host", hosts::name(desk, ci)),
        For::Group(id) => values.set("group", id.to_string()),
    }
}

/// Fills the fields from an address such as `?host=ci_…` or `?group=grp_…`.
pub(crate) fn fill_asked(desk: &Desk, query: &ListQuery, values: &mut FormValues) {
    if let Ok(ci) = query.get("host").parse::<CiId>() {
        fill(desk, For::Host(ci), values);
    }
    if let Ok(id) = query.get("group").parse::<GroupId>() {
        fill(desk, For::Group(id), values);
    }
}

/// Names of groups by id.
pub(crate) struct Names(Vec<watch::Group>);

impl Names {
    /// All groups, the retired too.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn load(desk: &Desk) -> Result<Self, ApiError> {
        Ok(Self(desk.watch.groups(true).await?))
    }

    /// In words: `group web`, `web01`.
    pub(crate) fn text(&self, desk: &Desk, page: &PageContext, whom: For) -> String {
        match whom {
            For::Host(ci) => hosts::name(desk, ci),
            For::Group(id) => {
                let found = self.0.iter().find(|group| group.id == id);
                let name = found.map_or_else(|| id.to_string(), |group| group.name.clone());
                page.tf("manage.group_named", &[("name", &name)])
            }
        }
    }

    /// As a link.
    pub(crate) fn link(&self, desk: &Desk, page: &PageContext, whom: For) -> Html {
        let href = match whom {
            For::Host(ci) => hosts::href(ci),
            For::Group(id) => format!("/groups/{id}"),
        };
        sheet::link(&href, &self.text(desk, page, whom))
    }
}
