//! Name and labels of a host, and its end of service.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use cmdb::{CmdbError, Host, HostChange};
use ui::{
    Field, FieldErrors, FieldKind, Form, FormSection, FormValues, Html, Page, PageContext, PageHead,
};
use web::{ApiError, Ctx, Flash};

use super::find;
use crate::manage::asked::Sent;
use crate::{Desk, frame};

pub(super) async fn ask(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let host = find(&desk, &id)?;
    let mut values = FormValues::default();
    values.set("name", host.name.clone());
    let labels = host
        .labels
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    values.set("labels", labels.collect::<Vec<_>>().join("\n"));
    let page = frame::page(&desk, &ctx);
    Ok(draw(&page, &host, &values, &FieldErrors::default()).into_response())
}

fn draw(page: &PageContext, host: &Host, values: &FormValues, errors: &FieldErrors) -> Html {
    let fields = [
        Field::new("name", "host.name", FieldKind::Text)
            .required()
            .hint("host.name_hint"),
        Field::new("labels", "host.labels", FieldKind::List)
            .hint("host.labels_hint")
            .example("env=prod"),
        Field::new("why", "host.why", FieldKind::Text).hint("host.why_hint"),
    ];
    let (action, cancel) = (
        format!("/hosts/{}/settings", host.id),
        format!("/hosts/{}", host.id),
    );
    let form = Form {
        action: &action,
        sections: &[FormSection {
            title: "",
            intro: "host.settings_intro",
            fields: &fields,
        }],
        values,
        errors,
        submit: "host.save",
        cancel: &cancel,
        revision: &host.version.to_string(),
    };
    let title = page.tf("host.settings_title", &[("name", &host.name)]);
    let head = PageHead::new(title.clone(), "");
    let body = [
        head.draw(),
        form.draw(page),
        console::host_end(page, &host_end(host)),
    ];
    ui::page(
        page,
        &Page {
            title,
            body: body.into_iter().collect(),
            class: "narrow",
            ..Page::default()
        },
    )
}

fn host_end(host: &Host) -> console::views::HostEnd {
    console::views::HostEnd {
        path: format!("/hosts/{}/retire", host.id),
        retired: host.retired_ms.is_some(),
    }
}

pub(super) async fn save(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    Sent(form): Sent,
) -> Result<Response, ApiError> {
    let host = find(&desk, &id)?;
    let page = frame::page(&desk, &ctx);
    let mut errors = FieldErrors::default();
    let labels = labels(&page, &form, &mut errors);
    if errors.is_empty() {
        let change = HostChange {
            name: Some(form.get("name").to_owned()),
            labels: Some(labels),
            retired: None,
            why: form.get("why").to_owned(),
        };
        let seen = form.get("revision").parse().ok();
        let actor = ctx.actor()?.user.to_string();
        match desk.cmdb.change(host.id, seen, change, &actor).await {
            Ok(after) => {
                let told = page.tf("host.saved", &[("name", &after.name)]);
                let to = format!("/hosts/{}", host.id);
                return Ok(frame::done(&ctx, &to, &Flash::done(told)));
            }
            Err(error) => refused(&page, error, &mut errors)?,
        }
    }
    let answer = draw(&page, &host, &form, &errors);
    Ok((StatusCode::UNPROCESSABLE_ENTITY, answer).into_response())
}

fn labels(
    page: &PageContext,
    form: &FormValues,
    errors: &mut FieldErrors,
) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    for line in form.lines("labels") {
        match line.split_once('=') {
            Some((name, value)) => {
                labels.insert(name.trim().to_owned(), value.trim().to_owned());
            }
            None => errors.add("labels", page.tf("host.bad_label", &[("line", &line)])),
        }
    }
    labels
}

fn refused(page: &PageContext, error: CmdbError, errors: &mut FieldErrors) -> Result<(), ApiError> {
    let (field, text) = match error {
        CmdbError::BadName(_) => ("name", "host.bad_name"),
        CmdbError::NameTaken(_) => ("name", "host.name_taken"),
        CmdbError::BadLabel(_) => ("labels", "host.bad_labels"),
        other => return Err(other.into()),
    };
    errors.add(field, page.t(text));
    Ok(())
}

pub(super) async fn retire(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    Sent(form): Sent,
) -> Result<Response, ApiError> {
    let host = find(&desk, &id)?;
    let retired = form.get("back") != "1";
    let change = HostChange {
        retired: Some(retired),
        why: form.get("why").to_owned(),
        ..HostChange::default()
    };
    let actor = ctx.actor()?.user.to_string();
    desk.cmdb.change(host.id, None, change, &actor).await?;
    let (word, to) = match retired {
        true => ("host.retired", "/hosts".to_owned()),
        false => ("host.restored", format!("/hosts/{}", host.id)),
    };
    let told = i18n::tf(ctx.lang, word, &[("name", &host.name)]);
    Ok(frame::done(&ctx, &to, &Flash::done(told)))
}
