//! Groups: saved selectors over hosts.

use db::Tx;
use model::GroupId;

use super::{Author, By, Watch, check_version, json, record};
use crate::matching::CompiledGroup;
use crate::records::{Config, Group, GroupSelector};
use crate::service::OverrideFilter;
use crate::{For, WatchError, store};

/// A group as a person writes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupEdit {
    /// Its name, unique.
    pub name: String,
    /// What it is for.
    pub note: String,
    /// Who belongs to it.
    pub selector: GroupSelector,
}

impl Watch {
    /// Groups by name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn groups(&self, retired: bool) -> Result<Vec<Group>, WatchError> {
        Ok(store::groups::all(&mut self.db.reader(), retired).await?)
    }

    /// One group.
    ///
    /// # Errors
    /// When it does not exist, or the store fails.
    pub async fn group(&self, id: GroupId) -> Result<Group, WatchError> {
        let found = store::groups::by_id(&mut self.db.reader(), id).await?;
        found.ok_or(WatchError::NotFound("this group"))
    }

    /// Makes a group.
    ///
    /// # Errors
    /// When its name is taken or malformed, its selector cannot be read, or the store fails.
    pub async fn create_group(&self, edit: GroupEdit, by: By<'_>) -> Result<Group, WatchError> {
        check_group(&edit)?;
        let by = Author::from(by);
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let known = store::groups::by_name(tx, &edit.name).await?;
                    let (before, id) = match known {
                        Some(old) if old.retired_ms.is_none() => {
                            return Err(WatchError::Taken(edit.name));
                        }
                        Some(old) => (Some(old.clone()), old.id),
                        None => (None, GroupId::from_bits(tx.new_bits())),
                    };
                    save(tx, (before.as_ref(), id), (edit, None), &by).await
                })
            })
            .await
    }

    /// Changes a group, if it still has the version the caller saw.
    ///
    /// # Errors
    /// As [`Watch::create_group`], and when it does not exist or was changed meanwhile.
    pub async fn update_group(
        &self,
        (id, seen): (GroupId, Option<i64>),
        edit: GroupEdit,
        by: By<'_>,
    ) -> Result<Group, WatchError> {
        check_group(&edit)?;
        let by = Author::from(by);
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let before = live(tx, id).await?;
                    check_version(&before.name, before.version, seen)?;
                    if before.name != edit.name {
                        let other = store::groups::by_name(tx, &edit.name).await?;
                        if other.is_some() {
                            return Err(WatchError::Taken(edit.name));
                        }
                        // Rules name groups in their scopes: a new name would leave them behind.
                        check_unused(tx, &before, false).await?;
                    }
                    save(tx, (Some(&before), id), (edit, None), &by).await
                })
            })
            .await
    }

    /// Retires a group that nothing uses any more.
    ///
    /// # Errors
    /// When it does not exist, was changed meanwhile, is used by a rule, an override or a watched
    /// thing, or the store fails.
    pub async fn retire_group(
        &self,
        (id, seen): (GroupId, Option<i64>),
        by: By<'_>,
    ) -> Result<(), WatchError> {
        let by = Author::from(by);
        self.db
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let before = live(tx, id).await?;
                    check_version(&before.name, before.version, seen)?;
                    check_unused(tx, &before, true).await?;
                    let edit = GroupEdit {
                        name: before.name.clone(),
                        note: before.note.clone(),
                        selector: before.selector.clone(),
                    };
                    let now_ms = tx.now_ms();
                    save(tx, (Some(&before), id), (edit, Some(now_ms)), &by).await?;
                    Ok(())
                })
            })
            .await
    }
}

fn check_group(edit: &GroupEdit) -> Result<(), WatchError> {
    let chars = edit.name.chars().count();
    if !(1..=64).contains(&chars) || edit.name.trim() != edit.name {
        return Err(WatchError::Field {
            field: "name",
            what: "a group's name has 1 to 64 characters, none of them blank at either end"
                .to_owned(),
        });
    }
    let GroupSelector {
        names, os, labels, ..
    } = &edit.selector;
    if names.is_empty() && os.is_empty() && labels.is_none() {
        return Err(WatchError::Field {
            field: "selector",
            what: "say who belongs to the group: names, os or labels".to_owned(),
        });
    }
    CompiledGroup::new(&edit.selector)?;
    Ok(())
}

async fn live(tx: &mut Tx, id: GroupId) -> Result<Group, WatchError> {
    let found = store::groups::by_id(tx, id).await?;
    let found = found.filter(|group| group.retired_ms.is_none());
    found.ok_or(WatchError::NotFound("this group"))
}

async fn check_unused(tx: &mut Tx, group: &Group, also_by_id: bool) -> Result<(), WatchError> {
    let mut users = Vec::new();
    for rule in store::rules::all(tx, false).await? {
        if rule.rule.scope.groups.contains(&group.name) {
            users.push(format!("rule `{}`", rule.rule.key));
        }
    }
    if also_by_id {
        let whom = Some(For::Group(group.id));
        let filter = OverrideFilter {
            whom,
            limit: 1,
            ..OverrideFilter::default()
        };
        if !store::overrides::list(tx, &filter).await?.is_empty() {
            users.push("an override".to_owned());
        }
        for watched in store::watched::list(tx, whom, false).await? {
            users.push(format!(
                "watched {} `{}`",
                watched.what.name(),
                watched.name
            ));
        }
    }
    if users.is_empty() {
        return Ok(());
    }
    Err(WatchError::InUse {
        name: group.name.clone(),
        users: users.join(", "),
    })
}

async fn save(
    tx: &mut Tx,
    (before, id): (Option<&Group>, GroupId),
    (edit, retired_ms): (GroupEdit, Option<i64>),
    by: &Author,
) -> Result<Group, WatchError> {
    let after = Group {
        id,
        name: edit.name,
        note: edit.note,
        selector: edit.selector,
        version: before.map_or(0, |before| before.version) + 1,
        updated_ms: tx.now_ms(),
        updated_by: by.actor.clone(),
        retired_ms,
    };
    store::groups::save(tx, before, &after).await?;
    let told = |group: &Group| {
        let name = &group.name;
        Some(
            serde_json::json!({"name": name, "note": group.note, "selector": json(&group.selector)}),
        )
    };
    let was = before
        .filter(|before| before.retired_ms.is_none())
        .and_then(told);
    let is = told(&after).filter(|_| retired_ms.is_none());
    record(tx, ("group", id.to_string()), (was, is), by).await?;
    Ok(after)
}

impl Config {
    /// The name of a group.
    #[must_use]
    pub fn group_name(&self, id: GroupId) -> Option<&str> {
        let found = self.groups.iter().find(|(group, _, _)| *group == id);
        found.map(|(_, name, _)| name.as_str())
    }
}
