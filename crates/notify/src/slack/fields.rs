//! What a Slack-compatible webhook asks for.

use ui::{Field, FieldKind};

use crate::settings::{SettingError, Settings};

pub(super) const URL: &str = "url";
pub(super) const ROOM: &str = "room";
pub(super) const NAME: &str = "name";

pub(super) fn fields() -> Vec<Field> {
    // The URL is the password: whoever knows it may post.
    vec![
        Field::new(URL, "notice.slack.url", FieldKind::Secret)
            .required()
            .hint("notice.slack.url_hint")
            .example("https://hooks.slack.com/services/T000/B000/XXXX"),
        Field::new(ROOM, "notice.slack.room", FieldKind::Text)
            .hint("notice.slack.room_hint")
            .example("#noc"),
        Field::new(NAME, "notice.slack.name", FieldKind::Text)
            .hint("notice.slack.name_hint")
            .example("Bongsu"),
    ]
}

pub(super) fn check(settings: &Settings) -> Result<(), Vec<SettingError>> {
    crate::webhook::check_url(settings.get(URL), URL).map_err(|error| vec![error])
}
