//! Making and changing accounts; one-time passwords are shown once.

use account::{NewUser, User, UserChange};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use model::{Lang, UserId};
use ui::{
    Action, Choice, Field, FieldErrors, FieldKind, FormSection, FormValues, Html, PageContext,
    PageHead,
};
use web::{ApiError, Ctx, Flash, Role};

use super::list::state;
use crate::manage::asked::Sent;
use crate::manage::sheet::{self, Press, Sheet};
use crate::manage::{fields, history, refusal};
use crate::{Desk, frame};

fn form_fields(is_new: bool) -> Vec<Field> {
    let role = |role: Role| Choice::owned(role.name().to_owned(), format!("role.{}", role.name()));
    let langs = vec![
        Choice::new("ko", "manage.lang_ko"),
        Choice::new("en", "manage.lang_en"),
    ];
    let mut all = Vec::new();
    if is_new {
        let login = Field::new("login", "person.login", FieldKind::Text).required();
        all.push(login.hint("person.login_hint"));
    }
    all.extend([
        Field::new("display", "person.display", FieldKind::Text),
        Field::new(
            "role",
            "person.role",
            fields::select(Role::ALL.into_iter().map(role).collect()),
        )
        .required()
        .hint("person.role_hint"),
        Field::new("lang", "person.lang", fields::select(langs)).hint("person.lang_hint"),
        Field::new("time_zone", "recipient.zone", FieldKind::Text)
            .hint("person.zone_hint")
            .example("Asia/Seoul"),
    ]);
    all
}

fn draw(
    page: &PageContext,
    known: Option<&User>,
    (values, errors, revision): (&FormValues, &FieldErrors, i64),
    below: Html,
) -> Response {
    let fields = form_fields(known.is_none());
    let sections = [FormSection {
        title: "",
        intro: "",
        fields: &fields,
    }];
    let action = known.map_or_else(
        || "/users/new".to_owned(),
        |user| format!("/users/{}", user.id),
    );
    let title = known.map_or(page.t("person.add"), |user| user.display.as_str());
    let marks = known.map(|user| sheet::chip(&page.tk("person.state_", state(user))));
    let sheet = Sheet {
        head: PageHead {
            marks: marks.unwrap_or_default(),
            ..PageHead::new(title, known.map_or("", |user| user.login.as_str()))
        },
        action: &action,
        sections: &sections,
        cancel: "/users",
        submit: "manage.save",
        revision,
        above: Html::empty(),
        below,
    };
    sheet.draw(page, values, errors)
}

/// A page that is shown once: the password is not kept anywhere.
fn once(page: &PageContext, (title, login, password): (&str, &str, &str)) -> Response {
    let head = PageHead::new(title, page.tf("person.once", &[("login", &login)]));
    let body = [
        ui::copy_line(page, password),
        sheet::muted(page.t("person.once_text")),
        Action::primary(page.t("nav.users"), "/users").draw(),
    ];
    let panel = sheet::panel(page.t("person.one_time"), sheet::stack(body));
    sheet::sheet(page, &head, &[panel], "narrow").into_response()
}

pub(super) async fn new(ctx: Ctx, State(desk): State<Desk>) -> Response {
    let page = frame::page(&desk, &ctx);
    let mut values = FormValues::default();
    values.set("role", Role::Operator.name());
    let shown = (&values, &FieldErrors::default(), 0);
    draw(&page, None, shown, Html::empty())
}

fn given(values: &FormValues, key: &str) -> Option<String> {
    Some(values.get(key).to_owned()).filter(|text| !text.is_empty())
}

fn role(values: &FormValues) -> Role {
    Role::from_name(values.get("role")).unwrap_or(Role::Viewer)
}

pub(super) async fn create(
    ctx: Ctx,
    State(desk): State<Desk>,
    sent: Sent,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let values = sent.0;
    let errors = ui::check(page.lang, &form_fields(true), &values);
    if !errors.is_empty() {
        return Ok(draw(&page, None, (&values, &errors, 0), Html::empty()));
    }
    let wanted = NewUser {
        login: values.get("login").to_owned(),
        display: values.get("display").to_owned(),
        role: role(&values),
        lang: Lang::from_code(values.get("lang")),
        time_zone: given(&values, "time_zone"),
    };
    match desk.accounts.create(wanted, ctx.who()).await {
        Ok((user, password)) => {
            let title = page.t("person.made");
            Ok(once(&page, (title, &user.login, &password)))
        }
        Err(error) => {
            let refused = refusal::account(&page, error);
            let (errors, _) = refused.beside(&desk, &page, ("user", "")).await?;
            Ok(draw(&page, None, (&values, &errors, 0), Html::empty()))
        }
    }
}

async fn found(desk: &Desk, id: &str) -> Result<User, ApiError> {
    let id: UserId = web::path_id(id, "this account")?;
    Ok(desk.accounts.user(id).await?)
}

pub(super) async fn edit(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let user = found(&desk, &id).await?;
    let mut values = FormValues::default();
    values.set("display", user.display.as_str());
    values.set("role", user.role.name());
    values.set("lang", user.lang.map_or("", Lang::code));
    values.set("time_zone", user.time_zone.as_deref().unwrap_or(""));
    let press = |end: &str, label: &str, confirm: &str, weight: &str| {
        Press {
            to: &format!("/users/{}/{end}", user.id),
            label: page.t(label),
            confirm: page.t(confirm),
            weight,
            values: &[],
        }
        .draw(&page)
    };
    let switch = match user.disabled_ms {
        Some(_) => press("enable", "person.enable", "person.enable_confirm", ""),
        None => press(
            "disable",
            "person.disable",
            "person.disable_confirm",
            "danger",
        ),
    };
    let reset = press("reset", "person.reset", "person.reset_confirm", "");
    let below = [
        sheet::presses([reset, switch]),
        history::history(&desk, &page, ("user", &user.id.to_string())).await?,
    ];
    let shown = (&values, &FieldErrors::default(), user.version);
    Ok(draw(&page, Some(&user), shown, sheet::stack(below)))
}

pub(super) async fn save(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    sent: Sent,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let user = found(&desk, &id).await?;
    let (seen, values) = (sent.revision(), sent.0);
    let errors = ui::check(page.lang, &form_fields(false), &values);
    if !errors.is_empty() {
        let shown = (&values, &errors, seen);
        return Ok(draw(&page, Some(&user), shown, Html::empty()));
    }
    let change = UserChange {
        display: given(&values, "display"),
        role: Some(role(&values)),
        lang: Some(Lang::from_code(values.get("lang"))),
        time_zone: Some(given(&values, "time_zone")),
        disabled: None,
    };
    match desk
        .accounts
        .change(user.id, Some(seen), change, ctx.who())
        .await
    {
        Ok(_) => {
            let done = Flash::done(page.t("manage.saved"));
            Ok(frame::done(&ctx, "/users", &done))
        }
        Err(error) => {
            let refused = refusal::account(&page, error);
            let about = ("user", user.id.to_string());
            let (errors, now) = refused.beside(&desk, &page, (about.0, &about.1)).await?;
            let shown = (&values, &errors, now.unwrap_or(seen));
            Ok(draw(&page, Some(&user), shown, Html::empty()))
        }
    }
}

async fn switch((ctx, desk): (Ctx, Desk), id: &str, disabled: bool) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let user = found(&desk, id).await?;
    let change = UserChange {
        disabled: Some(disabled),
        ..UserChange::default()
    };
    let done = desk.accounts.change(user.id, None, change, ctx.who()).await;
    let done = done.map_err(|error| refusal::account(&page, error));
    let said = if disabled {
        "person.disabled"
    } else {
        "person.enabled"
    };
    let to = format!("/users/{}", user.id);
    refusal::settle(&ctx, &page, &to, (done, page.t(said)))
}

pub(super) async fn disable(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    switch((ctx, desk), &id, true).await
}

pub(super) async fn enable(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    switch((ctx, desk), &id, false).await
}

pub(super) async fn reset(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let user = found(&desk, &id).await?;
    let password = desk.accounts.reset_password(user.id, ctx.who()).await?;
    let title = page.t("person.reset_done");
    Ok(once(&page, (title, &user.login, &password)))
}
