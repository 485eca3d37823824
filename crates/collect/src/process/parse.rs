//! Which process is which: command lines, and whether they meet what is watched.

use exec::User;
use regex::Regex;

use super::Watched;
use crate::collector::SettingsError;
use crate::scan::{text, unsigned, words};

/// Bytes of a command line that are looked at.
pub const COMMAND_BYTES_MAX: usize = 32 * 1024;

/// What is watched, ready to compare.
#[derive(Clone, Debug)]
pub struct Pattern {
    watched: Watched,
    regex: Option<Regex>,
    uid: Option<u32>,
}

impl Pattern {
    /// Checks what is watched and prepares it.
    ///
    /// # Errors
    /// When it names nothing, its expression is malformed, or its user does not exist.
    pub fn new(watched: &Watched) -> Result<Self, SettingsError> {
        let error = |what| SettingsError {
            collector: super::PLUGIN.name,
            what,
        };
        let Watched {
            id,
            name,
            command,
            regex,
            user,
            ..
        } = watched;
        if id.is_empty() {
            return Err(error("every watched process needs an `id`".to_owned()));
        }
        if name.is_empty() && command.is_empty() && regex.is_empty() {
            return Err(error(format!("`{id}`: give `name`, `command` or `regex`")));
        }
        let regex = (!regex.is_empty()).then(|| Regex::new(regex)).transpose();
        let regex = regex.map_err(|e| error(format!("`{id}`: {e}")))?;
        let uid = match user.as_str() {
            "" => None,
            user => Some(match user.parse() {
                Ok(uid) => uid,
                Err(_) => {
                    User::find(user)
                        .map_err(|e| error(format!("`{id}`: {e}")))?
                        .uid
                }
            }),
        };
        Ok(Self {
            watched: watched.clone(),
            regex,
            uid,
        })
    }

    /// What it was made from.
    #[must_use]
    pub const fn watched(&self) -> &Watched {
        &self.watched
    }

    /// Whether the owner of a process must be known to decide.
    #[must_use]
    pub const fn needs_user(&self) -> bool {
        self.uid.is_some()
    }

    /// Whether a process meets every condition.
    #[must_use]
    pub fn meets(&self, name: &str, command: &str, uid: Option<u32>) -> bool {
        let Watched {
            name: wanted,
            command: part,
            ..
        } = &self.watched;
        let first = command.split(' ').next().unwrap_or_default();
        let base = first.rsplit('/').next().unwrap_or_default();
        // Daemons that write their own titles end the name with a colon: `nginx: master process`.
        let titled = base.trim_end_matches(':');
        (wanted.is_empty() || name == wanted || base == wanted || titled == wanted)
            && (part.is_empty() || command.contains(part.as_str()))
            && self
                .regex
                .as_ref()
                .is_none_or(|regex| regex.is_match(command))
            && (self.uid.is_none() || self.uid == uid)
    }
}

/// A command line as people write it: arguments with spaces between them.
pub fn command_line<'a>(bytes: &'a mut Vec<u8>) -> std::borrow::Cow<'a, str> {
    bytes.truncate(COMMAND_BYTES_MAX);
    while bytes.last().is_some_and(|&byte| byte == 0 || byte == b' ') {
        bytes.pop();
    }
    for byte in bytes.iter_mut().filter(|byte| **byte == 0) {
        *byte = b' ';
    }
    String::from_utf8_lossy(bytes)
}

/// The number the kernel gave out last, the fifth word of `/proc/loadavg`: unchanged means that
/// nothing was started since.
#[must_use]
pub fn last_pid(loadavg: &[u8]) -> Option<u64> {
    unsigned(words(loadavg).nth(4)?)
}

/// A number of a process from a name in `/proc`.
#[must_use]
pub fn pid(name: &str) -> Option<u32> {
    unsigned(name.as_bytes()).and_then(|pid| u32::try_from(pid).ok())
}

/// Every parser of this collector over arbitrary bytes: none may panic.
pub fn fuzz_process(data: &[u8]) {
    let _ = (last_pid(data), text(data).and_then(pid));
    let watched = Watched {
        id: "x".to_owned(),
        name: "sh".to_owned(),
        command: String::new(),
        regex: "a+b".to_owned(),
        user: String::new(),
        min_count: 1,
        max_count: None,
    };
    if let Ok(pattern) = Pattern::new(&watched) {
        let _ = pattern.meets("sh", &command_line(&mut data.to_vec()), None);
    }
}
