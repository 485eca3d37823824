//! `bongsu doctor`: looks at every border of an installation and says what is wrong and what to do.

use std::net::TcpListener;
use std::path::Path;

use anyhow::{Result, bail};

use super::Place;
use crate::config::Config;

/// Free space under which a store is in danger, in bytes.
const FREE_BYTES_MIN: u64 = 512 * 1024 * 1024;

/// What a look found.
enum Found {
    Good(String),
    Note(String),
    Bad(String),
}

pub(crate) fn run(place: &Place) -> Result<()> {
    let config = place.config()?;
    let mut bad = 0;
    for (what, look) in [
        ("data folder", folder as fn(&Config) -> Found),
        ("free space", space),
        ("keys", keys),
        ("console port", console),
        ("agent port", agents),
        ("agent for other machines", agent_program),
        ("time zone", zone),
    ] {
        let (mark, text) = match look(&config) {
            Found::Good(text) => ("ok  ", text),
            Found::Note(text) => ("note", text),
            Found::Bad(text) => {
                bad += 1;
                ("BAD ", text)
            }
        };
        println!("{mark}  {what:<26} {text}");
    }
    if bad > 0 {
        bail!("{bad} things need attention");
    }
    Ok(())
}

fn folder(config: &Config) -> Found {
    let dir = &config.data_dir;
    if !dir.exists() {
        return Found::Note(format!(
            "{} does not exist yet; `bongsu up` makes it",
            dir.display()
        ));
    }
    let probe = dir.join(".doctor");
    match std::fs::write(&probe, b"x").and_then(|()| std::fs::remove_file(&probe)) {
        Ok(()) => Found::Good(dir.display().to_string()),
        Err(error) => Found::Bad(format!("{} cannot be written: {error}", dir.display())),
    }
}

fn space(config: &Config) -> Found {
    let dir = existing(&config.data_dir);
    match rustix::fs::statvfs(dir) {
        Ok(stat) => {
            let free = stat.f_bavail.saturating_mul(stat.f_frsize);
            let text = format!("{} MiB free", free / (1024 * 1024));
            if free < FREE_BYTES_MIN {
                Found::Bad(text)
            } else {
                Found::Good(text)
            }
        }
        Err(error) => Found::Bad(format!("{} cannot be asked: {error}", dir.display())),
    }
}

fn existing(path: &Path) -> &Path {
    path.ancestors()
        .find(|path| path.exists())
        .unwrap_or_else(|| Path::new("."))
}

fn keys(config: &Config) -> Found {
    use std::os::unix::fs::PermissionsExt;
    let folder = crate::keys::folder(&config.data_dir);
    let Ok(entries) = std::fs::read_dir(&folder) else {
        return Found::Note("made at the first start".to_owned());
    };
    let open = entries.flatten().find(|entry| {
        entry
            .metadata()
            .is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0)
    });
    match open {
        Some(entry) => Found::Bad(format!(
            "{} is readable by others: chmod 600 it and rotate it",
            entry.path().display()
        )),
        None => Found::Good(folder.display().to_string()),
    }
}

fn console(config: &Config) -> Found {
    port(config.listen)
}

fn agents(config: &Config) -> Found {
    port(config.agents_address())
}

fn port(address: std::net::SocketAddr) -> Found {
    match TcpListener::bind(address) {
        Ok(_) => Found::Good(format!("{address} is free")),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => Found::Note(format!(
            "{address} is taken: the server is running, or something else"
        )),
        Err(error) => Found::Bad(format!("{address} cannot be had: {error}")),
    }
}

fn agent_program(config: &Config) -> Found {
    let programs = crate::server::agent_programs(config);
    if programs.is_empty() {
        return Found::Note(
            "no static agent beside this program: `cargo xtask dist` makes one".to_owned(),
        );
    }
    let list: Vec<String> = programs
        .iter()
        .map(|(arch, path)| format!("{arch} {}", path.display()))
        .collect();
    Found::Good(list.join(", "))
}

fn zone(config: &Config) -> Found {
    match jiff::tz::TimeZone::get(&config.time_zone) {
        Ok(_) => Found::Good(config.time_zone.clone()),
        Err(_) => Found::Bad(format!("`{}` is no IANA time zone", config.time_zone)),
    }
}
