//! What the program `bongsu-agent` does with its command line.

use std::io::Write as _;
use std::os::unix::net::UnixListener;

use exec::KeyRing;
use exec::runner::Runner;
use stdx::Env;

use crate::cli::{self, AllowCommand, Command, RunnerCommand};
use crate::error::AgentError;
use crate::run::{AgentOptions, EnrolOptions, enrol, run};

/// Carries out a command line (without the program's name).
///
/// # Errors
/// What went wrong, in words for the person at the terminal.
pub fn main(arguments: &[String]) -> Result<(), AgentError> {
    match cli::parse(arguments)? {
        Command::Help => print(cli::USAGE),
        Command::Version => print(concat!("bongsu-agent ", env!("CARGO_PKG_VERSION"), "\n")),
        Command::Run { data_dir } => run(AgentOptions::new(data_dir)),
        Command::Enrol {
            data_dir,
            server,
            pin,
            token,
        } => {
            let pin = pin
                .parse()
                .map_err(|error: wire::PinError| AgentError::Usage(error.to_string()))?;
            let text = format!("enrolled at {server}\n");
            enrol(&EnrolOptions {
                data_dir,
                root: "/".into(),
                server,
                pin,
                token,
                runner_socket: None,
            })?;
            print(&text)
        }
        Command::Runner(command) => runner(command),
        Command::Allow(command) => allow(&command),
    }
}

fn print(text: &str) -> Result<(), AgentError> {
    let written = std::io::stdout().lock().write_all(text.as_bytes());
    written.map_err(AgentError::system("write to the terminal"))
}

fn allow(command: &AllowCommand) -> Result<(), AgentError> {
    let entry = exec::NewEntry {
        name: &command.name,
        hash: &command.hash,
        user: &command.user,
        max_time: &command.max_time,
        keep_processes: command.keep_processes,
    };
    let failed = |error: exec::AllowError| AgentError::Runner(chain(&error));
    exec::AllowList::append(&command.allow, &entry).map_err(failed)?;
    print(&format!(
        "`{}` may run here as {}\n",
        command.name, command.user
    ))
}

/// An error with what lies behind it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let behind = std::iter::successors(error.source(), |error| error.source());
    behind.fold(error.to_string(), |text, error| format!("{text}: {error}"))
}

fn runner(command: RunnerCommand) -> Result<(), AgentError> {
    let failed = |error: &dyn std::error::Error| AgentError::Runner(chain(error));
    let user = exec::User::find(&command.agent_user).map_err(|error| failed(&error))?;
    let keys = KeyRing::load(&command.keys).map_err(|error| failed(&error))?;
    let runner = Runner {
        agent_id: command.agent_id,
        agent_uid: user.uid,
        keys,
        allow_list: command.allow,
        state_dir: command.state,
    };
    let path = &command.socket;
    let at = |what| {
        move |source| AgentError::File {
            what,
            path: path.clone(),
            source,
        }
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(at("make the folder of"))?;
    }
    // What a killed runner left behind; another runner that lives keeps its own socket open.
    let _ = std::fs::remove_file(path);
    let listener = UnixListener::bind(path).map_err(at("listen on"))?;
    // Anybody may knock; only the agent's user and root are heard.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    std::fs::set_permissions(path, open).map_err(at("open"))?;
    runner
        .serve(&listener, &Env::system())
        .map_err(|error| failed(&error))
}
