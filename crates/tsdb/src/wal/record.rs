//! Records of the log: a new series, or a batch of samples as columns.

use model::Labels;

use crate::SeriesId;
use crate::codec::{self, Broken, Decoded, Reader};
use crate::series::{decode_series, encode_series};

const KIND_SERIES: u8 = 1;
const KIND_SAMPLES: u8 = 2;
/// How a column of series or of times is written.
const COLUMN_STEPS: u8 = 0;
const COLUMN_DELTAS: u8 = 1;

/// Samples that are stored, acknowledged and replayed together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AppendBatch {
    /// The caller's number, handed back at replay (e.g. live or backlog).
    pub tag: u64,
    /// The caller's id of the sender, handed back at replay.
    pub source: u128,
    pub(crate) series: Vec<SeriesId>,
    pub(crate) t_ms: Vec<i64>,
    pub(crate) values: Vec<f64>,
}

impl AppendBatch {
    /// An empty batch of `source`.
    #[must_use]
    pub fn new(source: u128, tag: u64) -> Self {
        Self {
            tag,
            source,
            ..Self::default()
        }
    }

    /// Adds a sample: series, UTC milliseconds, value.
    pub fn push(&mut self, series: SeriesId, t_ms: i64, value: f64) {
        self.series.push(series);
        self.t_ms.push(t_ms);
        self.values.push(value);
    }

    /// How many samples it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// Forgets the samples, keeps the memory.
    pub fn clear(&mut self) {
        self.series.clear();
        self.t_ms.clear();
        self.values.clear();
    }

    /// The samples in the order they were pushed.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (SeriesId, i64, f64)> {
        let times = self.t_ms.iter().zip(&self.values);
        self.series
            .iter()
            .zip(times)
            .map(|(&series, (&t_ms, &value))| (series, t_ms, value))
    }
}

/// One record as read back.
#[derive(Debug, PartialEq)]
pub(crate) enum Record {
    Series(u32, Labels),
    Samples(AppendBatch),
}

/// Appends the frame that announces a series.
pub(crate) fn encode_new_series(out: &mut Vec<u8>, series: u32, labels: &Labels) {
    codec::put_frame(out, |out| {
        out.push(KIND_SERIES);
        encode_series(out, series, labels);
    });
}

/// Appends the frame of a batch.
pub(crate) fn encode_batch(out: &mut Vec<u8>, batch: &AppendBatch) {
    codec::put_frame(out, |out| {
        out.push(KIND_SAMPLES);
        codec::put_varint(out, batch.tag);
        out.extend_from_slice(&batch.source.to_le_bytes());
        codec::put_varint(out, batch.len() as u64);
        put_column(out, batch.series.iter().map(|s| i64::from(s.0)), 1);
        put_column(out, batch.t_ms.iter().copied(), 0);
        codec::put_floats(out, &batch.values);
    });
}

/// A column that grows by `step` each row is its first value; any other its differences.
fn put_column(out: &mut Vec<u8>, rows: impl Iterator<Item = i64> + Clone, step: i64) {
    let mut pairs = rows.clone().zip(rows.clone().skip(1));
    let Some(first) = rows.clone().next() else {
        return;
    };
    let steps = pairs.all(|(a, b)| b.wrapping_sub(a) == step);
    out.push(if steps { COLUMN_STEPS } else { COLUMN_DELTAS });
    codec::put_signed(out, first);
    if !steps {
        let mut last = first;
        for row in rows.skip(1) {
            codec::put_signed(out, row.wrapping_sub(last));
            last = row;
        }
    }
}

fn column(
    reader: &mut Reader<'_>,
    count: usize,
    step: i64,
    mut push: impl FnMut(i64) -> Decoded<()>,
) -> Decoded<()> {
    let kind = reader.u8()?;
    let mut value = reader.signed()?;
    push(value)?;
    for _ in 1..count {
        let by = match kind {
            COLUMN_STEPS => step,
            COLUMN_DELTAS => reader.signed()?,
            _ => return Err(Broken("a column has an unknown kind")),
        };
        value = value.wrapping_add(by);
        push(value)?;
    }
    Ok(())
}

/// Whether a frame's payload is a batch, told without reading it.
pub(crate) fn is_batch(payload: &[u8]) -> bool {
    payload.first() == Some(&KIND_SAMPLES)
}

/// Reads the payload of one frame.
pub(crate) fn decode_record(payload: &[u8]) -> Decoded<Record> {
    let mut reader = Reader::new(payload);
    match reader.u8()? {
        KIND_SERIES => decode_series(&mut reader).map(|(id, labels)| Record::Series(id, labels)),
        KIND_SAMPLES => decode_samples(&mut reader).map(Record::Samples),
        _ => Err(Broken("a record has an unknown kind")),
    }
}

fn decode_samples(reader: &mut Reader<'_>) -> Decoded<AppendBatch> {
    let mut batch = AppendBatch {
        tag: reader.varint()?,
        ..AppendBatch::default()
    };
    batch.source = reader.u128()?;
    // Two samples share at least the byte of their lengths.
    let count = reader.count_up_to(2 * reader.left())?;
    if count == 0 {
        return Ok(batch);
    }
    column(reader, count, 1, |series| {
        let series = u32::try_from(series).map_err(|_| Broken("a series exceeds 32 bits"))?;
        batch.series.push(SeriesId(series));
        Ok(())
    })?;
    column(reader, count, 0, |t_ms| {
        batch.t_ms.push(t_ms);
        Ok(())
    })?;
    reader.floats(count, &mut batch.values)?;
    Ok(batch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read_back(batch: &AppendBatch) -> AppendBatch {
        let mut out = Vec::new();
        encode_batch(&mut out, batch);
        match decode_record(Reader::new(&out).frame().unwrap()).unwrap() {
            Record::Samples(batch) => batch,
            Record::Series(..) => panic!("a batch came back as a series"),
        }
    }

    #[test]
    fn a_scrape_of_one_host_is_small() {
        let mut batch = AppendBatch::new(7, 1);
        for i in 0..200 {
            batch.push(SeriesId(1_000 + i), 1_700_000_000_000, f64::from(i));
        }
        let mut out = Vec::new();
        encode_batch(&mut out, &batch);
        assert!(out.len() < 200 * 4, "{} bytes", out.len());
        assert_eq!(read_back(&batch), batch);
    }

    #[test]
    fn a_series_comes_back() {
        let labels = Labels::metric("up", &[("a", "b")]).unwrap();
        let mut out = Vec::new();
        encode_new_series(&mut out, 9, &labels);
        let record = decode_record(Reader::new(&out).frame().unwrap()).unwrap();
        assert_eq!(record, Record::Series(9, labels));
    }

    proptest! {
        #[test]
        fn any_batch_comes_back(
            rows in proptest::collection::vec((any::<u32>(), any::<i64>(), any::<f64>()), 0..40),
            tag in any::<u64>(), source in any::<u128>(),
        ) {
            let mut batch = AppendBatch::new(source, tag);
            for (series, t_ms, value) in rows {
                batch.push(SeriesId(series), t_ms, value);
            }
            let back = read_back(&batch);
            prop_assert_eq!((back.tag, back.source, &back.t_ms), (tag, source, &batch.t_ms));
            prop_assert_eq!(&back.series, &batch.series);
            let bits = |b: &AppendBatch| b.values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&back), bits(&batch));
        }
    }
}
