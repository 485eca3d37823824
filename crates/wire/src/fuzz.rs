//! Bodies for fuzzing: any bytes are either understood or refused, nothing else.

use crate::{BlockHead, BlockSink, Decoder, Encoder, FrameDecoder};

/// Reads `bytes` as a stream of frames, each also as every control message it claims to be.
pub fn frames(bytes: &[u8]) {
    let mut decoder = FrameDecoder::new(model::limits::FRAME_BYTES_MAX);
    decoder.push(bytes);
    while let Ok(Some(frame)) = decoder.next_frame() {
        crate::control::try_all(frame);
        let _ = Decoder::new().block(frame.body, &mut Rebuild::default());
    }
}

/// Reads `bytes` as blocks, each led by its length; what is understood survives being written again.
pub fn blocks(bytes: &[u8]) {
    let (mut decoder, mut rebuilt) = (Decoder::new(), Rebuild::default());
    let mut rest = bytes;
    while let Some((&len, tail)) = rest.split_first() {
        let (block, tail) = tail.split_at(tail.len().min(usize::from(len)));
        rest = tail;
        if decoder.block(block, &mut rebuilt).is_ok() {
            rebuilt.write_again();
        }
    }
}

#[derive(Default)]
struct Rebuild {
    series: usize,
    head: BlockHead,
    samples: Vec<(u32, f64)>,
}

impl Rebuild {
    /// Writes the block with a fresh encoder and asserts that a fresh decoder reads the same.
    fn write_again(&self) {
        let mut encoder = Encoder::new();
        for n in 0..self.series {
            let label = n.to_string();
            let _ = encoder.define("again", std::iter::once(("n", label.as_str())));
        }
        let mut out = Vec::new();
        if encoder
            .block(&self.head, self.samples.iter().copied(), &mut out)
            .is_err()
        {
            return;
        }
        let mut again = Self::default();
        let read = Decoder::new().block(&out, &mut again);
        assert!(read.is_ok(), "what was written cannot be read: {read:?}");
        assert_eq!(self.head, again.head, "the head changed");
        let bits = |list: &[(u32, f64)]| -> Vec<(u32, u64)> {
            list.iter()
                .map(|&(id, value)| (id, value.to_bits()))
                .collect()
        };
        assert_eq!(bits(&self.samples), bits(&again.samples), "a value changed");
    }
}

impl BlockSink for Rebuild {
    fn reset(&mut self) {
        self.series = 0;
    }

    fn define(&mut self, _id: u32, _name: &str, _labels: &[(&str, &str)]) {
        self.series += 1;
    }

    fn head(&mut self, head: &BlockHead, _samples: usize) {
        self.head = *head;
        self.samples.clear();
    }

    fn sample(&mut self, id: u32, value: f64) {
        self.samples.push((id, value));
    }
}
