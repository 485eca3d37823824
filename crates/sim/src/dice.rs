//! Dice: one repeatable stream per purpose, so that one more throw here changes nothing there.

use std::hash::{DefaultHasher, Hash, Hasher};

use stdx::{Entropy, SeededEntropy};

/// A repeatable stream of throws.
#[derive(Debug)]
pub(crate) struct Dice(SeededEntropy);

impl Dice {
    /// The stream of one purpose under a seed.
    pub(crate) fn new(seed: u64, purpose: impl Hash) -> Self {
        Self(SeededEntropy::new(mix(&(seed, purpose))))
    }

    /// A number from 0 to `end`, `end` left out; 0 when `end` is.
    pub(crate) fn below(&self, end: u64) -> u64 {
        self.0.next_u64() % end.max(1)
    }

    /// A number from `from` to `to`, both possible.
    pub(crate) fn between(&self, from: i64, to: i64) -> i64 {
        let span = to.abs_diff(from).saturating_add(1);
        from.saturating_add_unsigned(self.below(span))
    }

    /// True so many times in a thousand.
    pub(crate) fn permille(&self, chance: u64) -> bool {
        self.below(1_000) < chance
    }

    /// A ratio between two others, in thousandths.
    pub(crate) fn ratio(&self, from_permille: i64, to_permille: i64) -> f64 {
        let thrown = self.between(from_permille, to_permille);
        f64::from(i32::try_from(thrown).unwrap_or(0)) / 1_000.0
    }

    /// One of a list; nothing of an empty one.
    pub(crate) fn pick<'a, T>(&self, list: &'a [T]) -> Option<&'a T> {
        let at = self.below(u64::try_from(list.len()).unwrap_or(0));
        list.get(usize::try_from(at).unwrap_or(0))
    }
}

/// A number that depends on a value alone; for choices that must not depend on their order.
pub(crate) fn mix(of: &impl Hash) -> u64 {
    // `DefaultHasher::new` has fixed keys: the same in every run.
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}
