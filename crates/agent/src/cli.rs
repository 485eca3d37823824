//! The command line of `bongsu-agent`: few words, read by hand (docs/adr says why).

use std::path::PathBuf;

use crate::error::AgentError;

/// What `bongsu-agent help` prints.
pub const USAGE: &str = "\
bongsu-agent: watches this machine for a Bongsu server

Usage:
  bongsu-agent enrol --server HOST:PORT --pin PIN --token TOKEN [--data-dir DIR]
      makes a key and presents the token; the console's \"Add a server\" shows the whole line
  bongsu-agent run [--data-dir DIR]
      watches this machine until it is told to stop
  bongsu-agent runner --agent-id ID --agent-user USER [--socket FILE] [--keys FILE]
                      [--allow FILE] [--state DIR]
      runs approved scripts; the only part that may need root
  bongsu-agent allow --name NAME --hash HASH --user USER [--max-time 5m]
                     [--keep-processes yes|no] [--allow FILE]
      puts a script on this machine's allow-list; its page in the console shows the line
  bongsu-agent version

DIR is /var/lib/bongsu-agent unless it is given.
";

const DATA_DIR: &str = "/var/lib/bongsu-agent";
const ALLOW_LIST: &str = "/etc/bongsu/runner.toml";

/// A command.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Command {
    Enrol {
        data_dir: PathBuf,
        server: String,
        pin: String,
        token: String,
    },
    Run {
        data_dir: PathBuf,
    },
    Runner(RunnerCommand),
    Allow(AllowCommand),
    Version,
    Help,
}

/// `bongsu-agent runner`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct RunnerCommand {
    pub(crate) agent_id: String,
    pub(crate) agent_user: String,
    pub(crate) socket: PathBuf,
    pub(crate) keys: PathBuf,
    pub(crate) allow: PathBuf,
    pub(crate) state: PathBuf,
}

/// `bongsu-agent allow`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct AllowCommand {
    pub(crate) name: String,
    pub(crate) hash: String,
    pub(crate) user: String,
    pub(crate) max_time: String,
    pub(crate) keep_processes: bool,
    pub(crate) allow: PathBuf,
}

/// Reads the arguments after the program's name.
pub(crate) fn parse(arguments: &[String]) -> Result<Command, AgentError> {
    let Some((word, rest)) = arguments.split_first() else {
        return Ok(Command::Help);
    };
    match word.as_str() {
        "help" | "--help" | "-h" => Ok(Command::Help),
        "version" | "--version" | "-V" => Ok(Command::Version),
        "enrol" | "enroll" => {
            let mut flags = Flags::read(rest, &["--server", "--pin", "--token", "--data-dir"])?;
            Ok(Command::Enrol {
                data_dir: flags.path("--data-dir", DATA_DIR),
                server: flags.need("--server")?,
                pin: flags.need("--pin")?,
                token: flags.need("--token")?,
            })
        }
        "run" => {
            let mut flags = Flags::read(rest, &["--data-dir"])?;
            Ok(Command::Run {
                data_dir: flags.path("--data-dir", DATA_DIR),
            })
        }
        "runner" => runner(rest).map(Command::Runner),
        "allow" => allow(rest).map(Command::Allow),
        other => Err(usage(&format!("`{other}` is no command"))),
    }
}

fn runner(arguments: &[String]) -> Result<RunnerCommand, AgentError> {
    let known = [
        "--agent-id",
        "--agent-user",
        "--socket",
        "--keys",
        "--allow",
        "--state",
    ];
    let mut flags = Flags::read(arguments, &known)?;
    Ok(RunnerCommand {
        agent_id: flags.need("--agent-id")?,
        agent_user: flags.need("--agent-user")?,
        socket: flags.path("--socket", "/run/bongsu/runner.sock"),
        keys: flags.path("--keys", "/etc/bongsu/runner.keys"),
        allow: flags.path("--allow", ALLOW_LIST),
        state: flags.path("--state", "/var/lib/bongsu-runner"),
    })
}

fn allow(arguments: &[String]) -> Result<AllowCommand, AgentError> {
    let known = [
        "--name",
        "--hash",
        "--user",
        "--max-time",
        "--keep-processes",
        "--allow",
    ];
    let mut flags = Flags::read(arguments, &known)?;
    let keep = flags.take("--keep-processes");
    Ok(AllowCommand {
        name: flags.need("--name")?,
        hash: flags.need("--hash")?,
        user: flags.need("--user")?,
        max_time: flags.take("--max-time").unwrap_or_else(|| "5m".to_owned()),
        keep_processes: match keep.as_deref() {
            None | Some("no") => false,
            Some("yes") => true,
            Some(_) => return Err(usage("`--keep-processes` is `yes` or `no`")),
        },
        allow: flags.path("--allow", ALLOW_LIST),
    })
}

fn usage(what: &str) -> AgentError {
    AgentError::Usage(format!("{what}; `bongsu-agent help` lists the commands"))
}

/// `--name value` and `--name=value`.
struct Flags(Vec<(String, String)>);

impl Flags {
    fn read(arguments: &[String], known: &[&str]) -> Result<Self, AgentError> {
        let mut list = Vec::new();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (argument.as_str(), None),
            };
            if !known.contains(&name) {
                return Err(usage(&format!("`{name}` is not known here")));
            }
            let value = value.or_else(|| rest.next().cloned());
            let value = value.ok_or_else(|| usage(&format!("`{name}` needs a value")))?;
            list.push((name.to_owned(), value));
        }
        Ok(Self(list))
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().rposition(|(known, _)| known == name)?;
        Some(self.0.swap_remove(at).1)
    }

    fn need(&mut self, name: &str) -> Result<String, AgentError> {
        self.take(name)
            .ok_or_else(|| usage(&format!("`{name}` is missing")))
    }

    fn path(&mut self, name: &str, default: &str) -> PathBuf {
        PathBuf::from(self.take(name).unwrap_or_else(|| default.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_line(line: &str) -> Result<Command, AgentError> {
        parse(
            &line
                .split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn commands_are_understood() {
        assert_eq!(
            parse_line("enrol --server m:1 --pin=sha256//x --token t").unwrap(),
            Command::Enrol {
                data_dir: DATA_DIR.into(),
                server: "m:1".into(),
                pin: "sha256//x".into(),
                token: "t".into(),
            }
        );
        let run = Command::Run {
            data_dir: "/x".into(),
        };
        assert_eq!(parse_line("run --data-dir /x").unwrap(), run);
        assert_eq!(parse_line("").unwrap(), Command::Help);
        assert_eq!(parse_line("--version").unwrap(), Command::Version);
    }

    #[test]
    fn mistakes_are_named() {
        for (line, part) in [
            ("start", "`start` is no command"),
            ("run --foo 1", "`--foo` is not known here"),
            ("run --data-dir", "`--data-dir` needs a value"),
            ("enrol --server x", "`--pin` is missing"),
            (
                "allow --name a --hash b --user c --keep-processes 1",
                "`--keep-processes` is",
            ),
        ] {
            let error = parse_line(line).unwrap_err().to_string();
            assert!(error.starts_with(part), "{line}: {error}");
        }
    }
}
