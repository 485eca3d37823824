//! One discovered thing: what it is, whether anything watches it, and the decision about it.

use axum::extract::State;
use axum::response::Response;
use cmdb::Ignore;
use ui::{Fact, Field, FieldErrors, FieldKind, FormSection, FormValues, Html, ListQuery};
use ui::{PageContext, PageHead};
use web::{ApiError, Ctx, Flash, Role};

use super::decide::{self, Key};
use super::list::{self, Known, kind_word};
use crate::manage::asked::{Asked, Sent};
use crate::manage::sheet::{self, Press, Sheet};
use crate::manage::{hosts, moment, refusal};
use crate::{Desk, frame};

fn key_of(query: &ListQuery) -> Result<Key, ApiError> {
    Ok(Key {
        ci: web::path_id(query.get("host"), "this host")?,
        kind: query.get("kind").to_owned(),
        key: query.get("key").to_owned(),
    })
}

async fn found(desk: &Desk, key: &Key) -> Result<Known, ApiError> {
    let all = list::all(desk).await?;
    let found = all.into_iter().find(|(thing, _)| key.is(thing));
    found.ok_or_else(|| ApiError::not_found("this discovered thing"))
}

fn form_fields() -> [Field; 2] {
    [
        Field::new("why", "manage.reason", FieldKind::Text)
            .required()
            .hint("coverage.why_hint"),
        Field::new("until", "override.until", FieldKind::DateTime).hint("coverage.until_hint"),
    ]
}

#[expect(
    clippy::too_many_lines,
    reason = "one page, drawn from its head to its foot"
)]
fn draw(
    desk: &Desk,
    page: &PageContext,
    (known, operates): (&Known, bool),
    (values, errors): (&FormValues, &FieldErrors),
) -> Response {
    let (thing, state) = known;
    let host = hosts::name(desk, thing.ci);
    let mut about = vec![
        Fact::html(
            page.t("host.name"),
            sheet::link(&hosts::href(thing.ci), &host),
        ),
        Fact::text(page.t("host.kind"), &kind_word(page, &thing.seen.kind)),
        Fact::html(page.t("host.target"), sheet::code(&thing.seen.key)),
        Fact::html(
            page.t("coverage.first_seen"),
            page.at_full(thing.first_seen_ms),
        ),
        Fact::html(page.t("coverage.last_seen"), page.ago(thing.last_seen_ms)),
    ];
    for (name, value) in &thing.seen.attributes {
        about.push(Fact::text(name, value));
    }
    if let Some(ignore) = &thing.ignored {
        about.push(Fact::text(page.t("manage.reason"), &ignore.why));
        about.push(Fact::text(page.t("manage.by"), &ignore.by));
    }
    let href = Key::of(thing).href();
    let press = |action: &str, label: &str, weight: &str| {
        Press {
            to: &href,
            label: page.t(label),
            confirm: "",
            weight,
            values: &[("action", action)],
        }
        .draw(page)
    };
    let mut presses = Vec::new();
    if operates && *state == "coverage.unregistered" {
        presses.push(press("register", "coverage.register_it", "primary"));
    }
    if operates && *state == "coverage.ignored" {
        presses.push(press("restore", "coverage.restore", ""));
    }
    let fields = form_fields();
    let sections = [FormSection {
        title: "coverage.ignore_it",
        intro: "coverage.ignore_text",
        fields: &fields,
    }];
    let shown = if operates && *state != "coverage.monitored" {
        &sections[..]
    } else {
        &[]
    };
    let head = PageHead {
        marks: sheet::chip(page.t(state)),
        ..PageHead::new(&thing.seen.title, page.t("coverage.intro"))
    };
    let above = sheet::stack([sheet::panel("", ui::facts(&about)), sheet::presses(presses)]);
    if shown.is_empty() {
        use axum::response::IntoResponse as _;
        return sheet::sheet(page, &head, &[above], "narrow").into_response();
    }
    let sheet = Sheet {
        head,
        action: &href,
        sections: shown,
        cancel: "/coverage",
        submit: "coverage.ignore",
        revision: 0,
        above,
        below: Html::empty(),
    };
    sheet.draw(page, values, errors)
}

pub(super) async fn detail(
    ctx: Ctx,
    State(desk): State<Desk>,
    Asked(query): Asked,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let known = found(&desk, &key_of(&query)?).await?;
    let operates = ctx.has(Role::Operator);
    let nothing = (&FormValues::default(), &FieldErrors::default());
    Ok(draw(&desk, &page, (&known, operates), nothing))
}

pub(super) async fn ignore(
    ctx: Ctx,
    State(desk): State<Desk>,
    Asked(query): Asked,
    sent: Sent,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let keys = [key_of(&query)?];
    let [key] = &keys;
    let values = &sent.0;
    match values.get("action") {
        "register" => {
            let done = decide::register(&desk, &page, (&keys, ctx.who())).await;
            let said = done.as_ref().map_or_else(|_| String::new(), Clone::clone);
            return refusal::settle(&ctx, &page, &key.href(), (done, &said));
        }
        "restore" => {
            let done = decide::ignore(&desk, &page, (&keys, None)).await;
            let said = page.tf("coverage.restored_many", &[("count", &1)]);
            return refusal::settle(&ctx, &page, &key.href(), (done, &said));
        }
        _ => {}
    }
    let errors = ui::check(page.lang, &form_fields(), values);
    if !errors.is_empty() {
        let known = found(&desk, key).await?;
        return Ok(draw(&desk, &page, (&known, true), (values, &errors)));
    }
    let why = Ignore {
        by: ctx.who().to_owned(),
        why: values.get("why").to_owned(),
        until_ms: moment::read(values.get("until"), &page.zone),
    };
    let done = decide::ignore(&desk, &page, (&keys, Some(&why))).await;
    match done {
        Ok(()) => {
            let said = page.tf("coverage.ignored_many", &[("count", &1)]);
            Ok(frame::done(&ctx, &key.href(), &Flash::done(said)))
        }
        Err(refusal) => Err(refusal.into()),
    }
}
