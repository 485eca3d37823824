//! Rule documents: export, compare, apply.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use web::{ApiError, AuditDetail, Ctx, Json, Query};

use super::Api;
use super::rules::{ChangeBody, by};
use crate::{Applied, ApplyOptions, Outcome, RuleFilter, read_rules, run_tests};

/// Rules of one document; more than any installation has.
const RULES_MAX: usize = 100_000;

/// Which rules are exported.
#[derive(Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ExportQuery {
    /// In the key or the title.
    text: String,
    /// Of this board column.
    group: String,
    /// `default` or `user`.
    origin: Option<String>,
    /// Only enabled or only disabled ones.
    enabled: Option<bool>,
}

/// How a document is applied.
#[derive(Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ApplyQuery {
    /// Only say what would change.
    dry_run: bool,
    /// Retire people's rules that the document does not have.
    prune: bool,
    /// The reason; stands in the rules' history.
    why: String,
}

/// A rule that changes, and what of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChangedRule {
    /// The rule's key.
    key: String,
    /// Every value that differs.
    changes: Vec<ChangeBody>,
}

/// How a test case of the document went.
#[derive(Serialize, ToSchema)]
pub(crate) struct TestBody {
    /// The test case.
    name: String,
    /// Whether everything was as expected.
    passed: bool,
    /// What was expected and did not happen.
    failures: Vec<String>,
    /// Every change of severity: `5m0s normal -> warning`.
    said: Vec<String>,
}

/// What applying a document changed, or would change.
#[derive(Serialize, ToSchema)]
pub(crate) struct AppliedBody {
    /// Whether nothing was changed.
    dry_run: bool,
    /// New rules, by key.
    created: Vec<String>,
    /// Rules with other values than before.
    changed: Vec<ChangedRule>,
    /// Rules that are in force exactly so.
    unchanged: Vec<String>,
    /// Rules that are retired because the document does not have them.
    retired: Vec<String>,
    /// The document's own test cases.
    tests: Vec<TestBody>,
}

impl AppliedBody {
    fn new(applied: Applied, tests: Vec<Outcome>, dry_run: bool) -> Self {
        let changed = applied
            .changed
            .into_iter()
            .map(|(key, changes)| ChangedRule {
                key,
                changes: changes.into_iter().map(ChangeBody::from).collect(),
            });
        Self {
            dry_run,
            created: applied.created,
            changed: changed.collect(),
            unchanged: applied.unchanged,
            retired: applied.retired,
            tests: tests
                .into_iter()
                .map(|test| TestBody {
                    passed: test.passed(),
                    name: test.name,
                    failures: test.failures,
                    said: test.said,
                })
                .collect(),
        }
    }
}

pub(crate) async fn export(
    State(api): State<Api>,
    Query(query): Query<ExportQuery>,
) -> Result<Response, ApiError> {
    let filter = RuleFilter {
        text: query.text,
        group: query.group,
        origin: web::optional_field(query.origin.as_deref(), "origin")?,
        enabled: query.enabled,
        limit: RULES_MAX,
        ..RuleFilter::default()
    };
    let text = api.watch.export_rules(&filter).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/yaml; charset=utf-8"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"bongsu-rules.yaml\"",
        ),
    ];
    Ok((headers, text).into_response())
}

/// The body is the document itself: TOML when the content type says so, YAML (or JSON) otherwise.
pub(crate) async fn apply(
    ctx: Ctx,
    State(api): State<Api>,
    Query(query): Query<ApplyQuery>,
    headers: HeaderMap,
    text: String,
) -> Result<Response, ApiError> {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or("");
    let name = if kind.contains("toml") {
        "rules.toml"
    } else {
        "rules.yaml"
    };
    let file = read_rules(name, &text)
        .map_err(|error| ApiError::invalid_field("document", error.to_string()))?;
    let tests = run_tests(&file.rules, &file.tests);
    if let Some(failed) = tests.iter().find(|test| !test.passed() && !query.dry_run) {
        let message = format!("test `{}`: {}", failed.name, failed.failures.join("; "));
        return Err(ApiError::invalid_field("document", message));
    }
    let options = ApplyOptions {
        dry_run: query.dry_run,
        prune: query.prune,
    };
    let applied = api
        .watch
        .apply_rules(file.rules, options, by(&ctx, &query.why));
    let applied = applied.await?;
    let detail = json!({
        "dry_run": query.dry_run,
        "created": applied.created,
        "changed": applied.changed.iter().map(|(key, _)| key).collect::<Vec<_>>(),
        "retired": applied.retired,
    });
    let body = Json(AppliedBody::new(applied, tests, query.dry_run));
    Ok((Extension(AuditDetail(detail)), body).into_response())
}
