//! The index in memory: labels to number, number to labels, label value to numbers.

use std::collections::hash_map::{Entry, RandomState};
use std::hash::BuildHasher;

use model::Labels;
use roaring::RoaringBitmap;

use super::intern::{ByHash, Interner, SymbolMap};
use super::postings::Postings;

const METRIC_NAME: &str = "__name__";

/// The values of one label name.
#[derive(Debug, Default)]
pub(super) struct NameIndex {
    /// Every series that has the label.
    pub(super) all: RoaringBitmap,
    /// The series of each value, by the value's symbol.
    pub(super) values: SymbolMap<Postings>,
}

/// All series of a store. Numbers are given in order and never taken back.
#[derive(Debug, Default)]
pub(crate) struct SeriesIndex {
    pub(super) symbols: Interner,
    /// Pairs of symbols (name, value) of all series, one after the other.
    pairs: Vec<(u32, u32)>,
    /// Where each series' pairs end.
    ends: Vec<usize>,
    /// For each series the first series of the same metric: the metric's number in parts.
    metric_keys: Vec<u32>,
    by_labels: ByHash,
    pub(super) names: SymbolMap<NameIndex>,
    first_of_metric: SymbolMap<u32>,
    hasher: RandomState,
}

impl SeriesIndex {
    pub(crate) fn len(&self) -> u32 {
        u32::try_from(self.ends.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn find(&self, labels: &Labels) -> Option<u32> {
        let symbol = |text: &str| self.symbols.find(text);
        let pairs = labels
            .iter()
            .map(|label| Some((symbol(&label.name)?, symbol(&label.value)?)));
        let pairs = pairs.collect::<Option<Vec<_>>>()?;
        self.by_labels.find(self.hasher.hash_one(&pairs), |series| {
            self.pairs_of(series) == pairs
        })
    }

    fn pairs_of(&self, series: u32) -> &[(u32, u32)] {
        let at = series as usize;
        let start = at
            .checked_sub(1)
            .and_then(|before| self.ends.get(before))
            .copied();
        let end = self.ends.get(at).copied().unwrap_or(0);
        self.pairs.get(start.unwrap_or(0)..end).unwrap_or_default()
    }

    /// Name and value of each label, sorted by name.
    pub(crate) fn texts(&self, series: u32) -> impl ExactSizeIterator<Item = (&str, &str)> {
        let pairs = self.pairs_of(series).iter();
        pairs.map(|&(name, value)| (self.symbols.get(name), self.symbols.get(value)))
    }

    pub(crate) fn labels(&self, series: u32) -> Option<Labels> {
        if series >= self.len() {
            return None;
        }
        let texts = self
            .texts(series)
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        Some(Labels::restored(texts))
    }

    /// The number that sorts a series beside others of its metric.
    pub(crate) fn metric_key(&self, series: u32) -> u32 {
        self.metric_keys
            .get(series as usize)
            .copied()
            .unwrap_or(u32::MAX)
    }

    /// The symbol of a text, new or known.
    pub(super) fn intern(&mut self, text: &str) -> u32 {
        self.symbols.intern(text)
    }

    /// Adds a series that `find` did not know; its number is the old `len`.
    pub(crate) fn add(&mut self, labels: &Labels) -> u32 {
        let symbols = &mut self.symbols;
        let pairs = labels
            .iter()
            .map(|l| (symbols.intern(&l.name), symbols.intern(&l.value)));
        let pairs: Vec<_> = pairs.collect();
        self.add_pairs(&pairs)
    }

    /// Adds a series by the symbols of its labels (name, value), sorted by name.
    pub(super) fn add_pairs(&mut self, pairs: &[(u32, u32)]) -> u32 {
        let series = self.len();
        let metric_name = self.symbols.intern(METRIC_NAME);
        let mut metric = u32::MAX;
        for &(name, value) in pairs {
            let index = self.names.entry(name).or_default();
            index.all.insert(series);
            match index.values.entry(value) {
                Entry::Occupied(mut set) => set.get_mut().push(series),
                Entry::Vacant(slot) => {
                    slot.insert(Postings::One(series));
                }
            }
            if name == metric_name {
                metric = value;
            }
        }
        self.by_labels.insert(self.hasher.hash_one(pairs), series);
        self.pairs.extend_from_slice(pairs);
        self.ends.push(self.pairs.len());
        self.metric_keys
            .push(*self.first_of_metric.entry(metric).or_insert(series));
        series
    }

    /// Fills numbers up to `len` whose labels were lost, so that all others keep theirs.
    pub(crate) fn add_lost_up_to(&mut self, len: u32) -> u32 {
        let before = self.len();
        while self.len() < len {
            let number = self.len().to_string();
            let labels = Labels::metric("bongsu_lost_series", &[("series", number.as_str())]);
            self.add(&labels.unwrap_or_default());
        }
        self.len() - before
    }

    pub(crate) fn label_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .names
            .keys()
            .map(|&name| self.symbols.get(name).to_owned())
            .collect();
        names.sort_unstable();
        names
    }

    pub(crate) fn label_values(&self, name: &str) -> Vec<String> {
        let index = self
            .symbols
            .find(name)
            .and_then(|symbol| self.names.get(&symbol));
        let values = index.map(|index| index.values.keys()).into_iter().flatten();
        let mut values: Vec<String> = values
            .map(|&value| self.symbols.get(value).to_owned())
            .collect();
        values.sort_unstable();
        values
    }

    pub(crate) fn count_by(&self, name: &str) -> Vec<(String, u64)> {
        let index = self
            .symbols
            .find(name)
            .and_then(|symbol| self.names.get(&symbol));
        let values = index.map(|index| &index.values).into_iter().flatten();
        let counted = values.map(|(&value, set)| (self.symbols.get(value).to_owned(), set.len()));
        let mut counted: Vec<(String, u64)> = counted.collect();
        counted.sort_unstable();
        counted
    }

    /// Bytes in memory, bitmaps estimated by their serialized size.
    pub(crate) fn size_bytes(&self) -> u64 {
        let fixed = self.symbols.size_bytes()
            + self.pairs.capacity() * 8
            + self.ends.capacity() * 8
            + self.metric_keys.capacity() * 4
            + self.ends.len() * 17;
        let values: usize = self
            .names
            .values()
            .map(|name| name.values.capacity() * 24)
            .sum();
        (fixed + values) as u64
    }
}
