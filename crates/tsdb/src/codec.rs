//! Variable-length integers, trimmed floats and framed records: the alphabet of every file.

/// Why bytes could not be read; says what was expected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Broken(pub(crate) &'static str);

pub(crate) type Decoded<T> = std::result::Result<T, Broken>;

/// Bytes before the payload of a frame: its length and its CRC-32, little-endian.
pub(crate) const FRAME_HEADER: usize = 8;

pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(low_byte(value) | 0x80);
        value >>= 7;
    }
    out.push(low_byte(value));
}

fn low_byte(value: u64) -> u8 {
    let [low, ..] = value.to_le_bytes();
    low
}

/// Small positive and negative numbers alike become small varints.
pub(crate) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_varint(
        out,
        (value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned(),
    );
}

pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Floats without their trailing zero bytes: two 4-bit lengths, then the bytes of both.
///
/// Whole numbers and short decimals fill the high bytes only; a counter of 42 takes two bytes.
pub(crate) fn put_floats(out: &mut Vec<u8>, values: &[f64]) {
    for pair in values.chunks(2) {
        let at = out.len();
        out.push(0);
        let mut lengths = 0_u8;
        for (i, value) in pair.iter().enumerate() {
            let bits = value.to_bits();
            let zero_bytes = (bits.trailing_zeros() / 8).min(8) as usize;
            let kept = 8 - zero_bytes;
            out.extend(bits.to_be_bytes().iter().take(kept));
            lengths |= low_byte(kept as u64) << (4 * i);
        }
        if let Some(slot) = out.get_mut(at) {
            *slot = lengths;
        }
    }
}

/// Appends a frame around what `fill` writes.
pub(crate) fn put_frame(out: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend_from_slice(&[0; FRAME_HEADER]);
    fill(out);
    let payload = out.get(at + FRAME_HEADER..).unwrap_or_default();
    let crc = crc32fast::hash(payload).to_le_bytes();
    let length = u32::try_from(payload.len())
        .unwrap_or(u32::MAX)
        .to_le_bytes();
    for (slot, byte) in out.iter_mut().skip(at).zip(length.into_iter().chain(crc)) {
        *slot = byte;
    }
}

/// Reads front to back; every read is checked against the end.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) const fn left(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn take(&mut self, len: usize) -> Decoded<&'a [u8]> {
        let (head, tail) = self
            .rest
            .split_at_checked(len)
            .ok_or(Broken("it ends too early"))?;
        self.rest = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Decoded<[u8; N]> {
        let (head, tail) = self
            .rest
            .split_first_chunk()
            .ok_or(Broken("it ends too early"))?;
        self.rest = tail;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Decoded<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u32(&mut self) -> Decoded<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Decoded<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn u128(&mut self) -> Decoded<u128> {
        self.array().map(u128::from_le_bytes)
    }

    pub(crate) fn varint(&mut self) -> Decoded<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Broken("a number has more than ten bytes"))
    }

    pub(crate) fn varint_u32(&mut self) -> Decoded<u32> {
        u32::try_from(self.varint()?).map_err(|_| Broken("a number exceeds 32 bits"))
    }

    /// A count of things of which each takes at least one byte in what is left.
    pub(crate) fn count(&mut self) -> Decoded<usize> {
        self.count_up_to(self.left())
    }

    pub(crate) fn count_up_to(&mut self, max: usize) -> Decoded<usize> {
        let count = usize::try_from(self.varint()?).unwrap_or(usize::MAX);
        if count > max {
            Err(Broken("a count exceeds its bound"))
        } else {
            Ok(count)
        }
    }

    pub(crate) fn signed(&mut self) -> Decoded<i64> {
        let raw = self.varint()?;
        Ok((raw >> 1).cast_signed() ^ -((raw & 1).cast_signed()))
    }

    pub(crate) fn bytes(&mut self) -> Decoded<&'a [u8]> {
        let len = self.count()?;
        self.take(len)
    }

    pub(crate) fn text(&mut self) -> Decoded<&'a str> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Broken("a text is not UTF-8"))
    }

    pub(crate) fn floats(&mut self, count: usize, out: &mut Vec<f64>) -> Decoded<()> {
        let end = out.len() + count;
        while out.len() < end {
            let lengths = self.u8()?;
            out.push(self.float(lengths & 15)?);
            if out.len() < end {
                out.push(self.float(lengths >> 4)?);
            }
        }
        Ok(())
    }

    fn float(&mut self, len: u8) -> Decoded<f64> {
        let mut bits = [0_u8; 8];
        let slot = bits
            .get_mut(..usize::from(len))
            .ok_or(Broken("a float exceeds 8 bytes"))?;
        slot.copy_from_slice(self.take(usize::from(len))?);
        Ok(f64::from_bits(u64::from_be_bytes(bits)))
    }

    /// The payload of the next frame; an empty payload is not a frame, so that zeros never are.
    pub(crate) fn frame(&mut self) -> Decoded<&'a [u8]> {
        let mut ahead = self.clone();
        let len = ahead.u32()? as usize;
        let crc = ahead.u32()?;
        let payload = ahead.take(len)?;
        if payload.is_empty() || crc32fast::hash(payload) != crc {
            return Err(Broken("the checksum of a record differs"));
        }
        *self = ahead;
        Ok(payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_come_back(values in proptest::collection::vec(any::<u64>(), 0..50)) {
            let mut out = Vec::new();
            for &value in &values {
                put_varint(&mut out, value);
                put_signed(&mut out, value.cast_signed());
            }
            let mut reader = Reader::new(&out);
            for &value in &values {
                prop_assert_eq!(reader.varint(), Ok(value));
                prop_assert_eq!(reader.signed(), Ok(value.cast_signed()));
            }
            prop_assert_eq!(reader.left(), 0);
        }

        #[test]
        fn floats_keep_every_bit(bits in proptest::collection::vec(any::<u64>(), 0..50)) {
            let mut values: Vec<f64> = bits.iter().map(|&b| f64::from_bits(b)).collect();
            values.extend([0.0, -0.0, 42.0, f64::from_bits(0x7ff0_0000_0000_0002)]);
            let (mut out, mut back) = (Vec::new(), Vec::new());
            put_floats(&mut out, &values);
            prop_assert_eq!(Reader::new(&out).floats(values.len(), &mut back), Ok(()));
            let to_bits = |list: &[f64]| list.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(to_bits(&back), to_bits(&values));
        }
    }

    #[test]
    fn zeros_are_not_a_frame() {
        assert!(Reader::new(&[0; 64]).frame().is_err());
        let mut out = Vec::new();
        put_frame(&mut out, |out| out.extend_from_slice(b"abc"));
        assert_eq!(Reader::new(&out).frame(), Ok(&b"abc"[..]));
        out[9] ^= 1;
        assert!(Reader::new(&out).frame().is_err());
    }
}
