//! The file of `bongsu watch`: which server, how patient, and whom to tell on which channel.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use model::Lang;
use notify::{Channel, Settings};
use serde::Deserialize;

/// What is watched and who is told.
#[derive(Debug)]
pub(super) struct Config {
    /// The server's address without a trailing slash.
    pub(super) server: String,
    /// How messages call it.
    pub(super) name: String,
    /// Between two looks.
    pub(super) every_ms: u64,
    /// Looks in a row that must be bad before it is told, and good before it is over.
    pub(super) looks: u32,
    /// After how long a lasting failure is told again; 0 for never.
    pub(super) repeat_ms: i64,
    pub(super) lang: Lang,
    pub(super) time_zone: String,
    /// Who is told; at least one.
    pub(super) tell: Vec<Tell>,
}

/// One way to somebody.
#[derive(Debug)]
pub(super) struct Tell {
    /// Names it in the state file and in errors.
    pub(super) name: String,
    pub(super) channel: &'static dyn Channel,
    pub(super) settings: Settings,
    pub(super) address: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    server: String,
    name: Option<String>,
    every: Option<String>,
    looks: Option<u32>,
    repeat: Option<String>,
    lang: Option<String>,
    time_zone: Option<String>,
    #[serde(default)]
    tell: Vec<TellFile>,
}

/// The channel's own settings stand beside its kind; their names are those of the console's form.
#[derive(Deserialize)]
struct TellFile {
    channel: String,
    name: Option<String>,
    #[serde(default)]
    address: String,
    #[serde(flatten)]
    settings: BTreeMap<String, toml::Value>,
}

impl Config {
    pub(super) fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        Self::of(&text).with_context(|| format!("{} is wrong", path.display()))
    }

    fn of(text: &str) -> Result<Self> {
        let file: File = toml::from_str(text).map_err(|error| anyhow!("{error}"))?;
        let server = file.server.trim_end_matches('/').to_owned();
        let host = server
            .strip_prefix("http://")
            .or_else(|| server.strip_prefix("https://"));
        let host = host.with_context(|| format!("`server = \"{server}\"` is no http URL"))?;
        let name = file.name.unwrap_or_else(|| host.to_owned());
        let span = |key: &str, given: Option<String>, default: &str| {
            let given = given.unwrap_or_else(|| default.to_owned());
            stdx::parse_duration_ms(&given)
                .with_context(|| format!("`{key} = \"{given}\"` is no length of time"))
        };
        let lang = file.lang.unwrap_or_else(|| "ko".to_owned());
        let lang = Lang::from_code(&lang)
            .with_context(|| format!("`lang = \"{lang}\"` is neither `ko` nor `en`"))?;
        let tell: Vec<Tell> = file.tell.into_iter().map(Tell::of).collect::<Result<_>>()?;
        if tell.is_empty() {
            bail!("nobody is told: add a [[tell]] with `channel = \"webhook\"`, `mail` or `slack`");
        }
        for (at, one) in tell.iter().enumerate() {
            if tell.iter().take(at).any(|other| other.name == one.name) {
                bail!("two [[tell]] are called `{}`: give them a `name`", one.name);
            }
        }
        let repeat_ms = span("repeat", file.repeat, "1h")?;
        Ok(Self {
            server,
            name,
            every_ms: span("every", file.every, "15s")?.max(1_000),
            looks: file.looks.unwrap_or(2).max(1),
            repeat_ms: i64::try_from(repeat_ms).unwrap_or(i64::MAX),
            lang,
            time_zone: file.time_zone.unwrap_or_else(|| "Asia/Seoul".to_owned()),
            tell,
        })
    }
}

impl Tell {
    fn of(file: TellFile) -> Result<Self> {
        let kinds: Vec<&str> = notify::ALL.iter().map(|channel| channel.kind()).collect();
        let channel = notify::by_kind(&file.channel).with_context(|| {
            let kinds = kinds.join(", ");
            format!("`channel = \"{}\"` is none of {kinds}", file.channel)
        })?;
        let fields = channel.fields();
        let mut settings = Settings::default();
        for (key, value) in file.settings {
            if !fields.iter().any(|field| field.key == key) {
                let known: Vec<&str> = fields.iter().map(|field| field.key.as_ref()).collect();
                let known = known.join(", ");
                bail!(
                    "channel `{}` has no setting `{key}`; it has {known}",
                    channel.kind()
                );
            }
            let text = match value {
                toml::Value::String(text) => text,
                other => other.to_string(),
            };
            settings.set(&key, &text);
        }
        if let Err(wrong) = channel.check(&settings) {
            let why = wrong.iter().map(|error| {
                let why = i18n::t(Lang::En, error.reason);
                format!("`{}`: {why}", error.field)
            });
            let why: Vec<String> = why.collect();
            bail!(
                "channel `{}` cannot work: {}",
                channel.kind(),
                why.join("; ")
            );
        }
        let needs = channel.capabilities().address == notify::Address::Required;
        if needs && file.address.is_empty() {
            bail!("channel `{}` needs an `address`", channel.kind());
        }
        let name = file.name.unwrap_or_else(|| match file.address.as_str() {
            "" => channel.kind().to_owned(),
            address => format!("{} {address}", channel.kind()),
        });
        Ok(Self {
            name,
            channel,
            settings,
            address: file.address,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_defaults_and_its_mistakes_are_named() {
        let hook = "[[tell]]\nchannel = \"webhook\"\nurl = \"https://ops.example.com/x\"\n";
        let good = Config::of(&format!("server = \"http://mon:7700/\"\n{hook}")).unwrap();
        assert_eq!(
            (good.server.as_str(), good.name.as_str()),
            ("http://mon:7700", "mon:7700")
        );
        assert_eq!(
            (good.every_ms, good.looks, good.repeat_ms),
            (15_000, 2, 3_600_000)
        );
        let wrong = |text: &str| Config::of(text).unwrap_err().to_string();
        assert!(wrong("server = \"http://m\"").contains("nobody is told"));
        assert!(wrong(&format!("server = \"m\"\n{hook}")).contains("no http URL"));
        assert!(wrong(&format!("server = \"http://m\"\neveri = \"1s\"\n{hook}")).contains("everi"));
        let with = |line: &str| wrong(&format!("server = \"http://m\"\n{hook}{line}\n"));
        assert!(with("ulr = \"x\"").contains("no setting `ulr`; it has url, secret"));
        let mail = "[[tell]]\nchannel = \"mail\"\nhost = \"h\"\nfrom = \"a@b.kr\"";
        assert!(with(mail).contains("needs an `address`"));
        assert!(with("[[tell]]\nchannel = \"fax\"").contains("none of mail, slack, webhook"));
        assert!(with(hook).contains("two [[tell]] are called `webhook`"));
    }
}
