//! What a page knows of its reader: language, theme, zone, name, navigation, our own health.

use std::fmt::Display;

use i18n::TimeZone;
use model::{Lang, Severity};

use crate::html::{Html, escape};

/// Light, dark, or as the browser prefers; kept in a cookie so that the server draws it right at once.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Theme {
    /// As the browser prefers.
    #[default]
    Auto,
    /// Dark ink on light paper.
    Light,
    /// For the night and the wall.
    Dark,
}

impl Theme {
    /// All three, in the order of the switch.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Light, Self::Dark];

    /// The name in the cookie and in `data-theme`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The theme of this name; `Auto` for anything else.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|theme| theme.name() == name)
            .unwrap_or_default()
    }
}

/// The catalogue keys of the roles, least first.
pub const ROLES: [&str; 3] = ["role.viewer", "role.operator", "role.administrator"];

/// Who is logged in.
#[derive(Clone, Debug, Default)]
pub struct User {
    /// The name shown in the top bar.
    pub name: String,
    /// The role as a catalogue key, one of [`ROLES`].
    pub role: String,
}

/// One entry of the navigation; its children are the second row when it is active.
#[derive(Clone, Debug, Default)]
pub struct NavItem {
    /// Catalogue key of its name.
    pub label: &'static str,
    /// Where it leads.
    pub href: &'static str,
    /// Whether the page belongs to it.
    pub active: bool,
    /// Pages below it.
    pub children: Vec<NavItem>,
}

/// How Bongsu itself feels.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum HealthState {
    /// Collecting, judging and telling.
    #[default]
    Good,
    /// Something of ours is slow, late or short.
    Degraded,
    /// Something of ours does not work: do not trust silence.
    Failing,
}

impl HealthState {
    /// The name used as a CSS class and in catalogue keys.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Degraded => "degraded",
            Self::Failing => "failing",
        }
    }
}

/// The own-health light of the top bar.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// The state.
    pub state: HealthState,
    /// One sentence for the tooltip, already in the reader's language.
    pub summary: String,
}

/// Open problems by severity, `Info` first; stands in the top bar of every page.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Beacon(pub [u32; 5]);

impl Beacon {
    /// Severities with their counts, worst first.
    pub fn worst_first(&self) -> impl Iterator<Item = (Severity, u32)> {
        Severity::LEVELS.into_iter().zip(self.0).rev()
    }

    /// The worst severity with an open problem.
    #[must_use]
    pub fn worst(&self) -> Severity {
        self.worst_first()
            .find(|(_, count)| *count > 0)
            .map_or(Severity::Normal, |(s, _)| s)
    }

    /// All open problems.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.0.iter().sum()
    }
}

/// The tone of a short message.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Tone {
    /// It is done.
    #[default]
    Done,
    /// Worth knowing.
    Note,
    /// It did not work.
    Failed,
}

impl Tone {
    /// The name used as a CSS class.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Note => "note",
            Self::Failed => "failed",
        }
    }
}

/// A message shown once, after an action.
#[derive(Clone, Debug, Default)]
pub struct Toast {
    /// Its tone.
    pub tone: Tone,
    /// The sentence, in the reader's language.
    pub text: String,
}

/// Everything a page needs beside its own data.
#[derive(Clone, Debug)]
pub struct PageContext {
    /// The reader's language.
    pub lang: Lang,
    /// The reader's theme.
    pub theme: Theme,
    /// The reader's time zone.
    pub zone: TimeZone,
    /// Now, UTC milliseconds.
    pub now_ms: i64,
    /// Path and query of this page; switches return here.
    pub path: String,
    /// Who is logged in; `None` on the log-in page.
    pub user: Option<User>,
    /// The token every form carries.
    pub csrf: String,
    /// The navigation.
    pub nav: Vec<NavItem>,
    /// Our own health.
    pub health: Health,
    /// Open problems by severity.
    pub beacon: Beacon,
    /// Messages to show once.
    pub toasts: Vec<Toast>,
}

impl PageContext {
    /// A context without user and navigation, as for the log-in page.
    #[must_use]
    pub fn bare(lang: Lang, theme: Theme, now_ms: i64) -> Self {
        Self {
            lang,
            theme,
            zone: TimeZone::UTC,
            now_ms,
            path: "/".to_owned(),
            user: None,
            csrf: String::new(),
            nav: Vec::new(),
            health: Health::default(),
            beacon: Beacon::default(),
            toasts: Vec::new(),
        }
    }

    /// The text of a key.
    #[must_use]
    pub fn t<'k>(&self, key: &'k str) -> &'k str {
        i18n::t(self.lang, key)
    }

    /// The text of a key with values put in.
    #[must_use]
    pub fn tf(&self, key: &str, values: &[(&str, &dyn Display)]) -> String {
        i18n::tf(self.lang, key, values)
    }

    /// The text of the key `prefix` + `name`, e.g. `("health.", "good")`.
    #[must_use]
    pub fn tk(&self, prefix: &str, name: &str) -> String {
        self.t(&format!("{prefix}{name}")).to_owned()
    }

    /// The text of a key with one value put in; for templates.
    #[must_use]
    pub fn tf1(&self, key: &str, name: &str, value: impl Display) -> String {
        self.tf(key, &[(name, &value)])
    }

    /// The word for a severity; by reference, as templates pass it.
    #[must_use]
    pub fn word(&self, severity: &Severity) -> &'static str {
        crate::marks::severity_word(self.lang, *severity)
    }

    /// Fires and word, quiet.
    #[must_use]
    pub fn sev(&self, severity: &Severity) -> Html {
        crate::marks::severity_mark(self.lang, *severity)
    }

    /// Fires and word on full colour.
    #[must_use]
    pub fn badge(&self, severity: &Severity) -> Html {
        crate::marks::severity_badge(self.lang, *severity)
    }

    /// A mark with its reason; see [`crate::mark_chip`].
    #[must_use]
    pub fn mark(&self, mark: &str, reason: &str) -> Html {
        crate::marks::mark_chip(self.lang, mark, reason)
    }

    /// A whole number with thousands separated; by reference, as templates pass it.
    #[must_use]
    pub fn count<N: Copy + TryInto<i64>>(&self, number: &N) -> String {
        i18n::integer((*number).try_into().unwrap_or(i64::MAX))
    }

    /// A duration in milliseconds, e.g. `3분 12초`.
    #[must_use]
    pub fn span(&self, duration_ms: i64) -> String {
        i18n::duration_ms(self.lang, duration_ms)
    }

    /// `<time>` that says how long ago, kept current by the page, with the exact time as its title.
    #[must_use]
    pub fn ago(&self, at_ms: i64) -> Html {
        self.time_tag(
            at_ms,
            " data-ago",
            &i18n::relative(self.lang, at_ms, self.now_ms),
        )
    }

    /// `<time>` that says how long something has lasted since, kept current by the page.
    #[must_use]
    pub fn since(&self, at_ms: i64) -> Html {
        let span = self.span(self.now_ms.saturating_sub(at_ms).max(0));
        self.time_tag(at_ms, " data-since", &span)
    }

    /// `<time>` with the shortest exact time, e.g. `14:51` or `11-19 14:51`.
    #[must_use]
    pub fn at(&self, at_ms: i64) -> Html {
        self.time_tag(at_ms, "", &i18n::short_time(at_ms, self.now_ms, &self.zone))
    }

    /// `<time>` with date and time to the second.
    #[must_use]
    pub fn at_full(&self, at_ms: i64) -> Html {
        self.time_tag(at_ms, "", &i18n::date_time(at_ms, &self.zone))
    }

    fn time_tag(&self, at_ms: i64, attribute: &str, text: &str) -> Html {
        let (iso, full) = (i18n::iso(at_ms), i18n::date_time(at_ms, &self.zone));
        let zone = escape(self.zone.iana_name().unwrap_or("UTC"));
        let text = escape(text);
        Html::trusted(format!(
            r#"<time datetime="{iso}" title="{full} {zone}"{attribute}>{text}</time>"#
        ))
    }

    /// The hidden field that every form carries.
    #[must_use]
    pub fn csrf_field(&self) -> Html {
        let token = escape(&self.csrf);
        Html::trusted(format!(
            r#"<input type="hidden" name="csrf" value="{token}">"#
        ))
    }

    /// The address of an embedded asset.
    #[must_use]
    pub fn asset(&self, path: &str) -> String {
        crate::assets::url(path)
    }
}
