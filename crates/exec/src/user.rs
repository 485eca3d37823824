//! Users of this machine by name: from `/etc/passwd`, else from the name service.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A user as a program needs it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct User {
    /// The name.
    pub name: String,
    /// The number.
    pub uid: u32,
    /// The number of the primary group; a program gets no other group.
    pub gid: u32,
    /// The home directory.
    pub home: PathBuf,
}

/// Why a user cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// The user list cannot be read.
    #[error("/etc/passwd cannot be read")]
    Read(#[source] std::io::Error),
    /// Nobody has this name.
    #[error("user `{0}` does not exist on this host")]
    Unknown(String),
}

impl User {
    /// Looks a user up by name.
    ///
    /// # Errors
    /// When nobody has this name, neither locally nor in the name service.
    pub fn find(name: &str) -> Result<Self, UserError> {
        let local = std::fs::read_to_string("/etc/passwd").map_err(UserError::Read)?;
        if let Some(user) = local
            .lines()
            .filter_map(parse)
            .find(|user| user.name == name)
        {
            return Ok(user);
        }
        name_service(name).ok_or_else(|| UserError::Unknown(name.to_owned()))
    }
}

impl User {
    /// The user as whom this process runs.
    ///
    /// # Errors
    /// When the user has no name, which happens in containers.
    pub fn own() -> Result<Self, UserError> {
        let uid = rustix::process::geteuid().as_raw();
        let local = std::fs::read_to_string("/etc/passwd").map_err(UserError::Read)?;
        let found = local.lines().filter_map(parse).find(|user| user.uid == uid);
        let found = found.or_else(|| name_service(&uid.to_string()).filter(|user| user.uid == uid));
        found.ok_or_else(|| UserError::Unknown(uid.to_string()))
    }
}

/// `name:password:uid:gid:comment:home:shell`.
fn parse(line: &str) -> Option<User> {
    let mut parts = line.split(':');
    let name = parts.next()?.to_owned();
    let uid = parts.nth(1)?.parse().ok()?;
    let gid = parts.next()?.parse().ok()?;
    let home = parts.nth(1)?.into();
    Some(User {
        name,
        uid,
        gid,
        home,
    })
}

/// Users of a directory (LDAP, SSSD) are only known to the C library's name service; a static
/// program asks it through `getent`.
fn name_service(name: &str) -> Option<User> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '@' | '\\');
    if name.is_empty() || name.starts_with('-') || !name.chars().all(plain) {
        return None;
    }
    let mut getent = Command::new("/usr/bin/getent");
    let getent = getent
        .args(["passwd", name])
        .env_clear()
        .stdin(Stdio::null());
    let output = getent.stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines()
        .filter_map(parse)
        .find(|user| user.name == name || user.uid.to_string() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_known_and_strangers_are_not() {
        let root = User::find("root").unwrap();
        assert_eq!((root.uid, root.gid), (0, 0));
        for name in ["", "-h", "no such user", "nobody-has-this-name"] {
            assert!(
                matches!(User::find(name), Err(UserError::Unknown(_))),
                "{name}"
            );
        }
        assert_eq!(parse("broken:x:one:2::/:/bin/sh"), None);
    }
}
