//! The allow-list of a host: which programs its runner may start, as whom, and for how long.
//!
//! A TOML file that only root may write, or the user as whom the runner itself runs:
//! ```toml
//! [[program]]
//! name = "restart-web"
//! hash = "…64 hexadecimal digits, BLAKE3 (b3sum) of the script or program…"
//! user = "web"
//! max_time = "5m"
//! arguments = ["restart", "*"]   # exactly these; "*" is any one; none when left out
//! keep_processes = true          # it starts a daemon that lives on
//! ```

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use model::limits;
use serde::Deserialize;

use crate::order::Order;

/// Bytes of the file at most.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// What may be run.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AllowList {
    programs: Vec<AllowedProgram>,
}

/// One program that may be run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AllowedProgram {
    /// Its name, for people.
    pub name: String,
    /// The BLAKE3 hash of its text or file.
    pub hash: [u8; 32],
    /// As whom it runs.
    pub user: String,
    /// The longest time it may run, in milliseconds.
    pub time_ms_max: u64,
    /// The arguments it may be given, in order; `*` stands for any one.
    pub arguments: Vec<String>,
    /// Whether the processes it leaves behind live on.
    pub keep_processes: bool,
}

/// An entry to be added: one script, as one user.
#[derive(Clone, Copy, Debug)]
pub struct NewEntry<'a> {
    /// Its name, for people.
    pub name: &'a str,
    /// The BLAKE3 hash of its text, 64 hexadecimal digits.
    pub hash: &'a str,
    /// As whom it runs.
    pub user: &'a str,
    /// The longest time it may run, such as `5m`.
    pub max_time: &'a str,
    /// Whether the processes it leaves behind live on.
    pub keep_processes: bool,
}

impl NewEntry<'_> {
    /// The entry as it stands in the file.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let mut text = format!(
            "[[program]]\nname = {}\nhash = {}\nuser = {}\nmax_time = {}\n",
            quoted(self.name),
            quoted(self.hash),
            quoted(self.user),
            quoted(self.max_time)
        );
        if self.keep_processes {
            text.push_str("keep_processes = true\n");
        }
        text
    }
}

/// Why the list, or a program, is refused.
#[derive(Debug, thiserror::Error)]
pub enum AllowError {
    /// The file cannot be read.
    #[error("allow-list {path} cannot be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Somebody other than root and the runner could have written it.
    #[error(
        "{path} {what}: only root or the runner's own user may be able to write it \
         (chown root, chmod go-w)"
    )]
    NotRoots {
        /// The file or a folder above it.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// It is no TOML of this form; the source says line and column.
    #[error("allow-list {path} is malformed")]
    Shape {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        #[source]
        source: toml::de::Error,
    },
    /// An entry is wrong.
    #[error("allow-list {path}, program {number} (`{name}`): {what}")]
    Entry {
        /// The file.
        path: PathBuf,
        /// Which entry, from 1.
        number: usize,
        /// Its name.
        name: String,
        /// What is wrong with it.
        what: String,
    },
    /// The program is not on the list.
    #[error("the program with hash {0} is not on the allow-list of this host")]
    NotAllowed(String),
    /// It is, but not so.
    #[error("`{name}` is allowed, but {what}")]
    NotSo {
        /// The program.
        name: String,
        /// What is not allowed.
        what: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    program: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    hash: String,
    user: String,
    max_time: String,
    #[serde(default)]
    arguments: Vec<String>,
    #[serde(default)]
    keep_processes: bool,
}

impl AllowList {
    /// Reads the file. Its owner and mode, and those of the folders above it, are checked first.
    ///
    /// # Errors
    /// When somebody other than root and this process's user can write it, or it is malformed.
    pub fn load(path: &Path) -> Result<Self, AllowError> {
        let read = |source| AllowError::Read {
            path: path.to_owned(),
            source,
        };
        let real = path.canonicalize().map_err(read)?;
        real.ancestors().try_for_each(only_owner_writes)?;
        if fs::metadata(&real).map_err(read)?.len() > FILE_BYTES_MAX {
            let what = format!("is longer than {FILE_BYTES_MAX} bytes");
            return Err(AllowError::NotRoots { path: real, what });
        }
        Self::parse(path, &fs::read_to_string(&real).map_err(read)?)
    }

    /// Reads the text of a list; `path` is for the errors.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn parse(path: &Path, text: &str) -> Result<Self, AllowError> {
        let document: Document = toml::from_str(text).map_err(|source| AllowError::Shape {
            path: path.to_owned(),
            source,
        })?;
        let mut programs: Vec<AllowedProgram> = Vec::new();
        for (number, entry) in (1..).zip(document.program) {
            let name = entry.name.clone();
            let error = |what| AllowError::Entry {
                path: path.to_owned(),
                number,
                name,
                what,
            };
            let program = check(entry).map_err(error)?;
            if let Some(twin) = programs.iter().find(|twin| twin.hash == program.hash) {
                let what = format!("has the same hash as `{}`", twin.name);
                let (path, name) = (path.to_owned(), program.name);
                return Err(AllowError::Entry {
                    path,
                    number,
                    name,
                    what,
                });
            }
            programs.push(program);
        }
        Ok(Self { programs })
    }

    /// The entry under which an order may be carried out.
    ///
    /// # Errors
    /// When the program is not on the list, or not with this user, time or arguments.
    pub fn permit(&self, order: &Order) -> Result<&AllowedProgram, AllowError> {
        let hash = order.hash().unwrap_or_default();
        let entry = self.programs.iter().find(|program| program.hash == hash);
        let hex = || blake3::Hash::from_bytes(hash).to_hex().to_string();
        let entry = entry.ok_or_else(|| AllowError::NotAllowed(hex()))?;
        let not_so = |what| {
            Err(AllowError::NotSo {
                name: entry.name.clone(),
                what,
            })
        };
        if !order.user.is_empty() && order.user != entry.user {
            return not_so(format!("as user `{}`, not `{}`", entry.user, order.user));
        }
        if order.time_ms > entry.time_ms_max {
            let (most, asked) = (entry.time_ms_max, order.time_ms);
            return not_so(format!("for {most} ms at most, not {asked} ms"));
        }
        let pairs = || entry.arguments.iter().zip(&order.arguments);
        let fits = entry.arguments.len() == order.arguments.len()
            && pairs().all(|(allowed, given)| allowed == "*" || allowed == given);
        if !fits {
            let (allowed, given) = (&entry.arguments, &order.arguments);
            return not_so(format!("with arguments {allowed:?}, not {given:?}"));
        }
        Ok(entry)
    }

    /// Adds an entry to the file, which is made when there is none; what stands in it stays as it is.
    ///
    /// # Errors
    /// When somebody else can write the file, it is or would become malformed, or it cannot be written.
    pub fn append(path: &Path, entry: &NewEntry<'_>) -> Result<(), AllowError> {
        let read = |source| AllowError::Read {
            path: path.to_owned(),
            source,
        };
        let before = if path.exists() {
            Self::load(path)?;
            fs::read_to_string(path).map_err(read)?
        } else {
            String::new()
        };
        let gap = if before.is_empty() { "" } else { "\n" };
        let text = format!("{before}{gap}{}", entry.to_toml());
        Self::parse(path, &text)?;
        let beside = path.with_extension("new");
        fs::write(&beside, text).map_err(read)?;
        fs::set_permissions(&beside, fs::Permissions::from_mode(0o644)).map_err(read)?;
        fs::rename(&beside, path).map_err(read)
    }

    /// The programs on the list.
    #[must_use]
    pub fn programs(&self) -> &[AllowedProgram] {
        &self.programs
    }
}

fn check(entry: Entry) -> Result<AllowedProgram, String> {
    let hash = blake3::Hash::from_hex(&entry.hash)
        .map_err(|_| "`hash` must be 64 hexadecimal digits (b3sum of the program)".to_owned())?;
    let time_ms_max = stdx::parse_duration_ms(&entry.max_time)
        .map_err(|error| format!("`max_time` must be a span such as `5m`: {error}"))?;
    if time_ms_max == 0 || time_ms_max > limits::RUN_TIME_MS_MAX {
        let most = limits::RUN_TIME_MS_MAX / 60_000;
        return Err(format!(
            "`max_time` must lie between 1 ms and {most} minutes"
        ));
    }
    if entry.user.is_empty() {
        return Err("`user` is empty: name the user it runs as".to_owned());
    }
    let Entry {
        name,
        user,
        arguments,
        keep_processes,
        ..
    } = entry;
    Ok(AllowedProgram {
        name,
        hash: *hash.as_bytes(),
        user,
        time_ms_max,
        arguments,
        keep_processes,
    })
}

/// Whether nobody but root and this process's own user can change what stands at this path: whoever
/// is that user needs no runner to do what the runner may. A folder with the sticky bit, such as
/// `/tmp`, protects what is in it only by its owner, and the owner of each part is checked too.
pub(crate) fn only_owner_writes(path: &Path) -> Result<(), AllowError> {
    let found = fs::metadata(path).map_err(|source| AllowError::Read {
        path: path.to_owned(),
        source,
    })?;
    let not_roots = |what| {
        Err(AllowError::NotRoots {
            path: path.to_owned(),
            what,
        })
    };
    let own = rustix::process::geteuid().as_raw();
    if found.uid() != 0 && found.uid() != own {
        return not_roots(format!("is owned by user {}", found.uid()));
    }
    let sticky_folder = found.is_dir() && found.mode() & 0o1000 != 0;
    if found.mode() & 0o022 != 0 && !sticky_folder {
        return not_roots(format!("has mode {:o}", found.mode() & 0o7777));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::OrderKind;
    use crate::runner::scratch;

    const HASH: &str = "1111111111111111111111111111111111111111111111111111111111111111";

    fn list(entry: &str) -> Result<AllowList, AllowError> {
        AllowList::parse(Path::new("allow.toml"), &format!("[[program]]\n{entry}"))
    }

    fn good() -> AllowList {
        list(&format!(
            "name = 'restart-web'\nhash = '{HASH}'\nuser = 'web'\nmax_time = '5m'\n\
             arguments = ['restart', '*']"
        ))
        .unwrap()
    }

    fn order() -> Order {
        Order {
            kind: OrderKind::Command.into(),
            program_hash: vec![0x11; 32],
            arguments: vec!["restart".into(), "nginx".into()],
            ..Order::default()
        }
    }

    #[test]
    fn an_order_must_fit_its_entry_in_every_part() {
        assert_eq!(good().permit(&order()).unwrap().time_ms_max, 300_000);
        for (bent, what) in [
            (
                Order {
                    program_hash: vec![2; 32],
                    ..order()
                },
                "is not on the allow-list",
            ),
            (
                Order {
                    user: "root".into(),
                    ..order()
                },
                "as user `web`, not `root`",
            ),
            (
                Order {
                    time_ms: 300_001,
                    ..order()
                },
                "for 300000 ms at most, not 300001 ms",
            ),
            (
                Order {
                    arguments: vec!["stop".into(), "x".into()],
                    ..order()
                },
                "with arguments",
            ),
            (
                Order {
                    arguments: vec!["restart".into()],
                    ..order()
                },
                "with arguments",
            ),
        ] {
            let error = good().permit(&bent).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        }
    }

    #[test]
    fn a_wrong_entry_is_named_with_its_number() {
        for (entry, what) in [
            (
                format!("name='a'\nhash='{HASH}'\nuser='u'\nmax_time='5'"),
                "`max_time` must be",
            ),
            (
                format!("name='a'\nhash='{HASH}'\nuser='u'\nmax_time='2h'"),
                "60 minutes",
            ),
            (
                "name='a'\nhash='12'\nuser='u'\nmax_time='5m'".to_owned(),
                "64 hexadecimal digits",
            ),
            (
                format!("name='a'\nhash='{HASH}'\nuser=''\nmax_time='5m'"),
                "`user` is empty",
            ),
        ] {
            let error = list(&entry).unwrap_err().to_string();
            assert!(
                error.contains(what) && error.contains("program 1 (`a`)"),
                "{error}"
            );
        }
        let error = list("name='a'\nhsah='x'").unwrap_err();
        assert!(matches!(error, AllowError::Shape { .. }), "{error}");
    }

    #[test]
    fn an_added_entry_leaves_the_others_and_a_second_of_its_hash_is_refused() {
        let dir = scratch("append");
        let path = dir.join("allow.toml");
        let entry = NewEntry {
            name: "restart \"web\"",
            hash: HASH,
            user: "web",
            max_time: "5m",
            keep_processes: true,
        };
        AllowList::append(&path, &entry).unwrap();
        let other = "2".repeat(64);
        let second = NewEntry {
            name: "b",
            hash: &other,
            keep_processes: false,
            ..entry
        };
        AllowList::append(&path, &second).unwrap();
        let list = AllowList::load(&path).unwrap();
        assert_eq!(list.programs()[0].name, "restart \"web\"");
        assert!(list.programs()[0].keep_processes && !list.programs()[1].keep_processes);
        let before = fs::read_to_string(&path).unwrap();
        let error = AllowList::append(&path, &entry).unwrap_err().to_string();
        assert!(error.contains("has the same hash"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), before);
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_list_that_others_can_write_is_refused() {
        let dir = scratch("allow");
        let path = dir.join("allow.toml");
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(AllowList::load(&path).unwrap(), AllowList::default());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o664)).unwrap();
        let error = AllowList::load(&path).unwrap_err().to_string();
        assert!(error.contains("has mode 664"), "{error}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        std::os::unix::fs::chown(&path, Some(65_534), None).unwrap();
        let error = AllowList::load(&path).unwrap_err().to_string();
        assert!(error.contains("is owned by user 65534"), "{error}");
        std::os::unix::fs::chown(&path, Some(0), None).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(AllowList::load(&path).is_err());
        fs::remove_dir_all(dir).unwrap();
    }
}
