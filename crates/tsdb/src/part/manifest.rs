//! The list of live parts: text, with a checksum, replaced by rename.

use std::fs;
use std::path::Path;

use crate::disk::Disk;
use crate::error::{Doing, Error, Result};
use crate::filenames;

const TITLE: &str = "bongsu-tsdb manifest ";
const VERSION: u32 = 1;

/// What the store consists of.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Manifest {
    /// Everything in the log before this is in the parts.
    pub(crate) flushed: u64,
    /// The number the next part gets.
    pub(crate) next_number: u64,
    /// Numbers of the live parts, in order of day and age.
    pub(crate) parts: Vec<u64>,
}

impl Manifest {
    fn to_text(&self) -> String {
        let mut text = format!("{TITLE}{VERSION}\nflushed {}\n", self.flushed);
        text.push_str(&format!("next {}\n", self.next_number));
        for part in &self.parts {
            text.push_str(&format!("part {part:016x}\n"));
        }
        let crc = crc32fast::hash(text.as_bytes());
        text.push_str(&format!("crc {crc:08x}\n"));
        text
    }

    pub(crate) fn save(&self, disk: &Disk, dir: &Path) -> Result<()> {
        disk.replace(&filenames::manifest(dir), self.to_text().as_bytes())
    }

    /// `None` when there is none yet.
    pub(crate) fn load(dir: &Path) -> Result<Option<Self>> {
        let path = filenames::manifest(dir);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                return Err(Error::Damaged {
                    path,
                    what: "it is not text",
                });
            }
            other => other.doing("read", &path)?,
        };
        Self::parse(&path, &text).map(Some)
    }

    fn parse(path: &Path, text: &str) -> Result<Self> {
        let damaged = |what| Error::Damaged {
            path: path.to_path_buf(),
            what,
        };
        let version = text
            .strip_prefix(TITLE)
            .and_then(|rest| rest.split('\n').next());
        let found: u32 = version
            .and_then(|version| version.parse().ok())
            .ok_or_else(|| damaged("it is not a manifest"))?;
        if found > VERSION {
            return Err(Error::NewerFormat {
                path: path.to_path_buf(),
                found,
                known: VERSION,
            });
        }
        let at = text
            .rfind("crc ")
            .ok_or_else(|| damaged("it has no checksum"))?;
        let (body, crc) = text.split_at(at);
        if crc != format!("crc {:08x}\n", crc32fast::hash(body.as_bytes())) {
            return Err(damaged("its checksum differs"));
        }
        let mut manifest = Self::default();
        for line in body.lines().skip(1) {
            let read = match line.split_once(' ') {
                Some(("flushed", n)) => n.parse().map(|n| manifest.flushed = n),
                Some(("next", n)) => n.parse().map(|n| manifest.next_number = n),
                Some(("part", n)) => u64::from_str_radix(n, 16).map(|n| manifest.parts.push(n)),
                _ => return Err(damaged("it has an unknown line")),
            };
            read.map_err(|_| damaged("it has a line without a number"))?;
        }
        Ok(manifest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_comes_back_and_a_changed_one_does_not() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Manifest::load(dir.path()).unwrap(), None);
        let manifest = Manifest {
            flushed: 77,
            next_number: 9,
            parts: vec![3, 0xAB],
        };
        manifest.save(&Disk::default(), dir.path()).unwrap();
        assert_eq!(Manifest::load(dir.path()).unwrap(), Some(manifest));
        let path = filenames::manifest(dir.path());
        let sound = fs::read(&path).unwrap();
        for at in 0..sound.len() {
            let mut bytes = sound.clone();
            bytes[at] ^= 1;
            fs::write(&path, &bytes).unwrap();
            assert!(Manifest::load(dir.path()).is_err(), "byte {at}");
        }
    }
}
