//! What the slices refuse, in the reader's language: beside a form's fields, or as a message.

use account::AccountError;
use axum::http::StatusCode;
use axum::response::Response;
use cmdb::CmdbError;
use db::DbError;
use model::rule::RuleError;
use notice::NoticeError;
use problem::ProblemError;
use remedy::RemedyError;
use serde_json::json;
use ui::{FieldErrors, PageContext};
use watch::WatchError;
use web::{ApiError, AuditDetail, Ctx, Flash};

use super::history;
use crate::{Desk, frame};

/// Why something was not done.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Fields are wrong; the empty name is the form as a whole.
    Fields(FieldErrors),
    /// Somebody else was faster: the version in the store, and the one that was seen.
    Changed(i64, i64),
    /// Nothing that a form can mend.
    Other(ApiError),
}

/// A failure of the records store.
pub(crate) fn store(error: DbError) -> ApiError {
    if error.is_disk_full() {
        ApiError::unavailable(error.to_string())
    } else {
        ApiError::internal(error.to_string())
    }
}

impl Refusal {
    fn field(field: &str, text: impl Into<String>) -> Self {
        let mut errors = FieldErrors::default();
        errors.add(field, text);
        Self::Fields(errors)
    }

    /// The errors for the form, and the version to go on from when somebody else was faster.
    ///
    /// # Errors
    /// When it is nothing that a form can mend.
    pub(crate) async fn beside(
        self,
        desk: &Desk,
        page: &PageContext,
        record: (&str, &str),
    ) -> Result<(FieldErrors, Option<i64>), ApiError> {
        match self {
            Self::Fields(errors) => Ok((errors, None)),
            Self::Changed(found, seen) => {
                let text = history::meanwhile(desk, page, record, found - seen).await?;
                let mut errors = FieldErrors::default();
                errors.add("", text);
                Ok((errors, Some(found)))
            }
            Self::Other(error) => Err(error),
        }
    }

    fn text(&self, page: &PageContext) -> Option<String> {
        match self {
            Self::Fields(errors) => {
                let texts: Vec<&str> = errors.iter().map(|(_, text)| text).collect();
                Some(texts.join(" "))
            }
            Self::Changed(..) => Some(page.t("manage.meanwhile_unknown").to_owned()),
            Self::Other(error) if error.status == StatusCode::NOT_FOUND => None,
            Self::Other(error) if error.status.is_client_error() => Some(error.detail.clone()),
            Self::Other(_) => None,
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Fields(errors) => {
                let field = |(field, message): (&str, &str)| web::FieldError {
                    field: field.to_owned(),
                    message: message.to_owned(),
                };
                Self::invalid(errors.iter().map(field).collect())
            }
            Refusal::Changed(found, seen) => {
                Self::changed_meanwhile(format!("version {found}, you saw {seen}"))
            }
            Refusal::Other(error) => error,
        }
    }
}

/// After a button: back to a page that says what came of it.
///
/// # Errors
/// When it is nothing that a message can say.
pub(crate) fn settle<T>(
    ctx: &Ctx,
    page: &PageContext,
    to: &str,
    (outcome, said): (Result<T, Refusal>, &str),
) -> Result<Response, ApiError> {
    let refusal = match outcome {
        Ok(_) => return Ok(frame::done(ctx, to, &Flash::done(said))),
        Err(refusal) => refusal,
    };
    match refusal.text(page) {
        Some(text) => {
            let mut response = frame::done(ctx, to, &Flash::failed(&text));
            let detail = AuditDetail(json!({ "refused": text }));
            response.extensions_mut().insert(detail);
            Ok(response)
        }
        None => Err(refusal.into()),
    }
}

/// What watching refuses.
pub(crate) fn watch(page: &PageContext, error: WatchError) -> Refusal {
    let text = error.to_string();
    match error {
        WatchError::ChangedMeanwhile { found, seen, .. } => Refusal::Changed(found, seen),
        WatchError::Taken(name) => {
            Refusal::field("name", page.tf("refused.taken", &[("name", &name)]))
        }
        WatchError::Rule { errors, .. } => {
            let texts: Vec<String> = errors.iter().map(|error| rule(page, error)).collect();
            Refusal::field("", texts.join(" "))
        }
        WatchError::Compile { error, .. } => Refusal::field("", error.to_string()),
        WatchError::Selector(error) => {
            Refusal::field("selector", page.tf("refused.regex", &[("why", &error)]))
        }
        WatchError::Values(error) => {
            Refusal::field("", page.tf("refused.values", &[("why", &error)]))
        }
        WatchError::Field { field, what } => {
            let key = format!("refused.field_{field}");
            let own = i18n::find(page.lang, &key).map_or(what, str::to_owned);
            Refusal::field(field, own)
        }
        WatchError::KeyChanged(..) => Refusal::field("key", page.t("refused.key_changed")),
        WatchError::NotShipped(_) => Refusal::field("", page.t("refused.not_shipped")),
        WatchError::Shipped(_) => Refusal::field("", page.t("refused.shipped")),
        WatchError::InUse { users, .. } => {
            Refusal::field("", page.tf("refused.in_use", &[("users", &users)]))
        }
        WatchError::NotFound(_) | WatchError::TooMany(_) | WatchError::Db(_) => {
            Refusal::Other(ApiError::from(error))
        }
    }
    .or_log(&text)
}

impl Refusal {
    fn or_log(self, text: &str) -> Self {
        tracing::debug!("a page's request was refused: {text}");
        self
    }
}

/// What is wrong with a rule.
pub(crate) fn rule(page: &PageContext, error: &RuleError) -> String {
    match error {
        RuleError::Key(key) => page.tf("refused.rule_key", &[("key", key)]),
        RuleError::Title(_) => page.t("refused.rule_title").to_owned(),
        RuleError::Levels(_) => page.t("refused.rule_levels").to_owned(),
        RuleError::LevelSeverity(severity) => {
            let word = page.word(severity);
            page.tf("refused.rule_level_twice", &[("level", &word)])
        }
        RuleError::Order { higher, lower, .. } => {
            let (higher, lower) = (page.word(higher), page.word(lower));
            page.tf(
                "refused.rule_order",
                &[("higher", &higher), ("lower", &lower)],
            )
        }
        RuleError::ClearSide(condition) => {
            page.tf("refused.rule_clear", &[("condition", condition)])
        }
        RuleError::UnknownSignal { condition, signal } => {
            let values: [(&str, &dyn std::fmt::Display); 2] =
                [("condition", condition), ("signal", signal)];
            page.tf("refused.rule_signal", &values)
        }
        other => other.to_string(),
    }
}

/// What notices refuse.
pub(crate) fn notice(page: &PageContext, error: NoticeError) -> Refusal {
    let text = error.to_string();
    match error {
        NoticeError::Field { field, reason } => Refusal::field(field, page.t(reason)),
        NoticeError::Version { now, of } => Refusal::Changed(now, of),
        NoticeError::NotDelivered(why) => {
            Refusal::field("", page.tf("channel.test_failed", &[("why", &why)]))
        }
        NoticeError::NotFound { .. } => {
            Refusal::Other(ApiError::new(StatusCode::NOT_FOUND, "not_found", text))
        }
        NoticeError::Sealed(_) => Refusal::field("", page.t("refused.sealed")),
        NoticeError::Db(error) => Refusal::Other(store(error)),
        NoticeError::Message(_) => Refusal::Other(ApiError::internal(text)),
    }
}

/// What maintenances and silences refuse.
pub(crate) fn problem(page: &PageContext, error: ProblemError) -> Refusal {
    let text = error.to_string();
    match error {
        ProblemError::Field { field, reason } => Refusal::field(field, page.t(reason)),
        ProblemError::Version { now, of } => Refusal::Changed(now, of),
        ProblemError::NotFound { .. } => {
            Refusal::Other(ApiError::new(StatusCode::NOT_FOUND, "not_found", text))
        }
        ProblemError::Closed(_) => Refusal::field("", text),
        ProblemError::Db(error) => Refusal::Other(store(error)),
        ProblemError::Cursor(_) | ProblemError::Message(_) => {
            Refusal::Other(ApiError::internal(text))
        }
    }
}

/// What scripts refuse.
pub(crate) fn remedy(page: &PageContext, error: RemedyError) -> Refusal {
    match error {
        RemedyError::Invalid { field, message } => {
            let key = format!("refused.script_{field}");
            let own = i18n::find(page.lang, &key).map_or(message, str::to_owned);
            Refusal::field(field, own)
        }
        RemedyError::NameTaken(name) => {
            Refusal::field("name", page.tf("refused.taken", &[("name", &name)]))
        }
        RemedyError::ChangedMeanwhile { found, seen, .. } => Refusal::Changed(found, seen),
        other => Refusal::Other(ApiError::from(other)),
    }
}

/// What accounts refuse.
pub(crate) fn account(page: &PageContext, error: AccountError) -> Refusal {
    match error {
        AccountError::BadLogin(_) => Refusal::field("login", page.t("refused.login")),
        AccountError::LoginTaken(name) => {
            Refusal::field("login", page.tf("refused.taken", &[("name", &name)]))
        }
        AccountError::BadTimeZone(zone) => {
            Refusal::field("time_zone", page.tf("refused.zone", &[("zone", &zone)]))
        }
        AccountError::LastAdministrator(_) => {
            Refusal::field("", page.t("refused.last_administrator"))
        }
        AccountError::BadToken(_) => Refusal::field("", page.t("refused.token")),
        AccountError::ChangedMeanwhile { found, seen, .. } => Refusal::Changed(found, seen),
        other => Refusal::Other(ApiError::from(other)),
    }
}

/// What the inventory refuses.
pub(crate) fn cmdb(page: &PageContext, error: CmdbError) -> Refusal {
    match error {
        CmdbError::NoReason(_) => Refusal::field("why", page.t("refused.no_reason")),
        CmdbError::ChangedMeanwhile { found, seen, .. } => Refusal::Changed(found, seen),
        other => Refusal::Other(ApiError::from(other)),
    }
}

/// A wrong field that a page itself found.
pub(crate) fn wrong(field: &str, text: impl Into<String>) -> Refusal {
    Refusal::field(field, text)
}
