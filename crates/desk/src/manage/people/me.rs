//! One's own account: name, language, time zone, and where one is logged in.

use account::{AccountError, Session, UserChange};
use axum::extract::{Path, State};
use axum::response::Response;
use model::{Lang, SessionId};
use ui::{
    Action, Choice, Field, FieldErrors, FieldKind, FormSection, FormValues, Html, PageContext,
    PageHead,
};
use web::{ApiError, Ctx, Flash};

use crate::manage::asked::Sent;
use crate::manage::sheet::{self, Press, Sheet};
use crate::manage::{fields, refusal};
use crate::{Desk, frame};

fn form_fields() -> [Field; 3] {
    let langs = vec![
        Choice::new("ko", "manage.lang_ko"),
        Choice::new("en", "manage.lang_en"),
    ];
    [
        Field::new("display", "person.display", FieldKind::Text),
        Field::new("lang", "person.lang", fields::select(langs)).hint("person.lang_hint"),
        Field::new("time_zone", "recipient.zone", FieldKind::Text)
            .hint("person.zone_hint")
            .example("Asia/Seoul"),
    ]
}

fn draw(
    page: &PageContext,
    (values, errors, revision): (&FormValues, &FieldErrors, i64),
    below: Html,
) -> Response {
    let fields = form_fields();
    let sections = [FormSection {
        title: "",
        intro: "",
        fields: &fields,
    }];
    let head = PageHead {
        actions: vec![Action::plain(
            page.t("frame.change_password"),
            "/me/password",
        )],
        ..PageHead::new(page.t("person.me"), page.t("person.me_intro"))
    };
    let sheet = Sheet {
        head,
        action: "/me",
        sections: &sections,
        cancel: "/",
        submit: "manage.save",
        revision,
        above: Html::empty(),
        below,
    };
    sheet.draw(page, values, errors)
}

pub(super) async fn show(ctx: Ctx, State(desk): State<Desk>) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let actor = ctx.actor()?;
    let user = desk.accounts.user(actor.user).await?;
    let mut values = FormValues::default();
    values.set("display", user.display.as_str());
    values.set("lang", user.lang.map_or("", Lang::code));
    values.set("time_zone", user.time_zone.as_deref().unwrap_or(""));
    let sessions = desk.accounts.sessions(user.id).await?;
    let below = sheet::flush(
        page.t("person.sessions"),
        devices(&page, &actor.credential, &sessions),
    );
    let shown = (&values, &FieldErrors::default(), user.version);
    Ok(draw(&page, shown, below))
}

fn devices(page: &PageContext, own: &str, sessions: &[Session]) -> Html {
    let row = |session: &Session| {
        let id = session.id.to_string();
        let end = Press {
            to: &format!("/me/sessions/{id}/end"),
            label: page.t("person.session_end"),
            ..Press::default()
        };
        let end = match id == own {
            true => sheet::chip(page.t("person.session_own")),
            false => end.draw(page),
        };
        vec![
            Html::text(&device(&session.agent)),
            Html::text(&session.peer),
            page.at(session.created_ms),
            page.ago(session.seen_ms),
            end,
        ]
    };
    let rows: Vec<Vec<Html>> = sessions.iter().map(row).collect();
    let titles = ["agent", "peer", "began", "seen"].map(|name| page.tk("person.session_", name));
    let mut titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    titles.push("");
    sheet::grid(&titles, &rows)
}

/// What a browser calls itself, as people call it: `Chrome · Linux`.
fn device(agent: &str) -> String {
    // The order matters: every browser also names those that it wants to be taken for.
    let browsers = [
        ("Whale/", "Whale"),
        ("Edg/", "Edge"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    let systems = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    let named = |list: &[(&str, &'static str)]| {
        let mut list = list.iter();
        list.find(|(mark, _)| agent.contains(mark))
            .map(|(_, name)| *name)
    };
    match (named(&browsers), named(&systems)) {
        (Some(browser), Some(system)) => format!("{browser} · {system}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) if agent.is_empty() => "–".to_owned(),
        (None, None) => agent.chars().take(60).collect(),
    }
}

pub(super) async fn save(
    ctx: Ctx,
    State(desk): State<Desk>,
    sent: Sent,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let (seen, values) = (sent.revision(), sent.0);
    let mut errors = ui::check(page.lang, &form_fields(), &values);
    let given = |key: &str| Some(values.get(key).to_owned()).filter(|text| !text.is_empty());
    let mut revision = seen;
    if errors.is_empty() {
        let change = UserChange {
            display: given("display"),
            lang: Some(Lang::from_code(values.get("lang"))),
            time_zone: Some(given("time_zone")),
            ..UserChange::default()
        };
        let user = ctx.actor()?.user;
        let changed = desk.accounts.change(user, Some(seen), change, ctx.who());
        match changed.await {
            Ok(_) => {
                let mut response =
                    frame::done(&ctx, "/me", &Flash::done(page.t("person.saved_me")));
                if let Some(lang) = Lang::from_code(values.get("lang")) {
                    frame::prefer(&mut response, ("bongsu_lang", lang.code()));
                }
                return Ok(response);
            }
            Err(error) => {
                let refused = refusal::account(&page, error);
                let about = ("user", user.to_string());
                let (beside, now) = refused.beside(&desk, &page, (about.0, &about.1)).await?;
                (errors, revision) = (beside, now.unwrap_or(seen));
            }
        }
    }
    Ok(draw(&page, (&values, &errors, revision), Html::empty()))
}

pub(super) async fn end(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let session: SessionId = web::path_id(&id, "this session")?;
    match desk.accounts.log_out(ctx.actor()?.user, session).await {
        // It ended by itself meanwhile.
        Ok(()) | Err(AccountError::NotFound(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let text = i18n::t(ctx.lang, "person.session_ended");
    Ok(frame::done(&ctx, "/me", &Flash::done(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_called_as_people_call_it() {
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140 Safari/537.36";
        assert_eq!(device(chrome), "Chrome · Linux");
        let edge = "Mozilla/5.0 (Windows NT 10.0) Chrome/140 Safari/537.36 Edg/140";
        assert_eq!(device(edge), "Edge · Windows");
        assert_eq!(
            (device("curl/8"), device("")),
            ("curl/8".into(), "–".into())
        );
    }
}
