//! The queue itself: append, acknowledge, drop the oldest, read again.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use stdx::Entropy;

use crate::cursor::{CursorFile, Gap, Reason, State};
use crate::error::SpoolError;
use crate::reader::SegmentReader;
use crate::segment::{self, Header, RECORD_BYTES_MAX, RECORD_HEADER_BYTES, Segment};

/// Numbers left out at each start: after a power cut, numbers may have been given and acknowledged
/// whose records are gone; they must not be given again.
const SKIP_AT_START: u64 = 1_000;

/// When the disk is made to keep what was written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fsync {
    /// After every record.
    Always,
    /// When a record is not acknowledged for this long, in milliseconds of record time. A connected
    /// agent then hardly ever syncs; a cut-off one loses at most this much to a power cut.
    After(i64),
    /// Never; a power cut may lose what the kernel had not yet written, some 30 s.
    Never,
}

/// How the queue is opened.
#[derive(Clone, Debug)]
pub struct SpoolOptions {
    /// The folder; made if need be.
    pub dir: PathBuf,
    /// Bytes that all files together may have.
    pub max_bytes: u64,
    /// Acknowledged records are kept for this long, for a server that has not seen them.
    pub keep_ms: i64,
    /// When the disk is made to keep what was written.
    pub fsync: Fsync,
}

impl SpoolOptions {
    /// 64 MiB, the last 15 minutes, synced when not acknowledged for 20 s.
    #[must_use]
    pub const fn new(dir: PathBuf) -> Self {
        Self {
            dir,
            max_bytes: 64 * 1024 * 1024,
            keep_ms: 15 * 60 * 1_000,
            fsync: Fsync::After(20_000),
        }
    }

    fn segment_bytes(&self) -> u64 {
        (self.max_bytes / 16).clamp(4 * 1024, 256 * 1024)
    }
}

/// The place of the next record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Slot {
    /// Its number.
    pub seq: u64,
    /// It will be the first of a segment: state kept over a segment begins anew.
    pub fresh: bool,
}

/// An open queue.
#[derive(Debug)]
pub struct Spool {
    options: SpoolOptions,
    segments: VecDeque<Segment>,
    /// The last of `segments`, when this run writes to it.
    open: Option<File>,
    state: State,
    cursor: CursorFile,
    next: u64,
    newest_ms: i64,
    /// The time of the oldest record that is neither synced nor acknowledged.
    unsynced_ms: Option<i64>,
}

impl Spool {
    /// Opens the folder, or makes it. Torn ends and damaged files become gaps.
    ///
    /// # Errors
    /// When the folder cannot be used or was written by a newer program.
    pub fn open(options: SpoolOptions, entropy: &dyn Entropy) -> Result<Self, SpoolError> {
        let dir = options.dir.clone();
        fs::create_dir_all(&dir).map_err(SpoolError::file("make", &dir))?;
        let (cursor, state) = CursorFile::open(&dir)?;
        let (segments, state) = load(&dir, state)?;
        let mut state = state.unwrap_or_default();
        if state.queue == 0 {
            state.queue = entropy.next_u64() | 1;
        }
        note_damage(&segments, &mut state);
        let newest = segments.back().map_or(0, |segment| segment.last);
        let done = state
            .done
            .above
            .last()
            .map_or(state.done.through, |&(_, last)| last);
        let newest = newest.max(done);
        let newest_ms = segments.back().map_or(0, |segment| segment.last_ms);
        let mut spool = Self {
            options,
            segments,
            open: None,
            state,
            cursor,
            next: if newest == 0 {
                1
            } else {
                newest + SKIP_AT_START
            },
            newest_ms,
            unsynced_ms: None,
        };
        spool.save_cursor();
        Ok(spool)
    }

    /// A random number that names this queue: record numbers count within it.
    #[must_use]
    pub const fn queue(&self) -> u64 {
        self.state.queue
    }

    /// Everything up to this number is acknowledged or lost.
    #[must_use]
    pub const fn done_through(&self) -> u64 {
        self.state.done.through
    }

    /// The number of the newest record, 0 when there was none yet.
    #[must_use]
    pub const fn newest(&self) -> u64 {
        self.next - 1
    }

    /// Whether a record need not be sent any more.
    #[must_use]
    pub fn is_done(&self, seq: u64) -> bool {
        self.state.done.contains(seq)
    }

    /// Bytes of all segments.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// The name that was given to [`Spool::set_store`] last.
    #[must_use]
    pub fn store(&self) -> &str {
        &self.state.store
    }

    /// Remembers who acknowledges from now on.
    pub fn set_store(&mut self, store: &str) {
        if self.state.store != store {
            store.clone_into(&mut self.state.store);
            self.save_cursor();
        }
    }

    /// Readies the place for the next record: a segment with room, within the limit of bytes.
    ///
    /// # Errors
    /// When a file cannot be made; the queue stays usable and tries again with the next record.
    pub fn slot(&mut self) -> Result<Slot, SpoolError> {
        let full = |segment: &Segment| segment.bytes >= self.options.segment_bytes();
        if self.open.is_none() || self.segments.back().is_some_and(full) {
            self.rotate()?;
        }
        let fresh = self.segments.back().is_none_or(Segment::is_empty);
        Ok(Slot {
            seq: self.next,
            fresh,
        })
    }

    /// Appends a record at the place that [`Spool::slot`] named and returns its number.
    ///
    /// # Errors
    /// When the disk does not take it. The record is then not in the queue and its number is not
    /// used; see [`Spool::skip`].
    pub fn append(&mut self, at_ms: i64, payload: &[u8]) -> Result<u64, SpoolError> {
        if payload.len() > RECORD_BYTES_MAX {
            let (len_bytes, limit_bytes) = (payload.len(), RECORD_BYTES_MAX);
            return Err(SpoolError::TooLong {
                len_bytes,
                limit_bytes,
            });
        }
        let slot = self.slot()?;
        let (Some(file), Some(segment)) = (&mut self.open, self.segments.back_mut()) else {
            return Ok(slot.seq);
        };
        let mut record = Vec::with_capacity(RECORD_HEADER_BYTES + payload.len());
        record.extend_from_slice(&segment::record_header(at_ms, payload));
        record.extend_from_slice(payload);
        if let Err(source) = file.write_all(&record) {
            // What was written of it is cut off, or else found by its CRC; the next begins a file.
            let _ = file.set_len(segment.bytes);
            let path = segment::path_of(&self.options.dir, segment.header.first);
            self.open = None;
            return Err(SpoolError::File {
                what: "write",
                path,
                source,
            });
        }
        segment.note(at_ms);
        segment.bytes += record.len() as u64;
        self.next += 1;
        self.newest_ms = at_ms;
        self.unsynced_ms.get_or_insert(at_ms);
        self.sync_if_due();
        Ok(slot.seq)
    }

    /// Gives a number to a record that the disk did not take but that may still be sent.
    pub fn skip(&mut self) -> u64 {
        self.open = None;
        self.next += 1;
        self.next - 1
    }

    /// A record is lost: one that was skipped was not sent either, or one cannot be understood.
    pub fn lost(&mut self, seq: u64, at_ms: i64, reason: Reason) {
        let (from_ms, to_ms) = (at_ms, at_ms);
        self.state.add_gap(Gap {
            from_seq: seq,
            to_seq: seq,
            from_ms,
            to_ms,
            reason,
        });
        self.finish(seq, seq);
    }

    /// A record was acknowledged: it need not be sent any more.
    pub fn ack(&mut self, seq: u64) {
        if seq < self.next && !self.is_done(seq) {
            self.finish(seq, seq);
        }
    }

    /// What is lost and was not told yet, the oldest first.
    #[must_use]
    pub fn gaps(&self) -> &[Gap] {
        &self.state.gaps
    }

    /// The server knows of the gap that ends with this number.
    pub fn gap_told(&mut self, to_seq: u64) {
        self.state.gaps.retain(|gap| gap.to_seq != to_seq);
        self.save_cursor();
    }

    /// Makes the disk keep everything; called before the program ends.
    ///
    /// # Errors
    /// When the disk does not.
    pub fn sync(&mut self) -> Result<(), SpoolError> {
        self.unsynced_ms = None;
        let (Some(file), Some(segment)) = (&self.open, self.segments.back()) else {
            return Ok(());
        };
        let path = segment::path_of(&self.options.dir, segment.header.first);
        file.sync_data().map_err(SpoolError::file("sync", &path))
    }

    /// The first segment after the one that began with `after` (0: from the start) that holds a
    /// record which is not done, up to number `last`.
    ///
    /// # Errors
    /// When its file cannot be opened.
    pub fn reader_after(&self, after: u64, last: u64) -> Result<Option<SegmentReader>, SpoolError> {
        let open = self.segments.iter().find(|segment| {
            let Segment {
                header, last: end, ..
            } = segment;
            let end = last.min(*end);
            header.first > after && !self.state.done.missing(header.first, end).is_empty()
        });
        open.map(|segment| SegmentReader::open(&self.options.dir, segment.header.first))
            .transpose()
    }

    /// Takes acknowledgements back for what is still held, as for a server with another store.
    pub fn offer_again(&mut self) {
        let oldest = self
            .segments
            .front()
            .map_or(self.next, |segment| segment.header.first);
        self.state.done.through = oldest - 1;
        self.state.done.above.clear();
        self.finish(0, 0);
    }

    fn finish(&mut self, first: u64, last: u64) {
        self.state.done.insert(first, last);
        self.jump_holes();
        let newest = self.next - 1;
        if self.state.done.through >= newest {
            self.unsynced_ms = None;
        }
        self.drop_old();
        self.save_cursor();
    }

    /// Numbers that were never given need not be waited for.
    fn jump_holes(&mut self) {
        for segment in &self.segments {
            let Header { first, after, .. } = segment.header;
            if first > after + 1 && !self.state.done.contains(first - 1) {
                self.state.done.insert(after + 1, first - 1);
            }
        }
    }

    /// Removes segments whose records are all done and older than they must be kept.
    fn drop_old(&mut self) {
        let keep_from_ms = self.newest_ms - self.options.keep_ms;
        while self.segments.len() > 1
            && let Some(oldest) = self.segments.front()
            && oldest.last <= self.state.done.through
            && oldest.last_ms < keep_from_ms
        {
            self.remove_oldest();
        }
    }

    fn remove_oldest(&mut self) {
        if let Some(segment) = self.segments.pop_front() {
            let path = segment::path_of(&self.options.dir, segment.header.first);
            // A file that cannot be removed is found again at the next start.
            let _ = fs::remove_file(path);
        }
    }

    fn rotate(&mut self) -> Result<(), SpoolError> {
        if let Some(file) = self.open.take()
            && self.options.fsync != Fsync::Never
            && self.unsynced_ms.is_some()
        {
            // Best effort: a record that a power cut takes is a gap like any other.
            let _ = file.sync_data();
        }
        // An empty one left behind by a failed write gets its file made anew.
        self.segments.retain(|segment| !segment.is_empty());
        self.make_room();
        let after = self
            .segments
            .back()
            .map_or(self.state.done.through, |s| s.last);
        let header = Header {
            queue: self.state.queue,
            first: self.next,
            after,
        };
        let path = segment::path_of(&self.options.dir, header.first);
        let mut options = OpenOptions::new();
        let opened = options.write(true).create(true).truncate(true).open(&path);
        let mut file = opened.map_err(SpoolError::file("make", &path))?;
        if let Err(source) = file.write_all(&header.encode()) {
            let _ = fs::remove_file(&path);
            return Err(SpoolError::File {
                what: "write",
                path,
                source,
            });
        }
        self.segments.push_back(Segment::empty(header));
        self.open = Some(file);
        self.jump_holes();
        Ok(())
    }

    /// Drops the oldest until another segment fits; what was not done becomes a gap.
    fn make_room(&mut self) {
        let limit = self
            .options
            .max_bytes
            .saturating_sub(self.options.segment_bytes());
        while self.bytes() > limit
            && let Some(oldest) = self.segments.front().cloned()
        {
            self.remove_oldest();
            self.lose(&oldest, oldest.last, Reason::QueueFull);
            self.jump_holes();
            self.save_cursor();
        }
    }

    /// Notes as lost what is not done of a segment, up to number `last`.
    fn lose(&mut self, segment: &Segment, last: u64, reason: Reason) {
        let Segment {
            first_ms,
            last_ms,
            header,
            ..
        } = *segment;
        for (from_seq, to_seq) in self.state.done.missing(header.first, last) {
            self.state.add_gap(Gap {
                from_seq,
                to_seq,
                from_ms: first_ms,
                to_ms: last_ms,
                reason,
            });
        }
        self.state.done.insert(header.first, last);
    }

    fn sync_if_due(&mut self) {
        let due = match self.options.fsync {
            Fsync::Always => true,
            Fsync::After(ms) => self
                .unsynced_ms
                .is_some_and(|since| self.newest_ms - since >= ms),
            Fsync::Never => false,
        };
        if due {
            // Nothing better can be done than to try again with the next record.
            let _ = self.sync();
        }
    }

    fn save_cursor(&mut self) {
        // An older cursor means that some records are sent again, which the server notices.
        let _ = self.cursor.write(&self.state);
    }
}

/// Reads all segments of the queue. Without a cursor the queue is that of the newest segment, and
/// everything that is still there is sent again.
fn load(
    dir: &Path,
    state: Option<State>,
) -> Result<(VecDeque<Segment>, Option<State>), SpoolError> {
    let mut found = Vec::new();
    for path in list(dir).map_err(SpoolError::file("list", dir))? {
        found.push((Segment::scan(&path)?, path));
    }
    let newest = found.iter().rev().find_map(|(segment, _)| segment.as_ref());
    let state = state.or_else(|| newest.map(|newest| adopt(newest.header.queue, &found)));
    let queue = state.as_ref().map_or(0, |state| state.queue);
    let mut segments = VecDeque::new();
    for (segment, path) in found {
        match segment {
            Some(segment) if segment.header.queue == queue && !segment.is_empty() => {
                segments.push_back(segment);
            }
            // Of another queue, empty, or without a readable header: nothing to be had from it.
            _ => drop(fs::remove_file(&path)),
        }
    }
    Ok((segments, state))
}

fn list(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "seg") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// The state of a queue whose cursor file is gone.
fn adopt(queue: u64, found: &[(Option<Segment>, PathBuf)]) -> State {
    let mut segments = found.iter().filter_map(|(segment, _)| segment.as_ref());
    let oldest = segments.find(|segment| segment.header.queue == queue);
    let mut state = State {
        queue,
        ..State::default()
    };
    state.done.through = oldest.map_or(0, |oldest| oldest.header.after);
    state
}

/// A segment says which number came before it: what is missing up to there was lost to damage.
fn note_damage(segments: &VecDeque<Segment>, state: &mut State) {
    let mut have = (state.done.through, 0);
    for segment in segments {
        let (last, last_ms) = have;
        let Header { first, after, .. } = segment.header;
        if after > last {
            for (from_seq, to_seq) in state.done.missing(last + 1, after) {
                let (from_ms, to_ms) = (last_ms, segment.first_ms);
                let reason = Reason::Damaged;
                state.add_gap(Gap {
                    from_seq,
                    to_seq,
                    from_ms,
                    to_ms,
                    reason,
                });
            }
            state.done.insert(last + 1, after);
        }
        if first > after + 1 {
            state.done.insert(after + 1, first - 1);
        }
        have = (segment.last, segment.last_ms);
    }
}
