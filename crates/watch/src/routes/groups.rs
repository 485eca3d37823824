//! Groups: list, make, edit, retire, members now and before they are saved.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use model::{GroupId, Selector};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{ApiError, Ctx, Etag, Json, Page, Query};

use super::Api;
use super::rules::{Reason, by};
use crate::matching::CompiledGroup;
use crate::{Group, GroupEdit, GroupSelector};

/// Which groups.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupQuery {
    /// Also the retired.
    #[serde(default)]
    retired: bool,
}

/// Which hosts belong to a group: every given part must hold.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SelectorBody {
    /// Any of these name patterns, with `*` and `?`.
    names: Vec<String>,
    /// Any of these operating system families.
    os: Vec<String>,
    /// All of these matchers on the host's labels, e.g. `{env="prod"}`.
    labels: Option<String>,
    /// None of these name patterns.
    except: Vec<String>,
}

/// A group as somebody writes it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupEditBody {
    /// Its name, unique; rules name it in their scope.
    name: String,
    /// What it is for.
    #[serde(default)]
    note: String,
    /// Who belongs to it.
    selector: SelectorBody,
    /// The reason of the edit.
    #[serde(default)]
    why: String,
}

/// A group.
#[derive(Serialize, ToSchema)]
pub(crate) struct GroupBody {
    /// Its id, `grp_…`.
    id: String,
    /// Its name.
    name: String,
    /// What it is for.
    note: String,
    /// Who belongs to it.
    selector: SelectorBody,
    /// UTC milliseconds.
    updated_ms: i64,
    /// By whom.
    updated_by: String,
    /// UTC milliseconds; null while it is used.
    retired_ms: Option<i64>,
    /// The version; also the `ETag`.
    version: i64,
}

/// A host of a group.
#[derive(Serialize, ToSchema)]
pub(crate) struct MemberBody {
    /// Its id, `ci_…`.
    id: String,
    /// Its name.
    name: String,
}

impl SelectorBody {
    fn selector(self, path: &str) -> Result<GroupSelector, ApiError> {
        let labels = self.labels.filter(|text| !text.trim().is_empty());
        let read = |text: &str| {
            Selector::parse(text).map_err(|error| {
                ApiError::invalid_field(&format!("{path}labels"), error.to_string())
            })
        };
        Ok(GroupSelector {
            names: self.names,
            os: self.os,
            labels: labels.as_deref().map(read).transpose()?,
            except: self.except,
        })
    }
}

impl From<GroupSelector> for SelectorBody {
    fn from(selector: GroupSelector) -> Self {
        Self {
            names: selector.names,
            os: selector.os,
            labels: selector.labels.map(|labels| labels.to_string()),
            except: selector.except,
        }
    }
}

impl From<Group> for GroupBody {
    fn from(group: Group) -> Self {
        Self {
            id: group.id.to_string(),
            name: group.name,
            note: group.note,
            selector: group.selector.into(),
            updated_ms: group.updated_ms,
            updated_by: group.updated_by,
            retired_ms: group.retired_ms,
            version: group.version,
        }
    }
}

impl GroupEditBody {
    fn edit(self) -> Result<(GroupEdit, String), ApiError> {
        let edit = GroupEdit {
            name: self.name,
            note: self.note,
            selector: self.selector.selector("selector.")?,
        };
        Ok((edit, self.why))
    }
}

pub(crate) async fn list(
    State(api): State<Api>,
    Query(query): Query<GroupQuery>,
) -> Result<Json<Page<GroupBody>>, ApiError> {
    let groups = api.watch.groups(query.retired).await?.into_iter();
    Ok(Json(Page::whole(groups.map(GroupBody::from))))
}

pub(crate) async fn create(
    ctx: Ctx,
    State(api): State<Api>,
    Json(body): Json<GroupEditBody>,
) -> Result<Response, ApiError> {
    let (edit, why) = body.edit()?;
    let made = api.watch.create_group(edit, by(&ctx, &why)).await?;
    Ok((StatusCode::CREATED, answer(made)).into_response())
}

pub(crate) async fn get(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    Ok(answer(api.watch.group(id_of(&id)?).await?))
}

pub(crate) async fn change(
    ctx: Ctx,
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<GroupEditBody>,
) -> Result<Response, ApiError> {
    let seen = Etag::required(&headers)?.map(|etag| etag.0);
    let (edit, why) = body.edit()?;
    let changed = api
        .watch
        .update_group((id_of(&id)?, seen), edit, by(&ctx, &why));
    Ok(answer(changed.await?))
}

pub(crate) async fn retire(
    ctx: Ctx,
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Query(reason): Query<Reason>,
) -> Result<StatusCode, ApiError> {
    let seen = Etag::if_match(&headers)?.map(|etag| etag.0);
    let retired = api
        .watch
        .retire_group((id_of(&id)?, seen), by(&ctx, &reason.why));
    retired.await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn members(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Json<Page<MemberBody>>, ApiError> {
    let group = api.watch.group(id_of(&id)?).await?;
    fitting(&api, &group.selector)
}

pub(crate) async fn preview(
    State(api): State<Api>,
    Json(body): Json<SelectorBody>,
) -> Result<Json<Page<MemberBody>>, ApiError> {
    fitting(&api, &body.selector("")?)
}

/// The hosts that a selector fits, by name.
fn fitting(api: &Api, selector: &GroupSelector) -> Result<Json<Page<MemberBody>>, ApiError> {
    let group = CompiledGroup::new(selector)
        .map_err(|error| ApiError::invalid_field("labels", error.to_string()))?;
    let mut hosts = api.inventory.hosts();
    hosts.retain(|host| group.contains(host));
    hosts.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Json(Page::whole(hosts.into_iter().map(|host| {
        MemberBody {
            id: host.ci.to_string(),
            name: host.name,
        }
    }))))
}

fn answer(group: Group) -> Response {
    Etag(group.version).on(GroupBody::from(group))
}

fn id_of(text: &str) -> Result<GroupId, ApiError> {
    web::path_id(text, "this group")
}
