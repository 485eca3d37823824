//! `agent.toml` in the data folder: where the server is, who we are; written by enrolment.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::AgentError;

const FILE: &str = "agent.toml";
const HEAD: &str = "# Where this agent sends to and who it is; `bongsu-agent enrol` writes it.\n";

/// The file.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// `host:port` of the server.
    pub(crate) server: String,
    /// The server's key, `sha256//…`.
    pub(crate) pin: String,
    /// The id that the server gave.
    pub(crate) agent_id: String,
    /// How often to collect, in milliseconds, while the server does not say otherwise.
    #[serde(default = "default_interval_ms")]
    pub(crate) interval_ms: u32,
    /// Bytes of the queue on disk.
    #[serde(default = "default_queue_bytes")]
    pub(crate) queue_bytes: u64,
    /// The runner's socket.
    #[serde(default = "default_runner")]
    pub(crate) runner_socket: PathBuf,
}

const fn default_interval_ms() -> u32 {
    10_000
}

const fn default_queue_bytes() -> u64 {
    64 * 1024 * 1024
}

fn default_runner() -> PathBuf {
    PathBuf::from("/run/bongsu/runner.sock")
}

impl Settings {
    pub(crate) fn new(server: String, pin: String, agent_id: String) -> Self {
        Self {
            server,
            pin,
            agent_id,
            interval_ms: default_interval_ms(),
            queue_bytes: default_queue_bytes(),
            runner_socket: default_runner(),
        }
    }

    /// Reads the file of a data folder.
    pub(crate) fn load(data_dir: &Path) -> Result<Self, AgentError> {
        let path = data_dir.join(FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(AgentError::NotEnrolled(data_dir.to_owned()));
            }
            Err(source) => {
                return Err(AgentError::File {
                    what: "read",
                    path,
                    source,
                });
            }
        };
        let settings: Self = toml::from_str(&text).map_err(|error| AgentError::Settings {
            path: path.clone(),
            what: error.to_string(),
        })?;
        if settings.interval_ms < 1_000 {
            let what = "interval_ms must be at least 1000".to_owned();
            return Err(AgentError::Settings { path, what });
        }
        Ok(settings)
    }

    /// Writes the file.
    pub(crate) fn save(&self, data_dir: &Path) -> Result<(), AgentError> {
        let path = data_dir.join(FILE);
        let text = toml::to_string(self).map_err(|error| AgentError::Settings {
            path: path.clone(),
            what: error.to_string(),
        })?;
        write_whole(&path, format!("{HEAD}{text}").as_bytes())
    }
}

/// The id that the server gave the agent of a data folder.
///
/// # Errors
/// When it is not enrolled or its settings are malformed.
pub fn agent_id(data_dir: &Path) -> Result<String, AgentError> {
    Settings::load(data_dir).map(|settings| settings.agent_id)
}

/// Makes the data folder, for this user alone.
pub(crate) fn make_data_dir(path: &Path) -> Result<(), AgentError> {
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path);
    made.map_err(|source| AgentError::File {
        what: "make",
        path: path.to_owned(),
        source,
    })
}

/// Writes a file whole or not at all, for this user alone.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), AgentError> {
    let beside = path.with_extension("new");
    let write = || {
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().map_err(|source| AgentError::File {
        what: "write",
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_back_and_mistakes_are_named() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(
            Settings::load(dir.path()),
            Err(AgentError::NotEnrolled(_))
        ));
        let settings = Settings::new("mon:7701".into(), "sha256//x".into(), "agt_1".into());
        settings.save(dir.path()).unwrap();
        assert_eq!(Settings::load(dir.path()).unwrap(), settings);
        fs::write(dir.path().join(FILE), "server = 'x'\nport = 1").unwrap();
        let error = Settings::load(dir.path()).unwrap_err().to_string();
        assert!(error.contains("agent.toml"), "{error}");
    }
}
