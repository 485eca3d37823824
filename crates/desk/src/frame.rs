//! What every page shows around its body: reader, navigation, own health, open problems, messages.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ui::{Failure, Health, HealthState, PageContext, Theme, Toast, Tone, User};
use web::{ApiError, Cookie, Ctx, Flash, Role};

use crate::{Desk, HealthLine};

/// What a page knows of its reader and of the whole, from memory: costs no look-up.
pub(crate) fn page(desk: &Desk, ctx: &Ctx) -> PageContext {
    let zone = ctx
        .actor
        .as_ref()
        .and_then(|actor| actor.time_zone.as_deref());
    let bare = PageContext {
        zone: i18n::time_zone(zone.unwrap_or(&desk.time_zone)),
        path: ctx.uri.clone(),
        csrf: ctx.csrf.clone(),
        toasts: ctx.flash.iter().map(toast).collect(),
        ..PageContext::bare(ctx.lang, Theme::from_name(&ctx.theme), ctx.now_ms())
    };
    let Some(actor) = &ctx.actor else {
        return bare;
    };
    let path = ctx.uri.split('?').next().unwrap_or("/");
    PageContext {
        user: Some(User {
            name: actor.name.clone(),
            role: format!("role.{}", actor.role.name()),
        }),
        nav: console::navigation(path, actor.has(Role::Administrator)),
        health: health(&bare, &desk.health.lines()),
        beacon: desk.live.beacon(),
        ..bare
    }
}

fn toast(flash: &Flash) -> Toast {
    Toast {
        tone: if flash.ok { Tone::Done } else { Tone::Failed },
        text: flash.text.clone(),
    }
}

fn health(ctx: &PageContext, lines: &[HealthLine]) -> Health {
    let mut wrong = lines.iter().filter(|line| !line.ok).peekable();
    if wrong.peek().is_none() {
        return Health {
            state: HealthState::Good,
            summary: ctx.t("health.all_good").to_owned(),
        };
    }
    let told: Vec<String> = wrong
        .map(|line| format!("{}: {}", line.name, line.detail))
        .collect();
    Health {
        state: HealthState::Failing,
        summary: told.join(" · "),
    }
}

/// After an action: back to a page of ours, which shows the message once.
pub(crate) fn done(ctx: &Ctx, to: &str, flash: &Flash) -> Response {
    let (status, name) = match ctx.is_htmx {
        true => (StatusCode::OK, "hx-redirect"),
        false => (StatusCode::SEE_OTHER, "location"),
    };
    let to = HeaderValue::from_str(to).unwrap_or_else(|_| HeaderValue::from_static("/"));
    let mut response = (status, [(name, to)]).into_response();
    flash.leave(response.headers_mut());
    response
}

/// Back to a page of ours without a message.
pub(crate) fn go(ctx: &Ctx, to: &str) -> Response {
    let mut response = done(ctx, to, &Flash::done(""));
    response.headers_mut().remove(header::SET_COOKIE);
    response
}

/// How long a choice of language or theme is kept, in seconds.
const CHOICE_S: u64 = 365 * 86_400;

/// Keeps a choice of this browser, such as its language.
pub(crate) fn prefer(response: &mut Response, (name, value): (&str, &str)) {
    let cookie = Cookie {
        name,
        value,
        max_age_s: CHOICE_S,
        http_only: false,
        secure: false,
    };
    if let Some(value) = cookie.header() {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// The address if it is a path of ours, else the board: nobody is led elsewhere after an action.
pub(crate) fn local(path: &str) -> &str {
    let plain = path.starts_with('/')
        && !path.starts_with("//")
        && path
            .bytes()
            .all(|byte| byte > b' ' && byte != b'\\' && byte < 0x7F);
    if plain { path } else { "/" }
}

/// Draws the errors of pages in the console's look.
pub(crate) struct ErrorPages(pub(crate) Desk);

impl web::ErrorPage for ErrorPages {
    fn draw(&self, ctx: &Ctx, error: &ApiError) -> Response {
        let failure = match error.status {
            StatusCode::NOT_FOUND => Failure::NotFound,
            StatusCode::FORBIDDEN => Failure::Forbidden,
            StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => Failure::Conflict,
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => Failure::Unavailable,
            status if status.is_client_error() => Failure::Refused,
            _ => Failure::Internal,
        };
        // What was not found or not allowed is said by the page itself, in the reader's language.
        let detail = match failure {
            Failure::NotFound | Failure::Forbidden => "",
            _ => error.detail.as_str(),
        };
        let page = ui::failure_page(&page(&self.0, ctx), failure, detail);
        (error.status, page).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_ours_are_followed() {
        for path in ["/", "/hosts/ci_1?range=6h", "/problems?q=%EC%9B%B9"] {
            assert_eq!(local(path), path);
        }
        for path in [
            "",
            "hosts",
            "//evil.example",
            "https://evil.example/",
            "/\\evil.example",
            "/a\r\nset-cookie: x",
            "/\t/evil.example",
            "javascript:alert(1)",
        ] {
            assert_eq!(local(path), "/", "{path:?}");
        }
    }
}
