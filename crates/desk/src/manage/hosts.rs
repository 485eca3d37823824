//! Hosts by name and id, from memory: what configuration pages say of them and let people choose.

use model::CiId;
use ui::Html;
use web::{ApiError, Ctx};

use super::sheet;
use crate::Desk;

/// A host's name; its id when it is not known.
pub(crate) fn name(desk: &Desk, id: CiId) -> String {
    let all = desk.hosts.all();
    all.get(&id)
        .map_or_else(|| id.to_string(), |host| host.name.clone())
}

/// Its page.
pub(crate) fn href(id: CiId) -> String {
    format!("/hosts/{id}")
}

/// The host in service with this name.
pub(crate) fn by_name(desk: &Desk, name: &str) -> Option<CiId> {
    let all = desk.hosts.all();
    let mut found = all.values().filter(|host| host.retired_ms.is_none());
    found.find(|host| host.name == name).map(|host| host.id)
}

/// Names and ids of the hosts in service, by name.
pub(crate) fn in_service(desk: &Desk) -> Vec<(String, CiId)> {
    let all = desk.hosts.all();
    let live = all.values().filter(|host| host.retired_ms.is_none());
    let mut names: Vec<(String, CiId)> = live.map(|host| (host.name.clone(), host.id)).collect();
    names.sort();
    names
}

/// What a field for one host suggests.
pub(crate) fn suggested(desk: &Desk) -> Html {
    let names: Vec<String> = in_service(desk).into_iter().map(|(name, _)| name).collect();
    sheet::known("host", &names)
}

/// The account that acts, for runs and tokens.
///
/// # Errors
/// When nobody is logged in.
pub(crate) fn actor(ctx: &Ctx) -> Result<model::UserId, ApiError> {
    Ok(ctx.actor()?.user)
}
