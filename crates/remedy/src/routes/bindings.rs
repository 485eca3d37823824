//! What starts scripts, and the switch that stops them all.

use axum::extract::State;
use axum::http::StatusCode;
use model::{RuleId, Severity};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{ApiError, Ctx, Json, Page};

use super::scripts::script_id;
use crate::{Binding, Remedies};

/// What starts a script.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BindingBody {
    /// Which rule's problems, `rul_…`.
    rule: String,
    /// Which script, `scr_…`.
    script: String,
    /// From which severity.
    from_severity: String,
    /// Only this target; empty is every target of the rule.
    #[serde(default)]
    target_key: String,
    /// Whether notices wait until the repair has failed.
    #[serde(default)]
    holds_notice: bool,
}

/// Which binding.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BindingKey {
    /// The rule.
    rule: String,
    /// The script.
    script: String,
    /// The target, or empty.
    #[serde(default)]
    target_key: String,
}

/// Whether all scripts are switched off.
#[derive(Serialize, ToSchema)]
pub(crate) struct SwitchBody {
    /// Whether they are.
    off: bool,
    /// Who did it.
    by: Option<String>,
    /// Why.
    why: Option<String>,
    /// When, UTC milliseconds.
    at_ms: Option<i64>,
}

/// Off with a reason, or on again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SwitchChange {
    /// Off?
    off: bool,
    /// The reason; required to switch off.
    #[serde(default)]
    why: String,
}

pub(crate) async fn list(
    State(remedies): State<Remedies>,
) -> Result<Json<Page<BindingBody>>, ApiError> {
    let items = remedies
        .bindings()
        .await?
        .into_iter()
        .map(|binding| BindingBody {
            rule: binding.rule.to_string(),
            script: binding.script.to_string(),
            from_severity: binding.from_severity.name().to_owned(),
            target_key: binding.target_key,
            holds_notice: binding.holds_notice,
        });
    Ok(Json(Page {
        items: items.collect(),
        next: None,
    }))
}

pub(crate) async fn bind(
    ctx: Ctx,
    State(remedies): State<Remedies>,
    Json(body): Json<BindingBody>,
) -> Result<StatusCode, ApiError> {
    let from_severity: Severity = body
        .from_severity
        .parse()
        .map_err(|error| ApiError::invalid_field("from_severity", format!("{error}")))?;
    let binding = Binding {
        rule: rule_id(&body.rule)?,
        script: script_id(&body.script)?,
        from_severity,
        target_key: body.target_key,
        holds_notice: body.holds_notice,
        by: ctx.who().to_owned(),
    };
    remedies.bind(binding).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn unbind(
    ctx: Ctx,
    State(remedies): State<Remedies>,
    Json(key): Json<BindingKey>,
) -> Result<StatusCode, ApiError> {
    let (rule, script) = (rule_id(&key.rule)?, script_id(&key.script)?);
    remedies
        .unbind(rule, script, &key.target_key, ctx.who())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn switch(State(remedies): State<Remedies>) -> Result<Json<SwitchBody>, ApiError> {
    let switch = remedies.kill_switch().await?;
    Ok(Json(SwitchBody {
        off: switch.is_some(),
        at_ms: switch.as_ref().map(|switch| switch.at_ms),
        why: switch.as_ref().map(|switch| switch.why.clone()),
        by: switch.map(|switch| switch.by),
    }))
}

pub(crate) async fn set_switch(
    ctx: Ctx,
    State(remedies): State<Remedies>,
    Json(change): Json<SwitchChange>,
) -> Result<StatusCode, ApiError> {
    let off = change.off.then_some(change.why.as_str());
    remedies.set_kill_switch(off, ctx.who()).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn rule_id(text: &str) -> Result<RuleId, ApiError> {
    text.parse()
        .map_err(|error| ApiError::invalid_field("rule", format!("{error}")))
}
