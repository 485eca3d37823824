//! The agent from start to end: opens everything, starts its two threads, leaves in order.

use std::fs;
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ClientConfig;
use signal_hook::consts::{SIGINT, SIGTERM};
use spool::{Spool, SpoolOptions};
use stdx::Env;
use wire::Pin;

use crate::anchor::Anchor;
use crate::collecting::{self, Collecting};
use crate::error::AgentError;
use crate::queue::Queue;
use crate::settings::{self, Settings};
use crate::shared::{Shared, readable, wait};
use crate::{facts, identity, link};

/// Stack of the connecting thread; TLS needs some.
const LINK_STACK_BYTES: usize = 512 * 1024;
const PID_FILE: &str = "agent.pid";

/// How the agent is started.
#[derive(Clone, Debug)]
pub struct AgentOptions {
    /// Where its key, settings and queue are.
    pub data_dir: PathBuf,
    /// What it measures: `/`, or a copy of another machine's files.
    pub root: PathBuf,
    /// Clock and randomness.
    pub env: Env,
}

impl AgentOptions {
    /// The agent of this machine with this data folder.
    #[must_use]
    pub fn new(data_dir: PathBuf) -> Self {
        Self {
            data_dir,
            root: PathBuf::from("/"),
            env: Env {
                entropy: Arc::new(identity::KernelEntropy),
                ..Env::system()
            },
        }
    }
}

/// How the agent enrols.
#[derive(Clone, Debug)]
pub struct EnrolOptions {
    /// Where its key and settings will be.
    pub data_dir: PathBuf,
    /// What it measures.
    pub root: PathBuf,
    /// `host:port` of the server.
    pub server: String,
    /// The server's key.
    pub pin: Pin,
    /// The token from "Add a server".
    pub token: String,
    /// Where the runner listens, when not at the usual place.
    pub runner_socket: Option<PathBuf>,
}

/// Makes a key if there is none, presents the token, and writes down what the server answers.
///
/// Doing it again with another token is harmless: the key stays, and so does the host.
///
/// # Errors
/// When the server is not reached, is not the pinned one, or refuses.
pub fn enrol(options: &EnrolOptions) -> Result<(), AgentError> {
    settings::make_data_dir(&options.data_dir)?;
    let config = identity::client_config(&options.data_dir, options.pin)?;
    let request = wire::EnrolRequest {
        token: options.token.clone(),
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        facts: Some(facts::read(&options.root)),
    };
    let reply = link::enrol(&options.server, &config, &request)?;
    let (server, pin) = (options.server.clone(), options.pin.to_string());
    let mut enrolled = Settings::new(server, pin, reply.agent_id);
    if let Ok(before) = Settings::load(&options.data_dir) {
        enrolled = Settings {
            server: enrolled.server,
            pin: enrolled.pin,
            agent_id: enrolled.agent_id,
            ..before
        };
    }
    if let Some(socket) = &options.runner_socket {
        enrolled.runner_socket.clone_from(socket);
    }
    enrolled.save(&options.data_dir)
}

/// A running agent: stops when told to or when dropped.
#[derive(Debug)]
pub struct Running {
    shared: Arc<Shared>,
    threads: Vec<std::thread::JoinHandle<()>>,
    /// Held open: the lock on it keeps a second agent away.
    _lock: fs::File,
}

/// Runs the agent until SIGTERM or SIGINT.
///
/// # Errors
/// When it is not enrolled, another agent uses the folder, or a file cannot be used.
pub fn run(options: AgentOptions) -> Result<(), AgentError> {
    let (signalled, signal) = UnixStream::pair().map_err(AgentError::system("make a socket"))?;
    for number in [SIGTERM, SIGINT] {
        let end = signal
            .try_clone()
            .map_err(AgentError::system("copy a socket"))?;
        signal_hook::low_level::pipe::register(number, end)
            .map_err(AgentError::system("listen for signals"))?;
    }
    let running = start(options)?;
    while !running.is_over() {
        wait(&mut [readable(&signalled)], 3_600_000);
        let mut byte = [0; 1];
        signalled
            .set_nonblocking(true)
            .map_err(AgentError::system("read signals"))?;
        if std::io::Read::read(&mut &signalled, &mut byte).is_ok() {
            break;
        }
    }
    running.stop();
    Ok(())
}

/// Starts the agent's threads and returns.
///
/// # Errors
/// As [`run`].
pub fn start(options: AgentOptions) -> Result<Running, AgentError> {
    let settings = Settings::load(&options.data_dir)?;
    let pin: Pin = settings
        .pin
        .parse()
        .map_err(|error: wire::PinError| AgentError::Settings {
            path: options.data_dir.join("agent.toml"),
            what: error.to_string(),
        })?;
    let tls = identity::client_config(&options.data_dir, pin)?;
    let lock = lock(&options.data_dir)?;
    let mut spool_options = SpoolOptions::new(options.data_dir.join("queue"));
    spool_options.max_bytes = settings.queue_bytes;
    let spool = Spool::open(spool_options, &*options.env.entropy)?;
    let queue = Queue::new(spool, options.env.entropy.next_u64());
    let clock = Anchor::new(collecting::recall_offset(&options.data_dir));
    let folders = (options.data_dir, options.root);
    let shared = Shared::new(options.env, settings, folders, queue, clock)?;
    let collectors = collecting::collectors(&shared.root)?;
    shared.log(
        "INFO",
        format_args!(
            "bongsu-agent {} starts: server {}, a pass every {} s",
            env!("CARGO_PKG_VERSION"),
            shared.settings.server,
            shared.settings.interval_ms / 1_000
        ),
    );
    let threads = vec![
        spawn("collect", {
            let shared = shared.clone();
            move || Collecting::new(shared, collectors).run()
        })?,
        spawn("link", {
            let shared = shared.clone();
            move || link_thread(&shared, &tls)
        })?,
    ];
    Ok(Running {
        shared,
        threads,
        _lock: lock,
    })
}

fn link_thread(shared: &Arc<Shared>, tls: &Arc<ClientConfig>) {
    link::run(shared, tls);
}

fn spawn(
    name: &str,
    body: impl FnOnce() + Send + 'static,
) -> Result<std::thread::JoinHandle<()>, AgentError> {
    let builder = std::thread::Builder::new()
        .name(name.to_owned())
        .stack_size(LINK_STACK_BYTES);
    builder
        .spawn(body)
        .map_err(AgentError::system("start a thread"))
}

/// One agent a folder: the lock goes with the process, however it ends.
fn lock(data_dir: &Path) -> Result<fs::File, AgentError> {
    let path = data_dir.join(PID_FILE);
    let failed = |source| AgentError::File {
        what: "lock",
        path: path.clone(),
        source,
    };
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(failed)?;
    let exclusive = rustix::fs::FlockOperation::NonBlockingLockExclusive;
    if rustix::fs::flock(&file, exclusive).is_err() {
        return Err(AgentError::Busy(data_dir.to_owned()));
    }
    file.set_len(0)
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .map_err(failed)?;
    Ok(file)
}

impl Running {
    /// Whether a thread has ended by itself, which none should.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.threads
            .iter()
            .any(std::thread::JoinHandle::is_finished)
    }

    /// Bytes of the queue on disk, passes not acknowledged yet, and the newest pass's number.
    #[must_use]
    pub fn queue(&self) -> (u64, u64, u64) {
        let queue = self.shared.queue();
        let newest = queue.spool.newest();
        (
            queue.spool.bytes(),
            newest.saturating_sub(queue.spool.done_through()),
            newest,
        )
    }

    /// Makes a pass now, as an event does.
    pub fn collect_now(&self) {
        self.shared.hand().collect_now = true;
        self.shared.collector.wake();
    }

    /// Sends what can be sent, makes the disk keep the rest, and ends.
    pub fn stop(self) {
        drop(self);
    }

    fn end(&mut self) {
        self.shared.stop();
        for thread in self.threads.drain(..) {
            // A panic was already printed; there is nothing to add.
            let _ = thread.join();
        }
        if let Err(error) = self.shared.queue().spool.sync() {
            self.shared.log("WARN", format_args!("the queue: {error}"));
        }
        self.shared.log("INFO", format_args!("stopped"));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.threads.is_empty() {
            self.end();
        }
    }
}
