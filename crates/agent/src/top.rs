//! Which processes use most right now: asked by the server at the moment of a problem.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use exec::{PAGE_BYTES, PidStat};
use prost::Message as _;
use wire::{Kind, Top, TopProcess, TopRequest};

use crate::shared::Shared;

/// Between the two looks whose difference is the use of CPU.
const LOOK: Duration = Duration::from_millis(500);
/// Processes in each list.
const COUNT_MAX: u32 = 50;
/// Bytes of a command line.
const COMMAND_BYTES_MAX: usize = 256;

/// Measures in a thread of its own and answers.
pub(crate) fn answer(shared: &Arc<Shared>, connection: u64, request: TopRequest) {
    let thread_shared = shared.clone();
    let thread = std::thread::Builder::new()
        .name("top".into())
        .stack_size(128 * 1024);
    let count = request.count.clamp(1, COUNT_MAX) as usize;
    let id = request.request;
    let started = thread.spawn(move || {
        let mut top = measure(&thread_shared, count);
        top.request = id;
        thread_shared.answer(connection, Kind::Top, top.encode_to_vec());
    });
    if let Err(error) = started {
        let error = format!("the agent has no thread for it: {error}");
        let top = Top {
            request: id,
            error,
            ..Top::default()
        };
        shared.answer(connection, Kind::Top, top.encode_to_vec());
    }
}

/// A process at one look.
#[derive(Clone, Debug)]
struct Seen {
    pid: u32,
    name: String,
    cpu_s: f64,
    resident_bytes: u64,
}

fn measure(shared: &Shared, count: usize) -> Top {
    let clock = &*shared.env.clock;
    let proc_dir = shared.root.join("proc");
    let first_ns = clock.mono_ns();
    let before: HashMap<(u32, u64), f64> = look(&proc_dir)
        .into_iter()
        .map(|(key, seen)| (key, seen.cpu_s))
        .collect();
    std::thread::sleep(LOOK);
    let after = look(&proc_dir);
    let elapsed_s = (clock.mono_ns().saturating_sub(first_ns)) as f64 / 1e9;
    let used = |key: &(u32, u64), seen: &Seen| {
        let start = before.get(key).copied().unwrap_or(0.0);
        if elapsed_s > 0.0 {
            ((seen.cpu_s - start) / elapsed_s).max(0.0)
        } else {
            0.0
        }
    };
    let mut list: Vec<(f64, Seen)> = after
        .into_iter()
        .map(|(key, seen)| (used(&key, &seen), seen))
        .collect();
    list.sort_by(|a, b| b.0.total_cmp(&a.0));
    let by_cpu = list
        .iter()
        .take(count)
        .map(|(cpu, seen)| told(&proc_dir, *cpu, seen))
        .collect();
    list.sort_by_key(|(_, seen)| std::cmp::Reverse(seen.resident_bytes));
    let by_memory = list.iter().take(count);
    let by_memory = by_memory
        .map(|(cpu, seen)| told(&proc_dir, *cpu, seen))
        .collect();
    Top {
        request: 0,
        by_cpu,
        by_memory,
        error: String::new(),
    }
}

/// All processes by their number and start, which names a process for good.
fn look(proc_dir: &Path) -> Vec<((u32, u64), Seen)> {
    let Ok(entries) = fs::read_dir(proc_dir) else {
        return Vec::new();
    };
    let read = |entry: fs::DirEntry| {
        let first = *entry.file_name().as_encoded_bytes().first()?;
        if !first.is_ascii_digit() {
            return None;
        }
        let line = fs::read(entry.path().join("stat")).ok()?;
        let stat = PidStat::parse(&line)?;
        let seen = Seen {
            pid: stat.pid,
            name: String::from_utf8_lossy(stat.name).into_owned(),
            cpu_s: stat.cpu_s(),
            resident_bytes: stat.rss_pages.saturating_mul(PAGE_BYTES as u64),
        };
        Some(((stat.pid, stat.start_ticks), seen))
    };
    entries.flatten().filter_map(read).collect()
}

fn told(proc_dir: &Path, cpu_ratio: f64, seen: &Seen) -> TopProcess {
    let folder = proc_dir.join(seen.pid.to_string());
    TopProcess {
        pid: seen.pid,
        user: user(&folder),
        name: seen.name.clone(),
        command: command(&folder),
        cpu_ratio,
        resident_bytes: seen.resident_bytes,
    }
}

/// The owner's name, or its number.
fn user(folder: &Path) -> String {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(metadata) = fs::metadata(folder) else {
        return String::new();
    };
    let uid = metadata.uid().to_string();
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = passwd.lines().find_map(|line| {
        let mut parts = line.split(':');
        let name = parts.next()?;
        (parts.nth(1)? == uid).then(|| name.to_owned())
    });
    name.unwrap_or(uid)
}

/// The command line; arguments that look like secrets are left out.
fn command(folder: &Path) -> String {
    let bytes = fs::read(folder.join("cmdline")).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let words: Vec<&str> = text.split('\0').filter(|word| !word.is_empty()).collect();
    let mut line = hide_secrets(&words);
    if line.len() > COMMAND_BYTES_MAX {
        let end = (0..=COMMAND_BYTES_MAX)
            .rev()
            .find(|&at| line.is_char_boundary(at));
        line.truncate(end.unwrap_or(0));
        line.push('…');
    }
    line
}

fn hide_secrets(words: &[&str]) -> String {
    let secret = |word: &str| {
        let word = word.to_ascii_lowercase();
        ["password", "passwd", "secret", "token", "api-key", "apikey"]
            .iter()
            .any(|part| word.contains(part))
    };
    let mut hide_next = false;
    let mut shown = Vec::new();
    for word in words {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        if hide_next {
            shown.push("***".to_owned());
        } else if secret(name) && !value.is_empty() {
            shown.push(format!("{name}=***"));
        } else {
            shown.push((*word).to_owned());
        }
        hide_next = !hide_next && word.starts_with('-') && secret(word) && value.is_empty();
    }
    shown.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_test_is_among_the_processes() {
        let list = look(Path::new("/proc"));
        let own = list
            .iter()
            .find(|((pid, _), _)| *pid == std::process::id())
            .unwrap();
        assert!(own.1.resident_bytes > 0);
        let told = told(Path::new("/proc"), 0.5, &own.1);
        assert!(!told.command.is_empty() && !told.user.is_empty());
    }

    #[test]
    fn secrets_on_a_command_line_are_not_told() {
        let line = hide_secrets(&[
            "app",
            "--password",
            "x1",
            "--token=x2",
            "-v",
            "DB_SECRET=x3",
        ]);
        assert_eq!(line, "app --password *** --token=*** -v DB_SECRET=***");
    }
}
