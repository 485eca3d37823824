//! A segment file: a header that names its numbers, then records with a CRC each.
#![expect(clippy::indexing_slicing, reason = "fixed offsets within fixed arrays")]

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::error::SpoolError;

const MAGIC: [u8; 8] = *b"BONGSUSP";
/// The version of the files of this folder.
pub(crate) const FORMAT: u16 = 1;
pub(crate) const HEADER_BYTES: usize = 48;
pub(crate) const RECORD_HEADER_BYTES: usize = 16;
/// Bytes of one record.
pub(crate) const RECORD_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What a segment says of itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Header {
    /// The queue it belongs to.
    pub(crate) queue: u64,
    /// The number of its first record.
    pub(crate) first: u64,
    /// The last number before it; numbers between were never given.
    pub(crate) after: u64,
}

impl Header {
    pub(crate) fn encode(self) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        out[..8].copy_from_slice(&MAGIC);
        out[8..10].copy_from_slice(&FORMAT.to_le_bytes());
        out[16..24].copy_from_slice(&self.queue.to_le_bytes());
        out[24..32].copy_from_slice(&self.first.to_le_bytes());
        out[32..40].copy_from_slice(&self.after.to_le_bytes());
        let crc = crc32fast::hash(&out[..44]);
        out[44..].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads a header; `Err(version)` when a newer program wrote it, `Ok(None)` when it is damaged.
    fn decode(bytes: &[u8; HEADER_BYTES]) -> Result<Option<Self>, u16> {
        if bytes[..8] != MAGIC {
            return Ok(None);
        }
        let format = u16::from_le_bytes([bytes[8], bytes[9]]);
        if format > FORMAT {
            return Err(format);
        }
        if crc32fast::hash(&bytes[..44]).to_le_bytes() != bytes[44..] {
            return Ok(None);
        }
        let word = |at: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(word)
        };
        Ok(Some(Self {
            queue: word(16),
            first: word(24),
            after: word(32),
        }))
    }
}

pub(crate) fn path_of(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("{first:020}.seg"))
}

/// The record's bytes before its payload.
pub(crate) fn record_header(at_ms: i64, payload: &[u8]) -> [u8; RECORD_HEADER_BYTES] {
    let mut out = [0; RECORD_HEADER_BYTES];
    let len = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    out[..4].copy_from_slice(&len.to_le_bytes());
    out[8..].copy_from_slice(&at_ms.to_le_bytes());
    let crc = record_crc(&out, payload);
    out[4..8].copy_from_slice(&crc.to_le_bytes());
    out
}

fn record_crc(header: &[u8; RECORD_HEADER_BYTES], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&header[..4]);
    hasher.update(&header[8..]);
    hasher.update(payload);
    hasher.finalize()
}

/// Reads one record into `payload`; nothing at the end or at the first damaged byte.
pub(crate) fn read_record(file: &mut File, payload: &mut Vec<u8>) -> io::Result<Option<i64>> {
    let mut header = [0; RECORD_HEADER_BYTES];
    if !fill(file, &mut header)? {
        return Ok(None);
    }
    let len = u32::from_le_bytes([header[0], header[1], header[2], header[3]]) as usize;
    if len > RECORD_BYTES_MAX {
        return Ok(None);
    }
    payload.clear();
    payload.resize(len, 0);
    if !fill(file, payload)? {
        return Ok(None);
    }
    let crc = record_crc(&header, payload).to_le_bytes();
    if crc != header[4..8] {
        return Ok(None);
    }
    let mut at_ms = [0; 8];
    at_ms.copy_from_slice(&header[8..]);
    Ok(Some(i64::from_le_bytes(at_ms)))
}

/// Reads until the buffer is full; false when the file ends before.
fn fill(file: &mut File, into: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(into) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// A segment as the queue remembers it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Segment {
    pub(crate) header: Header,
    /// The last number in it; `first - 1` while it is empty.
    pub(crate) last: u64,
    /// The times of its first and last record.
    pub(crate) first_ms: i64,
    pub(crate) last_ms: i64,
    /// Bytes of the whole file.
    pub(crate) bytes: u64,
    /// The file went on after its last good record.
    pub(crate) damaged: bool,
}

impl Segment {
    /// Reads a whole file; `None` when not even its header is good.
    pub(crate) fn scan(path: &Path) -> Result<Option<Self>, SpoolError> {
        let failed = SpoolError::file("read", path);
        let inner = || -> io::Result<Result<Option<Self>, u16>> {
            let mut file = OpenOptions::new().read(true).open(path)?;
            let bytes = file.metadata()?.len();
            let mut header = [0; HEADER_BYTES];
            if !fill(&mut file, &mut header)? {
                return Ok(Ok(None));
            }
            let header = match Header::decode(&header) {
                Ok(Some(header)) => header,
                other => return Ok(other.map(|_| None)),
            };
            let mut segment = Self::empty(header);
            segment.bytes = bytes;
            let (mut payload, mut good) = (Vec::new(), HEADER_BYTES as u64);
            while let Some(at_ms) = read_record(&mut file, &mut payload)? {
                segment.note(at_ms);
                good += (RECORD_HEADER_BYTES + payload.len()) as u64;
            }
            segment.damaged = good != bytes;
            Ok(Ok(Some(segment)))
        };
        let newer = |found| SpoolError::Newer {
            path: path.to_owned(),
            found,
        };
        inner().map_err(failed)?.map_err(newer)
    }

    pub(crate) const fn empty(header: Header) -> Self {
        Self {
            header,
            last: header.first - 1,
            first_ms: 0,
            last_ms: 0,
            bytes: HEADER_BYTES as u64,
            damaged: false,
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.last < self.header.first
    }

    /// One more record is in it.
    pub(crate) const fn note(&mut self, at_ms: i64) {
        if self.is_empty() {
            self.first_ms = at_ms;
        }
        self.last_ms = at_ms;
        self.last += 1;
    }
}
