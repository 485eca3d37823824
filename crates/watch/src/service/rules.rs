//! Rules: defaults of collectors, edits of people, switching on and off, retiring.

use db::Tx;
use judge::compile;
use model::RuleId;
use model::rule::{Rule, check};

use super::{Author, By, Watch, check_bulk, check_version, json, record};
use crate::matching::{CompiledScope, Matchers};
use crate::records::{Origin, RuleRecord};
use crate::{WatchError, store};

/// Who edits the rules that ship.
const UPGRADE: &str = "upgrade";

/// Which rules a list shows.
#[derive(Clone, Debug, Default)]
pub struct RuleFilter {
    /// In the key or the title.
    pub text: String,
    /// Only this board column; any when empty.
    pub group: String,
    /// Only these origins.
    pub origin: Option<Origin>,
    /// Only enabled or only disabled ones.
    pub enabled: Option<bool>,
    /// The retired too.
    pub retired: bool,
    /// Keys after this one.
    pub after: Option<String>,
    /// At most so many.
    pub limit: usize,
}

/// What installing the defaults did, by rule key.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct DefaultsReport {
    /// New rules.
    pub added: Vec<String>,
    /// Rules of which another form ships now; people's edits stayed in force.
    pub updated: Vec<String>,
    /// Rules as before.
    pub unchanged: Vec<String>,
    /// Rules that no longer ship.
    pub retired: Vec<String>,
    /// Defaults whose key a person's own rule has; that one stays in force.
    pub shadowed: Vec<String>,
}

impl Watch {
    /// Takes up the rules that ship with this version, each with its collector's name. What people
    /// changed stays as they left it.
    ///
    /// # Errors
    /// When a rule contradicts itself, or the store fails.
    pub async fn install_defaults(
        &self,
        defaults: Vec<(String, Rule)>,
    ) -> Result<DefaultsReport, WatchError> {
        for (_, rule) in &defaults {
            check_rule(rule)?;
        }
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let by = Author {
                        actor: UPGRADE.to_owned(),
                        why: String::new(),
                    };
                    let mut report = DefaultsReport::default();
                    let keys: Vec<String> = defaults.iter().map(|(_, r)| r.key.clone()).collect();
                    for (source, rule) in defaults {
                        install(tx, (source, rule), &mut report, &by).await?;
                    }
                    for old in store::rules::all(tx, false).await? {
                        if old.origin == Origin::Default && !keys.contains(&old.rule.key) {
                            report.retired.push(old.rule.key.clone());
                            let mut after = old.clone();
                            after.retired_ms = Some(tx.now_ms());
                            save(tx, Some(&old), after, &by).await?;
                        }
                    }
                    Ok(report)
                })
            })
            .await
    }

    /// A page of rules by key.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn rules(&self, filter: &RuleFilter) -> Result<Vec<RuleRecord>, WatchError> {
        Ok(store::rules::list(&mut self.db.reader(), filter).await?)
    }

    /// One rule.
    ///
    /// # Errors
    /// When it does not exist, or the store fails.
    pub async fn rule(&self, id: RuleId) -> Result<RuleRecord, WatchError> {
        let found = store::rules::by_id(&mut self.db.reader(), id).await?;
        found.ok_or(WatchError::NotFound("this rule"))
    }

    /// The rule with this key.
    ///
    /// # Errors
    /// When it does not exist, or the store fails.
    pub async fn rule_by_key(&self, key: &str) -> Result<RuleRecord, WatchError> {
        let found = store::rules::by_key(&mut self.db.reader(), key).await?;
        found.ok_or(WatchError::NotFound("this rule"))
    }

    /// Makes a rule; one that was retired under the same key lives again.
    ///
    /// # Errors
    /// When it contradicts itself, its key is taken, or the store fails.
    pub async fn create_rule(&self, rule: Rule, by: By<'_>) -> Result<RuleRecord, WatchError> {
        check_rule(&rule)?;
        let by = Author::from(by);
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    match store::rules::by_key(tx, &rule.key).await? {
                        Some(old) if old.retired_ms.is_none() => Err(WatchError::Taken(rule.key)),
                        Some(old) => put(tx, &old, rule, &by).await,
                        None => {
                            let new = fresh(tx, rule);
                            save(tx, None, new, &by).await
                        }
                    }
                })
            })
            .await
    }

    /// Puts another form of a rule in force, if it still has the version the caller saw. A default
    /// that becomes what ships again counts as unedited.
    ///
    /// # Errors
    /// When it does not exist, was changed meanwhile, contradicts itself, changes its key, or the
    /// store fails.
    pub async fn update_rule(
        &self,
        (id, seen): (RuleId, Option<i64>),
        rule: Rule,
        by: By<'_>,
    ) -> Result<RuleRecord, WatchError> {
        check_rule(&rule)?;
        let by = Author::from(by);
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let before = live(tx, id).await?;
                    check_version(&before.rule.key, before.version, seen)?;
                    if before.rule.key != rule.key {
                        return Err(WatchError::KeyChanged(before.rule.key, rule.key));
                    }
                    put(tx, &before, rule, &by).await
                })
            })
            .await
    }

    /// Puts a default back to what ships.
    ///
    /// # Errors
    /// When it does not exist, never shipped, was changed meanwhile, or the store fails.
    pub async fn revert_rule(
        &self,
        (id, seen): (RuleId, Option<i64>),
        by: By<'_>,
    ) -> Result<RuleRecord, WatchError> {
        let by = Author::from(by);
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let before = live(tx, id).await?;
                    check_version(&before.rule.key, before.version, seen)?;
                    let Some(shipped) = before.shipped.clone() else {
                        return Err(WatchError::NotShipped(before.rule.key));
                    };
                    put(tx, &before, shipped, &by).await
                })
            })
            .await
    }

    /// Switches rules on or off; returns how many were not so already.
    ///
    /// # Errors
    /// When one does not exist, there are too many, or the store fails.
    pub async fn enable_rules(
        &self,
        ids: &[RuleId],
        enabled: bool,
        by: By<'_>,
    ) -> Result<usize, WatchError> {
        check_bulk(ids.len())?;
        let (ids, by) = (ids.to_vec(), Author::from(by));
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let mut changed = 0;
                    for id in ids {
                        let before = live(tx, id).await?;
                        if before.rule.enabled != enabled {
                            let mut after = before.clone();
                            after.rule.enabled = enabled;
                            save(tx, Some(&before), after, &by).await?;
                            changed += 1;
                        }
                    }
                    Ok(changed)
                })
            })
            .await
    }

    /// Retires a person's rule; its history stays.
    ///
    /// # Errors
    /// When it does not exist, ships with the product, was changed meanwhile, or the store fails.
    pub async fn retire_rule(
        &self,
        (id, seen): (RuleId, Option<i64>),
        by: By<'_>,
    ) -> Result<(), WatchError> {
        let by = Author::from(by);
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let before = live(tx, id).await?;
                    check_version(&before.rule.key, before.version, seen)?;
                    retire(tx, &before, &by).await
                })
            })
            .await
    }
}

/// Whether a rule can be saved: it makes sense, it can be run, its selectors can be read.
pub(crate) fn check_rule(rule: &Rule) -> Result<(), WatchError> {
    check(rule).map_err(|errors| WatchError::Rule {
        key: rule.key.clone(),
        errors,
    })?;
    compile(rule).map_err(|error| WatchError::Compile {
        key: rule.key.clone(),
        error,
    })?;
    CompiledScope::new(&rule.scope)?;
    for selector in rule
        .signals
        .values()
        .filter_map(|signal| signal.series.as_ref())
    {
        Matchers::new(selector)?;
    }
    Ok(())
}

pub(super) async fn live(tx: &mut Tx, id: RuleId) -> Result<RuleRecord, WatchError> {
    let found = store::rules::by_id(tx, id).await?;
    let found = found.filter(|rule| rule.retired_ms.is_none());
    found.ok_or(WatchError::NotFound("this rule"))
}

pub(super) fn fresh(tx: &Tx, rule: Rule) -> RuleRecord {
    let now_ms = tx.now_ms();
    RuleRecord {
        id: RuleId::from_bits(tx.new_bits()),
        origin: Origin::User,
        source: String::new(),
        rule,
        shipped: None,
        edited: false,
        outdated: false,
        version: 0,
        created_ms: now_ms,
        updated_ms: now_ms,
        updated_by: String::new(),
        retired_ms: None,
    }
}

pub(super) async fn retire(
    tx: &mut Tx,
    before: &RuleRecord,
    by: &Author,
) -> Result<(), WatchError> {
    if before.origin == Origin::Default {
        return Err(WatchError::Shipped(before.rule.key.clone()));
    }
    let mut after = before.clone();
    after.retired_ms = Some(tx.now_ms());
    save(tx, Some(before), after, by).await?;
    Ok(())
}

/// Puts a form of a known rule in force.
pub(super) async fn put(
    tx: &mut Tx,
    before: &RuleRecord,
    rule: Rule,
    by: &Author,
) -> Result<RuleRecord, WatchError> {
    let mut after = before.clone();
    after.retired_ms = None;
    // Switching a default off is no edit: an upgrade may still improve the rest of it.
    let same_but_switch = |shipped: &Rule| {
        let mut shipped = shipped.clone();
        shipped.enabled = rule.enabled;
        shipped == rule
    };
    after.edited = after
        .shipped
        .as_ref()
        .is_some_and(|shipped| !same_but_switch(shipped));
    after.outdated = false;
    after.rule = rule;
    let base = after.shipped.clone().filter(|_| after.edited);
    let saved = save(tx, Some(before), after, by).await?;
    store::rules::save_base(tx, saved.id, base.as_ref()).await?;
    Ok(saved)
}

pub(super) async fn save(
    tx: &mut Tx,
    before: Option<&RuleRecord>,
    mut after: RuleRecord,
    by: &Author,
) -> Result<RuleRecord, WatchError> {
    after.version = before.map_or(0, |before| before.version) + 1;
    after.updated_ms = tx.now_ms();
    after.updated_by.clone_from(&by.actor);
    store::rules::save(tx, before, &after).await?;
    let told = |record: &RuleRecord| json(&record.rule);
    let (was, is) = (
        before
            .filter(|before| before.retired_ms.is_none())
            .and_then(told),
        told(&after).filter(|_| after.retired_ms.is_none()),
    );
    record(tx, ("rule", after.id.to_string()), (was, is), by).await?;
    Ok(after)
}

async fn install(
    tx: &mut Tx,
    (source, rule): (String, Rule),
    report: &mut DefaultsReport,
    by: &Author,
) -> Result<(), WatchError> {
    let key = rule.key.clone();
    let Some(before) = store::rules::by_key(tx, &key).await? else {
        let mut new = fresh(tx, rule.clone());
        (new.origin, new.source, new.shipped) = (Origin::Default, source, Some(rule));
        save(tx, None, new, by).await?;
        report.added.push(key);
        return Ok(());
    };
    if before.origin == Origin::User && before.retired_ms.is_none() {
        report.shadowed.push(key);
        return Ok(());
    }
    let same = before.shipped.as_ref() == Some(&rule) && before.retired_ms.is_none();
    if same && before.source == source {
        report.unchanged.push(key);
        return Ok(());
    }
    let mut after = before.clone();
    (after.origin, after.source, after.retired_ms) = (Origin::Default, source, None);
    if !before.edited || before.shipped.is_none() {
        let enabled = before.rule.enabled;
        after.edited = false;
        after.rule = Rule {
            enabled: enabled && rule.enabled,
            ..rule.clone()
        };
    }
    after.shipped = Some(rule);
    save(tx, Some(&before), after, by).await?;
    report.updated.push(key);
    Ok(())
}
