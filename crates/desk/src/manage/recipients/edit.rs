//! Making and changing a recipient: addresses by channel, and rules one below the other.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::Response;
use model::{Lang, RecipientId, Selector, Severity};
use notice::model::{Channel, Recipient, Rule};
use notice::service::{self, RecipientEdit};
use ui::{
    Action, Choice, Field, FieldErrors, FieldKind, FormSection, FormValues, Html, PageContext,
    PageHead,
};
use web::{ApiError, Ctx, Flash, Role};

use crate::manage::asked::Sent;
use crate::manage::sheet::{self, Press, Sheet};
use crate::manage::{fields, history, moment, refusal};
use crate::{Desk, frame};

/// Rules of one recipient, as in the slice.
const RULES_MAX: usize = 20;
/// The field of an address: this and the channel's kind.
const ADDRESS: &str = "to_";

/// What the form lets people choose from.
struct Around {
    channels: Vec<Channel>,
    groups: Vec<Choice>,
    users: Vec<Choice>,
}

async fn around(desk: &Desk, page: &PageContext) -> Result<Around, ApiError> {
    let all = service::channels(&mut desk.db.reader(), &desk.notices).await;
    let mut channels = all.map_err(|error| ApiError::from(refusal::notice(page, error)))?;
    channels.retain(|channel| channel.retired_ms.is_none());
    let users = desk.accounts.users().await?;
    let users = users.into_iter().filter(|user| user.disabled_ms.is_none());
    let users = users.map(|user| Choice::owned(user.id.to_string(), user.display));
    Ok(Around {
        channels,
        groups: fields::group_names(desk).await?,
        users: users.collect(),
    })
}

fn about(around: &Around) -> Vec<Field> {
    let langs = vec![
        Choice::new("ko", "manage.lang_ko"),
        Choice::new("en", "manage.lang_en"),
    ];
    vec![
        Field::new("name", "recipient.name", FieldKind::Text).required(),
        Field::new(
            "user",
            "recipient.user",
            fields::select(around.users.clone()),
        )
        .hint("recipient.user_hint"),
        Field::new("lang", "recipient.lang", fields::select(langs)).required(),
        Field::new("zone", "recipient.zone", FieldKind::Text)
            .required()
            .example("Asia/Seoul"),
        Field::new("enabled", "recipient.enabled", FieldKind::Bool),
    ]
}

/// One address for each kind of channel that there is.
fn addresses(page: &PageContext, around: &Around) -> Vec<Field> {
    let mut kinds: Vec<&str> = around
        .channels
        .iter()
        .map(|one| one.kind.as_str())
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
        .into_iter()
        .filter_map(notify::by_kind)
        .map(|kind| Field {
            label: kind.title(page.lang).into(),
            ..fields::keyed(format!("{ADDRESS}{}", kind.kind()), "", FieldKind::Text)
        })
        .collect()
}

fn rule_fields(around: &Around, at: usize) -> Vec<Field> {
    let channels = around
        .channels
        .iter()
        .map(|one| Choice::owned(one.id.to_string(), one.name.clone()));
    let key = |name: &str| format!("r{at}_{name}");
    let mut all = vec![
        fields::keyed(
            key("from"),
            "recipient.rule_from",
            fields::select(fields::severities()),
        ),
        fields::keyed(
            key("days"),
            "recipient.days",
            fields::checks(fields::weekdays()),
        ),
        fields::keyed(key("begin"), "recipient.begin", FieldKind::TimeOfDay),
        fields::keyed(key("end"), "recipient.end", FieldKind::TimeOfDay),
        fields::keyed(
            key("channels"),
            "recipient.channel",
            fields::checks(channels.collect()),
        ),
    ];
    if !around.groups.is_empty() {
        let groups = fields::checks(around.groups.clone());
        all.push(fields::keyed(key("groups"), "recipient.groups", groups));
    }
    all.push(fields::keyed(
        key("labels"),
        "rule.scope_labels",
        FieldKind::Text,
    ));
    all
}

/// Sections of rules in a form: those that are filled and one more.
fn shown_rules(values: &FormValues) -> usize {
    let filled = (0..RULES_MAX).filter(|at| !values.get(&format!("r{at}_from")).is_empty());
    filled.max().map_or(1, |last| last + 2).min(RULES_MAX)
}

/// What a form is drawn with.
struct Shown<'a> {
    known: Option<&'a Recipient>,
    values: &'a FormValues,
    errors: &'a FieldErrors,
    revision: i64,
    below: Html,
}

async fn draw(desk: &Desk, page: &PageContext, shown: Shown<'_>) -> Result<Response, ApiError> {
    let around = around(desk, page).await?;
    let (about, addresses) = (about(&around), addresses(page, &around));
    let count = shown_rules(shown.values);
    let rules: Vec<Vec<Field>> = (0..count).map(|at| rule_fields(&around, at)).collect();
    let titles: Vec<String> = (1..=count)
        .map(|number| page.tf("recipient.rule", &[("number", &number)]))
        .collect();
    let mut sections = vec![FormSection {
        title: "",
        intro: "",
        fields: &about,
    }];
    if !addresses.is_empty() {
        sections.push(FormSection {
            title: "recipient.addresses",
            intro: "recipient.addresses_text",
            fields: &addresses,
        });
    }
    for (fields, title) in rules.iter().zip(&titles) {
        sections.push(FormSection {
            title,
            intro: "recipient.rule_text",
            fields,
        });
    }
    let action = match shown.known {
        None => "/recipients/new".to_owned(),
        Some(known) => format!("/recipients/{}", known.id),
    };
    let title = shown
        .known
        .map_or(page.t("recipient.add"), |known| known.name.as_str());
    let above = match around.channels.is_empty() {
        true => sheet::note(page.t("recipient.first_a_channel")),
        false => Html::empty(),
    };
    let ledger = shown.known.map(|known| {
        let href = format!("/notices?recipient={}", known.id);
        Action::plain(page.t("channel.to_ledger"), href)
    });
    let sheet = Sheet {
        head: PageHead {
            actions: ledger.into_iter().collect(),
            ..PageHead::new(title, page.t("recipient.intro"))
        },
        action: &action,
        sections: &sections,
        cancel: "/recipients",
        submit: "manage.save",
        revision: shown.revision,
        above,
        below: shown.below,
    };
    Ok(sheet.draw(page, shown.values, shown.errors))
}

pub(super) async fn new(ctx: Ctx, State(desk): State<Desk>) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let mut values = FormValues::default();
    for (key, value) in [
        ("lang", page.lang.code()),
        ("zone", desk.time_zone.as_str()),
        ("enabled", "1"),
        ("r0_from", "major"),
    ] {
        values.set(key, value);
    }
    let shown = Shown {
        known: None,
        values: &values,
        errors: &FieldErrors::default(),
        revision: 0,
        below: Html::empty(),
    };
    draw(&desk, &page, shown).await
}

fn fill(known: &Recipient) -> FormValues {
    let mut values = FormValues::default();
    values.set("name", known.name.as_str());
    values.set(
        "user",
        known.user.map_or_else(String::new, |user| user.to_string()),
    );
    values.set("lang", known.lang.code());
    values.set("zone", known.zone.as_str());
    values.set("enabled", if known.enabled { "1" } else { "" });
    for (kind, address) in &known.addresses {
        values.set(format!("{ADDRESS}{kind}"), address.as_str());
    }
    for (at, rule) in known.rules.iter().enumerate() {
        let key = |name: &str| format!("r{at}_{name}");
        values.set(key("from"), rule.from.name());
        rule.days
            .iter()
            .for_each(|day| values.add(key("days"), day.to_string()));
        if rule.from_min != rule.to_min {
            values.set(key("begin"), moment::clock(rule.from_min));
            values.set(key("end"), moment::clock(rule.to_min));
        }
        rule.channels
            .iter()
            .for_each(|id| values.add(key("channels"), id.to_string()));
        rule.groups
            .iter()
            .for_each(|group| values.add(key("groups"), group.as_str()));
        let labels = rule.labels.as_ref().map(ToString::to_string);
        values.set(key("labels"), labels.unwrap_or_default());
    }
    values
}

async fn found(desk: &Desk, page: &PageContext, id: &str) -> Result<Recipient, ApiError> {
    let id: RecipientId = web::path_id(id, "this recipient")?;
    let found = service::recipient(&mut desk.db.reader(), id).await;
    found.map_err(|error| refusal::notice(page, error).into())
}

pub(super) async fn edit(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let known = found(&desk, &page, &id).await?;
    let mut below = Vec::new();
    if ctx.has(Role::Administrator) && known.retired_ms.is_none() {
        let retire = Press {
            to: &format!("/recipients/{}/retire", known.id),
            label: page.t("rule.retire"),
            confirm: page.t("recipient.retire_confirm"),
            weight: "danger",
            values: &[],
        };
        below.push(sheet::presses([retire.draw(&page)]));
    }
    let id = known.id.to_string();
    below.push(history::history(&desk, &page, ("recipient", &id)).await?);
    let shown = Shown {
        known: Some(&known),
        values: &fill(&known),
        errors: &FieldErrors::default(),
        revision: known.version,
        below: sheet::stack(below),
    };
    draw(&desk, &page, shown).await
}

fn rules(page: &PageContext, values: &FormValues, errors: &mut FieldErrors) -> Vec<Rule> {
    let mut rules = Vec::new();
    for at in 0..RULES_MAX {
        let key = |name: &str| format!("r{at}_{name}");
        let Ok(from) = values.get(&key("from")).parse::<Severity>() else {
            continue;
        };
        let channels = values.all(&key("channels"));
        if channels.is_empty() {
            errors.add(key("channels"), page.t("recipient.choose_channel"));
        }
        let labels = values.get(&key("labels"));
        let labels = match labels.is_empty() {
            true => None,
            false => Selector::parse(labels).map(Some).unwrap_or_else(|error| {
                let text = page.tf("rule.bad_selector", &[("why", &error)]);
                errors.add(key("labels"), text);
                None
            }),
        };
        let days = values.all(&key("days")).iter();
        rules.push(Rule {
            from,
            days: days.filter_map(|day| day.parse().ok()).collect(),
            from_min: moment::minutes(values.get(&key("begin"))).unwrap_or(0),
            to_min: moment::minutes(values.get(&key("end"))).unwrap_or(0),
            channels: channels.iter().filter_map(|id| id.parse().ok()).collect(),
            groups: values.all(&key("groups")).to_vec(),
            labels,
        });
    }
    rules
}

pub(super) async fn create(
    ctx: Ctx,
    State(desk): State<Desk>,
    sent: Sent,
) -> Result<Response, ApiError> {
    keep((ctx, desk), None, sent).await
}

pub(super) async fn save(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    sent: Sent,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let known = found(&desk, &page, &id).await?;
    keep((ctx, desk), Some(known), sent).await
}

async fn keep(
    (ctx, desk): (Ctx, Desk),
    known: Option<Recipient>,
    sent: Sent,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let (seen, values) = (sent.revision(), sent.0);
    let mut revision = seen;
    let around = around(&desk, &page).await?;
    let asked: Vec<Field> = about(&around)
        .into_iter()
        .chain((0..shown_rules(&values)).flat_map(|at| rule_fields(&around, at)))
        .collect();
    let mut errors = ui::check(page.lang, &asked, &values);
    let rules = rules(&page, &values, &mut errors);
    if errors.is_empty() {
        let edit = recipient_edit(&around, (&values, rules), known.as_ref());
        let saved = match &known {
            None => service::create_recipient(&desk.db, edit, ctx.who()).await,
            Some(known) => {
                service::edit_recipient(&desk.db, (known.id, seen), edit, ctx.who()).await
            }
        };
        let Err(error) = saved else {
            let done = Flash::done(page.t("manage.saved"));
            return Ok(frame::done(&ctx, "/recipients", &done));
        };
        let id = known
            .as_ref()
            .map_or_else(String::new, |known| known.id.to_string());
        let refused = refusal::notice(&page, error);
        let (wrong, now) = refused.beside(&desk, &page, ("recipient", &id)).await?;
        errors = wrong;
        revision = now.unwrap_or(seen);
    }
    let shown = Shown {
        known: known.as_ref(),
        values: &values,
        errors: &errors,
        revision,
        below: Html::empty(),
    };
    draw(&desk, &page, shown).await
}

/// What the answers mean; addresses that the form does not show stay.
fn recipient_edit(
    around: &Around,
    (values, rules): (&FormValues, Vec<Rule>),
    known: Option<&Recipient>,
) -> RecipientEdit {
    let mut addresses: BTreeMap<String, String> = known
        .map(|known| known.addresses.clone())
        .unwrap_or_default();
    for kind in around.channels.iter().map(|channel| &channel.kind) {
        let typed = values.get(&format!("{ADDRESS}{kind}"));
        addresses.insert(kind.clone(), typed.to_owned());
    }
    RecipientEdit {
        name: values.get("name").to_owned(),
        shared: values.get("user").is_empty(),
        user: values.get("user").parse().ok(),
        lang: Lang::from_code(values.get("lang")).unwrap_or_default(),
        zone: values.get("zone").to_owned(),
        enabled: values.has("enabled", "1"),
        addresses,
        rules,
    }
}

pub(super) async fn retire(
    ctx: Ctx,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let page = frame::page(&desk, &ctx);
    let id: RecipientId = web::path_id(&id, "this recipient")?;
    let done = service::retire_recipient(&desk.db, id, ctx.who()).await;
    let done = done.map_err(|error| refusal::notice(&page, error));
    refusal::settle(
        &ctx,
        &page,
        "/recipients",
        (done, page.t("recipient.retired")),
    )
}
