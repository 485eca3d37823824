//! `bongsu restore`: a data folder out of a backup; nothing is believed before it was checked.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufReader, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;

use super::super::Place;
use super::{
    FORMAT, FileEntry, KEYS, MANIFEST, MANIFEST_BYTES_MAX, Manifest, Passphrase, RECORDS, SUFFIX,
    Summed, keybox, size,
};

/// Where the backup is.
#[derive(Args)]
pub(crate) struct Restore {
    /// The backup; of a folder, the newest in it.
    #[arg(long, value_name = "FILE|DIR")]
    from: PathBuf,
    #[command(flatten)]
    passphrase: Passphrase,
    /// Only check the backup, every byte of it, and restore nothing.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(restore: &Restore, place: &Place) -> Result<()> {
    let from = newest(&restore.from)?;
    let passphrase = restore.passphrase.read()?;
    let data_dir = place.config()?.data_dir;
    if !restore.check {
        refuse_used(&data_dir)?;
    }
    let mut beside = data_dir.clone().into_os_string();
    beside.push(".restoring");
    let beside = PathBuf::from(beside);
    let to = (!restore.check).then_some(beside.as_path());
    let restored = unpack(&from, to, passphrase.as_deref());
    if restored.is_err() && !restore.check {
        drop(fs::remove_dir_all(&beside));
    }
    let manifest = restored.with_context(|| format!("{} is not restored", from.display()))?;
    if restore.check {
        println!("{}: sound. {}", from.display(), told(&manifest));
        return Ok(());
    }
    if data_dir.exists() {
        fs::remove_dir(&data_dir)?;
    }
    fs::rename(&beside, &data_dir)
        .with_context(|| format!("cannot make {}", data_dir.display()))?;
    println!("{}: restored. {}", data_dir.display(), told(&manifest));
    println!("{}", next(&manifest, &data_dir));
    Ok(())
}

fn told(manifest: &Manifest) -> String {
    format!(
        "Made by bongsu {} on {} at {}: {} files, {}{}.",
        manifest.product,
        manifest.host,
        manifest.made,
        manifest.files.len(),
        size(manifest.size_bytes()),
        if manifest.keys {
            ", with keys"
        } else {
            ", without keys"
        }
    )
}

/// What a person does now.
fn next(manifest: &Manifest, data_dir: &Path) -> String {
    let mut text = format!("\nNext: bongsu up --data-dir {}\n", data_dir.display());
    if manifest.records != "sqlite" {
        text.push_str(
            "Restore the PostgreSQL database first, from a backup made after this one, and name it \
             in --config.\n",
        );
    }
    if manifest.keys {
        text.push_str(
            "Agents know this server by its key. Those that still reach it under the address they know \
             come back\nby themselves; to the others give the new one: `server` in their agent.toml, \
             then restart them.\nStop the old server first: two of them would both tell people.",
        );
    } else {
        text.push_str(
            "The backup has no keys: new ones are made. Enrol every agent again with \"Add a \
             server\", and give\nevery channel its secrets again.",
        );
    }
    text
}

/// A data folder in use is never restored over.
fn refuse_used(data_dir: &Path) -> Result<()> {
    let used = fs::read_dir(data_dir).is_ok_and(|mut entries| entries.next().is_some());
    if used {
        bail!(
            "{} is not empty and is not overwritten: move it away or name another folder",
            data_dir.display()
        );
    }
    Ok(())
}

fn newest(from: &Path) -> Result<PathBuf> {
    if !from.is_dir() {
        return Ok(from.to_owned());
    }
    let entries = fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))?;
    let names = entries.flatten().map(|entry| entry.path());
    let ours = names.filter(|path| path.to_string_lossy().ends_with(SUFFIX));
    let at = |path: &PathBuf| fs::metadata(path).and_then(|meta| meta.modified()).ok();
    let found = ours.max_by_key(|path| (at(path), path.clone()));
    found.with_context(|| format!("{} holds no *{SUFFIX}", from.display()))
}

/// Reads the whole archive, checks every file, and writes them into `to` if one is given.
fn unpack(from: &Path, to: Option<&Path>, passphrase: Option<&str>) -> Result<Manifest> {
    let file = File::open(from).context("cannot be read")?;
    let packed = zstd::Decoder::new(BufReader::new(file)).context("no backup of bongsu")?;
    let mut archive = tar::Archive::new(packed);
    let mut entries = archive.entries().context("no backup of bongsu")?;
    let first = entries.next().context("the file is empty")?;
    let manifest = manifest(first.context("no backup of bongsu, or a damaged one")?)?;
    if manifest.keys && passphrase.is_none() {
        bail!(
            "it holds keys under a passphrase: give it with --passphrase-file or \
             BONGSU_BACKUP_PASSPHRASE"
        );
    }
    if let Some(to) = to {
        if to.exists() {
            fs::remove_dir_all(to)?;
        }
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(to)?;
    }
    let mut wanted: BTreeMap<&str, &FileEntry> = BTreeMap::new();
    wanted.extend(manifest.files.iter().map(|file| (file.name.as_str(), file)));
    for entry in entries {
        let entry = entry.context("it is damaged")?;
        let name = entry.path()?.to_string_lossy().into_owned();
        let file = wanted
            .remove(name.as_str())
            .ok_or_else(|| anyhow!("it is damaged: `{name}` is not in its list"))?;
        take(entry, file, to, passphrase)?;
    }
    if let Some((name, _)) = wanted.first_key_value() {
        bail!("it is damaged: `{name}` is missing");
    }
    Ok(manifest)
}

fn manifest(entry: impl Read) -> Result<Manifest> {
    let mut text = Vec::new();
    entry
        .take(MANIFEST_BYTES_MAX)
        .read_to_end(&mut text)
        .context("it is damaged")?;
    let json: serde_json::Value = serde_json::from_slice(&text)
        .map_err(|_| anyhow!("no backup of bongsu: it does not begin with {MANIFEST}"))?;
    let format = json.get("format").and_then(serde_json::Value::as_u64);
    let product = json.get("product").and_then(serde_json::Value::as_str);
    match format {
        Some(format) if format > u64::from(FORMAT) => bail!(
            "it has format {format}, made by bongsu {}; this is bongsu {}, which reads up to \
             {FORMAT}: use the newer program",
            product.unwrap_or("?"),
            env!("CARGO_PKG_VERSION")
        ),
        None => bail!("no backup of bongsu: {MANIFEST} names no format"),
        Some(_) => {}
    }
    let manifest: Manifest = serde_json::from_value(json).context("its manifest is damaged")?;
    let known = db::migrations();
    let is_known = |name: &str| known.iter().any(|migration| migration.name == name);
    if manifest.records == "sqlite" && !is_known(&manifest.migration) {
        bail!(
            "its records are newer (`{}`) than this bongsu {} knows: use bongsu {} or later",
            manifest.migration,
            env!("CARGO_PKG_VERSION"),
            manifest.product
        );
    }
    Ok(manifest)
}

/// One file: written while it is summed, refused when the sum is another.
fn take(
    entry: impl Read,
    file: &FileEntry,
    to: Option<&Path>,
    passphrase: Option<&str>,
) -> Result<()> {
    let name = &file.name;
    let sane = |part: &str| !part.is_empty() && part != "." && part != "..";
    if !name.split('/').all(sane) {
        bail!("it is damaged: it names a file `{name}`");
    }
    let mut summed = Summed::new(entry);
    if name == KEYS {
        let mut sealed = Vec::new();
        summed.read_to_end(&mut sealed).context("it is damaged")?;
        check(summed, file)?;
        let passphrase = passphrase.unwrap_or_default();
        return match to {
            Some(to) => keybox::open(&sealed, passphrase, &to.join("keys")),
            None => keybox::unseal(&sealed, passphrase).map(drop),
        };
    }
    let Some(to) = to else {
        std::io::copy(&mut summed, &mut std::io::sink()).context("it is damaged")?;
        return check(summed, file);
    };
    let path = to.join(name);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mode = if name == RECORDS { 0o600 } else { 0o640 };
    let mut out = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    std::io::copy(&mut summed, &mut out).with_context(|| format!("`{name}` is damaged"))?;
    out.flush()?;
    out.sync_all()?;
    check(summed, file)
}

fn check<R: Read>(summed: Summed<R>, file: &FileEntry) -> Result<()> {
    if summed.finish() != (file.size_bytes, file.sha256.clone()) {
        bail!("it is damaged: `{}` is not what was backed up", file.name);
    }
    Ok(())
}
