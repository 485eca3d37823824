//! Hosts: list, get, change.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use model::{CiId, limits};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{ApiError, Ctx, Etag, Json, Page, Query};

use crate::{Cmdb, Host, HostChange, HostFilter};

/// Which hosts.
#[derive(Deserialize, IntoParams)]
pub(crate) struct HostQuery {
    /// Part of the name, an address or the OS.
    #[serde(default)]
    text: String,
    /// `name=value`, several with commas.
    #[serde(default)]
    labels: String,
    /// Also the retired.
    #[serde(default)]
    retired: bool,
    /// The cursor of the page before.
    cursor: Option<String>,
    /// Rows of a page, at most 500.
    limit: Option<usize>,
}

/// A host.
#[derive(Serialize, ToSchema)]
pub(crate) struct HostBody {
    /// Its id, `ci_…`.
    id: String,
    /// Its name.
    name: String,
    /// Labels that people gave it.
    labels: BTreeMap<String, String>,
    /// `linux`.
    os_family: String,
    /// Such as `Debian GNU/Linux 12 (bookworm)`.
    os_name: String,
    /// The kernel's release.
    kernel: String,
    /// Such as `x86_64`.
    arch: String,
    /// Its addresses.
    addresses: Vec<String>,
    /// Logical CPUs.
    cpus: u32,
    /// Memory, in bytes.
    memory_bytes: u64,
    /// UTC milliseconds.
    booted_ms: Option<i64>,
    /// UTC milliseconds; null while in service.
    retired_ms: Option<i64>,
    /// UTC milliseconds.
    created_ms: i64,
    /// The version; also the `ETag`.
    version: i64,
}

impl From<Host> for HostBody {
    fn from(host: Host) -> Self {
        Self {
            id: host.id.to_string(),
            name: host.name,
            labels: host.labels,
            os_family: host.facts.os_family,
            os_name: host.facts.os_name,
            kernel: host.facts.kernel,
            arch: host.facts.arch,
            addresses: host.facts.addresses,
            cpus: host.facts.cpus,
            memory_bytes: host.facts.memory_bytes,
            booted_ms: host.facts.booted_ms,
            retired_ms: host.retired_ms,
            created_ms: host.created_ms,
            version: host.version,
        }
    }
}

/// What is to change; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HostChangeBody {
    /// A new name.
    name: Option<String>,
    /// All labels.
    labels: Option<BTreeMap<String, String>>,
    /// Whether it is out of service.
    retired: Option<bool>,
    /// The reason.
    #[serde(default)]
    why: String,
}

pub(crate) async fn list(
    State(cmdb): State<Cmdb>,
    Query(query): Query<HostQuery>,
) -> Result<Json<Page<HostBody>>, ApiError> {
    let limit = query.limit.unwrap_or(100).clamp(1, limits::PAGE_ROWS_MAX);
    let labels = query
        .labels
        .split(',')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').ok_or_else(|| {
                ApiError::invalid_field("labels", format!("`{pair}`: write name=value"))
            })?;
            Ok((name.to_owned(), value.to_owned()))
        });
    let filter = HostFilter {
        text: query.text,
        labels: labels.collect::<Result<_, ApiError>>()?,
        retired: query.retired,
        after: query.cursor,
        limit: limit + 1,
    };
    let mut hosts = cmdb.hosts(&filter).await?;
    let more = hosts.len() > limit;
    hosts.truncate(limit);
    let next = hosts.last().filter(|_| more).map(|host| host.name.clone());
    Ok(Json(Page {
        items: hosts.into_iter().map(HostBody::from).collect(),
        next,
    }))
}

pub(crate) async fn get(
    State(cmdb): State<Cmdb>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    Ok(with_etag(find(&cmdb, &id).await?))
}

pub(crate) async fn change(
    ctx: Ctx,
    State(cmdb): State<Cmdb>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<HostChangeBody>,
) -> Result<Response, ApiError> {
    let host = find(&cmdb, &id).await?;
    let seen = Etag::if_match(&headers)?.map(|etag| etag.0);
    let change = HostChange {
        name: body.name,
        labels: body.labels,
        retired: body.retired,
        why: body.why,
    };
    Ok(with_etag(
        cmdb.change(host.id, seen, change, ctx.who()).await?,
    ))
}

/// A host by id or by name.
pub(crate) async fn find(cmdb: &Cmdb, text: &str) -> Result<Host, ApiError> {
    match text.parse::<CiId>() {
        Ok(id) => Ok(cmdb.host(id).await?),
        Err(_) => Ok(cmdb.host_by_name(text).await?),
    }
}

fn with_etag(host: Host) -> Response {
    let etag = Etag(host.version).header();
    ([(header::ETAG, etag)], Json(HostBody::from(host))).into_response()
}
