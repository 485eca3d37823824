//! Pages made of the generic pieces, as the slices will make theirs: agents, a channel, a script.

use i18n::Lang;
use ui::{
    Action, Choice, Column, Empty, Fact, Field, FieldErrors, FieldKind, Form, FormSection,
    FormValues, Html, ListQuery, PageContext, PageHead, Panel, Row, Tab, Table,
};

use super::{Size, fleet, pick};

/// Each page with its name.
#[must_use]
pub fn generic_pages(ctx: &PageContext, size: Size) -> Vec<(&'static str, Html)> {
    vec![
        ("agents", agents(ctx, size)),
        ("add_server", add_server(ctx)),
        ("channel", channel(ctx, size)),
        ("script", script(ctx)),
    ]
}

fn agents(ctx: &PageContext, size: Size) -> Html {
    const COLUMNS: [Column; 5] = [
        Column::sorted("host", "board.host"),
        Column::sorted("version", "host.agent"),
        Column::plain("host.os").class("grow"),
        Column::plain("host.addresses").class("hide-s"),
        Column::sorted("seen", "host.last_sample").class("nowrap"),
    ];
    let add = Action::primary(ctx.t("board.add_server"), "/agents/add");
    let rows = fleet(size);
    let query = ListQuery::default();
    let table = Table {
        path: "/agents",
        query: &query,
        columns: &COLUMNS,
        rows: rows
            .iter()
            .take(50)
            .enumerate()
            .map(|(at, row)| agent(ctx, at, row))
            .collect(),
        total: rows.len(),
        page_size: 50,
        filters: Vec::new(),
        search: "board.search",
        bulk: &[],
        bulk_path: "",
        export: "/agents.csv",
        empty: Empty {
            title: ctx.t("board.empty_title").to_owned(),
            text: ctx.t("board.empty_text").to_owned(),
            actions: vec![add.clone()],
            good: false,
        },
        actions: vec![add],
    };
    ui::list_page(ctx, &PageHead::new(ctx.t("nav.agents"), ""), &table)
}

fn agent(ctx: &PageContext, at: usize, row: &crate::board::BoardRow) -> Row {
    Row {
        href: row.href(),
        name: row.name.clone(),
        cells: vec![
            Html::text(&row.name),
            Html::text("0.1.0"),
            Html::text("Debian GNU/Linux 12"),
            Html::text(&format!("10.21.4.{}", at + 10)),
            ctx.ago(ctx.now_ms - 6_000),
        ],
        ..Row::default()
    }
}

fn add_server(ctx: &PageContext) -> Html {
    let line = "curl -fsS https://bongsu.example.co.kr:7700/install.sh | sudo sh -s -- \
                --server bongsu.example.co.kr:7701 --token bgs_9f3k2m7q8x";
    let panel = |title: &str, body: Html| Panel {
        title: title.to_owned(),
        body,
        ..Panel::default()
    };
    let say = |ko, en| pick(ctx.lang, ko, en);
    let about = [
        Fact::text(say("토큰", "Token"), "bgs_9f3k…"),
        Fact::text(
            say("유효 기간", "Valid for"),
            say("24시간, 1회", "24 hours, once"),
        ),
        Fact::text(say("적용 그룹", "Group"), say("웹 서버", "Web servers")),
    ];
    let head = PageHead::new(
        ctx.t("board.add_server"),
        say(
            "감시할 서버에서 아래 한 줄을 실행하세요. 15초 안에 현황판에 나타납니다.",
            "Run this line on the server to watch. It appears on the board within 15 seconds.",
        ),
    );
    let steps = panel(
        say("설치 명령", "The line to run"),
        ui::copy_line(ctx, line),
    );
    ui::detail_page(ctx, &head, &about, &[steps])
}

fn channel(ctx: &PageContext, size: Size) -> Html {
    let mail = [
        Field::new("name", "host.name", FieldKind::Text)
            .required()
            .example("NOC"),
        Field::new("host", "board.host", FieldKind::Text)
            .required()
            .hint("form.bad_url"),
        Field::new(
            "port",
            "kind.listener",
            FieldKind::Integer {
                min: 1,
                max: 65_535,
            },
        )
        .required(),
        Field::new("secret", "login.password", FieldKind::Secret),
        Field::new("to", "nav.recipients", FieldKind::List).example("noc@example.co.kr"),
        Field::new(
            "lang",
            "frame.language",
            FieldKind::Select(
                vec![Choice::new("ko", "한국어"), Choice::new("en", "English")].into(),
            ),
        ),
        Field::new("theme", "frame.theme", FieldKind::Bool),
        Field::new("wait", "problem.snooze_for", FieldKind::Duration).example("5m"),
    ];
    let mail = if ctx.lang == Lang::En {
        mail.map(english)
    } else {
        mail
    };
    let mut values = FormValues::default();
    values.set("port", if size == Size::Empty { "99999" } else { "587" });
    values.set("secret", "set");
    let errors = match size {
        Size::Empty => ui::check(ctx.lang, &mail, &values),
        _ => FieldErrors::default(),
    };
    let form = Form {
        action: "/channels/new",
        sections: &[FormSection {
            title: "nav.channels",
            intro: "",
            fields: &mail,
        }],
        values: &values,
        errors: &errors,
        submit: "list.apply",
        cancel: "/channels",
        revision: "1",
    };
    ui::form_page(ctx, &PageHead::new(ctx.t("nav.channels"), ""), &form)
}

/// Choices are texts, not keys: the English page must not show Korean ones.
fn english(field: Field) -> Field {
    match field.kind {
        FieldKind::Select(_) => Field {
            kind: FieldKind::Select(vec![Choice::new("en", "English")].into()),
            ..field
        },
        _ => field,
    }
}

fn script(ctx: &PageContext) -> Html {
    let tab = |label: &str, href: &str, active| Tab {
        label: label.to_owned(),
        href: href.to_owned(),
        active,
        count: None,
    };
    let head = PageHead {
        marks: ctx.mark("acknowledged", ""),
        tabs: vec![
            tab(ctx.t("nav.script_list"), "/scripts/1", true),
            tab(ctx.t("nav.runs"), "/scripts/1/runs", false),
        ],
        ..PageHead::new("clean-logs", "")
    };
    let about = [
        Fact::text(ctx.t("problem.severity"), ctx.word(&model::Severity::Major)),
        Fact::html(ctx.t("host.last_sample"), ctx.ago(ctx.now_ms - 900_000)),
    ];
    let body = Panel {
        title: ctx.t("problem.script").to_owned(),
        body: Html::trusted(
            "<pre class=\"transcript\">#!/bin/sh\nfind /var/log …</pre>".to_owned(),
        ),
        ..Panel::default()
    };
    ui::detail_page(ctx, &head, &about, &[body])
}
