//! What starts a script, and the switch that stops them all.

use db::{Change, Tx};
use model::{RuleId, ScriptId, Severity};

use super::Remedies;
use crate::{Binding, CHANGED, KillSwitch, RemedyError, store};

impl Remedies {
    /// All bindings of scripts in use.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn bindings(&self) -> Result<Vec<Binding>, RemedyError> {
        Ok(store::bindings(&mut self.db.reader()).await?)
    }

    /// Binds a script to a rule, or changes the binding.
    ///
    /// # Errors
    /// When the script does not exist or the level is `normal`, or the store fails.
    pub async fn bind(&self, binding: Binding) -> Result<(), RemedyError> {
        if binding.from_severity == Severity::Normal {
            let message = "must be one of the five severities";
            return Err(RemedyError::invalid("from_severity", message));
        }
        self.script(binding.script).await?;
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    store::put_binding(tx, &binding).await?;
                    let after = serde_json::json!({
                        "rule": binding.rule,
                        "from_severity": binding.from_severity,
                        "target_key": binding.target_key,
                        "holds_notice": binding.holds_notice,
                    });
                    record(tx, &binding.by, binding.script, Some(after), "bound").await
                })
            })
            .await
    }

    /// Takes a binding away.
    ///
    /// # Errors
    /// When there is none, or the store fails.
    pub async fn unbind(
        &self,
        rule: RuleId,
        script: ScriptId,
        target_key: &str,
        by: &str,
    ) -> Result<(), RemedyError> {
        let (target_key, by) = (target_key.to_owned(), by.to_owned());
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    if !store::delete_binding(tx, rule, script, &target_key).await? {
                        return Err(RemedyError::NotFound("this binding"));
                    }
                    record(tx, &by, script, None, "unbound").await
                })
            })
            .await
    }

    /// Who switched all scripts off, if somebody did.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn kill_switch(&self) -> Result<Option<KillSwitch>, RemedyError> {
        Ok(store::kill_switch(&mut self.db.reader()).await?)
    }

    /// Switches all scripts off with a reason, or (`None`) on again.
    ///
    /// # Errors
    /// When the reason is empty, or the store fails.
    pub async fn set_kill_switch(&self, off: Option<&str>, by: &str) -> Result<(), RemedyError> {
        if off.is_some_and(|why| why.trim().is_empty()) {
            return Err(RemedyError::invalid(
                "why",
                "say why all scripts are switched off",
            ));
        }
        let (off, by) = (off.map(str::to_owned), by.to_owned());
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let switch = off.as_deref().map(|why| (by.as_str(), why));
                    store::set_kill_switch(tx, switch).await?;
                    tx.record_change(Change {
                        actor: &by,
                        object_kind: "script-switch",
                        object_id: "all".to_owned(),
                        before: None,
                        after: Some(serde_json::json!({ "off": off.is_some() })),
                        why: off.as_deref().unwrap_or_default(),
                    })
                    .await?;
                    tx.hint(CHANGED);
                    Ok(())
                })
            })
            .await
    }
}

async fn record(
    tx: &mut Tx,
    by: &str,
    script: ScriptId,
    after: Option<serde_json::Value>,
    why: &str,
) -> Result<(), RemedyError> {
    tx.record_change(Change {
        actor: by,
        object_kind: "script-binding",
        object_id: script.to_string(),
        before: None,
        after,
        why,
    })
    .await?;
    tx.hint(CHANGED);
    Ok(())
}
