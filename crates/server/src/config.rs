//! The configuration: one TOML file, every key with a default, unknown keys refused.
//!
//! Only the server sees this file; every crate gets the small struct that it needs.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// How often agents may be told to collect, in milliseconds; a host counts as silent after three.
const INTERVAL_MS: std::ops::RangeInclusive<u64> = 1_000..=300_000;

/// The whole file, after defaults.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// Where everything is kept.
    pub(crate) data_dir: PathBuf,
    /// Where the console and the API listen.
    pub(crate) listen: SocketAddr,
    /// Where agents of other machines connect; the port after the console's on every address, opened
    /// by the first "Add a server", when not given.
    pub(crate) agent_listen: Option<SocketAddr>,
    /// How people reach the console, for links in notices; none is derived from `listen`.
    pub(crate) public_url: Option<String>,
    /// Under which names or addresses agents reach this server; none is derived.
    pub(crate) agent_address: Option<String>,
    /// `sqlite` for the embedded store, or a `postgres://` URL.
    pub(crate) database: String,
    /// How often agents collect, in milliseconds.
    pub(crate) interval_ms: u32,
    /// How long samples are kept, in milliseconds.
    pub(crate) retention_ms: u64,
    /// Whether notices may go to addresses of this machine.
    pub(crate) allow_local: bool,
    /// Whether this machine is watched by an agent of its own.
    pub(crate) watch_self: bool,
    /// Where the static agent for other machines lies; none looks beside this program.
    pub(crate) agent_binary: Option<PathBuf>,
    /// The default time zone of people, for hours and calendars.
    pub(crate) time_zone: String,
}

/// The file as written; every key may be left out.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    data_dir: Option<PathBuf>,
    listen: Option<SocketAddr>,
    agent_listen: Option<SocketAddr>,
    public_url: Option<String>,
    agent_address: Option<String>,
    database: Option<String>,
    interval: Option<String>,
    retention: Option<String>,
    watch_self: Option<bool>,
    agent_binary: Option<PathBuf>,
    time_zone: Option<String>,
    #[serde(default)]
    outgoing: Outgoing,
}

/// What notices may reach.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Outgoing {
    allow_local: Option<bool>,
}

/// What the command line says; it wins over the file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overrides {
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) agent_listen: Option<SocketAddr>,
}

impl Config {
    /// Reads the file (if there is one) and lays the command line over it.
    ///
    /// # Errors
    /// When the file cannot be read, has an unknown key or a malformed value; the error names it.
    pub(crate) fn load(path: Option<&Path>, over: Overrides) -> Result<Self> {
        let file = match path {
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("cannot read the configuration {}", path.display()))?;
                toml::from_str(&text)
                    .with_context(|| format!("the configuration {} is wrong", path.display()))?
            }
            None => File::default(),
        };
        Self::of(file, over)
    }

    fn of(file: File, over: Overrides) -> Result<Self> {
        let listen = over
            .listen
            .or(file.listen)
            .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 7700)));
        let retention = file.retention.as_deref().unwrap_or("30d");
        let retention_ms = stdx::parse_duration_ms(retention)
            .with_context(|| format!("`retention = \"{retention}\"` is no length of time"))?;
        if retention_ms < 3_600_000 {
            bail!("`retention = \"{retention}\"` is shorter than 1h");
        }
        let interval = file.interval.as_deref().unwrap_or("10s");
        let interval_ms = stdx::parse_duration_ms(interval)
            .with_context(|| format!("`interval = \"{interval}\"` is no length of time"))?;
        if !INTERVAL_MS.contains(&interval_ms) {
            bail!("`interval = \"{interval}\"` must lie between 1s and 5m");
        }
        let database = file.database.unwrap_or_else(|| "sqlite".to_owned());
        if database != "sqlite" && !database.starts_with("postgres") {
            bail!("`database = \"{database}\"` must be `sqlite` or a postgres:// URL");
        }
        Ok(Self {
            data_dir: over
                .data_dir
                .or(file.data_dir)
                .unwrap_or_else(|| "bongsu-data".into()),
            listen,
            agent_listen: over.agent_listen.or(file.agent_listen),
            public_url: file.public_url,
            agent_address: file.agent_address,
            database,
            interval_ms: u32::try_from(interval_ms)?,
            retention_ms,
            allow_local: file.outgoing.allow_local.unwrap_or(false),
            watch_self: file.watch_self.unwrap_or(true),
            agent_binary: file.agent_binary,
            time_zone: file.time_zone.unwrap_or_else(|| "Asia/Seoul".to_owned()),
        })
    }

    /// Where agents of other machines connect once the door is open.
    pub(crate) fn agents_address(&self) -> SocketAddr {
        let port = self.next_port(1);
        self.agent_listen
            .unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], port)))
    }

    /// Where the agent of this machine connects, whatever others do.
    pub(crate) fn own_agent_address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.next_port(2)))
    }

    fn next_port(&self, step: u16) -> u16 {
        match self.listen.port() {
            0 => 0,
            port => port.checked_add(step).unwrap_or(0),
        }
    }

    /// Whether the records lie in this server's own folder, which no other server can share.
    pub(crate) fn is_embedded(&self) -> bool {
        self.database == "sqlite"
    }

    /// The URL of the records store.
    pub(crate) fn database_url(&self) -> String {
        match self.database.as_str() {
            "sqlite" => format!("sqlite://{}", self.data_dir.join("records.db").display()),
            url => url.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_gives_the_defaults_and_the_command_line_wins() {
        let over = Overrides {
            listen: Some("127.0.0.1:9000".parse().unwrap()),
            ..Overrides::default()
        };
        let config = Config::of(File::default(), over).unwrap();
        assert_eq!(config.agents_address().to_string(), "0.0.0.0:9001");
        assert_eq!(config.own_agent_address().to_string(), "127.0.0.1:9002");
        assert_eq!(config.retention_ms, 30 * 86_400_000);
        assert_eq!(config.database_url(), "sqlite://bongsu-data/records.db");
    }

    #[test]
    fn a_wrong_file_says_what_is_wrong() {
        let read = |text: &str| {
            let file: Result<File, _> = toml::from_str(text);
            match file {
                Ok(file) => Config::of(file, Overrides::default())
                    .unwrap_err()
                    .to_string(),
                Err(error) => error.to_string(),
            }
        };
        assert!(read("lisen = \"x\"").contains("unknown field `lisen`"));
        assert!(read("retention = \"5\"").contains("is no length of time"));
        assert!(read("retention = \"5m\"").contains("shorter than 1h"));
        assert!(read("interval = \"500ms\"").contains("between 1s and 5m"));
        assert!(read("database = \"mysql://x\"").contains("must be `sqlite` or a postgres"));
    }
}
