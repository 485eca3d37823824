//! The log-in page, and the page that asks for a password of one's own at the first log-in.

use askama::Template;
use ui::{Field, FieldErrors, FieldKind, Form, FormSection, FormValues, Html, Page, PageContext};

/// The log-in page.
#[derive(Clone, Debug, Default)]
pub struct LoginView {
    /// What was wrong, in the reader's language; empty at first.
    pub error: String,
    /// The name that was tried.
    pub name: String,
    /// Where to go after it; a path of ours.
    pub next: String,
    /// Whether this is a fresh installation, whose password is in the terminal.
    pub first_run: bool,
}

/// The page that asks for a new password.
#[derive(Clone, Debug, Default)]
pub struct PasswordView {
    /// What was wrong, by field: `current`, `password`, `again`.
    pub errors: FieldErrors,
    /// Whether it is asked because the password was given by somebody else.
    pub first: bool,
    /// The least number of characters.
    pub chars_min: usize,
}

#[derive(Template)]
#[template(path = "login.html")]
struct LoginTemplate<'a> {
    ctx: &'a PageContext,
    view: &'a LoginView,
}

#[derive(Template)]
#[template(path = "password.html")]
struct PasswordTemplate<'a> {
    ctx: &'a PageContext,
    view: &'a PasswordView,
    form: Html,
}

/// The log-in page.
#[must_use]
pub fn login(ctx: &PageContext, view: &LoginView) -> Html {
    let body = Html::render(&LoginTemplate { ctx, view });
    door(ctx, ctx.t("login.title"), body)
}

/// The page for a new password.
#[must_use]
pub fn password(ctx: &PageContext, view: &PasswordView) -> Html {
    let fields = [
        Field::new("current", "login.current", FieldKind::Secret).required(),
        Field::new("password", "login.new", FieldKind::Secret).required(),
        Field::new("again", "login.again", FieldKind::Secret).required(),
    ];
    let form = Form {
        action: "/me/password",
        sections: &[FormSection {
            title: "",
            intro: "",
            fields: &fields,
        }],
        values: &FormValues::default(),
        errors: &view.errors,
        submit: "login.save_password",
        cancel: if view.first { "" } else { "/me" },
        revision: "",
    };
    let form = form.draw(ctx);
    let body = Html::render(&PasswordTemplate { ctx, view, form });
    door(ctx, ctx.t("login.password_title"), body)
}

fn door(ctx: &PageContext, title: &str, body: Html) -> Html {
    let page = Page {
        title: title.to_owned(),
        body,
        styles: vec!["login.css"],
        class: "door",
        ..Page::default()
    };
    ui::bare_page(ctx, &page)
}
