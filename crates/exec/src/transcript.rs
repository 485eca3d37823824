//! What a program wrote: in order, with time and stream, the beginning and the end kept.

use std::collections::VecDeque;

/// Bytes that a chunk costs beside its text, so that many tiny writes stay within the bound too.
const CHUNK_COST: usize = 32;
/// Writes to one stream within this time are one chunk, in milliseconds.
const MERGE_MS: u64 = 100;

/// Where a program wrote.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Some bytes that a program wrote; not necessarily UTF-8, not necessarily whole lines.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Chunk {
    /// Milliseconds since the start of the run.
    pub at_ms: u64,
    /// Where they were written.
    pub stream: Stream,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// The output of a run within a bound: the first half of it and the last half.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Transcript {
    head: Vec<Chunk>,
    tail: VecDeque<Chunk>,
    head_bytes: usize,
    tail_bytes: usize,
    half_bytes: usize,
    total_bytes: u64,
    dropped_bytes: u64,
}

impl Transcript {
    /// An empty transcript that keeps at most about `limit_bytes`.
    #[must_use]
    pub fn new(limit_bytes: usize) -> Self {
        Self {
            half_bytes: limit_bytes / 2,
            ..Self::default()
        }
    }

    /// Adds what was read.
    pub fn push(&mut self, at_ms: u64, stream: Stream, bytes: &[u8]) {
        self.total_bytes += bytes.len() as u64;
        let room = self.half_bytes.saturating_sub(self.head_bytes + CHUNK_COST);
        let (first, rest) = bytes.split_at(bytes.len().min(room));
        if !first.is_empty() {
            let grown = match self.head.last_mut() {
                Some(last) => merge(last, at_ms, stream, first),
                None => false,
            };
            self.head_bytes += first.len();
            if !grown {
                self.head_bytes += CHUNK_COST;
                self.head.push(Chunk {
                    at_ms,
                    stream,
                    bytes: first.to_vec(),
                });
            }
        }
        if rest.is_empty() {
            return;
        }
        // From here on the head is full, so that order is kept.
        self.head_bytes = self.half_bytes;
        self.push_tail(at_ms, stream, rest);
    }

    fn push_tail(&mut self, at_ms: u64, stream: Stream, bytes: &[u8]) {
        let kept = bytes.len().min(self.half_bytes.saturating_sub(CHUNK_COST));
        let (lost, kept) = bytes.split_at(bytes.len() - kept);
        self.dropped_bytes += lost.len() as u64;
        // Chunks of the tail stay small, so that what is dropped is never much at once.
        let merged = match self.tail.back_mut() {
            Some(last) if last.bytes.len() < 4_096 => merge(last, at_ms, stream, kept),
            _ => false,
        };
        self.tail_bytes += kept.len();
        if !merged && !kept.is_empty() {
            self.tail_bytes += CHUNK_COST;
            self.tail.push_back(Chunk {
                at_ms,
                stream,
                bytes: kept.to_vec(),
            });
        }
        while self.tail_bytes > self.half_bytes {
            let excess = self.tail_bytes - self.half_bytes;
            let Some(first) = self.tail.front_mut() else {
                return;
            };
            if first.bytes.len() > excess {
                first.bytes.drain(..excess);
                self.tail_bytes -= excess;
                self.dropped_bytes += excess as u64;
            } else {
                self.tail_bytes -= first.bytes.len() + CHUNK_COST;
                self.dropped_bytes += first.bytes.len() as u64;
                self.tail.pop_front();
            }
        }
    }

    /// A transcript put together from its parts, as it came over a wire.
    #[must_use]
    pub fn from_parts(head: Vec<Chunk>, tail: Vec<Chunk>, dropped_bytes: u64) -> Self {
        let count = |chunks: &[Chunk]| chunks.iter().map(|c| c.bytes.len()).sum::<usize>();
        let kept = count(&head) + count(&tail);
        let (head_bytes, tail_bytes) = (count(&head), count(&tail));
        Self {
            head,
            tail: tail.into(),
            head_bytes,
            tail_bytes,
            half_bytes: head_bytes.max(tail_bytes),
            total_bytes: kept as u64 + dropped_bytes,
            dropped_bytes,
        }
    }

    /// What came first.
    #[must_use]
    pub fn head(&self) -> &[Chunk] {
        &self.head
    }

    /// What came last; between it and the head [`Transcript::dropped_bytes`] are missing.
    pub fn tail(&self) -> impl Iterator<Item = &Chunk> {
        self.tail.iter()
    }

    /// All bytes that the program wrote.
    #[must_use]
    pub const fn total_bytes(&self) -> u64 {
        self.total_bytes
    }

    /// How many bytes between head and tail were not kept.
    #[must_use]
    pub const fn dropped_bytes(&self) -> u64 {
        self.dropped_bytes
    }

    /// The kept bytes of one stream.
    #[must_use]
    pub fn bytes(&self, stream: Stream) -> Vec<u8> {
        let chunks = self.head.iter().chain(&self.tail);
        chunks
            .filter(|c| c.stream == stream)
            .flat_map(|c| c.bytes.iter().copied())
            .collect()
    }

    /// Both streams as text for people: `+1.234 out | line`, and how much is missing where.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        self.head
            .iter()
            .for_each(|chunk| write_chunk(&mut text, chunk));
        if self.dropped_bytes > 0 {
            text.push_str(&format!("… {} bytes not kept …\n", self.dropped_bytes));
        }
        self.tail
            .iter()
            .for_each(|chunk| write_chunk(&mut text, chunk));
        text
    }
}

fn merge(last: &mut Chunk, at_ms: u64, stream: Stream, bytes: &[u8]) -> bool {
    let fits = last.stream == stream && at_ms.saturating_sub(last.at_ms) < MERGE_MS;
    if fits {
        last.bytes.extend_from_slice(bytes);
    }
    fits
}

fn write_chunk(text: &mut String, chunk: &Chunk) {
    let stream = if chunk.stream == Stream::Out {
        "out"
    } else {
        "err"
    };
    for line in String::from_utf8_lossy(&chunk.bytes).lines() {
        let (s, ms) = (chunk.at_ms / 1_000, chunk.at_ms % 1_000);
        text.push_str(&format!("+{s}.{ms:03} {stream} | {line}\n"));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn streams_and_times_are_kept_in_order() {
        let mut transcript = Transcript::new(10_000);
        transcript.push(0, Stream::Out, b"one\n");
        transcript.push(5, Stream::Out, b"two\n");
        transcript.push(6, Stream::Err, b"bad\n");
        transcript.push(1_500, Stream::Out, b"three");
        assert_eq!(
            transcript.to_text(),
            "+0.000 out | one\n+0.000 out | two\n+0.006 err | bad\n+1.500 out | three\n"
        );
        assert_eq!(transcript.bytes(Stream::Err), b"bad\n");
        assert_eq!(
            (transcript.total_bytes(), transcript.dropped_bytes()),
            (17, 0)
        );
    }

    #[test]
    fn a_flood_keeps_its_beginning_and_its_end() {
        let mut transcript = Transcript::new(4_096);
        for n in 0..10_000_u64 {
            transcript.push(n * 200, Stream::Out, format!("line {n}\n").as_bytes());
        }
        let text = transcript.to_text();
        assert!(text.starts_with("+0.000 out | line 0\n"), "{text}");
        assert!(text.ends_with("line 9999\n"), "{text}");
        assert!(text.contains("bytes not kept"));
        let kept = transcript.bytes(Stream::Out).len() as u64;
        assert!(kept <= 4_096);
        assert_eq!(kept + transcript.dropped_bytes(), transcript.total_bytes());
    }

    proptest! {
        #[test]
        fn nothing_is_lost_uncounted(
            writes in proptest::collection::vec((0..500_u64, 0..3_000_usize, any::<bool>()), 0..40),
            limit in 0..5_000_usize,
        ) {
            let mut transcript = Transcript::new(limit);
            let mut all = Vec::new();
            let mut at_ms = 0;
            for (n, (wait_ms, length, err)) in (0_u8..).zip(writes) {
                at_ms += wait_ms;
                let bytes = vec![n; length];
                transcript.push(at_ms, if err { Stream::Err } else { Stream::Out }, &bytes);
                all.extend(bytes);
            }
            let head: Vec<u8> = transcript.head().iter().flat_map(|c| c.bytes.clone()).collect();
            let tail: Vec<u8> = transcript.tail().flat_map(|c| c.bytes.clone()).collect();
            prop_assert!(all.starts_with(&head) && all.ends_with(&tail));
            prop_assert_eq!(
                (head.len() + tail.len()) as u64 + transcript.dropped_bytes(),
                all.len() as u64
            );
            prop_assert!(head.len() + tail.len() <= limit);
        }
    }
}
