//! The smaller parts of configuration pages: buttons that change something, banners, plain tables.

use axum::response::{IntoResponse, Response};
use ui::escape;
use ui::{
    FieldErrors, Form, FormSection, FormValues, Html, Page, PageContext, PageHead, Panel, Tab,
};

/// Suggestions that a page carries at most.
const SUGGESTIONS_MAX: usize = 2_000;

/// A page of parts below a head.
pub(crate) fn sheet(
    page: &PageContext,
    head: &PageHead,
    parts: &[Html],
    class: &'static str,
) -> Html {
    let body = std::iter::once(head.draw()).chain(parts.iter().cloned());
    ui::page(
        page,
        &Page {
            title: head.title.clone(),
            body: body.collect(),
            styles: vec!["detail.css"],
            class,
            ..Page::default()
        },
    )
}

/// Parts one below the other.
pub(crate) fn stack(parts: impl IntoIterator<Item = Html>) -> Html {
    let parts: Html = parts.into_iter().collect();
    Html::trusted(format!("<div class=\"stack\">{parts}</div>"))
}

/// A titled box.
pub(crate) fn panel(title: &str, body: Html) -> Html {
    Panel {
        title: title.to_owned(),
        body,
        ..Panel::default()
    }
    .draw()
}

/// A titled box whose body touches its border.
pub(crate) fn flush(title: &str, body: Html) -> Html {
    Panel {
        title: title.to_owned(),
        body,
        class: "flush",
        ..Panel::default()
    }
    .draw()
}

/// A sentence.
pub(crate) fn say(text: &str) -> Html {
    Html::trusted(format!("<p>{}</p>", escape(text)))
}

/// A quiet sentence.
pub(crate) fn muted(text: &str) -> Html {
    Html::trusted(format!("<p class=\"muted\">{}</p>", escape(text)))
}

/// A link.
pub(crate) fn link(href: &str, text: &str) -> Html {
    Html::trusted(format!("<a href=\"{}\">{}</a>", escape(href), escape(text)))
}

/// A text in a fixed width.
pub(crate) fn code(text: &str) -> Html {
    Html::trusted(format!("<code class=\"mono\">{}</code>", escape(text)))
}

/// What a one-line field suggests while somebody types; nothing when there is too much of it.
pub(crate) fn known(field: &str, values: &[String]) -> Html {
    if values.is_empty() || values.len() > SUGGESTIONS_MAX {
        return Html::empty();
    }
    let options: String = values
        .iter()
        .map(|value| format!("<option value=\"{}\">", escape(value)))
        .collect();
    let field = escape(field);
    Html::trusted(format!(
        "<datalist id=\"f-{field}-known\">{options}</datalist>"
    ))
}

/// A longer text in a fixed width.
pub(crate) fn block(text: &str) -> Html {
    Html::trusted(format!("<pre class=\"transcript\">{}</pre>", escape(text)))
}

/// A word in a frame: a state that is no severity.
pub(crate) fn chip(text: &str) -> Html {
    Html::trusted(format!("<span class=\"chip\">{}</span>", escape(text)))
}

/// The same, in the colour of a severity beside its word.
pub(crate) fn alert_chip(text: &str) -> Html {
    Html::trusted(format!(
        "<span class=\"chip m-cannot_judge\">▲ {}</span>",
        escape(text)
    ))
}

/// A box that must be read first.
pub(crate) fn banner(title: &str, text: &str) -> Html {
    Html::trusted(format!(
        "<div class=\"form-errors\" role=\"alert\"><p><b>{}</b></p><p>{}</p></div>",
        escape(title),
        escape(text)
    ))
}

/// A plain box with a hint.
pub(crate) fn note(text: &str) -> Html {
    Html::trusted(format!("<p class=\"quiet-text\">{}</p>", escape(text)))
}

/// How a button that changes something is drawn.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Press<'a> {
    /// Where it is sent.
    pub(crate) to: &'a str,
    /// Its text.
    pub(crate) label: &'a str,
    /// The question asked before; empty for none.
    pub(crate) confirm: &'a str,
    /// `primary`, `danger` or nothing.
    pub(crate) weight: &'a str,
    /// What is sent with it.
    pub(crate) values: &'a [(&'a str, &'a str)],
}

impl Press<'_> {
    /// The button with its form.
    pub(crate) fn draw(&self, page: &PageContext) -> Html {
        let hidden: String = self
            .values
            .iter()
            .map(|(name, value)| {
                let (name, value) = (escape(name), escape(value));
                format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">")
            })
            .collect();
        let confirm = match self.confirm {
            "" => String::new(),
            question => format!(" data-confirm=\"{}\"", escape(question)),
        };
        Html::trusted(format!(
            "<form method=\"post\" action=\"{}\" class=\"inline\">{}{hidden}\
             <button class=\"button {}\"{confirm}>{}</button></form>",
            escape(self.to),
            page.csrf_field(),
            escape(self.weight),
            escape(self.label)
        ))
    }
}

/// Buttons in a row, in a box of their own.
pub(crate) fn presses(list: impl IntoIterator<Item = Html>) -> Html {
    let all: Html = list.into_iter().collect();
    if all.is_empty() {
        return all;
    }
    Html::trusted(format!(
        "<section class=\"panel\"><div class=\"panel-body\"><div class=\"actions\">{all}</div>\
         </div></section>"
    ))
}

/// A small table: titles (ready texts) and rows of markup.
pub(crate) fn grid(titles: &[&str], rows: &[Vec<Html>]) -> Html {
    let head: String = titles
        .iter()
        .map(|title| format!("<th scope=\"col\">{}</th>", escape(title)))
        .collect();
    let body: String = rows
        .iter()
        .map(|cells| {
            let cells: String = cells
                .iter()
                .zip(titles)
                .map(|(cell, title)| {
                    let title = escape(title);
                    format!("<td class=\"wrap\" data-label=\"{title}\">{cell}</td>")
                })
                .collect();
            format!("<tr>{cells}</tr>")
        })
        .collect();
    Html::trusted(format!(
        "<div class=\"scroll-x\"><table class=\"rows\"><thead><tr>{head}</tr></thead>\
         <tbody>{body}</tbody></table></div>"
    ))
}

/// A part that the page fetches itself, again and again when `every` says how often.
pub(crate) fn fetched(path: &str, trigger: &str, include: &str) -> Html {
    let include = match include {
        "" => String::new(),
        selector => format!(" hx-include=\"{}\"", escape(selector)),
    };
    let verb = if include.is_empty() {
        "hx-get"
    } else {
        "hx-post"
    };
    Html::trusted(format!(
        "<div {verb}=\"{}\" hx-trigger=\"{}\"{include} aria-live=\"polite\"></div>",
        escape(path),
        escape(trigger)
    ))
}

/// A tab.
pub(crate) fn tab(label: &str, href: impl Into<String>, active: bool) -> Tab {
    Tab {
        label: label.to_owned(),
        href: href.into(),
        active,
        count: None,
    }
}

/// What a form page is made of.
pub(crate) struct Sheet<'a> {
    /// The head.
    pub(crate) head: PageHead,
    /// Where it is sent.
    pub(crate) action: &'a str,
    /// The sections.
    pub(crate) sections: &'a [FormSection<'a>],
    /// Where "cancel" leads.
    pub(crate) cancel: &'a str,
    /// Catalogue key of the button.
    pub(crate) submit: &'a str,
    /// The version that is edited, 0 for a new record.
    pub(crate) revision: i64,
    /// What stands above the form.
    pub(crate) above: Html,
    /// What stands below it.
    pub(crate) below: Html,
}

impl Sheet<'_> {
    /// The page with the form.
    pub(crate) fn draw(
        &self,
        page: &PageContext,
        values: &FormValues,
        errors: &FieldErrors,
    ) -> Response {
        let revision = self.revision.to_string();
        let form = Form {
            action: self.action,
            sections: self.sections,
            values,
            errors,
            submit: self.submit,
            cancel: self.cancel,
            revision: &revision,
        };
        let parts = [self.above.clone(), form.draw(page), self.below.clone()];
        let html = sheet(page, &self.head, &[stack(parts)], "narrow");
        let status = if errors.is_empty() { 200 } else { 422 };
        let status = axum::http::StatusCode::from_u16(status).unwrap_or_default();
        (status, html).into_response()
    }
}
