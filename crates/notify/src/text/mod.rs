//! What a notice says, before any channel gives it a form; pure, in Korean and English.

mod digest;
mod problem;

use i18n::{Unit, tf};
use model::flow::Dispatch;
use model::{Lang, Severity};
use serde::{Deserialize, Serialize};

pub(crate) use problem::number;

/// Everything a message to one recipient on one channel is made of.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct NoticeText {
    /// The deduplication key: the same for every try, different for everything else.
    pub key: String,
    /// The recipient's language.
    pub lang: Lang,
    /// The recipient's time zone, an IANA name.
    pub zone: String,
    /// The installation's name in front of subjects; the product's name when empty.
    pub site: String,
    /// The console's address without a trailing slash; empty when it is not known.
    pub console_url: String,
    /// What happened.
    pub what: What,
}

/// The occasion of a message.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum What {
    /// Something happened to one problem.
    Problem(Box<Dispatch>),
    /// Many things happened within a short time.
    Digest(Digest),
    /// Somebody pressed "test".
    Test {
        /// The channel's name.
        channel: String,
        /// When, UTC milliseconds.
        at_ms: i64,
    },
}

/// Many notices in one message.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Digest {
    /// The worst of them, told line by line.
    pub first: Vec<Dispatch>,
    /// How many there are in all.
    pub count: usize,
    /// How many of them are recoveries.
    pub recovered: usize,
    /// The highest severity among them.
    pub severity: Severity,
    /// When the digest was made, UTC milliseconds.
    pub at_ms: i64,
}

/// One labelled line of a message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fact {
    /// E.g. `호스트`.
    pub label: &'static str,
    /// E.g. `web01`.
    pub value: String,
}

impl NoticeText {
    /// The subject: severity, host, what, value and number in one line.
    #[must_use]
    pub fn subject(&self) -> String {
        let site = match self.site.as_str() {
            "" => i18n::t(self.lang, "notice.message.site"),
            site => site,
        };
        format!("[{site}] {}", self.headline())
    }

    /// The subject without the installation's name.
    #[must_use]
    pub fn headline(&self) -> String {
        match &self.what {
            What::Problem(dispatch) => problem::headline(self.lang, dispatch),
            What::Digest(digest) => digest::headline(self.lang, digest),
            What::Test { channel, .. } => tf(
                self.lang,
                "notice.message.test_headline",
                &[("channel", channel)],
            ),
        }
    }

    /// The labelled lines.
    #[must_use]
    pub fn facts(&self) -> Vec<Fact> {
        let zone = i18n::time_zone(&self.zone);
        match &self.what {
            What::Problem(dispatch) => problem::facts(self.lang, &zone, dispatch),
            What::Digest(digest) => digest::facts(self.lang, &zone, digest),
            What::Test { at_ms, .. } => vec![Fact {
                label: i18n::t(self.lang, "notice.message.at"),
                value: moment(&zone, *at_ms),
            }],
        }
    }

    /// Lines under the facts: the entries of a digest, a hint for a test; may be empty.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        match &self.what {
            What::Problem(_) => Vec::new(),
            What::Digest(digest) => digest::lines(self.lang, digest),
            What::Test { .. } => vec![i18n::t(self.lang, "notice.message.test_line").to_owned()],
        }
    }

    /// The address of the page about it; empty when the console's address is not known.
    #[must_use]
    pub fn link(&self) -> String {
        if self.console_url.is_empty() {
            return String::new();
        }
        match &self.what {
            What::Problem(d) => format!("{}/problems/{}", self.console_url, d.problem),
            What::Digest(_) => format!("{}/problems", self.console_url),
            What::Test { .. } => format!("{}/channels", self.console_url),
        }
    }

    /// The severity that colours the message; `Normal` for recoveries and tests.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match &self.what {
            What::Problem(d) if problem::is_recovery(d) => Severity::Normal,
            What::Problem(d) => d.severity,
            What::Digest(d) if d.recovered == d.count => Severity::Normal,
            What::Digest(d) => d.severity,
            What::Test { .. } => Severity::Normal,
        }
    }

    /// The whole message as plain text.
    #[must_use]
    pub fn plain(&self) -> String {
        let mut out = self.headline();
        out.push_str("\n\n");
        for Fact { label, value } in self.facts() {
            out.push_str(&format!("{label}: {value}\n"));
        }
        for line in self.lines() {
            out.push_str(&line);
            out.push('\n');
        }
        let link = self.link();
        if !link.is_empty() {
            out.push_str(&format!("\n{link}\n"));
        }
        out
    }

    /// When it happened, UTC milliseconds.
    #[must_use]
    pub fn at_ms(&self) -> i64 {
        match &self.what {
            What::Problem(d) => d.at_ms,
            What::Digest(d) => d.at_ms,
            What::Test { at_ms, .. } => *at_ms,
        }
    }
}

/// The severity's name.
#[must_use]
pub fn severity_name(lang: Lang, severity: Severity) -> &'static str {
    i18n::find(lang, &format!("severity.{}", severity.name())).unwrap_or(severity.name())
}

/// The severity with its fires, e.g. `긴급 🔥🔥🔥🔥`.
#[must_use]
pub fn fires(lang: Lang, severity: Severity) -> String {
    let fires = "🔥".repeat(usize::from(severity.code()));
    format!("{} {fires}", severity_name(lang, severity))
        .trim_end()
        .to_owned()
}

/// The colour of a bar beside the message; the words say the same, so that colour is never alone.
#[must_use]
pub const fn colour(severity: Severity) -> &'static str {
    match severity {
        Severity::Normal => "#2e9e5b",
        Severity::Info => "#3b7ddd",
        Severity::Warning => "#e0b400",
        Severity::Minor => "#ef7d18",
        Severity::Major => "#d92d20",
        Severity::Critical => "#a3164f",
    }
}

/// The text cut to at most `chars_max` characters, with `…` at the end when it was.
#[must_use]
pub fn cut(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let kept: String = text.chars().take(chars_max.saturating_sub(1)).collect();
    format!("{kept}…")
}

fn moment(zone: &i18n::TimeZone, at_ms: i64) -> String {
    let zone_name = zone.iana_name().unwrap_or("UTC");
    format!("{} ({zone_name})", i18n::date_time(at_ms, zone))
}

fn unit(name: &str) -> Unit {
    let known = [
        Unit::Ratio,
        Unit::Bytes,
        Unit::BytesPerSecond,
        Unit::PerSecond,
        Unit::Seconds,
    ];
    known
        .into_iter()
        .find(|unit| unit.name() == name)
        .unwrap_or_default()
}
