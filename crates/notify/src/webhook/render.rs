//! The body: ours, or the user's template.

use super::{body, template};
use crate::channel::{Outgoing, Rendered};

pub(super) fn render(outgoing: Outgoing<'_>) -> Rendered {
    let Outgoing {
        settings,
        address,
        notice,
    } = outgoing;
    let own = template::fill(settings, notice, address);
    // Serialising plain structs with text keys cannot fail.
    let body = own
        .unwrap_or_else(|| serde_json::to_string(&body::body(notice, address)).unwrap_or_default());
    Rendered {
        subject: notice.subject(),
        text: notice.plain(),
        body,
    }
}
