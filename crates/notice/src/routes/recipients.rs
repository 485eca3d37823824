//! Recipients: list, make, edit, retire.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use model::{ChannelId, Lang, RecipientId, Selector};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{ApiError, Ctx, Etag, FieldError, Json, Page};

use super::Api;
use super::refusal::refusal;
use crate::model::{Recipient, Rule};
use crate::service::{self, RecipientEdit};

const fn yes() -> bool {
    true
}

fn korean() -> String {
    Lang::Ko.code().to_owned()
}

fn seoul() -> String {
    "Asia/Seoul".to_owned()
}

/// Severity × weekdays × hours × scope → channels.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleBody {
    /// From this severity on.
    from: String,
    /// On these days, 1 Monday … 7 Sunday; every day when empty.
    #[serde(default)]
    days: Vec<u8>,
    /// From this local time, minutes after midnight.
    #[serde(default)]
    from_min: u16,
    /// To this local time (not included); equal to `from_min` means the whole day, less than it
    /// means past midnight into the next day.
    #[serde(default)]
    to_min: u16,
    /// On these channels, `chn_…`.
    channels: Vec<String>,
    /// Only hosts of any of these groups, by name; all when empty.
    #[serde(default)]
    groups: Vec<String>,
    /// Only hosts whose labels fit, e.g. `{env="prod"}`.
    #[serde(default)]
    labels: Option<String>,
}

/// A recipient as somebody writes it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecipientEditBody {
    /// The name.
    name: String,
    /// Whether it is a shared box rather than a person.
    #[serde(default)]
    shared: bool,
    /// The person's account, `usr_…`.
    user: Option<String>,
    /// The language of notices, `ko` or `en`; Korean when left out.
    #[serde(default = "korean")]
    lang: String,
    /// The time zone of hours and times, an IANA name; Asia/Seoul when left out.
    #[serde(default = "seoul")]
    zone: String,
    /// Whether anything new is told; yes when left out.
    #[serde(default = "yes")]
    enabled: bool,
    /// A channel's id, or a kind such as `mail`, and the address there.
    #[serde(default)]
    addresses: BTreeMap<String, String>,
    /// What reaches them when and where; any rule that fits counts.
    #[serde(default)]
    rules: Vec<RuleBody>,
}

/// A recipient.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecipientBody {
    /// The id, `rcp_…`.
    id: String,
    /// The name.
    name: String,
    /// Whether it is a shared box rather than a person.
    shared: bool,
    /// The person's account, `usr_…`.
    user: Option<String>,
    /// The language of notices.
    lang: &'static str,
    /// The time zone.
    zone: String,
    /// Whether anything new is told.
    enabled: bool,
    /// A channel's id, or a kind, and the address there.
    addresses: BTreeMap<String, String>,
    /// What reaches them when and where.
    rules: Vec<RuleBody>,
    /// UTC milliseconds; null while they are told.
    retired_ms: Option<i64>,
    /// The version; also the `ETag`.
    version: i64,
}

impl RuleBody {
    /// The rule; `at` is its place in the list.
    fn rule(self, at: usize) -> Result<Rule, ApiError> {
        let path = |part: &str| format!("rules[{at}].{part}");
        let labels = self.labels.filter(|text| !text.trim().is_empty());
        let read = |text: String| {
            Selector::parse(&text)
                .map_err(|error| ApiError::invalid_field(&path("labels"), error.to_string()))
        };
        let channels = self.channels.iter();
        Ok(Rule {
            from: web::field(&self.from, &path("from"))?,
            days: self.days,
            from_min: self.from_min,
            to_min: self.to_min,
            channels: channels
                .map(|id| web::field(id, &path("channels")))
                .collect::<Result<_, _>>()?,
            groups: self.groups,
            labels: labels.map(read).transpose()?,
        })
    }
}

impl From<Rule> for RuleBody {
    fn from(rule: Rule) -> Self {
        Self {
            from: rule.from.name().to_owned(),
            days: rule.days,
            from_min: rule.from_min,
            to_min: rule.to_min,
            channels: rule.channels.iter().map(ToString::to_string).collect(),
            groups: rule.groups,
            labels: rule.labels.map(|labels| labels.to_string()),
        }
    }
}

impl From<Recipient> for RecipientBody {
    fn from(one: Recipient) -> Self {
        Self {
            id: one.id.to_string(),
            name: one.name,
            shared: one.shared,
            user: one.user.map(|user| user.to_string()),
            lang: one.lang.code(),
            zone: one.zone,
            enabled: one.enabled,
            addresses: one.addresses,
            rules: one.rules.into_iter().map(RuleBody::from).collect(),
            retired_ms: one.retired_ms,
            version: one.version,
        }
    }
}

impl RecipientEditBody {
    fn edit(self) -> Result<RecipientEdit, ApiError> {
        let lang = Lang::from_code(&self.lang).ok_or_else(|| {
            ApiError::invalid_field("lang", format!("`{}`: use ko or en", self.lang))
        })?;
        let rules = self.rules.into_iter().enumerate();
        Ok(RecipientEdit {
            name: self.name,
            shared: self.shared,
            user: web::optional_field(self.user.as_deref(), "user")?,
            lang,
            zone: self.zone,
            enabled: self.enabled,
            addresses: self.addresses,
            rules: rules
                .map(|(at, rule)| rule.rule(at))
                .collect::<Result<_, _>>()?,
        })
    }
}

/// Refuses channels that nobody made, in rules and addresses: a notice would go nowhere.
async fn check_channels(ctx: &Ctx, api: &Api, edit: &RecipientEdit) -> Result<(), ApiError> {
    let known = service::channels(&mut api.db.reader(), &api.context).await;
    let known = known.map_err(refusal(ctx.lang))?;
    let exists = |id: ChannelId| known.iter().any(|channel| channel.id == id);
    let message = |what: &str| format!("there is no channel `{what}`");
    let mut wrong = Vec::new();
    for (at, rule) in edit.rules.iter().enumerate() {
        let missing = rule.channels.iter().filter(|id| !exists(**id));
        wrong.extend(missing.map(|id| FieldError {
            field: format!("rules[{at}].channels"),
            message: message(&id.to_string()),
        }));
    }
    for key in edit.addresses.keys() {
        let by_id = key.parse::<ChannelId>().is_ok_and(exists);
        if !by_id && notify::by_kind(key).is_none() {
            wrong.push(FieldError {
                field: format!("addresses.{key}"),
                message: message(key),
            });
        }
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(ApiError::invalid(wrong))
    }
}

pub(crate) async fn list(
    ctx: Ctx,
    State(api): State<Api>,
) -> Result<Json<Page<RecipientBody>>, ApiError> {
    let all = service::recipients(&mut api.db.reader()).await;
    let all = all.map_err(refusal(ctx.lang))?.into_iter();
    Ok(Json(Page::whole(all.map(RecipientBody::from))))
}

pub(crate) async fn create(
    ctx: Ctx,
    State(api): State<Api>,
    Json(body): Json<RecipientEditBody>,
) -> Result<Response, ApiError> {
    let edit = body.edit()?;
    check_channels(&ctx, &api, &edit).await?;
    let made = service::create_recipient(&api.db, edit, ctx.who()).await;
    let made = made.map_err(refusal(ctx.lang))?;
    Ok((StatusCode::CREATED, answer(made)).into_response())
}

pub(crate) async fn get(
    ctx: Ctx,
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let found = service::recipient(&mut api.db.reader(), id_of(&id)?).await;
    Ok(answer(found.map_err(refusal(ctx.lang))?))
}

pub(crate) async fn change(
    ctx: Ctx,
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<RecipientEditBody>,
) -> Result<Response, ApiError> {
    let before = service::recipient(&mut api.db.reader(), id_of(&id)?).await;
    let before = before.map_err(refusal(ctx.lang))?;
    let version = Etag::required(&headers)?.map_or(before.version, |seen| seen.0);
    let edit = body.edit()?;
    check_channels(&ctx, &api, &edit).await?;
    let changed = service::edit_recipient(&api.db, (before.id, version), edit, ctx.who()).await;
    Ok(answer(changed.map_err(refusal(ctx.lang))?))
}

pub(crate) async fn retire(
    ctx: Ctx,
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let retired = service::retire_recipient(&api.db, id_of(&id)?, ctx.who()).await;
    retired.map_err(refusal(ctx.lang))?;
    Ok(StatusCode::NO_CONTENT)
}

fn answer(one: Recipient) -> Response {
    Etag(one.version).on(RecipientBody::from(one))
}

fn id_of(text: &str) -> Result<RecipientId, ApiError> {
    web::path_id(text, "this recipient")
}
