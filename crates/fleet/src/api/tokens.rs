//! Enrolment tokens: list, make with the install line, revoke.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use db::Tx;
use model::{Labels, METRIC_NAME, TokenId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use web::{ApiError, AuditDetail, Ctx, FieldError, Json, Page};

use super::Api;
use super::refusal::broken;
use crate::grant::{TokenRefused, TokenRow, TokenSpec};
use crate::tokens::{make_token, revoke_token, token_rows};

/// Characters of a token's label.
const LABEL_CHARS_MAX: usize = 100;
/// Hosts that may enrol with one token.
const USES_MAX: u32 = 10_000;
/// The shortest and the longest life of a token, in seconds: a minute and 30 days.
const VALID_S: std::ops::RangeInclusive<u32> = 60..=30 * 24 * 3_600;
/// A day.
const VALID_S_DEFAULT: u32 = 24 * 3_600;

/// A new enrolment token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTokenBody {
    /// What it is for.
    label: String,
    /// How many hosts may enrol with it, 1 to 10,000; 1 when left out.
    #[serde(default = "one")]
    uses: u32,
    /// How long it is good, in seconds, a minute to 30 days; a day when left out.
    #[serde(default = "day")]
    valid_s: u32,
    /// Labels that the hosts get.
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

/// An enrolment token, without its secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenBody {
    /// Its id, `tok_…`.
    id: String,
    /// What it is for.
    label: String,
    /// Labels that hosts get.
    labels: BTreeMap<String, String>,
    /// How many more hosts may enrol with it.
    uses_left: u32,
    /// `good`, `used_up` or `expired`.
    state: &'static str,
    /// UTC milliseconds.
    created_ms: i64,
    /// UTC milliseconds.
    expires_ms: i64,
    /// When a host last enrolled with it, UTC milliseconds; null when never.
    used_ms: Option<i64>,
}

/// The token that was made, its secret and the line to run.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewTokenAnswer {
    /// Its id, `tok_…`.
    id: String,
    /// UTC milliseconds.
    expires_ms: i64,
    /// What the installer sends; shown here and never again.
    secret: String,
    /// The one line to run on the server that is to be added.
    install_line: String,
}

const fn one() -> u32 {
    1
}

const fn day() -> u32 {
    VALID_S_DEFAULT
}

impl TokenBody {
    fn new(row: TokenRow, now_ms: i64) -> Self {
        let state = match row.check(now_ms) {
            Ok(()) => "good",
            Err(TokenRefused::UsedUp) => "used_up",
            Err(TokenRefused::Expired | TokenRefused::Unknown) => "expired",
        };
        Self {
            id: row.grant.id.to_string(),
            label: row.grant.label,
            labels: row.grant.labels.into_iter().collect(),
            uses_left: row.uses_left,
            state,
            created_ms: row.created_ms,
            expires_ms: row.expires_ms,
            used_ms: row.used_ms,
        }
    }
}

impl NewTokenBody {
    /// Everything that is wrong, or how the token is to be made.
    fn spec(self) -> Result<TokenSpec, ApiError> {
        let label = self.label.trim().to_owned();
        let mut wrong = Vec::new();
        let mut check = |fits: bool, field: &str, message: String| {
            if !fits {
                let field = field.to_owned();
                wrong.push(FieldError { field, message });
            }
        };
        let named = (1..=LABEL_CHARS_MAX).contains(&label.chars().count());
        check(
            named,
            "label",
            format!("1 to {LABEL_CHARS_MAX} characters: what is it for?"),
        );
        let counted = (1..=USES_MAX).contains(&self.uses);
        check(counted, "uses", format!("1 to {USES_MAX} hosts"));
        let lasting = VALID_S.contains(&self.valid_s);
        check(
            lasting,
            "valid_s",
            "60 to 2592000 seconds: a minute to 30 days".to_owned(),
        );
        match Labels::new(self.labels.clone()) {
            Ok(labels) => {
                let plain = labels.get(METRIC_NAME).is_none() && labels.len() == self.labels.len();
                check(
                    plain,
                    "labels",
                    "a host's labels have names and values".to_owned(),
                );
            }
            Err(error) => check(false, "labels", error.to_string()),
        }
        if !wrong.is_empty() {
            return Err(ApiError::invalid(wrong));
        }
        Ok(TokenSpec {
            label,
            groups: Vec::new(),
            labels: self.labels.into_iter().collect(),
            uses: self.uses,
            valid_ms: i64::from(self.valid_s) * 1_000,
        })
    }
}

pub(crate) async fn list(
    ctx: Ctx,
    State(api): State<Api>,
) -> Result<Json<Page<TokenBody>>, ApiError> {
    let now_ms = ctx.now_ms();
    let rows = token_rows(&mut api.fleet.shared().db.reader()).await;
    let rows = rows.map_err(broken)?.into_iter();
    Ok(Json(Page::whole(
        rows.map(|row| TokenBody::new(row, now_ms)),
    )))
}

pub(crate) async fn create(
    ctx: Ctx,
    State(api): State<Api>,
    Json(body): Json<NewTokenBody>,
) -> Result<Response, ApiError> {
    let spec = body.spec()?;
    let detail = json!({"label": spec.label, "uses": spec.uses, "valid_ms": spec.valid_ms});
    let expires_ms = ctx.now_ms().saturating_add(spec.valid_ms);
    let address = api.entrance.open().await.map_err(ApiError::unavailable)?;
    let db = &api.fleet.shared().db;
    let write = db.write(move |tx: &mut Tx| Box::pin(async move { make_token(tx, &spec).await }));
    let made = write.await.map_err(broken)?;
    let answer = Json(NewTokenAnswer {
        id: made.id.to_string(),
        expires_ms,
        install_line: api.fleet.install_line(&address, &made.secret),
        secret: made.secret,
    });
    Ok((StatusCode::CREATED, Extension(AuditDetail(detail)), answer).into_response())
}

pub(crate) async fn revoke(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let id: TokenId = web::path_id(&id, "this enrolment token")?;
    let db = &api.fleet.shared().db;
    let write = db.write(move |tx: &mut Tx| Box::pin(async move { revoke_token(tx, id).await }));
    if write.await.map_err(broken)? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ApiError::not_found("this enrolment token"))
    }
}
