//! Reading one segment from its first record on.

use std::fs::File;
use std::io::{Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use crate::error::SpoolError;
use crate::segment::{self, HEADER_BYTES, RECORD_HEADER_BYTES};

/// A record's number and time; its bytes are in the buffer given to [`SegmentReader::next`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Record {
    /// Its number.
    pub seq: u64,
    /// Its time, as given to [`crate::Spool::append`].
    pub at_ms: i64,
}

/// Reads the records of one segment in order, always from the first.
///
/// What writes records may keep state over a segment, so a reader cannot begin in its middle.
#[derive(Debug)]
pub struct SegmentReader {
    file: File,
    path: PathBuf,
    first: u64,
    next: u64,
    at_bytes: u64,
}

impl SegmentReader {
    pub(crate) fn open(dir: &Path, first: u64) -> Result<Self, SpoolError> {
        let path = segment::path_of(dir, first);
        let file = File::open(&path).map_err(SpoolError::file("read", &path))?;
        Ok(Self {
            file,
            path,
            first,
            next: first,
            at_bytes: HEADER_BYTES as u64,
        })
    }

    /// The number of the segment's first record.
    #[must_use]
    pub const fn first(&self) -> u64 {
        self.first
    }

    /// The next record, or nothing at the (present) end or at damage.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn next(&mut self, payload: &mut Vec<u8>) -> Result<Option<Record>, SpoolError> {
        let failed = || SpoolError::file("read", &self.path);
        self.file
            .seek(SeekFrom::Start(self.at_bytes))
            .map_err(failed())?;
        let Some(at_ms) = segment::read_record(&mut self.file, payload).map_err(failed())? else {
            return Ok(None);
        };
        let seq = self.next;
        self.next += 1;
        self.at_bytes += (RECORD_HEADER_BYTES + payload.len()) as u64;
        Ok(Some(Record { seq, at_ms }))
    }
}
