//! Writing and reading single bits, most significant first.
#![expect(
    clippy::indexing_slicing,
    reason = "positions are checked against the length first"
)]

/// Appends bits to a byte vector.
pub(crate) struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    pending: u64,
    count: u32,
}

impl<'a> BitWriter<'a> {
    pub(crate) const fn new(out: &'a mut Vec<u8>) -> Self {
        Self {
            out,
            pending: 0,
            count: 0,
        }
    }

    /// Appends the lowest `count` bits of `value`; `count` is at most 64.
    pub(crate) fn put(&mut self, value: u64, count: u32) {
        if count > 32 {
            self.put_short(value >> 32, count - 32);
            self.put_short(value, 32);
        } else {
            self.put_short(value, count);
        }
    }

    fn put_short(&mut self, value: u64, count: u32) {
        let masked = value & ((1 << count) - 1);
        self.pending = (self.pending << count) | masked;
        self.count += count;
        while self.count >= 8 {
            self.count -= 8;
            self.out.push((self.pending >> self.count) as u8);
        }
        self.pending &= (1 << self.count) - 1;
    }

    pub(crate) fn put_ones(&mut self, count: u32) {
        self.put(u64::MAX, count);
    }

    /// Fills the last byte with zero bits.
    pub(crate) fn finish(mut self) {
        let rest = (8 - self.count) % 8;
        self.put(0, rest);
    }
}

/// Reads bits from a slice.
pub(crate) struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
    pending: u64,
    count: u32,
}

impl<'a> BitReader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            pending: 0,
            count: 0,
        }
    }

    /// The next `count` bits (at most 64), or nothing when the slice ends before.
    pub(crate) fn take(&mut self, count: u32) -> Option<u64> {
        if count > 32 {
            let high = self.take_short(count - 32)?;
            Some((high << 32) | self.take_short(32)?)
        } else {
            self.take_short(count)
        }
    }

    fn take_short(&mut self, count: u32) -> Option<u64> {
        while self.count < count {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            self.pending = (self.pending << 8) | u64::from(byte);
            self.count += 8;
        }
        self.count -= count;
        let value = (self.pending >> self.count) & ((1 << count) - 1);
        self.pending &= (1 << self.count) - 1;
        Some(value)
    }

    /// Counts one bits up to `max`; the zero that ends a shorter run is taken too.
    pub(crate) fn take_ones(&mut self, max: u32) -> Option<u32> {
        let mut ones = 0;
        while ones < max {
            if self.take_short(1)? == 0 {
                return Some(ones);
            }
            ones += 1;
        }
        Some(ones)
    }

    /// Whether only the padding of the last byte is left, and it is zero.
    pub(crate) fn is_at_end(&self) -> bool {
        self.bytes[self.at..].is_empty() && self.count < 8 && self.pending == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_come_back_in_order() {
        let mut out = Vec::new();
        let mut writer = BitWriter::new(&mut out);
        writer.put(0b101, 3);
        writer.put(u64::MAX - 1, 64);
        writer.put(0x12_3456_789A, 37);
        writer.put_ones(5);
        writer.put(0, 1);
        writer.finish();
        let mut reader = BitReader::new(&out);
        assert_eq!(reader.take(3), Some(0b101));
        assert_eq!(reader.take(64), Some(u64::MAX - 1));
        assert_eq!(reader.take(37), Some(0x12_3456_789A));
        assert_eq!(reader.take_ones(20), Some(5));
        assert!(reader.is_at_end());
        assert_eq!(reader.take(64), None);
    }
}
