//! One segment file: a header that says where it stands, then framed records.

use std::path::{Path, PathBuf};

use crate::codec::{FRAME_HEADER, Reader};
use crate::error::{Error, Result};

const MAGIC: &[u8; 4] = b"BGWL";
const VERSION: u32 = 1;
/// Magic, version, start, end of the segment before, CRC-32 of all that.
pub(super) const HEADER: usize = 4 + 4 + 8 + 8 + 4;

/// A segment on disk. Positions count record bytes; the header is not counted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    /// Position of its first record.
    pub(crate) start: u64,
    /// Where the log ended when it was made: `start`, or less after a restart.
    pub(crate) before: u64,
    /// Position after its last sound record.
    pub(crate) end: u64,
}

impl Segment {
    pub(crate) fn size_bytes(&self) -> u64 {
        HEADER as u64 + (self.end - self.start)
    }
}

pub(super) fn header(start: u64, before: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&start.to_le_bytes());
    out.extend_from_slice(&before.to_le_bytes());
    let crc = crc32fast::hash(&out);
    out.extend_from_slice(&crc.to_le_bytes());
    out
}

/// Start and `before` of a segment; `None` when the header is torn or damaged.
pub(super) fn read_header(path: &Path, bytes: &[u8]) -> Result<Option<(u64, u64)>> {
    let Some((header, _)) = bytes.split_at_checked(HEADER) else {
        return Ok(None);
    };
    let (fields, crc) = header.split_at(HEADER - 4);
    let stored = Reader::new(crc).u32().unwrap_or_default();
    let mut reader = Reader::new(fields);
    let magic = reader.take(MAGIC.len()).unwrap_or_default();
    if magic != MAGIC || crc32fast::hash(fields) != stored {
        return Ok(None);
    }
    let found = reader.u32().unwrap_or_default();
    if found > VERSION {
        return Err(Error::NewerFormat {
            path: path.to_path_buf(),
            found,
            known: VERSION,
        });
    }
    Ok(reader.u64().ok().zip(reader.u64().ok()))
}

/// Walks the sound records from `start` up to position `limit`, with the position after each, and
/// returns the position after the last. `visit` says whether to go on.
pub(super) fn walk(
    bytes: &[u8],
    start: u64,
    limit: u64,
    visit: &mut dyn FnMut(u64, &[u8]) -> Result<()>,
) -> Result<u64> {
    let mut reader = Reader::new(bytes.get(HEADER..).unwrap_or_default());
    let mut end = start;
    while let Ok(payload) = reader.frame() {
        let next = end + (FRAME_HEADER + payload.len()) as u64;
        if next > limit {
            break;
        }
        visit(next, payload)?;
        end = next;
    }
    Ok(end)
}
