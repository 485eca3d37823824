//! Decisions about discovered things: watch them, ignore them with a reason, or take that back.

use std::fmt;
use std::str::FromStr;

use axum::extract::State;
use axum::response::Response;
use cmdb::{Discovered, Ignore};
use model::CiId;
use ui::PageContext;
use watch::{By, For, WatchedEdit};
use web::{ApiError, Ctx};

use super::list;
use crate::manage::asked::Sent;
use crate::manage::refusal::{self, Refusal};
use crate::operate::host::found::watched;
use crate::{Desk, frame};

/// Characters of a watched thing's name.
const NAME_CHARS_MAX: usize = 64;

/// Which thing: host, kind and key, in one text for check boxes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Key {
    pub(super) ci: CiId,
    pub(super) kind: String,
    pub(super) key: String,
}

impl Key {
    pub(super) fn of(thing: &Discovered) -> Self {
        Self {
            ci: thing.ci,
            kind: thing.seen.kind.clone(),
            key: thing.seen.key.clone(),
        }
    }

    /// Its page.
    pub(super) fn href(&self) -> String {
        format!(
            "/coverage/thing?host={}&kind={}&key={}",
            self.ci,
            ui::encode(&self.kind),
            ui::encode(&self.key)
        )
    }

    /// Whether it is this thing.
    pub(super) fn is(&self, thing: &Discovered) -> bool {
        (thing.ci, &thing.seen.kind, &thing.seen.key) == (self.ci, &self.kind, &self.key)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.ci, self.kind, self.key)
    }
}

impl FromStr for Key {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.splitn(3, ' ');
        let mut next = || {
            parts
                .next()
                .ok_or_else(|| format!("`{text}` names no thing"))
        };
        let ci = next()?.parse().map_err(|error| format!("{error}"))?;
        Ok(Self {
            ci,
            kind: next()?.to_owned(),
            key: next()?.to_owned(),
        })
    }
}

/// How a discovered thing is watched by one click; nothing for kinds that rules cover by themselves.
fn edit_of(thing: &Discovered) -> Option<WatchedEdit> {
    let (name, what) = watched(thing)?;
    Some(WatchedEdit {
        name: name.chars().take(NAME_CHARS_MAX).collect(),
        what,
        whom: For::Host(thing.ci),
        enabled: true,
    })
}

/// Watches things; of those that rules cover by themselves it says which rules those are.
pub(super) async fn register(
    desk: &Desk,
    page: &PageContext,
    (keys, who): (&[Key], &str),
) -> Result<String, Refusal> {
    let found = list::all(desk).await.map_err(Refusal::Other)?;
    let mut edits = Vec::new();
    let mut by_rules: Vec<&str> = Vec::new();
    for (thing, state) in &found {
        if *state == "coverage.monitored" || !keys.iter().any(|key| key.is(thing)) {
            continue;
        }
        match edit_of(thing) {
            Some(edit) => edits.push(edit),
            None => by_rules.push(&thing.seen.kind),
        }
    }
    let by = By {
        actor: who,
        why: "",
    };
    let count = edits.len();
    if count > 0 {
        let made = desk.watch.create_watched(edits, by).await;
        made.map_err(|error| refusal::watch(page, error))?;
    }
    by_rules.sort_unstable();
    by_rules.dedup();
    if by_rules.is_empty() {
        return Ok(page.tf("coverage.registered", &[("count", &count)]));
    }
    let rules = covering(desk, page, &by_rules)
        .await
        .map_err(Refusal::Other)?;
    let key = match rules.is_empty() {
        true => "coverage.no_rule",
        false => "coverage.by_rules",
    };
    let kinds: Vec<String> = by_rules
        .iter()
        .map(|kind| list::kind_word(page, kind))
        .collect();
    let values: [(&str, &dyn fmt::Display); 2] =
        [("kinds", &kinds.join(", ")), ("rules", &rules.join(", "))];
    Err(refusal::wrong("", page.tf(key, &values)))
}

/// The rules that judge targets of these kinds.
async fn covering(
    desk: &Desk,
    page: &PageContext,
    kinds: &[&str],
) -> Result<Vec<String>, ApiError> {
    let filter = watch::RuleFilter {
        limit: model::limits::PAGE_ROWS_MAX,
        ..watch::RuleFilter::default()
    };
    let rules = desk.watch.rules(&filter).await?.into_iter();
    Ok(rules
        .filter(|record| kinds.contains(&record.rule.target.kind.as_str()))
        .map(|record| {
            let off = match record.rule.enabled {
                true => String::new(),
                false => format!(" ({})", page.t("rule.state_off")),
            };
            format!("{}{off}", record.rule.title.get(page.lang))
        })
        .collect())
}

/// Ignores things, or takes that back.
pub(super) async fn ignore(
    desk: &Desk,
    page: &PageContext,
    (keys, ignore): (&[Key], Option<&Ignore>),
) -> Result<(), Refusal> {
    for key in keys {
        let done = desk
            .cmdb
            .ignore(key.ci, &key.kind, &key.key, ignore.cloned())
            .await;
        done.map_err(|error| refusal::cmdb(page, error))?;
    }
    Ok(())
}

pub(super) async fn bulk(
    ctx: Ctx,
    State(desk): State<Desk>,
    sent: Sent,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let keys: Vec<Key> = sent.ids("this discovered thing")?;
    let to = "/coverage?state=unregistered";
    let done = match sent.0.get("action") {
        "register" => register(&desk, &page, (&keys, ctx.who())).await,
        "ignore" => {
            let why = Ignore {
                by: ctx.who().to_owned(),
                why: sent.0.get("comment").to_owned(),
                until_ms: None,
            };
            let said = page.tf("coverage.ignored_many", &[("count", &keys.len())]);
            ignore(&desk, &page, (&keys, Some(&why)))
                .await
                .map(|()| said)
        }
        "restore" => {
            let said = page.tf("coverage.restored_many", &[("count", &keys.len())]);
            ignore(&desk, &page, (&keys, None)).await.map(|()| said)
        }
        _ => {
            return Err(ApiError::bad_request(
                "bad_action",
                "register, ignore or restore",
            ));
        }
    };
    let said = done.as_ref().map_or_else(|_| String::new(), Clone::clone);
    refusal::settle(&ctx, &page, to, (done, &said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_found_again_by_its_text() {
        let key = Key {
            ci: CiId::from_bits(7),
            kind: "filesystem".into(),
            key: "/mnt/with space".into(),
        };
        assert_eq!(key.to_string().parse(), Ok(key));
        assert!("web01".parse::<Key>().is_err());
    }
}
