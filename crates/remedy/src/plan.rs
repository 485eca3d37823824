//! Which script repairs what, answered from memory for every transition.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use model::{RuleId, ScriptId, Severity, Target};

use crate::{Binding, Mode, Remedies, RemedyError, Script};

/// The bindings of scripts that may start by themselves; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    by_rule: Arc<RwLock<HashMap<RuleId, Vec<Binding>>>>,
}

impl Plan {
    /// Reads the bindings again; to be called at start and on the hint [`crate::CHANGED`].
    ///
    /// # Errors
    /// When the store fails.
    pub async fn reload(&self, remedies: &Remedies) -> Result<(), RemedyError> {
        let scripts = remedies.scripts().await?;
        let automatic: HashMap<ScriptId, &Script> = scripts
            .iter()
            .filter(|script| script.draft.mode == Mode::Automatic && script.is_approved())
            .map(|script| (script.id, script))
            .collect();
        let mut by_rule: HashMap<RuleId, Vec<Binding>> = HashMap::new();
        for binding in remedies.bindings().await? {
            if automatic.contains_key(&binding.script) {
                by_rule.entry(binding.rule).or_default().push(binding);
            }
        }
        *self.by_rule.write().unwrap_or_else(PoisonError::into_inner) = by_rule;
        Ok(())
    }

    /// The binding that a problem of `rule` at `severity` on `target` starts: the one for exactly
    /// this target before the one for all, the highest level before a lower one.
    #[must_use]
    pub fn binding_for(
        &self,
        rule: RuleId,
        severity: Severity,
        target: &Target,
    ) -> Option<Binding> {
        let by_rule = self.by_rule.read().unwrap_or_else(PoisonError::into_inner);
        by_rule
            .get(&rule)?
            .iter()
            .filter(|binding| binding.from_severity <= severity)
            .filter(|binding| binding.target_key.is_empty() || binding.target_key == target.key)
            .max_by_key(|binding| (!binding.target_key.is_empty(), binding.from_severity))
            .cloned()
    }
}
