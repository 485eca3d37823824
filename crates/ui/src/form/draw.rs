//! Draws a form: sections of fields, errors beside them, what is known filled in.

use askama::Template;

use super::check::{FieldErrors, FormValues};
use super::field::{Choice, Field, FieldKind};
use crate::context::PageContext;
use crate::html::Html;

/// Some fields under one heading.
#[derive(Clone, Copy, Debug)]
pub struct FormSection<'a> {
    /// Catalogue key of the heading; empty for none.
    pub title: &'a str,
    /// Catalogue key of a sentence below it; empty for none.
    pub intro: &'a str,
    /// The fields.
    pub fields: &'a [Field],
}

/// A form as it is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Form<'a> {
    /// Where it is sent (POST).
    pub action: &'a str,
    /// Its sections.
    pub sections: &'a [FormSection<'a>],
    /// What is known already.
    pub values: &'a FormValues,
    /// What was wrong.
    pub errors: &'a FieldErrors,
    /// Catalogue key of the button.
    pub submit: &'a str,
    /// Where "cancel" leads; empty for no such link.
    pub cancel: &'a str,
    /// The record's revision, sent back so that the second of two editors learns of the first.
    pub revision: &'a str,
}

#[derive(Template)]
#[template(path = "form.html")]
struct FormTemplate<'a> {
    ctx: &'a PageContext,
    form: &'a Form<'a>,
}

#[derive(Template)]
#[template(path = "field.html")]
struct FieldTemplate<'a> {
    ctx: &'a PageContext,
    field: &'a Field,
    values: &'a FormValues,
    error: Option<&'a str>,
}

impl FieldTemplate<'_> {
    fn id(&self) -> String {
        format!("f-{}", self.field.key)
    }

    /// The ids of hint and error, for `aria-describedby`.
    fn described_by(&self) -> String {
        let id = self.id();
        let hint = (!self.field.hint.is_empty()).then(|| format!("{id}-hint"));
        let error = self.error.map(|_| format!("{id}-error"));
        hint.into_iter().chain(error).collect::<Vec<_>>().join(" ")
    }

    fn value(&self) -> &str {
        self.values.get(&self.field.key)
    }

    fn choices(&self) -> &[Choice] {
        match &self.field.kind {
            FieldKind::Select(choices) | FieldKind::Checks(choices) => choices,
            _ => &[],
        }
    }

    /// Whether a page may suggest what is known: a list with the field's id and `-known`.
    fn is_text(&self) -> bool {
        matches!(self.field.kind, FieldKind::Text)
    }

    fn input_type(&self) -> &'static str {
        match self.field.kind {
            FieldKind::Email => "email",
            FieldKind::Url => "url",
            FieldKind::Secret => "password",
            FieldKind::TimeOfDay => "time",
            FieldKind::DateTime => "datetime-local",
            _ => "text",
        }
    }
}

impl Form<'_> {
    /// The form's markup.
    #[must_use]
    pub fn draw(&self, ctx: &PageContext) -> Html {
        Html::render(&FormTemplate { ctx, form: self })
    }
}

/// One field with its label, hint and error.
#[must_use]
pub fn draw_field(
    ctx: &PageContext,
    field: &Field,
    values: &FormValues,
    errors: &FieldErrors,
) -> Html {
    let error = errors.get(&field.key);
    Html::render(&FieldTemplate {
        ctx,
        field,
        values,
        error,
    })
}
