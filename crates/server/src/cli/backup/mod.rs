//! Backups: one file, made while the server runs, that a server elsewhere goes on from.
//!
//! A zstd-compressed tar whose first entry, [`MANIFEST`], names every other with size and SHA-256; the
//! format is described in `docs/format/backup.md`. The order in which the parts are copied makes the
//! whole what a crash could have left: the judge's state, then the records, then the metrics with a
//! log that reaches back to the first and goes on beyond the second. A start judges that log again.

mod keybox;
mod make;
mod restore;

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use ring::digest;
use serde::{Deserialize, Serialize};

pub(crate) use make::{Backup, run};
pub(crate) use restore::{Restore, run as run_restore};

/// The format of a backup.
const FORMAT: u32 = 1;
/// The entry that names all others.
const MANIFEST: &str = "manifest.json";
const RECORDS: &str = "records.db";
const SNAPSHOT: &str = "judge.snapshot";
const METRICS: &str = "metrics";
const KEYS: &str = "keys.sealed";
/// How backups that are written into a folder end.
const SUFFIX: &str = ".tar.zst";
/// The most bytes that a manifest may have; it is read before anything is trusted.
const MANIFEST_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What a backup says of itself.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Manifest {
    format: u32,
    /// The version of the program that made it.
    product: String,
    /// UTC milliseconds, and the same for people.
    made_ms: i64,
    made: String,
    /// The machine it was made on.
    host: String,
    /// `sqlite`: inside; `postgres`: backed up by its own means.
    records: String,
    /// The newest migration of the records.
    migration: String,
    /// Whether the keys are inside, sealed under a passphrase.
    keys: bool,
    files: Vec<FileEntry>,
}

/// One file of a backup.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
struct FileEntry {
    name: String,
    size_bytes: u64,
    sha256: String,
}

impl Manifest {
    fn size_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size_bytes).sum()
    }
}

/// Where the passphrase is that seals the keys.
#[derive(Args, Clone, Debug)]
pub(crate) struct Passphrase {
    /// A file whose first line is the passphrase under which the keys are sealed.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// The passphrase itself; for the environment only.
    #[arg(
        long,
        env = "BONGSU_BACKUP_PASSPHRASE",
        hide = true,
        hide_env_values = true
    )]
    passphrase: Option<String>,
}

impl Passphrase {
    /// The passphrase, when one was given.
    fn read(&self) -> Result<Option<String>> {
        let given = match &self.passphrase_file {
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("cannot read the passphrase in {}", path.display()))?;
                Some(text.lines().next().unwrap_or_default().to_owned())
            }
            None => self.passphrase.clone(),
        };
        Ok(given.filter(|text| !text.is_empty()))
    }
}

/// The SHA-256 of a file and how long it is.
fn sum(path: &Path) -> Result<(u64, String)> {
    let told = || format!("cannot read {}", path.display());
    let mut file = std::fs::File::open(path).with_context(told)?;
    let mut summed = Summed::new(&mut file);
    std::io::copy(&mut summed, &mut std::io::sink()).with_context(told)?;
    Ok(summed.finish())
}

/// Sums up what is read through it.
struct Summed<R> {
    inner: R,
    context: digest::Context,
    size_bytes: u64,
}

impl<R: Read> Summed<R> {
    fn new(inner: R) -> Self {
        Self {
            inner,
            context: digest::Context::new(&digest::SHA256),
            size_bytes: 0,
        }
    }

    fn finish(self) -> (u64, String) {
        let hex = |byte: &u8| format!("{byte:02x}");
        let sum = self.context.finish();
        (self.size_bytes, sum.as_ref().iter().map(hex).collect())
    }
}

impl<R: Read> Read for Summed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.context.update(buffer.get(..count).unwrap_or_default());
        self.size_bytes += count as u64;
        Ok(count)
    }
}

/// `12.3 MiB`.
fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let mib = bytes as f64 / (1024.0 * 1024.0);
    format!("{mib:.1} MiB")
}
