//! Columns of numbers, compressed with `pco`.

use pco::ChunkConfig;
use pco::data_types::Number;
use pco::wrapped::{FileCompressor, FileDecompressor};

use crate::codec::{Broken, Decoded};

/// Measured on infrastructure metrics: above 4 the size hardly falls, the time doubles.
const LEVEL: usize = 4;

/// Appends the compressed form of `numbers` (at least one).
pub(super) fn compress<T: Number>(numbers: &[T], out: &mut Vec<u8>) -> Decoded<()> {
    let config = ChunkConfig::default()
        .with_compression_level(LEVEL)
        .with_paging_spec(pco::PagingSpec::Exact(vec![numbers.len()]));
    let mut compressed = || {
        let file = FileCompressor::default();
        file.write_header(&mut *out)?;
        let mut chunk = file.chunk_compressor(numbers, &config)?;
        chunk.write_meta(&mut *out)?;
        chunk.write_page(0, &mut *out)?;
        pco::errors::PcoResult::Ok(())
    };
    compressed().map_err(|_| Broken("a column could not be compressed"))
}

/// Reads `count` numbers back into the end of `out`.
pub(super) fn decompress<T: Number + Default>(
    bytes: &[u8],
    count: usize,
    out: &mut Vec<T>,
) -> Decoded<()> {
    let start = out.len();
    out.resize(start + count, T::default());
    let numbers = out.get_mut(start..).unwrap_or_default();
    let mut read = || {
        let (file, rest) = FileDecompressor::new(bytes)?;
        let (mut chunk, rest) = file.chunk_decompressor::<T, _>(rest)?;
        let mut page = chunk.page_decompressor(rest, count)?;
        page.read(numbers)
    };
    match read() {
        Ok(progress) if progress.n_processed == count => Ok(()),
        _ => Err(Broken("a column cannot be decompressed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_bit_comes_back(bits in proptest::collection::vec(any::<u64>(), 1..600)) {
            let mut values: Vec<f64> = bits.iter().map(|&b| f64::from_bits(b)).collect();
            values.extend([f64::from_bits(crate::STALE_NAN_BITS), f64::NAN, -0.0, 0.1, 0.2, 0.3]);
            let (mut out, mut back) = (Vec::new(), Vec::new());
            compress(&values, &mut out).unwrap();
            decompress::<f64>(&out, values.len(), &mut back).unwrap();
            let to_bits = |list: &[f64]| list.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(to_bits(&back), to_bits(&values));
        }
    }

    #[test]
    fn decimals_with_stale_marks_keep_their_bits() {
        let mut values: Vec<f64> = (0..5_000).map(|i| f64::from(i) / 10.0).collect();
        for at in [0, 17, 4_999] {
            values[at] = f64::from_bits(crate::STALE_NAN_BITS);
        }
        let (mut out, mut back) = (Vec::new(), Vec::new());
        compress(&values, &mut out).unwrap();
        decompress::<f64>(&out, values.len(), &mut back).unwrap();
        assert!(
            values
                .iter()
                .zip(&back)
                .all(|(a, b)| a.to_bits() == b.to_bits())
        );
    }
}
