//! The smaller pieces: empty states, actions, panels, facts, tags, tabs, timelines, a line to copy.

use askama::Template;
use model::Severity;

use crate::context::PageContext;
use crate::html::{Html, escape};

/// How much weight a button has.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ActionStyle {
    /// One of several.
    #[default]
    Plain,
    /// The one to press.
    Primary,
    /// It cannot be taken back.
    Danger,
}

/// A link drawn as a button.
#[derive(Clone, Debug, Default)]
pub struct Action {
    /// Its text, in the reader's language.
    pub label: String,
    /// Where it leads.
    pub href: String,
    /// Its weight.
    pub style: ActionStyle,
}

impl Action {
    /// The one to press.
    #[must_use]
    pub fn primary(label: impl Into<String>, href: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            href: href.into(),
            style: ActionStyle::Primary,
        }
    }

    /// One of several.
    #[must_use]
    pub fn plain(label: impl Into<String>, href: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            href: href.into(),
            style: ActionStyle::Plain,
        }
    }

    fn class(&self) -> &'static str {
        match self.style {
            ActionStyle::Plain => "button",
            ActionStyle::Primary => "button primary",
            ActionStyle::Danger => "button danger",
        }
    }

    /// The button's markup.
    #[must_use]
    pub fn draw(&self) -> Html {
        let (class, href, label) = (self.class(), escape(&self.href), escape(&self.label));
        Html::trusted(format!(r#"<a class="{class}" href="{href}">{label}</a>"#))
    }
}

/// What stands where nothing is: what this place is for and what to do next.
#[derive(Clone, Debug, Default)]
pub struct Empty {
    /// One line: what is not there.
    pub title: String,
    /// Why that is, and what to do next.
    pub text: String,
    /// The next step.
    pub actions: Vec<Action>,
    /// Whether emptiness is good news (no problems).
    pub good: bool,
}

impl Empty {
    /// The empty state's markup.
    #[must_use]
    pub fn draw(&self) -> Html {
        let good = if self.good { " good" } else { "" };
        let (title, text) = (escape(&self.title), escape(&self.text));
        let actions: Html = self.actions.iter().map(Action::draw).collect();
        Html::trusted(format!(
            "<div class=\"empty{good}\"><i class=\"hill\" aria-hidden=\"true\"></i>\
             <p class=\"empty-title\">{title}</p><p>{text}</p>\
             <div class=\"actions\">{actions}</div></div>"
        ))
    }
}

#[derive(Template)]
#[template(path = "panel.html")]
struct PanelTemplate<'a> {
    panel: &'a Panel,
}

/// A titled box.
#[derive(Clone, Debug, Default)]
pub struct Panel {
    /// Its title, in the reader's language.
    pub title: String,
    /// What stands at the right of the title: a count, a link.
    pub aside: Html,
    /// Its body.
    pub body: Html,
    /// Id for links to it; empty for none.
    pub id: &'static str,
    /// Extra class, e.g. `flush` for a body without padding.
    pub class: &'static str,
}

impl Panel {
    /// The panel's markup.
    #[must_use]
    pub fn draw(&self) -> Html {
        Html::render(&PanelTemplate { panel: self })
    }
}

/// A name and its value.
#[derive(Clone, Debug, Default)]
pub struct Fact {
    /// The name, in the reader's language.
    pub name: String,
    /// The value.
    pub value: Html,
}

impl Fact {
    /// A plain text value.
    #[must_use]
    pub fn text(name: &str, value: &str) -> Self {
        Self {
            name: name.to_owned(),
            value: Html::text(value),
        }
    }

    /// A value that is markup.
    #[must_use]
    pub fn html(name: &str, value: Html) -> Self {
        Self {
            name: name.to_owned(),
            value,
        }
    }
}

/// A list of names with their values.
#[must_use]
pub fn facts(list: &[Fact]) -> Html {
    let rows: String = list
        .iter()
        .map(|fact| {
            format!(
                "<div><dt>{}</dt><dd>{}</dd></div>",
                escape(&fact.name),
                fact.value
            )
        })
        .collect();
    Html::trusted(format!("<dl class=\"facts\">{rows}</dl>"))
}

/// A label or group name on a thing.
#[derive(Clone, Debug, Default)]
pub struct Tag {
    /// Its text.
    pub text: String,
    /// Where it leads; empty for nowhere.
    pub href: String,
}

/// Tags in a row.
#[must_use]
pub fn tags(list: &[Tag]) -> Html {
    let items: String = list.iter().map(draw_tag).collect();
    Html::trusted(format!("<span class=\"tags\">{items}</span>"))
}

fn draw_tag(tag: &Tag) -> String {
    let (text, href) = (escape(&tag.text), escape(&tag.href));
    if href.is_empty() {
        format!("<span class=\"tag\">{text}</span>")
    } else {
        format!("<a class=\"tag\" href=\"{href}\">{text}</a>")
    }
}

/// A tab: a page of its own, so that it has an address.
#[derive(Clone, Debug, Default)]
pub struct Tab {
    /// Its name, in the reader's language.
    pub label: String,
    /// Where it leads.
    pub href: String,
    /// Whether it is open.
    pub active: bool,
    /// A number beside the name.
    pub count: Option<usize>,
}

/// Tabs in a row.
#[must_use]
pub fn tabs(list: &[Tab]) -> Html {
    let items: String = list.iter().map(draw_tab).collect();
    Html::trusted(format!("<nav class=\"tabs\">{items}</nav>"))
}

fn draw_tab(tab: &Tab) -> String {
    let (label, href) = (escape(&tab.label), escape(&tab.href));
    let current = if tab.active {
        " aria-current=\"page\""
    } else {
        ""
    };
    let count = tab
        .count
        .map_or_else(String::new, |n| format!("<span class=\"count\">{n}</span>"));
    format!("<a href=\"{href}\"{current}>{label}{count}</a>")
}

/// One entry of a timeline.
#[derive(Clone, Debug, Default)]
pub struct TimelineEntry {
    /// When, UTC milliseconds.
    pub at_ms: i64,
    /// The severity it speaks of, if any; gives its mark.
    pub severity: Option<Severity>,
    /// Class of its mark when there is no severity: `person`, `notice`, `script`, `system`.
    pub kind: &'static str,
    /// What happened, in the reader's language.
    pub text: Html,
    /// Who or what did it; may be empty.
    pub by: String,
    /// More below it: a comment, a transcript.
    pub detail: Html,
}

#[derive(Template)]
#[template(path = "timeline.html")]
struct TimelineTemplate<'a> {
    ctx: &'a PageContext,
    timeline: &'a Timeline,
}

/// What happened, newest first.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// The entries, in the order drawn.
    pub entries: Vec<TimelineEntry>,
}

impl Timeline {
    /// The timeline's markup.
    #[must_use]
    pub fn draw(&self, ctx: &PageContext) -> Html {
        Html::render(&TimelineTemplate {
            ctx,
            timeline: self,
        })
    }
}

/// One line to copy, with a button for it.
#[must_use]
pub fn copy_line(ctx: &PageContext, line: &str) -> Html {
    let (line, label) = (escape(line), escape(ctx.t("frame.copy")));
    let done = escape(ctx.t("frame.copied"));
    Html::trusted(format!(
        "<div class=\"copy\"><code>{line}</code><button type=\"button\" class=\"button\" \
         data-copy=\"{line}\" data-done=\"{done}\">{label}</button></div>"
    ))
}
