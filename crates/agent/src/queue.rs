//! Samples on their way through the disk queue: one record a pass, re-read as backlog.
//!
//! A record is `form, quality, run, mono_ns` and a sample block whose dictionary begins anew with
//! each segment of the queue. Times that were only guessed are corrected when the record is sent,
//! if it is of this run of the program: its monotonic reading is then still good.

use spool::{Reason, SegmentReader, Slot, Spool, SpoolError};
use wire::{BlockHead, BlockSink, Decoder, Encoder};

use crate::anchor::{Anchor, Quality};
use crate::dictionary::Dictionary;

const FORM: u8 = 1;
const HEAD_BYTES: usize = 1 + 1 + 8 + 8;

/// When a pass was made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Moment {
    pub(crate) time_ms: i64,
    pub(crate) mono_ns: u64,
    pub(crate) quality: Quality,
    pub(crate) interval_ms: u32,
}

/// The queue with what it takes to write sample records.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) spool: Spool,
    encoder: Encoder,
    epoch: Option<u32>,
    run: u64,
    record: Vec<u8>,
}

impl Queue {
    /// `run` is a random number of this run of the program.
    pub(crate) fn new(spool: Spool, run: u64) -> Self {
        Self {
            spool,
            encoder: Encoder::new(),
            epoch: None,
            run,
            record: Vec::new(),
        }
    }

    /// Keeps a pass on disk and returns its number.
    ///
    /// # Errors
    /// When the disk does not take it; [`Spool::skip`] then gives a number for sending it at once.
    pub(crate) fn put(
        &mut self,
        moment: Moment,
        dictionary: &Dictionary,
        samples: &[(u32, f64)],
    ) -> Result<u64, SpoolError> {
        let slot = self.spool.slot()?;
        self.encode(slot, moment, dictionary, samples);
        let appended = self.spool.append(moment.time_ms, &self.record);
        if appended.is_err() {
            self.epoch = None;
        }
        appended
    }

    fn encode(
        &mut self,
        slot: Slot,
        moment: Moment,
        dictionary: &Dictionary,
        samples: &[(u32, f64)],
    ) {
        self.record.clear();
        let quality = u8::from(moment.quality == Quality::Anchored);
        self.record.extend([FORM, quality]);
        self.record.extend(self.run.to_le_bytes());
        self.record.extend(moment.mono_ns.to_le_bytes());
        if slot.fresh || self.epoch != Some(dictionary.epoch()) {
            self.encoder.reset();
            self.epoch = Some(dictionary.epoch());
        }
        let head = BlockHead {
            seq: slot.seq,
            time_ms: moment.time_ms,
            interval_ms: moment.interval_ms,
            replay: false,
        };
        let written = dictionary.teach(&mut self.encoder).and_then(|()| {
            self.encoder
                .block(&head, samples.iter().copied(), &mut self.record)
        });
        if written.is_err() {
            // More series than a dictionary holds: the collectors' own limit is half of it.
            self.epoch = None;
        }
    }
}

/// Reads what is not acknowledged and writes it anew as blocks for one connection.
#[derive(Debug)]
pub(crate) struct Backlog {
    reader: Option<SegmentReader>,
    after: u64,
    /// Records up to this number belong to the backlog; later ones are sent live.
    upto: u64,
    /// Records up to this number were acknowledged by another store before.
    replay_upto: u64,
    decoder: Decoder,
    relay: Relay,
    record: Vec<u8>,
}

/// Definitions and values of a record on their way from the queue's dictionary to the connection's.
#[derive(Debug, Default)]
struct Relay {
    encoder: Encoder,
    head: BlockHead,
    values: Vec<(u32, f64)>,
}

/// What the backlog gives next.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Next {
    /// A block is in the buffer; its number.
    Block(u64),
    /// Nothing is left for now.
    Nothing,
}

impl Backlog {
    pub(crate) fn new(upto: u64, replay_upto: u64) -> Self {
        Self {
            reader: None,
            after: 0,
            upto,
            replay_upto,
            decoder: Decoder::new(),
            relay: Relay {
                encoder: Encoder::new(),
                ..Relay::default()
            },
            record: Vec::new(),
        }
    }

    /// Whether a record is left to the backlog.
    pub(crate) const fn has(&self, seq: u64) -> bool {
        seq <= self.upto
    }

    /// A record that was meant to be sent live could not be: it is backlog now.
    pub(crate) fn extend(&mut self, seq: u64) {
        if seq > self.upto {
            self.upto = seq;
        }
        self.reader = None;
        self.after = 0;
    }

    /// Appends the next block to `out`; `sent` names records that are on their way already.
    ///
    /// # Errors
    /// When the queue cannot be read.
    pub(crate) fn next(
        &mut self,
        queue: &mut Queue,
        anchor: &Anchor,
        sent: &dyn Fn(u64) -> bool,
        out: &mut Vec<u8>,
    ) -> Result<Next, SpoolError> {
        loop {
            if self.reader.is_none() {
                self.reader = queue.spool.reader_after(self.after, self.upto)?;
                self.decoder = Decoder::new();
            }
            let Some(reader) = &mut self.reader else {
                return Ok(Next::Nothing);
            };
            self.after = reader.first();
            let Some(record) = reader
                .next(&mut self.record)?
                .filter(|r| r.seq <= self.upto)
            else {
                self.reader = None;
                continue;
            };
            let wanted = !queue.spool.is_done(record.seq) && !sent(record.seq);
            let understood = self.read(record.seq, queue.run, anchor);
            if !wanted {
                continue;
            }
            if !understood || !self.write(out) {
                queue.spool.lost(record.seq, record.at_ms, Reason::Damaged);
                continue;
            }
            return Ok(Next::Block(record.seq));
        }
    }

    /// Decodes the record in the buffer; false when it is of no form that this program knows.
    fn read(&mut self, seq: u64, run: u64, anchor: &Anchor) -> bool {
        let Some((head, block)) = self.record.split_at_checked(HEAD_BYTES) else {
            return false;
        };
        let (Some(&[form, quality]), Some(of_run), Some(mono_ns)) =
            (head.first_chunk::<2>(), word(head, 2), word(head, 10))
        else {
            return false;
        };
        if form != FORM || self.decoder.block(block, &mut self.relay).is_err() {
            return false;
        }
        if quality == 0
            && of_run == run
            && let Some(time_ms) = anchor.at_mono(mono_ns)
        {
            self.relay.head.time_ms = time_ms;
        }
        self.relay.head.seq = seq;
        self.relay.head.replay = seq <= self.replay_upto;
        true
    }

    fn write(&mut self, out: &mut Vec<u8>) -> bool {
        let Relay {
            encoder,
            head,
            values,
        } = &mut self.relay;
        encoder.block(head, values.iter().copied(), out).is_ok()
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    bytes
        .get(at..at + 8)?
        .first_chunk()
        .copied()
        .map(u64::from_le_bytes)
}

impl BlockSink for Relay {
    fn reset(&mut self) {
        self.encoder.reset();
    }

    fn define(&mut self, _id: u32, name: &str, labels: &[(&str, &str)]) {
        // The encoder gives the same numbers: both count from the same reset.
        let _ = self.encoder.define(name, labels.iter().copied());
    }

    fn head(&mut self, head: &BlockHead, _samples: usize) {
        self.head = *head;
        self.values.clear();
    }

    fn sample(&mut self, id: u32, value: f64) {
        self.values.push((id, value));
    }
}
