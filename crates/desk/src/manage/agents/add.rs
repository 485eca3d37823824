//! "Add a server": a token with its purpose, and the one line to run there.

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use db::Tx;
use fleet::TokenSpec;
use model::{Labels, METRIC_NAME};
use serde_json::json;
use ui::{
    Action, Choice, Fact, Field, FieldErrors, FieldKind, FormSection, FormValues, Html,
    PageContext, PageHead,
};
use web::{ApiError, AuditDetail, Ctx};

use crate::manage::asked::{Asked, Sent};
use crate::manage::sheet::{self, Sheet};
use crate::manage::{hosts, refusal};
use crate::{Desk, frame};

/// Characters of a token's label.
const LABEL_CHARS_MAX: usize = 100;
/// How often the page looks for the new host.
const LOOK: &str = "load, every 3s";

/// How long a token may be good, in hours.
static VALID: [Choice; 4] = [
    Choice::new("1", "agent.valid_1h"),
    Choice::new("24", "agent.valid_1d"),
    Choice::new("168", "agent.valid_7d"),
    Choice::new("720", "agent.valid_30d"),
];

fn fields() -> [Field; 4] {
    [
        Field::new("label", "agent.token_label", FieldKind::Text)
            .required()
            .hint("agent.token_label_hint")
            .example("web, 2026-11"),
        Field::new(
            "uses",
            "agent.uses",
            FieldKind::Integer {
                min: 1,
                max: 10_000,
            },
        )
        .required()
        .hint("agent.uses_hint"),
        Field::new(
            "hours",
            "agent.valid",
            FieldKind::Select(Cow::Borrowed(&VALID)),
        )
        .required(),
        Field::new("labels", "agent.labels", FieldKind::List)
            .hint("agent.labels_hint")
            .example("env=prod"),
    ]
}

fn draw(page: &PageContext, values: &FormValues, errors: &FieldErrors) -> Response {
    let fields = fields();
    let sections = [FormSection {
        title: "",
        intro: "",
        fields: &fields,
    }];
    let sheet = Sheet {
        head: PageHead::new(page.t("agent.add"), page.t("agent.add_intro")),
        action: "/agents/add",
        sections: &sections,
        cancel: "/agents",
        submit: "agent.make_line",
        revision: 0,
        above: Html::empty(),
        below: Html::empty(),
    };
    sheet.draw(page, values, errors)
}

pub(super) async fn form(ctx: Ctx, State(desk): State<Desk>) -> Response {
    let page = frame::page(&desk, &ctx);
    let mut values = FormValues::default();
    let day = i18n::date(page.now_ms, &page.zone);
    values.set("label", format!("{} {day}", ctx.who()));
    values.set("uses", "1");
    values.set("hours", "24");
    draw(&page, &values, &FieldErrors::default())
}

/// Reads `name=value` lines; what is wrong with them, if anything.
fn labels(page: &PageContext, values: &FormValues) -> Result<BTreeMap<String, String>, String> {
    let mut labels = BTreeMap::new();
    for line in values.lines("labels") {
        let Some((name, value)) = line.split_once('=') else {
            return Err(page.tf("agent.bad_label", &[("label", &line)]));
        };
        labels.insert(name.trim().to_owned(), value.trim().to_owned());
    }
    let read = Labels::new(labels.clone());
    let fits = read.is_ok_and(|read| read.get(METRIC_NAME).is_none() && read.len() == labels.len());
    match fits {
        true => Ok(labels),
        false => Err(page.t("agent.bad_labels").to_owned()),
    }
}

pub(super) async fn create(
    ctx: Ctx,
    State(desk): State<Desk>,
    sent: Sent,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let values = sent.0;
    let mut errors = ui::check(page.lang, &fields(), &values);
    if values.get("label").chars().count() > LABEL_CHARS_MAX {
        errors.add("label", page.t("agent.label_long"));
    }
    let labels = labels(&page, &values).unwrap_or_else(|text| {
        errors.add("labels", text);
        BTreeMap::new()
    });
    if !errors.is_empty() {
        return Ok(draw(&page, &values, &errors));
    }
    let address = match desk.entrance.open().await {
        Ok(address) => address,
        Err(why) => {
            let text = page.tf("agent.door_shut", &[("why", &why)]);
            errors.add("label", text);
            return Ok(draw(&page, &values, &errors));
        }
    };
    let hours: i64 = values.get("hours").parse().unwrap_or(24);
    let spec = TokenSpec {
        label: values.get("label").to_owned(),
        groups: Vec::new(),
        labels: labels.into_iter().collect(),
        uses: values.get("uses").parse().unwrap_or(1),
        valid_ms: hours * 3_600_000,
    };
    let detail = json!({"label": spec.label, "uses": spec.uses, "valid_ms": spec.valid_ms});
    let wanted = spec.clone();
    let write = desk
        .db
        .write(move |tx: &mut Tx| Box::pin(async move { fleet::make_token(tx, &wanted).await }));
    let made = write.await.map_err(refusal::store)?;
    let line = desk.fleet.install_line(&address, &made.secret);
    let mut response = run_this(&page, &spec, &line).into_response();
    response.extensions_mut().insert(AuditDetail(detail));
    Ok(response)
}

fn run_this(page: &PageContext, spec: &TokenSpec, line: &str) -> Html {
    let head = PageHead {
        actions: vec![Action::plain(page.t("agent.list"), "/agents")],
        ..PageHead::new(page.t("agent.add"), page.t("agent.run_intro"))
    };
    let tags: Vec<String> = spec
        .labels
        .iter()
        .map(|(n, v)| format!("{n}={v}"))
        .collect();
    let mut about = vec![
        Fact::text(page.t("agent.token_label"), &spec.label),
        Fact::text(page.t("agent.uses"), &spec.uses.to_string()),
        Fact::html(
            page.t("agent.valid_until"),
            page.at_full(page.now_ms + spec.valid_ms),
        ),
    ];
    if !tags.is_empty() {
        about.push(Fact::text(page.t("agent.labels"), &tags.join(", ")));
    }
    let command = [
        ui::copy_line(page, line),
        sheet::muted(page.t("agent.line_once")),
        sheet::muted(page.t("agent.line_does")),
    ];
    let arrived = format!("/agents/arrived?since={}", page.now_ms);
    let parts = [
        sheet::panel(page.t("agent.line"), command.into_iter().collect()),
        sheet::panel(page.t("agent.arrivals"), sheet::fetched(&arrived, LOOK, "")),
        sheet::panel("", ui::facts(&about)),
    ];
    sheet::sheet(page, &head, &[sheet::stack(parts)], "")
}

/// The hosts that came since the line was made; fetched by the page again and again.
pub(super) async fn arrived(
    ctx: Ctx,
    State(desk): State<Desk>,
    Asked(query): Asked,
) -> Result<Html, ApiError> {
    let page = frame::page(&desk, &ctx);
    let since_ms: i64 = query.get("since").parse().unwrap_or(i64::MAX);
    let rows = desk.fleet.agents().await.map_err(refusal::store)?;
    let new: Vec<Html> = rows
        .iter()
        .filter(|row| row.enrolled_ms >= since_ms)
        .map(|row| {
            let name = hosts::name(&desk, row.host);
            let key = match row.connected {
                true => "agent.arrived_connected",
                false => "agent.arrived",
            };
            let text = page.tf(key, &[("host", &name)]);
            let link = sheet::link(&hosts::href(row.host), page.t("agent.to_host"));
            [Html::text("✓ "), Html::text(&text), Html::text(" "), link]
                .into_iter()
                .collect::<Html>()
        })
        .map(|line| Html::trusted(format!("<p>{line}</p>")))
        .collect();
    if new.is_empty() {
        return Ok(sheet::muted(page.t("agent.waiting")));
    }
    Ok(new.into_iter().collect())
}
