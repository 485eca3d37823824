//! What can go wrong with the agent as a whole, and what to do about it.

use std::io;
use std::path::PathBuf;

/// Why the agent did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// There is no `agent.toml`.
    #[error("{0} belongs to no enrolled agent: run the line from \"Add a server\" in the console")]
    NotEnrolled(PathBuf),
    /// A file or folder cannot be used.
    #[error("cannot {what} {path}: {source}")]
    File {
        /// What was tried.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// `agent.toml` is malformed.
    #[error("{path}: {what}")]
    Settings {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The key file is unusable.
    #[error("{path} holds no usable key: {what}; remove it and enrol again")]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// Another agent uses the data folder.
    #[error("another agent is running with {0}")]
    Busy(PathBuf),
    /// The queue on disk cannot be used.
    #[error("the queue: {0}")]
    Queue(#[from] spool::SpoolError),
    /// The server was not reached or answered badly.
    #[error("{server}: {what}")]
    Server {
        /// Its address.
        server: String,
        /// What happened.
        what: String,
    },
    /// Something of the operating system failed.
    #[error("cannot {what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What it said.
        source: io::Error,
    },
    /// The runner cannot work.
    #[error("the runner: {0}")]
    Runner(String),
    /// A command line that is not understood.
    #[error("{0}")]
    Usage(String),
}

impl AgentError {
    pub(crate) fn system(what: &'static str) -> impl Fn(io::Error) -> Self {
        move |source| Self::System { what, source }
    }
}
