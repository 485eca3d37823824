//! Copying the files of a store while it may be in use: the copy opens as after a crash at that moment.
//!
//! The order makes it sound. The log first: it holds all that no part held when the copy began. Then
//! the list of parts with the parts; a flush in between only moves samples from the log, which is
//! copied already, into parts. The index last: it is written before the parts that use it. Nothing is
//! locked and the store is never made to wait.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use crate::disk::{self, Disk};
use crate::error::{Doing, Error, Result};
use crate::part::Manifest;
use crate::{WalPosition, filenames, wal};

/// Merges and removals that may cross one copy before it is given up.
const ATTEMPTS_MAX: u32 = 20;

/// What a copy holds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Copied {
    /// The log in it reaches back to here; a replay from before it has a gap.
    pub log_from: WalPosition,
    /// Parts in it.
    pub parts: usize,
}

/// Copies the store in `from`, open here, elsewhere or nowhere, into the empty or missing folder `to`.
/// Parts, which never change, become hard links where the file system allows it. Everything that was
/// durable when the copy began is in it.
///
/// # Errors
/// When a file cannot be read or written, or the store changes faster than it can be copied.
pub fn copy_store(from: &Path, to: &Path) -> Result<Copied> {
    copy_in_steps(from, to, &mut || {})
}

/// As [`copy_store`]; `between` is called where the store may change most unluckily.
fn copy_in_steps(from: &Path, to: &Path, between: &mut dyn FnMut()) -> Result<Copied> {
    let disk = Disk::new(None);
    for folder in [
        to.to_path_buf(),
        filenames::wal_dir(to),
        filenames::parts_dir(to),
    ] {
        disk.create_dir(&folder)?;
    }
    let log_from = again(|| copy_log(from, to))?;
    between();
    let parts = again(|| copy_parts(&disk, from, to))?;
    between();
    let index = filenames::series_log(from);
    if index.exists() {
        let copied = fs::copy(&index, filenames::series_log(to));
        copied.doing("copy", &index)?;
    }
    Ok(Copied {
        log_from: WalPosition(log_from),
        parts,
    })
}

/// Tries until no file vanished meanwhile.
fn again<T>(mut copy: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    for _ in 0..ATTEMPTS_MAX {
        if let Some(copied) = copy()? {
            return Ok(copied);
        }
    }
    Err(Error::Changing)
}

/// The segments, oldest first; nothing when one was removed meanwhile.
fn copy_log(from: &Path, to: &Path) -> Result<Option<u64>> {
    empty(&filenames::wal_dir(to))?;
    let starts = segments(from)?;
    let mut log_from = None;
    for start in starts {
        let path = filenames::wal_segment(from, start);
        match fs::read(&path) {
            Ok(bytes) => {
                let copy = filenames::wal_segment(to, start);
                fs::write(&copy, &bytes).doing("write", &copy)?;
                let reaches = wal::reaches_back(&path, &bytes)?.unwrap_or(start);
                log_from.get_or_insert(reaches);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).doing("read", &path),
        }
    }
    Ok(Some(log_from.unwrap_or(0)))
}

fn segments(dir: &Path) -> Result<BTreeSet<u64>> {
    let names = disk::list(&filenames::wal_dir(dir))?;
    Ok(names
        .iter()
        .filter_map(|name| filenames::parse_wal_segment(name))
        .collect())
}

/// The list of parts and the parts on it; nothing when one was merged meanwhile.
fn copy_parts(disk: &Disk, from: &Path, to: &Path) -> Result<Option<usize>> {
    empty(&filenames::parts_dir(to))?;
    let Some(mut manifest) = Manifest::load(from)? else {
        return Ok(Some(0));
    };
    let mut set_aside = Vec::new();
    for &number in &manifest.parts {
        let (part, copy) = (filenames::part(from, number), filenames::part(to, number));
        match link(&part, &copy) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // A list is replaced before its parts go: one that is still listed was set aside as
                // damaged. The store goes on without it, and so does its copy.
                let still = Manifest::load(from)?.is_some_and(|now| now.parts.contains(&number));
                if !still {
                    return Ok(None);
                }
                set_aside.push(number);
            }
            Err(error) => return Err(error).doing("copy", &part),
        }
    }
    manifest.parts.retain(|number| !set_aside.contains(number));
    manifest.save(disk, to)?;
    Ok(Some(manifest.parts.len()))
}

fn link(part: &Path, copy: &Path) -> io::Result<()> {
    match fs::hard_link(part, copy) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(error),
        Err(_) => fs::copy(part, copy).map(drop),
        Ok(()) => Ok(()),
    }
}

fn empty(folder: &Path) -> Result<()> {
    for name in disk::list(folder)? {
        let path = folder.join(name);
        fs::remove_file(&path).doing("remove", &path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use model::Labels;
    use stdx::Env;

    use super::*;
    use crate::{AppendBatch, Options, Tsdb};

    #[test]
    fn what_is_flushed_and_released_between_the_steps_is_in_the_copy() {
        let folder = tempfile::tempdir().unwrap();
        let (live, copy) = (folder.path().join("live"), folder.path().join("copy"));
        let (env, clock) = Env::simulated(1_767_225_600_000, 1);
        let options = Options {
            background: false,
            wal_segment_bytes: 256,
            wal_flush_bytes: 256,
            ..Options::default()
        };
        let (tsdb, _) = Tsdb::open(&live, options.clone(), env.clone()).unwrap();
        let mut step = 0_i32;
        let mut write = || {
            for _ in 0..20 {
                let name = format!("m{}", step / 20);
                let labels = Labels::metric(&name, &[]).unwrap();
                let series = tsdb.resolve(&labels).unwrap();
                let mut batch = AppendBatch::new(1, 1);
                batch.push(series, env.clock.now_ms(), f64::from(step));
                let position = tsdb.append(&batch).unwrap();
                tsdb.sync().unwrap();
                tsdb.set_checkpoint(position).unwrap();
                tsdb.maintain().unwrap();
                clock.advance_ms(1_000);
                step += 1;
            }
        };
        write();
        copy_in_steps(&live, &copy, &mut write).unwrap();
        let (tsdb, report) = Tsdb::open(&copy, options, env.clone()).unwrap();
        assert_eq!(
            (report.wal_lost_bytes, report.series_lost),
            (0, 0),
            "{report:?}"
        );
        assert!(report.quarantined.is_empty(), "{report:?}");
        let series = tsdb.resolve(&Labels::metric("m0", &[]).unwrap()).unwrap();
        let points = tsdb.query(&[series], i64::MIN, i64::MAX).unwrap();
        assert_eq!(points[0].len(), 20);
    }
}
