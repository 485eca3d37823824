//! API tokens: one's own, and for administrators everybody's; the secret is shown once.

use account::{NewToken, Token};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use model::TokenId;
use ui::{
    Action, BulkAction, Choice, Column, Empty, Field, FieldErrors, FieldKind, Filter, FormSection,
    FormValues, Html, PageContext, PageHead,
};
use web::{ApiError, Ctx, Role};

use crate::manage::asked::{Asked, Sent};
use crate::manage::listing::{Cell, Line, Listing};
use crate::manage::sheet::{self, Sheet};
use crate::manage::{fields, refusal};
use crate::{Desk, frame};

const COLUMNS: [Column; 6] = [
    Column::sorted("label", "agent.token_label").class("grow"),
    Column::sorted("owner", "token.owner"),
    Column::sorted("role", "person.role"),
    Column::sorted("state", "rule.state"),
    Column::sorted("until", "agent.valid_until"),
    Column::sorted("used", "agent.token_used"),
];

const BULK: [BulkAction; 1] = [BulkAction {
    value: "revoke",
    label: "agent.revoke",
    confirm: "token.revoke_confirm",
    danger: true,
}];

const fn state(token: &Token, now_ms: i64) -> &'static str {
    match token.revoked_ms {
        Some(_) => "revoked",
        None if token.expires_ms <= now_ms => "expired",
        None => "good",
    }
}

pub(super) async fn list(
    ctx: Ctx,
    State(desk): State<Desk>,
    Asked(query): Asked,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let actor = ctx.actor()?;
    let of = (!ctx.has(Role::Administrator)).then_some(actor.user);
    let tokens = desk.accounts.tokens(of).await?;
    let state = |state: &str| Choice::owned(state.to_owned(), format!("token.state_{state}"));
    let actions = vec![Action::primary(page.t("token.add"), "/tokens/new")];
    let listing = Listing {
        head: PageHead {
            actions: actions.clone(),
            ..PageHead::new(page.t("nav.tokens"), page.t("token.intro"))
        },
        path: "/tokens",
        columns: &COLUMNS,
        lines: tokens.iter().map(|token| line(&page, token)).collect(),
        filters: vec![Filter {
            key: "state",
            label: "rule.state",
            choices: ["good", "expired", "revoked"]
                .into_iter()
                .map(state)
                .collect(),
        }],
        search: "token.search",
        bulk: &BULK,
        empty: Empty {
            title: page.t("token.none").to_owned(),
            text: page.t("token.none_text").to_owned(),
            actions,
            good: false,
        },
        above: Html::empty(),
    };
    Ok(listing.answer(&ctx, &page, &query))
}

fn line(page: &PageContext, token: &Token) -> Line {
    let state = state(token, page.now_ms);
    let word = page.tk("token.state_", state);
    let good = state == "good";
    let shown = if good {
        Html::text(&word)
    } else {
        sheet::chip(&word)
    };
    Line {
        id: if good {
            token.id.to_string()
        } else {
            String::new()
        },
        name: token.label.clone(),
        class: if good {
            String::new()
        } else {
            "is-off".to_owned()
        },
        cells: vec![
            Cell::text(&token.label),
            Cell::text(&token.login),
            Cell::text(page.tk("role.", token.role.name())),
            Cell::html(word, shown),
            Cell::at(page, Some(token.expires_ms)),
            Cell::ago(page, token.used_ms),
        ],
        facets: vec![("state", state.to_owned())],
        ..Line::default()
    }
}

pub(super) async fn revoke(
    ctx: Ctx,
    State(desk): State<Desk>,
    sent: Sent,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let ids: Vec<TokenId> = sent.ids("this token")?;
    let count = ids.len();
    let owner = (!ctx.has(Role::Administrator)).then_some(ctx.actor()?.user);
    for id in ids {
        desk.accounts.revoke_token(id, owner).await?;
    }
    let said = page.tf("agent.revoked_many", &[("count", &count)]);
    refusal::settle(&ctx, &page, "/tokens", (Ok(()), &said))
}

fn form_fields(most: Role) -> [Field; 3] {
    let role = |role: Role| Choice::owned(role.name().to_owned(), format!("role.{}", role.name()));
    let roles = Role::ALL.into_iter().filter(|role| *role <= most).map(role);
    [
        Field::new("label", "agent.token_label", FieldKind::Text)
            .required()
            .hint("token.label_hint"),
        Field::new("role", "person.role", fields::select(roles.collect()))
            .required()
            .hint("token.role_hint"),
        Field::new(
            "days",
            "token.days",
            FieldKind::Integer { min: 1, max: 730 },
        )
        .required(),
    ]
}

fn draw(page: &PageContext, most: Role, (values, errors): (&FormValues, &FieldErrors)) -> Response {
    let fields = form_fields(most);
    let sections = [FormSection {
        title: "",
        intro: "",
        fields: &fields,
    }];
    let sheet = Sheet {
        head: PageHead::new(page.t("token.add"), page.t("token.intro")),
        action: "/tokens/new",
        sections: &sections,
        cancel: "/tokens",
        submit: "token.make",
        revision: 0,
        above: Html::empty(),
        below: Html::empty(),
    };
    sheet.draw(page, values, errors)
}

pub(super) async fn new(ctx: Ctx, State(desk): State<Desk>) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let mut values = FormValues::default();
    values.set("role", Role::Viewer.name());
    values.set("days", "90");
    let most = ctx.actor()?.role;
    Ok(draw(&page, most, (&values, &FieldErrors::default())))
}

pub(super) async fn create(
    ctx: Ctx,
    State(desk): State<Desk>,
    sent: Sent,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let actor = ctx.actor()?;
    let values = sent.0;
    let errors = ui::check(page.lang, &form_fields(actor.role), &values);
    if !errors.is_empty() {
        return Ok(draw(&page, actor.role, (&values, &errors)));
    }
    let wanted = NewToken {
        user: actor.user,
        label: values.get("label").to_owned(),
        role: Role::from_name(values.get("role")).unwrap_or(Role::Viewer),
        days: values.get("days").parse().unwrap_or(90),
    };
    match desk.accounts.issue_token(wanted).await {
        Ok((token, secret)) => {
            let head = PageHead::new(page.t("token.made"), &token.label);
            let body = [
                ui::copy_line(&page, &secret),
                sheet::muted(page.t("token.made_text")),
                Action::primary(page.t("nav.tokens"), "/tokens").draw(),
            ];
            let panel = sheet::panel(page.t("token.secret"), sheet::stack(body));
            Ok(sheet::sheet(&page, &head, &[panel], "narrow").into_response())
        }
        Err(error) => {
            let refused = refusal::account(&page, error);
            let (errors, _) = refused.beside(&desk, &page, ("token", "")).await?;
            Ok(draw(&page, actor.role, (&values, &errors)))
        }
    }
}
