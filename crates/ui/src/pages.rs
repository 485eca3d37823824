//! Whole pages of the three common kinds: a list, a form, one thing in detail; and the error page.

use askama::Template;

use crate::context::PageContext;
use crate::form::Form;
use crate::frame::{Page, bare_page, page};
use crate::html::Html;
use crate::lists::Table;
use crate::pieces::{Action, Fact, Panel, Tab, facts, tabs};

/// The head of a page.
#[derive(Clone, Debug, Default)]
pub struct PageHead {
    /// Its title, in the reader's language.
    pub title: String,
    /// One sentence on what this place is for; may be empty.
    pub intro: String,
    /// Marks beside the title.
    pub marks: Html,
    /// Buttons at the right.
    pub actions: Vec<Action>,
    /// Tabs below it.
    pub tabs: Vec<Tab>,
}

#[derive(Template)]
#[template(path = "page_head.html")]
struct HeadTemplate<'a> {
    head: &'a PageHead,
}

impl HeadTemplate<'_> {
    fn tabs(&self) -> Html {
        if self.head.tabs.is_empty() {
            Html::empty()
        } else {
            tabs(&self.head.tabs)
        }
    }
}

impl PageHead {
    /// A head with a title and a sentence.
    #[must_use]
    pub fn new(title: impl Into<String>, intro: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            intro: intro.into(),
            ..Self::default()
        }
    }

    /// The head's markup.
    #[must_use]
    pub fn draw(&self) -> Html {
        Html::render(&HeadTemplate { head: self })
    }

    fn page(&self, ctx: &PageContext, parts: &[Html], class: &'static str) -> Html {
        let body = std::iter::once(self.draw())
            .chain(parts.iter().cloned())
            .collect();
        page(
            ctx,
            &Page {
                title: self.title.clone(),
                body,
                class,
                ..Page::default()
            },
        )
    }
}

/// A page that is one list.
#[must_use]
pub fn list_page(ctx: &PageContext, head: &PageHead, table: &Table<'_>) -> Html {
    head.page(ctx, &[table.draw(ctx)], "wide")
}

/// A page that is one form.
#[must_use]
pub fn form_page(ctx: &PageContext, head: &PageHead, form: &Form<'_>) -> Html {
    head.page(ctx, &[form.draw(ctx)], "narrow")
}

/// A page about one thing: its facts, then panels.
#[must_use]
pub fn detail_page(ctx: &PageContext, head: &PageHead, about: &[Fact], panels: &[Panel]) -> Html {
    let about = Panel {
        body: facts(about),
        class: "headless",
        ..Panel::default()
    }
    .draw();
    let panels: Html = panels.iter().map(Panel::draw).collect();
    let body = Html::trusted(format!("<div class=\"stack\">{about}{panels}</div>"));
    head.page(ctx, &[body], "")
}

/// Why a page cannot be shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Failure {
    /// There is no such page or thing (404).
    NotFound,
    /// The reader's role does not allow it (403).
    Forbidden,
    /// Somebody else changed it meanwhile (409 or 412).
    Conflict,
    /// What was asked does not fit (400, 422).
    Refused,
    /// Something of ours failed (500).
    Internal,
    /// The server is starting, full or overloaded (503).
    Unavailable,
}

impl Failure {
    /// The name in catalogue keys.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Forbidden => "forbidden",
            Self::Conflict => "conflict",
            Self::Refused => "refused",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
        }
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::NotFound => 404,
            Self::Forbidden => 403,
            Self::Conflict => 409,
            Self::Refused => 422,
            Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }
}

#[derive(Template)]
#[template(path = "failure.html")]
struct FailureTemplate<'a> {
    ctx: &'a PageContext,
    failure: Failure,
    detail: &'a str,
}

/// A page that says what went wrong and what to do; `detail` names the thing or the request.
#[must_use]
pub fn failure_page(ctx: &PageContext, failure: Failure, detail: &str) -> Html {
    let title = ctx.tk("failure.title_", failure.name());
    let body = Html::render(&FailureTemplate {
        ctx,
        failure,
        detail,
    });
    let shown = Page {
        title,
        body,
        ..Page::default()
    };
    if ctx.user.is_some() {
        page(ctx, &shown)
    } else {
        bare_page(ctx, &shown)
    }
}
