//! Each distinct text once, in one allocation, numbered from 0.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};

/// Maps keys that are already hashes.
type HashedMap<V> = HashMap<u64, V, BuildHasherDefault<KeyIsHash>>;
/// Maps symbols, which are small dense numbers that no sender chooses.
pub(crate) type SymbolMap<V> = HashMap<u32, V, BuildHasherDefault<KeyIsHash>>;

/// Takes a `u64` key itself as the hash, as those keys are made by a keyed hash function, and
/// spreads a `u32` symbol over the whole word.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KeyIsHash(u64);

impl Hasher for KeyIsHash {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 << 8) | u64::from(byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write_u32(&mut self, symbol: u32) {
        // Odd constant of Knuth's multiplicative hashing, 2^64 divided by the golden ratio.
        self.0 = u64::from(symbol).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

/// Finds numbers by the hash of what they stand for; equal hashes are kept apart.
#[derive(Debug, Default)]
pub(crate) struct ByHash {
    first: HashedMap<u32>,
    /// Further numbers with a hash that `first` already holds: practically always empty.
    more: Vec<(u64, u32)>,
}

impl ByHash {
    pub(crate) fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let first = *self.first.get(&hash)?;
        if is_it(first) {
            return Some(first);
        }
        self.more
            .iter()
            .filter(|(h, _)| *h == hash)
            .map(|&(_, n)| n)
            .find(|&n| is_it(n))
    }

    pub(crate) fn insert(&mut self, hash: u64, number: u32) {
        if let Some(first) = self.first.insert(hash, number) {
            self.first.insert(hash, first);
            self.more.push((hash, number));
        }
    }
}

/// The set of distinct texts.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    text: String,
    ends: Vec<usize>,
    numbers: ByHash,
    hasher: RandomState,
}

impl Interner {
    pub(crate) fn get(&self, number: u32) -> &str {
        let at = number as usize;
        let start = at
            .checked_sub(1)
            .and_then(|before| self.ends.get(before))
            .copied();
        let end = self.ends.get(at).copied().unwrap_or(0);
        self.text.get(start.unwrap_or(0)..end).unwrap_or("")
    }

    pub(crate) fn find(&self, text: &str) -> Option<u32> {
        self.numbers.find(self.hasher.hash_one(text), |number| {
            self.get(number) == text
        })
    }

    pub(crate) fn intern(&mut self, text: &str) -> u32 {
        if let Some(number) = self.find(text) {
            return number;
        }
        let number = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        self.text.push_str(text);
        self.ends.push(self.text.len());
        self.numbers.insert(self.hasher.hash_one(text), number);
        number
    }

    pub(crate) fn size_bytes(&self) -> usize {
        self.text.capacity() + self.ends.capacity() * 8 + self.numbers.first.capacity() * 17
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_once() {
        let mut set = Interner::default();
        assert_eq!(
            (set.intern("a"), set.intern(""), set.intern("bc")),
            (0, 1, 2)
        );
        assert_eq!(
            (set.intern("bc"), set.find("a"), set.find("x")),
            (2, Some(0), None)
        );
        assert_eq!(
            (set.get(0), set.get(1), set.get(2), set.get(3)),
            ("a", "", "bc", "")
        );
    }

    #[test]
    fn equal_hashes_are_kept_apart() {
        let mut map = ByHash::default();
        map.insert(5, 1);
        map.insert(5, 2);
        assert_eq!(map.find(5, |n| n == 1), Some(1));
        assert_eq!(map.find(5, |n| n == 2), Some(2));
        assert_eq!(map.find(5, |n| n == 3), None);
    }
}
