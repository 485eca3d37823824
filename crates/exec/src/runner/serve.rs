//! The runner's side: takes orders from the agent's socket, doubts them, carries them out.

use std::fs;
use std::io::Write as _;
use std::os::fd::AsFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use stdx::Env;

use super::protocol::{Finished, Request, Response, Started, What, WireChunk};
use super::protocol::{read_frame, write_frame};
use crate::allow::{AllowError, AllowList, AllowedProgram, only_owner_writes};
use crate::order::{KeyRing, Order, OrderError, OrderKind, SignedOrder};
use crate::run::{Cancel, RunError, run};
use crate::sequence::{SequenceError, SequenceStore};
use crate::spec::{Leftovers, Spec};
use crate::transcript::{Chunk, Stream};
use crate::user::{User, UserError};

/// Orders carried out at once; a later one is refused with the reason.
pub const RUNS_MAX: usize = 8;
/// Bytes of the largest installed program that is hashed.
const PROGRAM_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// What a runner needs to know, all of it from files that only root may write.
#[derive(Debug)]
pub struct Runner {
    /// The agent whose orders these are.
    pub agent_id: String,
    /// The user of the agent: nobody else (but root) may hand in orders.
    pub agent_uid: u32,
    /// The server's keys that this host trusts.
    pub keys: KeyRing,
    /// The allow-list; read anew for every order, so that an edit counts at once.
    pub allow_list: PathBuf,
    /// A folder of the runner's own: order numbers, and scripts while they run.
    pub state_dir: PathBuf,
}

/// Why the runner cannot work.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Its folder cannot be made.
    #[error("{path} cannot be prepared")]
    State {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The numbers of past orders are not readable.
    #[error(transparent)]
    Sequence(#[from] SequenceError),
    /// The socket fails.
    #[error("the runner's socket fails")]
    Socket(#[source] std::io::Error),
}

/// Why one order is refused.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(transparent)]
    Order(#[from] OrderError),
    #[error(transparent)]
    Sequence(#[from] SequenceError),
    #[error(transparent)]
    Allow(#[from] AllowError),
    #[error(transparent)]
    User(#[from] UserError),
    #[error(transparent)]
    Run(#[from] RunError),
    #[error("{path}: {what}")]
    Program { path: PathBuf, what: String },
    #[error("{RUNS_MAX} orders are being carried out already")]
    Busy,
}

struct Shared {
    runner: Runner,
    env: Env,
    sequence: Mutex<SequenceStore>,
    running: AtomicUsize,
}

impl Runner {
    /// Serves orders from the socket until it is closed. One thread a connection, one order each.
    ///
    /// # Errors
    /// When the state folder or the socket fails; a bad order is answered, not an error.
    pub fn serve(self, listener: &UnixListener, env: &Env) -> Result<(), ServeError> {
        let state = |source| ServeError::State {
            path: self.state_dir.clone(),
            source,
        };
        fs::create_dir_all(&self.state_dir).map_err(state)?;
        let scripts = self.state_dir.join("scripts");
        // Scripts of a runner that was killed are of no use any more.
        let _ = fs::remove_dir_all(&scripts);
        fs::create_dir(&scripts).map_err(state)?;
        // The script's user must pass through, but may not look around.
        for folder in [&self.state_dir, &scripts] {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o711)).map_err(state)?;
        }
        let sequence = SequenceStore::open(&self.state_dir.join("orders"))?;
        let shared = Arc::new(Shared {
            runner: self,
            env: env.clone(),
            sequence: Mutex::new(sequence),
            running: AtomicUsize::new(0),
        });
        loop {
            let (stream, _) = listener.accept().map_err(ServeError::Socket)?;
            if !shared.is_agent(&stream) {
                continue;
            }
            let shared = Arc::clone(&shared);
            let thread = std::thread::Builder::new()
                .name("run".into())
                .stack_size(256 * 1024);
            // Without a thread the connection is dropped, and the agent says so.
            let _ = thread.spawn(move || shared.attend(stream));
        }
    }
}

impl Shared {
    fn is_agent(&self, stream: &UnixStream) -> bool {
        let peer = rustix::net::sockopt::socket_peercred(stream.as_fd());
        peer.is_ok_and(|peer| {
            let uid = peer.uid.as_raw();
            uid == 0 || uid == self.runner.agent_uid
        })
    }

    /// One connection: one order and its answer. An agent that goes away does not stop the run.
    fn attend(&self, mut stream: UnixStream) {
        let Ok(Some(Request {
            order: Some(signed),
            ..
        })) = read_frame(&mut stream)
        else {
            return;
        };
        let what = match self.carry_out(&signed, &stream) {
            Ok(finished) => What::Finished(Box::new(finished)),
            Err(refusal) => What::Refused(in_words(&refusal)),
        };
        let _ = write_frame(&mut stream, &Response { what: Some(what) });
    }

    fn carry_out(&self, signed: &SignedOrder, stream: &UnixStream) -> Result<Finished, Refusal> {
        let now_ms = self.env.clock.now_ms();
        let order = self
            .runner
            .keys
            .verify(signed, &self.runner.agent_id, now_ms)?;
        // Entered before anything else is decided: an order that was refused stays refused.
        self.sequence
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .enter(&order)?;
        let list = AllowList::load(&self.runner.allow_list)?;
        let entry = list.permit(&order)?;
        let user = User::find(&entry.user)?;
        let _place = self.place()?;
        let program = self.program(&order, &user)?;
        let spec = spec(&order, entry, user, program.path.clone());
        let started = Started {
            name: entry.name.clone(),
            user: entry.user.clone(),
        };
        let mut tell = stream;
        let _ = write_frame(
            &mut tell,
            &Response {
                what: Some(What::Started(started)),
            },
        );
        if order.dry_run {
            return Ok(dry(&spec, entry, now_ms));
        }
        let cancel = listen_for_cancel(stream);
        let mut told_bytes = 0;
        let report = run(
            &spec,
            &self.env,
            cancel.as_ref(),
            &mut |at_ms, stream, bytes| {
                // The live view is bounded as the transcript is; the report has the rest.
                if told_bytes < spec.limits.output_bytes {
                    told_bytes += bytes.len();
                    let chunk = WireChunk::from(&Chunk {
                        at_ms,
                        stream,
                        bytes: bytes.to_vec(),
                    });
                    let what = Some(What::Output(chunk));
                    let _ = write_frame(&mut tell, &Response { what });
                }
            },
        )?;
        Ok(Finished::from(&report))
    }

    fn place(&self) -> Result<Place<'_>, Refusal> {
        let place = Place(&self.running);
        if self.running.fetch_add(1, Ordering::AcqRel) >= RUNS_MAX {
            return Err(Refusal::Busy);
        }
        Ok(place)
    }

    /// The file to run: the script, written where only its user can read it, or the installed one.
    fn program(&self, order: &Order, user: &User) -> Result<Program, Refusal> {
        if order.kind() == OrderKind::Command {
            let path = installed(order)?;
            return Ok(Program {
                path,
                remove: false,
            });
        }
        let name = format!("{}-{:016x}", order.sequence, self.env.entropy.next_u64());
        let path = self.runner.state_dir.join("scripts").join(name);
        let write = || {
            let mut options = fs::OpenOptions::new();
            let mut file = options
                .write(true)
                .create_new(true)
                .mode(0o500)
                .open(&path)?;
            file.write_all(&order.script)?;
            std::os::unix::fs::fchown(&file, None, Some(user.gid))?;
            file.set_permissions(fs::Permissions::from_mode(0o550))
        };
        let program = Program {
            path: path.clone(),
            remove: true,
        };
        write().map_err(|error| Refusal::Program {
            path: path.clone(),
            what: error.to_string(),
        })?;
        Ok(program)
    }
}

/// One of the places for orders under way.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A file to run; a script's is removed afterwards.
struct Program {
    path: PathBuf,
    remove: bool,
}

impl Drop for Program {
    fn drop(&mut self) {
        if self.remove {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// An installed program counts only when nobody but root could have changed it since it was hashed.
fn installed(order: &Order) -> Result<PathBuf, Refusal> {
    let path = Path::new(&order.path);
    let error = |what: String| Refusal::Program {
        path: path.to_owned(),
        what,
    };
    let real = path.canonicalize().map_err(|e| error(e.to_string()))?;
    real.ancestors().try_for_each(only_owner_writes)?;
    let length = fs::metadata(&real).map_err(|e| error(e.to_string()))?.len();
    if length > PROGRAM_BYTES_MAX {
        return Err(error(format!("is longer than {PROGRAM_BYTES_MAX} bytes")));
    }
    let mut hasher = blake3::Hasher::new();
    let file = fs::File::open(&real).map_err(|e| error(e.to_string()))?;
    hasher
        .update_reader(file)
        .map_err(|e| error(e.to_string()))?;
    let hash = hasher.finalize();
    if Some(*hash.as_bytes()) != order.hash() {
        return Err(error(format!("has hash {hash}, not the one of the order")));
    }
    Ok(real)
}

fn spec(order: &Order, entry: &AllowedProgram, user: User, program: PathBuf) -> Spec {
    let mut spec = Spec::new(program).args(order.arguments.iter().cloned());
    spec.directory = if user.home.is_dir() {
        user.home.clone()
    } else {
        "/".into()
    };
    // What the loader and the shell obey is not for the server to set.
    let plain = |name: &str| name.starts_with("BONGSU_") && name != crate::contain::MARK;
    let variables = order.environment.iter().filter(|(name, _)| plain(name));
    spec.environment = variables
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    spec.environment
        .push(("BONGSU_ORDER".into(), order.run.clone()));
    spec.user = Some(user);
    let asked = if order.time_ms == 0 {
        entry.time_ms_max
    } else {
        order.time_ms
    };
    spec.limits.time_ms = asked.min(entry.time_ms_max);
    spec.leftovers = if entry.keep_processes {
        Leftovers::Keep
    } else {
        Leftovers::Kill
    };
    spec
}

/// What a dry run answers: a report of nothing but what would have been run.
fn dry(spec: &Spec, entry: &AllowedProgram, now_ms: i64) -> Finished {
    let mut transcript = crate::Transcript::new(spec.limits.output_bytes);
    let text = format!(
        "would run `{}` as {} with {:?}, at most {} ms\n",
        entry.name, entry.user, spec.arguments, spec.limits.time_ms
    );
    transcript.push(0, Stream::Out, text.as_bytes());
    Finished::from(&crate::Report {
        ended: crate::Ended::Exit(0),
        transcript,
        started_at_ms: now_ms,
        duration_ms: 0,
        usage: crate::Usage::default(),
        leftovers_killed: 0,
        survivors: 0,
        containment: "subreaper",
    })
}

/// Waits for a cancellation beside the run, until the connection is closed.
fn listen_for_cancel(stream: &UnixStream) -> Option<Cancel> {
    let cancel = Cancel::new().ok()?;
    let switch = cancel.clone();
    let mut stream = stream.try_clone().ok()?;
    let listen = move || {
        while let Ok(Some(request)) = read_frame::<Request>(&mut stream) {
            if request.cancel {
                switch.cancel();
            }
        }
    };
    let thread = std::thread::Builder::new()
        .name("cancel".into())
        .stack_size(64 * 1024);
    thread.spawn(listen).ok().map(|_| cancel)
}

/// An error with all its sources, for a person far away.
fn in_words(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(error.to_string().trim());
        source = error.source();
    }
    text
}
