//! Which processes use most right now: asked by the server at the moment of a problem.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use collect::top::{Top, TopReport};
use collect::{ReadError, Root, Tick};
use prost::Message as _;
use wire::{Kind, TopRequest};

use crate::shared::Shared;

/// Between the two looks whose difference is the use of CPU.
const LOOK: Duration = Duration::from_millis(500);
/// Processes in each list.
const COUNT_MAX: u32 = 50;

/// Looks twice in a thread of its own and answers.
pub(crate) fn answer(shared: &Arc<Shared>, connection: u64, request: TopRequest) {
    let thread_shared = shared.clone();
    let thread = std::thread::Builder::new()
        .name("top".into())
        .stack_size(128 * 1024);
    let count = request.count.clamp(1, COUNT_MAX) as usize;
    let id = request.request;
    let started = thread.spawn(move || {
        let top = match look(&thread_shared, count) {
            Ok(report) => to_wire(&report, id),
            Err(error) => wire::Top {
                request: id,
                error: error.to_string(),
                ..Default::default()
            },
        };
        thread_shared.answer(connection, Kind::Top, top.encode_to_vec());
    });
    if let Err(error) = started {
        let error = format!("the agent has no thread for it: {error}");
        let top = wire::Top {
            request: id,
            error,
            ..Default::default()
        };
        shared.answer(connection, Kind::Top, top.encode_to_vec());
    }
}

fn look(shared: &Shared, count: usize) -> Result<TopReport, ReadError> {
    let live = shared.root == Path::new("/");
    let root = if live {
        Root::live()?
    } else {
        Root::at(&shared.root)?
    };
    let tick = || Tick {
        mono_ns: shared.env.clock.mono_ns(),
        ..Tick::default()
    };
    let mut top = Top::default();
    top.look(&root, &tick(), count)?;
    std::thread::sleep(LOOK);
    top.look(&root, &tick(), count)
}

fn to_wire(report: &TopReport, request: u64) -> wire::Top {
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let told = |process: &collect::top::TopProcess| wire::TopProcess {
        pid: process.pid,
        user: process
            .uid
            .map(|uid| user(&passwd, uid))
            .unwrap_or_default(),
        name: process.name.clone(),
        command: hide_secrets(&process.command),
        cpu_ratio: process.cpu_ratio.unwrap_or(0.0),
        resident_bytes: process.memory_bytes as u64,
    };
    wire::Top {
        request,
        by_cpu: report.by_cpu.iter().map(told).collect(),
        by_memory: report.by_memory.iter().map(told).collect(),
        error: String::new(),
    }
}

/// A user's name, or its number.
fn user(passwd: &str, uid: u32) -> String {
    let uid = uid.to_string();
    let name = passwd.lines().find_map(|line| {
        let mut parts = line.split(':');
        let name = parts.next()?;
        (parts.nth(1)? == uid).then(|| name.to_owned())
    });
    name.unwrap_or(uid)
}

/// The command line; arguments that look like secrets are left out.
fn hide_secrets(command: &str) -> String {
    let secret = |word: &str| {
        let word = word.to_ascii_lowercase();
        ["password", "passwd", "secret", "token", "api-key", "apikey"]
            .iter()
            .any(|part| word.contains(part))
    };
    let mut hide_next = false;
    let mut shown = Vec::new();
    for word in command.split(' ') {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        if hide_next {
            shown.push("***".to_owned());
        } else if secret(name) && !value.is_empty() {
            shown.push(format!("{name}=***"));
        } else {
            shown.push(word.to_owned());
        }
        hide_next = !hide_next && word.starts_with('-') && secret(word) && value.is_empty();
    }
    shown.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_on_a_command_line_are_not_told() {
        let line = hide_secrets("app --password x1 --token=x2 -v DB_SECRET=x3");
        assert_eq!(line, "app --password *** --token=*** -v DB_SECRET=***");
    }

    #[test]
    fn users_have_names_or_numbers() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\nweb:x:33:33::/:/bin/false\n";
        assert_eq!(
            (user(passwd, 33).as_str(), user(passwd, 7).as_str()),
            ("web", "7")
        );
    }
}
