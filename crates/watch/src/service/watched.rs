//! Watched things: processes, units, files, directories and checks of a host or a group.

use std::collections::BTreeMap;

use db::Tx;
use model::WatchedId;
use regex::Regex;

use super::{Author, By, Watch, check_bulk, check_version, json, record};
use crate::matching::CompiledGroup;
use crate::records::{Config, For, HostInfo, Watched, WatchedKind};
use crate::{WatchError, store};

/// Shortest distance of two runs of a check, in seconds.
const CHECK_INTERVAL_S_MIN: u32 = 5;

/// A watched thing as a person writes it.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchedEdit {
    /// Its name, the key of its target.
    pub name: String,
    /// What is watched and how.
    pub what: WatchedKind,
    /// Where.
    pub whom: For,
    /// Whether it is watched now.
    pub enabled: bool,
}

impl Watch {
    /// Watched things by kind and name, of one host or group when given.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn watched(
        &self,
        whom: Option<For>,
        retired: bool,
    ) -> Result<Vec<Watched>, WatchError> {
        Ok(store::watched::list(&mut self.db.reader(), whom, retired).await?)
    }

    /// One watched thing.
    ///
    /// # Errors
    /// When it does not exist, or the store fails.
    pub async fn watched_by_id(&self, id: WatchedId) -> Result<Watched, WatchError> {
        let found = store::watched::by_id(&mut self.db.reader(), id).await?;
        found.ok_or(WatchError::NotFound("this watched thing"))
    }

    /// Makes watched things, all or none.
    ///
    /// # Errors
    /// When one is malformed, its group does not exist, there are too many, or the store fails.
    pub async fn create_watched(
        &self,
        edits: Vec<WatchedEdit>,
        by: By<'_>,
    ) -> Result<Vec<Watched>, WatchError> {
        check_bulk(edits.len())?;
        let by = Author::from(by);
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let mut made = Vec::with_capacity(edits.len());
                    for edit in edits {
                        let id = WatchedId::from_bits(tx.new_bits());
                        check_edit(tx, (id, &edit)).await?;
                        made.push(save(tx, (None, id), (edit, None), &by).await?);
                    }
                    Ok(made)
                })
            })
            .await
    }

    /// Changes a watched thing, if it still has the version the caller saw.
    ///
    /// # Errors
    /// As [`Watch::create_watched`], and when it does not exist or was changed meanwhile.
    pub async fn update_watched(
        &self,
        (id, seen): (WatchedId, Option<i64>),
        edit: WatchedEdit,
        by: By<'_>,
    ) -> Result<Watched, WatchError> {
        let by = Author::from(by);
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let before = live(tx, id).await?;
                    check_version(&before.name, before.version, seen)?;
                    check_edit(tx, (id, &edit)).await?;
                    save(tx, (Some(&before), id), (edit, None), &by).await
                })
            })
            .await
    }

    /// Switches watched things on or off; returns how many were not so already.
    ///
    /// # Errors
    /// When one does not exist, there are too many, or the store fails.
    pub async fn enable_watched(
        &self,
        ids: &[WatchedId],
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
                        if before.enabled != enabled {
                            let edit = WatchedEdit {
                                enabled,
                                ..edit_of(&before)
                            };
                            save(tx, (Some(&before), id), (edit, None), &by).await?;
                            changed += 1;
                        }
                    }
                    Ok(changed)
                })
            })
            .await
    }

    /// Retires watched things.
    ///
    /// # Errors
    /// When one does not exist, there are too many, or the store fails.
    pub async fn retire_watched(&self, ids: &[WatchedId], by: By<'_>) -> Result<(), WatchError> {
        check_bulk(ids.len())?;
        let (ids, by) = (ids.to_vec(), Author::from(by));
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    for id in ids {
                        let before = live(tx, id).await?;
                        let now_ms = tx.now_ms();
                        let edit = edit_of(&before);
                        save(tx, (Some(&before), id), (edit, Some(now_ms)), &by).await?;
                    }
                    Ok(())
                })
            })
            .await
    }
}

/// What is to be watched on one host: its own things and those of its groups. Of two things with
/// the same kind and name the host's own wins.
#[must_use]
pub fn config_for(host: &HostInfo, config: &Config, all: &[Watched]) -> Vec<Watched> {
    let member = |id| {
        let found = config.groups.iter().find(|(group, _, _)| *group == id);
        let group = found.and_then(|(_, _, selector)| CompiledGroup::new(selector).ok());
        group.is_some_and(|group| group.contains(host))
    };
    let mut chosen: BTreeMap<(&str, &str), (bool, &Watched)> = BTreeMap::new();
    for one in all.iter().filter(|one| one.retired_ms.is_none()) {
        let own = one.whom == For::Host(host.ci);
        let meant = match one.whom {
            For::Host(ci) => ci == host.ci,
            For::Group(id) => member(id),
        };
        if !meant {
            continue;
        }
        let key = (one.what.name(), one.name.as_str());
        match chosen.get(&key) {
            Some((true, _)) => {}
            Some(_) if !own => {}
            _ => {
                chosen.insert(key, (own, one));
            }
        }
    }
    // A host's own thing that is switched off hides the group's: that is how one host is excepted.
    let enabled = chosen.into_values().filter(|(_, one)| one.enabled);
    enabled.map(|(_, one)| one.clone()).collect()
}

fn edit_of(watched: &Watched) -> WatchedEdit {
    WatchedEdit {
        name: watched.name.clone(),
        what: watched.what.clone(),
        whom: watched.whom,
        enabled: watched.enabled,
    }
}

async fn live(tx: &mut Tx, id: WatchedId) -> Result<Watched, WatchError> {
    let found = store::watched::by_id(tx, id).await?;
    let found = found.filter(|one| one.retired_ms.is_none());
    found.ok_or(WatchError::NotFound("this watched thing"))
}

async fn check_edit(tx: &mut Tx, (id, edit): (WatchedId, &WatchedEdit)) -> Result<(), WatchError> {
    check_what(edit)?;
    if let For::Group(group) = edit.whom {
        let group = store::groups::by_id(tx, group).await?;
        if group.is_none_or(|group| group.retired_ms.is_some()) {
            return Err(WatchError::NotFound("this group"));
        }
    }
    let others = store::watched::list(tx, Some(edit.whom), false).await?;
    let same = |other: &Watched| {
        other.id != id && other.name == edit.name && other.what.name() == edit.what.name()
    };
    if others.iter().any(same) {
        return Err(WatchError::Taken(edit.name.clone()));
    }
    Ok(())
}

fn check_what(edit: &WatchedEdit) -> Result<(), WatchError> {
    let wrong = |field, what: String| Err(WatchError::Field { field, what });
    let chars = edit.name.chars().count();
    if !(1..=64).contains(&chars) || edit.name.chars().any(char::is_control) {
        return wrong("name", "a name has 1 to 64 characters".to_owned());
    }
    let absolute = |path: &str| path.starts_with('/') && !path.contains('\0');
    match &edit.what {
        WatchedKind::Process {
            pattern, min, max, ..
        } => {
            if pattern.trim().is_empty() {
                return wrong(
                    "pattern",
                    "an empty pattern would fit every process".to_owned(),
                );
            }
            if let Err(error) = Regex::new(pattern) {
                return wrong("pattern", error.to_string());
            }
            if max.is_some_and(|max| max < *min) {
                return wrong("max", "at most must not be less than at least".to_owned());
            }
        }
        WatchedKind::Unit { unit } if unit.trim().is_empty() => {
            return wrong("unit", "name the unit, e.g. nginx.service".to_owned());
        }
        WatchedKind::File { path } | WatchedKind::Directory { path, .. } if !absolute(path) => {
            return wrong("path", format!("`{path}` is not an absolute path"));
        }
        WatchedKind::Check { command, .. } if !absolute(command) => {
            return wrong("command", format!("`{command}` is not an absolute path"));
        }
        WatchedKind::Check {
            interval_s,
            timeout_s,
            ..
        } => {
            if *interval_s < CHECK_INTERVAL_S_MIN {
                let least = format!("at least {CHECK_INTERVAL_S_MIN} seconds between two runs");
                return wrong("interval_s", least);
            }
            if *timeout_s == 0 || timeout_s > interval_s {
                return wrong("timeout_s", "between 1 second and the interval".to_owned());
            }
        }
        _ => {}
    }
    Ok(())
}

async fn save(
    tx: &mut Tx,
    (before, id): (Option<&Watched>, WatchedId),
    (edit, retired_ms): (WatchedEdit, Option<i64>),
    by: &Author,
) -> Result<Watched, WatchError> {
    let after = Watched {
        id,
        name: edit.name,
        what: edit.what,
        whom: edit.whom,
        enabled: edit.enabled,
        version: before.map_or(0, |before| before.version) + 1,
        updated_ms: tx.now_ms(),
        updated_by: by.actor.clone(),
        retired_ms,
    };
    store::watched::save(tx, before, &after).await?;
    let (was, is) = (
        before.and_then(json),
        json(&after).filter(|_| retired_ms.is_none()),
    );
    record(tx, ("watched", id.to_string()), (was, is), by).await?;
    Ok(after)
}
