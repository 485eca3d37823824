//! Logging in and out, the own password, language and theme.

use account::AccountError;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use console::views::{LoginView, PasswordView};
use model::{Lang, SessionId};
use ui::{FieldErrors, Theme};
use web::{Action, ActorKind, ApiError, Cookie, Ctx, Endpoint, Flash, Routes, SESSION_COOKIE};

use crate::Desk;
use crate::frame::{self, local};
use crate::manage::asked::{Asked, Sent};

const LOG_IN: Action = Action::public("account.log-in");
const OWN: Action = Action::own("account.own");
const PREFER: Action = Action::public("account.prefer");

pub(super) fn routes() -> Routes<Desk> {
    Routes::new()
        .add(
            Endpoint::get("/login", LOG_IN).summary("The log-in page"),
            ask,
        )
        .add(Endpoint::post("/login", LOG_IN).summary("Log in"), log_in)
        .add(Endpoint::post("/logout", OWN).summary("Log out"), log_out)
        .add(
            Endpoint::get("/me/password", OWN).summary("Asks for a new password"),
            ask_password,
        )
        .add(
            Endpoint::post("/me/password", OWN).summary("Change the own password"),
            change_password,
        )
        .add(
            Endpoint::post("/preferences", PREFER)
                .summary("Choose language and theme of this browser")
                .unaudited("it sets two cookies of this browser and changes nothing of ours"),
            prefer,
        )
}

async fn ask(
    ctx: Ctx,
    State(desk): State<Desk>,
    Asked(query): Asked,
) -> Result<Response, ApiError> {
    let next = local(query.get("next"));
    if ctx.actor.is_some() {
        return Ok(frame::go(&ctx, next));
    }
    let view = LoginView {
        next: next.to_owned(),
        first_run: is_first_run(&desk).await?,
        ..LoginView::default()
    };
    Ok(console::login(&frame::page(&desk, &ctx), &view).into_response())
}

/// Whether nobody ever logged in: the only account still has its one-time password.
async fn is_first_run(desk: &Desk) -> Result<bool, ApiError> {
    let users = desk.accounts.users().await?;
    Ok(users.len() == 1 && users.iter().all(|user| user.must_change))
}

async fn log_in(
    ctx: Ctx,
    State(desk): State<Desk>,
    headers: HeaderMap,
    Sent(form): Sent,
) -> Result<Response, ApiError> {
    let next = local(form.get("next"));
    let agent = headers.get(header::USER_AGENT);
    let agent = agent
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let peer = ctx.peer.map(|ip| ip.to_string()).unwrap_or_default();
    let (name, password) = (form.get("name"), form.all("password").last());
    let password = password.map_or("", String::as_str);
    let (status, error) = match desk.accounts.log_in(name, password, &peer, agent).await {
        Ok(done) => {
            let mut response = frame::go(&ctx, next);
            set(&mut response, &done.secret, done.max_age_s);
            return Ok(response);
        }
        Err(AccountError::WrongLogin) => {
            let text = i18n::t(ctx.lang, "login.wrong").to_owned();
            (StatusCode::UNAUTHORIZED, text)
        }
        Err(AccountError::Blocked { wait_s }) => {
            let wait_ms = i64::try_from(wait_s)
                .unwrap_or(i64::MAX)
                .saturating_mul(1_000);
            let span = i18n::duration_ms(ctx.lang, wait_ms);
            let text = i18n::tf(ctx.lang, "login.blocked", &[("span", &span)]);
            (StatusCode::TOO_MANY_REQUESTS, text)
        }
        Err(other) => return Err(other.into()),
    };
    let view = LoginView {
        error,
        name: name.to_owned(),
        next: next.to_owned(),
        first_run: is_first_run(&desk).await?,
    };
    // A wrong password ends no session that another tab has.
    let stranger = Ctx { actor: None, ..ctx };
    let page = console::login(&frame::page(&desk, &stranger), &view);
    Ok((status, page).into_response())
}

async fn log_out(ctx: Ctx, State(desk): State<Desk>) -> Result<Response, ApiError> {
    if let Some(session) = own_session(&ctx) {
        match desk.accounts.log_out(ctx.actor()?.user, session).await {
            // Another tab was faster.
            Ok(()) | Err(AccountError::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let mut response = frame::go(&ctx, "/login");
    set(&mut response, "", 0);
    Ok(response)
}

async fn ask_password(ctx: Ctx, State(desk): State<Desk>) -> Result<Response, ApiError> {
    password_page(&desk, &ctx, FieldErrors::default())
}

async fn change_password(
    ctx: Ctx,
    State(desk): State<Desk>,
    Sent(form): Sent,
) -> Result<Response, ApiError> {
    let mut errors = FieldErrors::default();
    let text = |key| i18n::t(ctx.lang, key).to_owned();
    let raw = |key| form.all(key).last().map_or("", String::as_str);
    if raw("password") != raw("again") {
        errors.add("again", text("login.differ"));
        return password_page(&desk, &ctx, errors);
    }
    let (user, keep) = (ctx.actor()?.user, own_session(&ctx));
    let changed = desk
        .accounts
        .change_password(user, keep, raw("current"), raw("password"));
    match changed.await {
        Ok(()) => {
            let told = Flash::done(text("login.password_changed"));
            Ok(frame::done(&ctx, "/", &told))
        }
        Err(AccountError::WrongLogin) => {
            errors.add("current", text("login.wrong_current"));
            password_page(&desk, &ctx, errors)
        }
        Err(AccountError::WeakPassword(_)) => {
            errors.add("password", text("login.weak"));
            password_page(&desk, &ctx, errors)
        }
        Err(other) => Err(other.into()),
    }
}

fn password_page(desk: &Desk, ctx: &Ctx, errors: FieldErrors) -> Result<Response, ApiError> {
    let status = if errors.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let view = PasswordView {
        errors,
        first: ctx.actor()?.must_change_password,
        chars_min: account::PASSWORD_CHARS_MIN,
    };
    let page = console::password(&frame::page(desk, ctx), &view);
    Ok((status, page).into_response())
}

async fn prefer(ctx: Ctx, Sent(form): Sent) -> Response {
    let mut response = frame::go(&ctx, local(form.get("back")));
    if let Some(lang) = Lang::from_code(form.get("lang")) {
        frame::prefer(&mut response, ("bongsu_lang", lang.code()));
    }
    let theme = form.get("theme");
    if !theme.is_empty() {
        let theme = Theme::from_name(theme).name();
        frame::prefer(&mut response, ("bongsu_theme", theme));
    }
    response
}

fn own_session(ctx: &Ctx) -> Option<SessionId> {
    let actor = ctx.actor.as_ref();
    let actor = actor.filter(|actor| actor.kind == ActorKind::Session)?;
    actor.credential.parse().ok()
}

fn set(response: &mut Response, value: &str, max_age_s: u64) {
    let cookie = Cookie {
        name: SESSION_COOKIE,
        value,
        max_age_s,
        http_only: true,
        secure: false,
    };
    if let Some(value) = cookie.header() {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}
