//! What an agent found on a host: whether anything watches it, and the decision of a person.

use axum::extract::{Path, State};
use axum::response::Response;
use cmdb::Ignore;
use console::views::Discovered;
use model::CiId;
use ui::PageContext;
use watch::{By, For, WatchedEdit, WatchedKind};
use web::{ApiError, Ctx, Flash};

use super::find;
use crate::live::of_host;
use crate::manage::asked::Sent;
use crate::operate::people::People;
use crate::{Desk, frame};

/// A day, in milliseconds.
const DAY_MS: i64 = 86_400_000;

/// What was found and is still there: what nobody decided about first, then by kind and name.
pub(super) async fn discovered(
    desk: &Desk,
    page: &PageContext,
    people: &People,
    host: CiId,
) -> Result<Vec<Discovered>, ApiError> {
    let judged = desk.driver.judged_things(host);
    let things = desk.cmdb.discovered(Some(host)).await?.into_iter();
    let mut shown: Vec<Discovered> = things
        .filter(|thing| thing.gone_ms.is_none())
        .map(|thing| {
            let state = of_host(&thing, &judged);
            let ignored = thing
                .ignored
                .as_ref()
                .filter(|_| state == "coverage.ignored");
            Discovered {
                kind: kind(&thing.seen.kind),
                name: thing.seen.title.clone(),
                detail: detail(&thing),
                state,
                reason: ignored.map_or_else(String::new, |why| reason(page, people, why)),
                found_as: thing.seen.kind,
                key: thing.seen.key,
            }
        })
        .collect();
    let rank = |thing: &Discovered| thing.state != "coverage.unregistered";
    shown.sort_by(|a, b| (rank(a), a.kind, &a.name).cmp(&(rank(b), b.kind, &b.name)));
    Ok(shown)
}

fn kind(name: &str) -> &'static str {
    let known = console::views::KINDS.into_iter();
    let mut known = known.filter(|key| key.strip_prefix("kind.") == Some(name));
    known.next().unwrap_or("kind.other")
}

fn detail(thing: &cmdb::Discovered) -> String {
    let shown = thing.seen.attributes.iter().filter_map(|(name, value)| {
        if value.is_empty() || thing.seen.title.contains(value.as_str()) {
            return None;
        }
        // Flags say nothing without their name.
        if matches!(value.as_str(), "true" | "false" | "0" | "1" | "-1") {
            return None;
        }
        match name.strip_suffix("_bytes") {
            Some(_) => Some(i18n::bytes(value.parse().ok()?)),
            None if name == "pid" => Some(format!("PID {value}")),
            None => Some(value.clone()),
        }
    });
    shown.collect::<Vec<_>>().join(" · ")
}

fn reason(page: &PageContext, people: &People, ignore: &Ignore) -> String {
    let by = people.name(&ignore.by);
    let until = ignore.until_ms.map(|until_ms| {
        let time = i18n::date(until_ms, &page.zone);
        page.tf("host.until", &[("time", &time)])
    });
    let parts = [Some(by), Some(ignore.why.clone()), until];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

pub(super) async fn register(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    Sent(form): Sent,
) -> Result<Response, ApiError> {
    let host = find(&desk, &id)?;
    let (kind, key) = (form.get("kind"), form.get("key"));
    let things = desk.cmdb.discovered(Some(host.id)).await?;
    let mut things = things.into_iter();
    let thing = things.find(|thing| thing.seen.kind == kind && thing.seen.key == key);
    let thing = thing.ok_or_else(|| ApiError::not_found("this discovered thing"))?;
    let Some((name, what)) = watched(&thing) else {
        // What cannot be watched by one click is asked for in detail.
        return Ok(frame::go(&ctx, &format!("/watched/new?host={}", host.id)));
    };
    let edit = WatchedEdit {
        name: name.clone(),
        what,
        whom: For::Host(host.id),
        enabled: true,
    };
    let actor = ctx.actor()?.user.to_string();
    let by = By {
        actor: &actor,
        why: "",
    };
    desk.watch.create_watched(vec![edit], by).await?;
    let told = i18n::tf(ctx.lang, "host.registered", &[("name", &name)]);
    let back = format!("/hosts/{}#discovered", host.id);
    Ok(frame::done(&ctx, &back, &Flash::done(told)))
}

/// How a discovered thing is watched: a unit by its name, an open port by the process behind it.
pub(crate) fn watched(thing: &cmdb::Discovered) -> Option<(String, WatchedKind)> {
    let seen = &thing.seen;
    match seen.kind.as_str() {
        "unit" => Some((
            seen.key.clone(),
            WatchedKind::Unit {
                unit: seen.key.clone(),
            },
        )),
        "listener" => {
            let name = seen.attributes.get("process")?;
            Some(process(name))
        }
        "process" => Some(process(&seen.title)),
        _ => None,
    }
}

/// The same of a process that was found by itself.
fn process(name: &str) -> (String, WatchedKind) {
    let kind = WatchedKind::Process {
        pattern: pattern(name),
        user: String::new(),
        min: 1,
        max: None,
    };
    (name.to_owned(), kind)
}

/// The pattern of a process's name within its command line.
fn pattern(name: &str) -> String {
    let mut out = String::new();
    for char in name.chars() {
        if !char.is_alphanumeric() && char != '_' && char != '-' {
            out.push('\\');
        }
        out.push(char);
    }
    out
}

pub(super) async fn ignore(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    Sent(form): Sent,
) -> Result<Response, ApiError> {
    let host = find(&desk, &id)?;
    let (kind, key) = (form.get("kind"), form.get("key"));
    let back = form.get("back") == "1";
    let days = form.get("days").parse::<i64>().ok();
    let ignore = (!back).then(|| Ignore {
        by: ctx.who().to_owned(),
        why: form.get("why").to_owned(),
        until_ms: days.map(|days| ctx.now_ms() + days.clamp(1, 3_650) * DAY_MS),
    });
    desk.cmdb.ignore(host.id, kind, key, ignore).await?;
    let word = if back {
        "host.unignored"
    } else {
        "host.ignored"
    };
    let told = i18n::tf(ctx.lang, word, &[("name", &key)]);
    let to = format!("/hosts/{}#discovered", host.id);
    Ok(frame::done(&ctx, &to, &Flash::done(told)))
}
