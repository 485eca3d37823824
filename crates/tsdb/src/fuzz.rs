//! Bodies for fuzzing the readers of files: any input is answered, none panics.

use crate::codec::Reader;
use crate::part;
use crate::wal;

/// A log record: the bytes as a frame's payload, and as a frame.
pub fn fuzz_wal_record(data: &[u8]) {
    drop(wal::decode_record(data));
    let mut reader = Reader::new(data);
    while let Ok(payload) = reader.frame() {
        drop(wal::decode_record(payload));
    }
}

/// A part file of these bytes; `path` is overwritten.
///
/// # Errors
/// When the file cannot be written.
pub fn fuzz_part(path: &std::path::Path, data: &[u8]) -> std::io::Result<()> {
    std::fs::write(path, data)?;
    drop(part::read_everything(path));
    Ok(())
}

/// The blocks of a part without their checksums, so that an input reaches the decoders behind.
pub fn fuzz_part_blocks(data: &[u8]) {
    part::decode_unchecked(data);
}
