//! Writing, changing, approving and retiring scripts.

use db::{Change, Tx};
use model::{ScriptId, limits};

use super::Remedies;
use crate::{CHANGED, RemedyError, Script, ScriptDraft, store};

/// Bytes of a script's text; an order travels in one frame.
const BODY_BYTES_MAX: usize = 64 * 1024;

impl Remedies {
    /// The scripts in use, by name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn scripts(&self) -> Result<Vec<Script>, RemedyError> {
        Ok(store::scripts(&mut self.db.reader()).await?)
    }

    /// One script, the retired too.
    ///
    /// # Errors
    /// When there is none, or the store fails.
    pub async fn script(&self, id: ScriptId) -> Result<Script, RemedyError> {
        let found = store::script(&mut self.db.reader(), id).await?;
        found.ok_or(RemedyError::NotFound("this script"))
    }

    /// Writes a new script; it runs nowhere before somebody approves it.
    ///
    /// # Errors
    /// When a field is refused or the name is taken, or the store fails.
    pub async fn create_script(&self, draft: ScriptDraft, by: &str) -> Result<Script, RemedyError> {
        check(&draft)?;
        let script = Script {
            id: ScriptId::new(&self.env),
            draft,
            version: 1,
            approved_version: 0,
            approved_by: String::new(),
            approved_ms: None,
            changed_by: by.to_owned(),
            retired_ms: None,
        };
        let kept = script.clone();
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    check_name(tx, &kept).await?;
                    store::insert_script(tx, &kept).await?;
                    record(tx, &kept.changed_by, None, &kept, "").await
                })
            })
            .await?;
        Ok(script)
    }

    /// Edits a script, if it still has the version the caller saw. What runs changed, so the
    /// approval of the old version no longer counts.
    ///
    /// # Errors
    /// When it does not exist or was changed meanwhile, a field is refused, or the store fails.
    pub async fn change_script(
        &self,
        id: ScriptId,
        seen: Option<i64>,
        draft: ScriptDraft,
        by: &str,
    ) -> Result<Script, RemedyError> {
        check(&draft)?;
        let by = by.to_owned();
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let before = found(tx, id, seen).await?;
                    let mut after = before.clone();
                    after.draft = draft;
                    after.version += 1;
                    after.changed_by.clone_from(&by);
                    check_name(tx, &after).await?;
                    store::save_script(tx, &after).await?;
                    record(tx, &by, Some(&before), &after, "").await?;
                    Ok(after)
                })
            })
            .await
    }

    /// Approves exactly the version that the caller saw.
    ///
    /// # Errors
    /// When it does not exist or was changed meanwhile, or the store fails.
    pub async fn approve_script(
        &self,
        id: ScriptId,
        seen: i64,
        by: &str,
    ) -> Result<Script, RemedyError> {
        let by = by.to_owned();
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let before = found(tx, id, Some(seen)).await?;
                    store::approve(tx, id, before.version, &by).await?;
                    let after = Script {
                        approved_version: before.version,
                        approved_by: by.clone(),
                        approved_ms: Some(tx.now_ms()),
                        ..before.clone()
                    };
                    record(tx, &by, Some(&before), &after, "approved").await?;
                    Ok(after)
                })
            })
            .await
    }

    /// Takes a script out of use; its runs stay.
    ///
    /// # Errors
    /// When it does not exist, or the store fails.
    pub async fn retire_script(
        &self,
        id: ScriptId,
        why: &str,
        by: &str,
    ) -> Result<(), RemedyError> {
        let (why, by) = (why.to_owned(), by.to_owned());
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let before = found(tx, id, None).await?;
                    let after = Script {
                        version: before.version + 1,
                        changed_by: by.clone(),
                        retired_ms: Some(tx.now_ms()),
                        ..before.clone()
                    };
                    store::save_script(tx, &after).await?;
                    record(tx, &by, Some(&before), &after, &why).await
                })
            })
            .await
    }
}

async fn found(tx: &mut Tx, id: ScriptId, seen: Option<i64>) -> Result<Script, RemedyError> {
    let script = store::script(tx, id)
        .await?
        .filter(|script| script.retired_ms.is_none());
    let script = script.ok_or(RemedyError::NotFound("this script"))?;
    match seen {
        Some(seen) if seen != script.version => Err(RemedyError::ChangedMeanwhile {
            name: script.draft.name,
            by: script.changed_by,
            found: script.version,
            seen,
        }),
        _ => Ok(script),
    }
}

async fn check_name(tx: &mut Tx, script: &Script) -> Result<(), RemedyError> {
    if store::name_taken(tx, &script.draft.name, script.id).await? {
        return Err(RemedyError::NameTaken(script.draft.name.clone()));
    }
    Ok(())
}

fn check(draft: &ScriptDraft) -> Result<(), RemedyError> {
    let name = draft.name.trim();
    if name.is_empty() || name.chars().count() > 80 {
        return Err(RemedyError::invalid("name", "must have 1 to 80 characters"));
    }
    for (field, text) in [("body", &draft.body), ("precondition", &draft.precondition)] {
        if text.len() > BODY_BYTES_MAX {
            return Err(RemedyError::invalid(field, "must have at most 64 KiB"));
        }
        if !text.is_empty() && !text.starts_with("#!/") {
            let message = "must begin with `#!` and an interpreter, e.g. `#!/bin/sh`";
            return Err(RemedyError::invalid(field, message));
        }
    }
    if draft.body.is_empty() {
        return Err(RemedyError::invalid("body", "must not be empty"));
    }
    let user_fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if !draft.run_as.chars().all(user_fits) || draft.run_as.len() > 32 {
        return Err(RemedyError::invalid("run_as", "must be a user name"));
    }
    if !(1_000..=limits::RUN_TIME_MS_MAX).contains(&draft.time_limit_ms) {
        return Err(RemedyError::too_long("time_limit"));
    }
    if !(1_000..=limits::RUN_TIME_MS_MAX).contains(&draft.verify_ms) {
        return Err(RemedyError::too_long("verify"));
    }
    if !(1..=1_000).contains(&draft.max_runs) {
        return Err(RemedyError::invalid(
            "max_runs",
            "must lie between 1 and 1000",
        ));
    }
    if !(60_000..=30 * 86_400_000).contains(&draft.window_ms) {
        return Err(RemedyError::invalid(
            "window",
            "must lie between 1 minute and 30 days",
        ));
    }
    if draft.cooldown_ms > 30 * 86_400_000 {
        return Err(RemedyError::invalid("cooldown", "must be at most 30 days"));
    }
    Ok(())
}

async fn record(
    tx: &mut Tx,
    by: &str,
    before: Option<&Script>,
    after: &Script,
    why: &str,
) -> Result<(), RemedyError> {
    let told = |script: &Script| {
        let draft = &script.draft;
        serde_json::json!({
            "name": draft.name,
            "hash": script.hash(),
            "body": draft.body,
            "precondition": draft.precondition,
            "run_as": draft.run_as,
            "time_limit_ms": draft.time_limit_ms,
            "max_runs": draft.max_runs,
            "window_ms": draft.window_ms,
            "cooldown_ms": draft.cooldown_ms,
            "verify_ms": draft.verify_ms,
            "mode": draft.mode.name(),
            "version": script.version,
            "approved_version": script.approved_version,
            "approved_by": script.approved_by,
            "retired_ms": script.retired_ms,
        })
    };
    tx.record_change(Change {
        actor: by,
        object_kind: "script",
        object_id: after.id.to_string(),
        before: before.map(told),
        after: Some(told(after)),
        why,
    })
    .await?;
    tx.hint(CHANGED);
    Ok(())
}
