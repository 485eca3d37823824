//! The persistent index: an append-only file of frames, each with the labels of a run of series.
//!
//! A frame holds its own symbols, so a damaged frame costs its own labels and no other's.

use std::collections::HashMap;
use std::fs;
use std::ops::Range;
use std::path::Path;

use model::Labels;

use super::SeriesIndex;
use crate::codec::{self, Broken, Decoded, Reader};
use crate::disk::{Disk, DiskFile};
use crate::error::{Doing, Error, Result};

const MAGIC: &[u8; 8] = b"BGSERIES";
const VERSION: u32 = 1;
const HEADER: usize = 12;
/// Frames after which the file is written anew in large frames, at open.
const FRAMES_MAX: usize = 64;
/// Series of one frame: about 200 KiB, so that a flipped bit costs little.
const SERIES_PER_FRAME: u32 = 8_192;

/// The open file; series below `persisted` are in it and on the device.
#[derive(Debug)]
pub(crate) struct SeriesLog {
    file: DiskFile,
    persisted: u32,
}

/// What reading the file found.
#[derive(Debug, Default)]
struct Loaded {
    good_bytes: u64,
    frames: usize,
    lost: u32,
}

impl SeriesLog {
    /// Reads the file into an empty index; the second value counts series whose labels are lost.
    pub(crate) fn open(disk: &Disk, path: &Path, index: &mut SeriesIndex) -> Result<(Self, u32)> {
        let bytes = match fs::read(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            other => other.doing("read", path)?,
        };
        let loaded = load(path, &bytes, index)?;
        let persisted = index.len();
        if loaded.frames > FRAMES_MAX
            && let Ok(()) = disk.replace(path, &encode_all(index))
        {
            let size_bytes = fs::metadata(path).doing("read", path)?.len();
            let file = disk.append(path, size_bytes)?;
            return Ok((Self { file, persisted }, loaded.lost));
        }
        let file = disk.append(path, loaded.good_bytes)?;
        Ok((Self { file, persisted }, loaded.lost))
    }

    pub(crate) fn size_bytes(&self) -> u64 {
        self.file.size_bytes()
    }

    /// What must be written so that every series of `index` is durable; `None` when all are.
    pub(crate) fn prepare(&self, index: &SeriesIndex) -> Option<NewSeries> {
        if index.len() == self.persisted {
            return None;
        }
        let mut bytes = Vec::new();
        if self.file.size_bytes() == 0 {
            put_header(&mut bytes);
        }
        put_frames(&mut bytes, index, self.persisted..index.len());
        Some(NewSeries {
            bytes,
            upto: index.len(),
        })
    }

    /// Makes what `prepare` gave durable; the index need not be locked meanwhile.
    pub(crate) fn append(&mut self, new: &NewSeries) -> Result<()> {
        let before = self.file.size_bytes();
        let written = self.file.write(&new.bytes).and_then(|()| self.file.sync());
        if let Err(error) = written {
            // What was half written must not stand before the next frame.
            self.file.truncate(before)?;
            return Err(error);
        }
        self.persisted = new.upto;
        Ok(())
    }
}

/// Frames for the series that are not in the file yet.
#[derive(Debug)]
pub(crate) struct NewSeries {
    bytes: Vec<u8>,
    upto: u32,
}

fn put_header(out: &mut Vec<u8>) {
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
}

fn encode_all(index: &SeriesIndex) -> Vec<u8> {
    let mut out = Vec::new();
    put_header(&mut out);
    put_frames(&mut out, index, 0..index.len());
    out
}

fn put_frames(out: &mut Vec<u8>, index: &SeriesIndex, series: Range<u32>) {
    let mut start = series.start;
    while start < series.end {
        let end = series.end.min(start.saturating_add(SERIES_PER_FRAME));
        codec::put_frame(out, |out| put_run(out, index, start..end));
        start = end;
    }
}

fn put_run(out: &mut Vec<u8>, index: &SeriesIndex, run: Range<u32>) {
    let mut symbols: Vec<&str> = Vec::new();
    let mut numbers: HashMap<&str, u64> = HashMap::new();
    let mut body = Vec::new();
    for series in run.clone() {
        let texts = index.texts(series);
        codec::put_varint(&mut body, texts.len() as u64);
        for text in texts.flat_map(|(name, value)| [name, value]) {
            let number = *numbers.entry(text).or_insert_with(|| {
                symbols.push(text);
                symbols.len() as u64 - 1
            });
            codec::put_varint(&mut body, number);
        }
    }
    codec::put_varint(out, u64::from(run.start));
    codec::put_varint(out, u64::from(run.end - run.start));
    codec::put_varint(out, symbols.len() as u64);
    for symbol in symbols {
        codec::put_bytes(out, symbol.as_bytes());
    }
    out.extend_from_slice(&body);
}

fn load(path: &Path, bytes: &[u8], index: &mut SeriesIndex) -> Result<Loaded> {
    let mut loaded = Loaded::default();
    if bytes.len() < HEADER {
        return Ok(loaded);
    }
    let damaged = |what| Error::Damaged {
        path: path.to_path_buf(),
        what,
    };
    let mut reader = Reader::new(bytes);
    if reader.take(MAGIC.len()).map_err(|b| damaged(b.0))? != MAGIC {
        return Err(damaged("it is not a series log"));
    }
    let version = reader.u32().map_err(|b| damaged(b.0))?;
    if version > VERSION {
        return Err(Error::NewerFormat {
            path: path.to_path_buf(),
            found: version,
            known: VERSION,
        });
    }
    loaded.good_bytes = HEADER as u64;
    while reader.left() > 0 {
        let payload = match reader.frame() {
            Ok(payload) => payload,
            // Torn at the end: nothing later used it. Damaged in the middle: skip by its length.
            Err(_) => match skip_damaged(&mut reader) {
                true => continue,
                false => break,
            },
        };
        loaded.frames += 1;
        loaded.lost += load_run(payload, index).map_err(|b| damaged(b.0))?;
        loaded.good_bytes = (bytes.len() - reader.left()) as u64;
    }
    Ok(loaded)
}

/// Steps over a frame whose content is damaged if a sound one follows it.
fn skip_damaged(reader: &mut Reader<'_>) -> bool {
    let mut ahead = reader.clone();
    let stepped = |ahead: &mut Reader<'_>| -> Decoded<()> {
        let len = ahead.u32()? as usize;
        ahead.u32()?;
        ahead.take(len)?;
        ahead.clone().frame().map(drop)
    };
    let found = stepped(&mut ahead).is_ok();
    if found {
        *reader = ahead;
    }
    found
}

/// Adds the series of one frame; returns how many before it had to be filled in as lost.
fn load_run(payload: &[u8], index: &mut SeriesIndex) -> Decoded<u32> {
    let mut reader = Reader::new(payload);
    let first = reader.varint_u32()?;
    let count = reader.count()?;
    let symbol_count = reader.count()?;
    let texts = (0..symbol_count)
        .map(|_| reader.text())
        .collect::<Decoded<Vec<_>>>()?;
    let lost = index.add_lost_up_to(first);
    let symbols: Vec<u32> = texts.into_iter().map(|text| index.intern(text)).collect();
    let mut pairs = Vec::new();
    for series in (first..).take(count) {
        let pair_count = reader.count()?;
        let mut symbol = || -> Decoded<u32> {
            let number = reader.varint_u32()? as usize;
            symbols
                .get(number)
                .copied()
                .ok_or(Broken("a symbol does not exist"))
        };
        pairs.clear();
        for _ in 0..pair_count {
            pairs.push((symbol()?, symbol()?));
        }
        if series >= index.len() {
            index.add_pairs(&pairs);
        }
    }
    Ok(lost)
}

/// The payload of a log record that announces a new series.
pub(crate) fn encode_series(out: &mut Vec<u8>, series: u32, labels: &Labels) {
    codec::put_varint(out, u64::from(series));
    codec::put_varint(out, labels.len() as u64);
    for label in labels.iter() {
        codec::put_bytes(out, label.name.as_bytes());
        codec::put_bytes(out, label.value.as_bytes());
    }
}

pub(crate) fn decode_series(reader: &mut Reader<'_>) -> Decoded<(u32, Labels)> {
    let series = reader.varint_u32()?;
    let count = reader.count()?;
    let mut text = || reader.text().map(str::to_owned);
    let texts = (0..count)
        .map(|_| Ok((text()?, text()?)))
        .collect::<Decoded<Vec<_>>>()?;
    let labels = Labels::new(texts).map_err(|_| Broken("labels break the grammar"))?;
    Ok((series, labels))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(index: &mut SeriesIndex, range: Range<u32>) {
        for i in range {
            let text = i.to_string();
            index.add(&Labels::metric("m", &[("i", text.as_str())]).unwrap());
        }
    }

    fn append(log: &mut SeriesLog, index: &SeriesIndex) {
        log.append(&log.prepare(index).unwrap()).unwrap();
    }

    fn reopen(path: &Path) -> (SeriesLog, SeriesIndex, u32) {
        let mut index = SeriesIndex::default();
        let (log, lost) = SeriesLog::open(&Disk::default(), path, &mut index).unwrap();
        (log, index, lost)
    }

    #[test]
    fn series_come_back_and_a_torn_tail_does_not_matter() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("series.log");
        let (mut log, mut index, _) = reopen(&path);
        add(&mut index, 0..10);
        append(&mut log, &index);
        let sound = fs::read(&path).unwrap().len();
        add(&mut index, 10..20);
        append(&mut log, &index);
        let whole = fs::read(&path).unwrap();
        for cut in sound..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let (mut log, mut back, lost) = reopen(&path);
            assert_eq!((back.len(), lost), (10, 0), "cut at {cut}");
            assert_eq!(back.labels(3), index.labels(3));
            add(&mut back, 10..11);
            append(&mut log, &back);
            assert_eq!(reopen(&path).1.len(), 11);
        }
    }

    #[test]
    fn a_flipped_bit_loses_its_frame_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("series.log");
        let (mut log, mut index, _) = reopen(&path);
        for start in [0, 10, 20] {
            add(&mut index, start..start + 10);
            append(&mut log, &index);
        }
        let mut bytes = fs::read(&path).unwrap();
        let third = bytes.len() / 2;
        bytes[third] ^= 4;
        fs::write(&path, &bytes).unwrap();
        let (_, back, lost) = reopen(&path);
        assert_eq!((back.len(), lost), (30, 10));
        assert_eq!(back.labels(5), index.labels(5));
        assert_eq!(back.labels(12).unwrap().name(), "bongsu_lost_series");
        assert_eq!(back.labels(25), index.labels(25));
    }

    #[test]
    fn many_frames_become_few() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("series.log");
        let (mut log, mut index, _) = reopen(&path);
        for i in 0..100 {
            add(&mut index, i..i + 1);
            append(&mut log, &index);
        }
        let before = fs::metadata(&path).unwrap().len();
        assert_eq!(reopen(&path).1.len(), 100);
        assert!(fs::metadata(&path).unwrap().len() < before);
        assert_eq!(reopen(&path).1.labels(99), index.labels(99));
    }
}
