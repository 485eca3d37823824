//! `bongsu backup`: everything of an installation into one file, beside a running server or without.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use stdx::Env;
use tsdb::copy_store;

use super::super::Place;
use super::{
    FORMAT, FileEntry, KEYS, MANIFEST, METRICS, Manifest, Passphrase, RECORDS, SNAPSHOT, SUFFIX,
    keybox, size, sum,
};
use crate::config::Config;

/// Where copies are gathered, inside the data folder, so that parts are linked and not copied.
const STAGING: &str = "backup.staging";
/// How often everything is copied anew because the log moved on meanwhile.
const ATTEMPTS_MAX: u32 = 5;

/// Where the backup goes.
#[derive(Args)]
pub(crate) struct Backup {
    /// The file to write; in a folder, a file named after the machine and the time.
    #[arg(long, value_name = "FILE|DIR")]
    to: PathBuf,
    #[command(flatten)]
    passphrase: Passphrase,
    /// Leave the keys out; after a restore every agent enrols again and channels need their secrets.
    #[arg(long)]
    without_keys: bool,
}

pub(crate) fn run(backup: &Backup, place: &Place) -> Result<()> {
    let config = place.config()?;
    let env = Env::system();
    let passphrase = backup.passphrase.read()?;
    if passphrase.is_none() && !backup.without_keys {
        bail!(
            "a backup holds the keys of this installation only under a passphrase: give one with \
             --passphrase-file or BONGSU_BACKUP_PASSPHRASE, or say --without-keys (then, after a \
             restore, every agent enrols again and channels need their secrets)"
        );
    }
    let passphrase = passphrase.filter(|_| !backup.without_keys);
    if !config.data_dir.join("keys").is_dir() {
        bail!(
            "there is no installation in {}: name its folder with --data-dir",
            config.data_dir.display()
        );
    }
    let to = target(&backup.to, &env)?;
    let staging = Staging::new(&config.data_dir)?;
    let manifest = gather(&config, &env, &staging.folder, passphrase.as_deref())?;
    let written = write(&staging.folder, &to, &manifest)?;
    drop(staging);
    println!(
        "{}: {} files, {} in {}{}",
        to.display(),
        manifest.files.len(),
        size(manifest.size_bytes()),
        size(written),
        if manifest.keys {
            ", keys sealed"
        } else {
            ", without keys"
        }
    );
    if manifest.records != "sqlite" {
        println!(
            "the records are in PostgreSQL: back that database up with its own means, after this"
        );
    }
    Ok(())
}

/// The file to write, which must not exist.
fn target(to: &Path, env: &Env) -> Result<PathBuf> {
    let is_folder = to.is_dir() || to.as_os_str().to_string_lossy().ends_with('/');
    let file = if is_folder {
        fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
        let at = jiff::Timestamp::from_millisecond(env.clock.now_ms())?;
        let stamp = at.strftime("%Y%m%dT%H%M%SZ");
        to.join(format!("bongsu-{}-{stamp}{SUFFIX}", machine()))
    } else {
        to.to_owned()
    };
    if file.exists() {
        bail!("{} exists already and is not overwritten", file.display());
    }
    Ok(file)
}

fn machine() -> String {
    let name = rustix::system::uname();
    name.nodename().to_string_lossy().into_owned()
}

/// The folder in which copies are gathered; gone when it is dropped.
struct Staging {
    folder: PathBuf,
    /// Released with the process, so that a killed backup is not in the way of the next one.
    _lock: File,
}

impl Staging {
    fn new(data_dir: &Path) -> Result<Self> {
        let path = data_dir.join("backup.lock");
        let lock =
            File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
        lock.try_lock()
            .map_err(|error| anyhow!("another backup of this installation runs: {error}"))?;
        let folder = data_dir.join(STAGING);
        if folder.exists() {
            fs::remove_dir_all(&folder).context("cannot remove what a killed backup left")?;
        }
        fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self {
            folder,
            _lock: lock,
        })
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            eprintln!("bongsu: {} stays: {error}", self.folder.display());
        }
    }
}

/// Copies everything into the staging folder, in the order that makes it consistent.
fn gather(
    config: &Config,
    env: &Env,
    staging: &Path,
    passphrase: Option<&str>,
) -> Result<Manifest> {
    let is_sqlite = config.database == "sqlite";
    let mut reached = false;
    for _ in 0..ATTEMPTS_MAX {
        let judged = judged(&config.data_dir, staging)?;
        if is_sqlite {
            records(config, env, &staging.join(RECORDS))?;
        }
        let log_from = metrics(&config.data_dir, staging)?;
        reached = judged.is_none_or(|judged| log_from <= judged);
        if reached {
            break;
        }
    }
    if !reached {
        bail!("the log moves on faster than the records can be copied: try again in a calmer hour");
    }
    if let Some(passphrase) = passphrase {
        let keys = crate::keys::folder(&config.data_dir);
        let sealed = keybox::seal(&keys, passphrase, &*env.entropy)?;
        fs::write(staging.join(KEYS), sealed).context("cannot write the sealed keys")?;
    }
    let made_ms = env.clock.now_ms();
    Ok(Manifest {
        format: FORMAT,
        product: env!("CARGO_PKG_VERSION").to_owned(),
        made_ms,
        made: jiff::Timestamp::from_millisecond(made_ms)?.to_string(),
        host: machine(),
        records: if is_sqlite { "sqlite" } else { "postgres" }.to_owned(),
        migration: db::migrations()
            .last()
            .map_or("", |last| last.name)
            .to_owned(),
        keys: passphrase.is_some(),
        files: list(staging)?,
    })
}

/// The judge's state; returns the log position that it contains.
fn judged(data_dir: &Path, staging: &Path) -> Result<Option<u64>> {
    let to = staging.join(SNAPSHOT);
    match fs::copy(data_dir.join(SNAPSHOT), &to) {
        Ok(_) => Ok(watch::load_snapshot(&to)?.map(|snapshot| snapshot.wal.offset)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).context("cannot copy the judge's state"),
    }
}

/// The records as of one moment.
fn records(config: &Config, env: &Env, to: &Path) -> Result<()> {
    if to.exists() {
        fs::remove_file(to)?;
    }
    super::super::runtime()?.block_on(async {
        let db = super::super::records::open(config, env).await?;
        let copied = db.backup_to(to).await;
        db.close().await;
        copied.context("cannot copy the records")
    })
}

/// The metrics; returns how far back their log reaches.
fn metrics(data_dir: &Path, staging: &Path) -> Result<u64> {
    let to = staging.join(METRICS);
    if to.exists() {
        fs::remove_dir_all(&to)?;
    }
    let copied = copy_store(&data_dir.join(METRICS), &to).context("cannot copy the metrics")?;
    Ok(copied.log_from.0)
}

/// Every file of the staging folder, by name, with its sum.
fn list(staging: &Path) -> Result<Vec<FileEntry>> {
    let mut files = Vec::new();
    let mut folders = vec![staging.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(staging)?.to_string_lossy().into_owned();
            let (size_bytes, sha256) = sum(&path)?;
            files.push(FileEntry {
                name,
                size_bytes,
                sha256,
            });
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

/// Writes the archive beside, and gives it its name when it is whole and on the device.
fn write(staging: &Path, to: &Path, manifest: &Manifest) -> Result<u64> {
    let mut beside = to.as_os_str().to_owned();
    beside.push(".partial");
    let beside = PathBuf::from(beside);
    let written = archive(staging, &beside, manifest);
    if written.is_err() {
        drop(fs::remove_file(&beside));
    }
    let size_bytes = written.with_context(|| format!("cannot write {}", to.display()))?;
    fs::rename(&beside, to).with_context(|| format!("cannot write {}", to.display()))?;
    if let Some(folder) = to.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        File::open(folder)?.sync_all()?;
    }
    Ok(size_bytes)
}

fn archive(staging: &Path, beside: &Path, manifest: &Manifest) -> Result<u64> {
    let file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(beside)?;
    let mut packed = zstd::Encoder::new(BufWriter::new(file), 3)?;
    packed.include_checksum(true)?;
    let mut tar = tar::Builder::new(packed);
    let text = serde_json::to_vec_pretty(manifest)?;
    let mut header = header(text.len() as u64, manifest.made_ms);
    tar.append_data(&mut header, MANIFEST, text.as_slice())?;
    for entry in &manifest.files {
        let mut file = File::open(staging.join(&entry.name))?;
        let mut header = self::header(entry.size_bytes, manifest.made_ms);
        tar.append_data(&mut header, &entry.name, &mut file)?;
    }
    let packed = tar.into_inner()?;
    let mut file = packed.finish()?;
    file.flush()?;
    let file = file.into_inner().map_err(|error| error.into_error())?;
    file.sync_all()?;
    Ok(file.metadata()?.len())
}

fn header(size_bytes: u64, made_ms: i64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(size_bytes);
    header.set_mode(0o600);
    header.set_mtime(u64::try_from(made_ms / 1_000).unwrap_or(0));
    header.set_cksum();
    header
}
