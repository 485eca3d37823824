//! The layout around every page: top bar, navigation, own-health light, switches, user menu.

use askama::Template;

use crate::context::{NavItem, PageContext};
use crate::html::Html;

/// The policy every page is sent with: nothing inline, nothing from elsewhere.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; \
     style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; \
     worker-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'";

/// What is special to one page.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The page's title, in the reader's language; the product's name is added.
    pub title: String,
    /// The body.
    pub body: Html,
    /// ES modules of the page, e.g. `board.js`.
    pub modules: Vec<&'static str>,
    /// Plain scripts loaded before them, e.g. `vendor/uplot-1.6.32.min.js`.
    pub scripts: Vec<&'static str>,
    /// Style sheets beside the common one.
    pub styles: Vec<&'static str>,
    /// Extra class of the body, e.g. `wide` or `wall`.
    pub class: &'static str,
}

#[derive(Template)]
#[template(path = "frame.html")]
struct Frame<'a> {
    ctx: &'a PageContext,
    page: &'a Page,
    bare: bool,
}

impl Frame<'_> {
    /// Whether the page is kept current by `live.js`; the board keeps itself.
    fn is_live(&self) -> bool {
        !self.bare && self.ctx.user.is_some() && !self.page.modules.contains(&"board.js")
    }

    fn second_row(&self) -> &[NavItem] {
        self.ctx
            .nav
            .iter()
            .find(|item| item.active)
            .map_or(&[], |item| &item.children)
    }
}

/// A page inside the frame.
#[must_use]
pub fn page(ctx: &PageContext, page: &Page) -> Html {
    Html::render(&Frame {
        ctx,
        page,
        bare: false,
    })
}

/// A page with the look but without bars: log-in, wall, errors before log-in.
#[must_use]
pub fn bare_page(ctx: &PageContext, page: &Page) -> Html {
    Html::render(&Frame {
        ctx,
        page,
        bare: true,
    })
}
