//! The numbers already acknowledged to one agent: a few ranges, so that a repeat is known.

/// Ranges kept; the lowest is forgotten when there are more.
const RANGES_MAX: usize = 64;

/// A set of sequence numbers.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct SeqSet {
    /// First and last of each range, ascending, never touching.
    ranges: Vec<(u64, u64)>,
}

impl SeqSet {
    pub(crate) fn contains(&self, seq: u64) -> bool {
        self.ranges
            .iter()
            .rev()
            .any(|&(first, last)| (first..=last).contains(&seq))
    }

    pub(crate) fn insert(&mut self, seq: u64) {
        let at = self
            .ranges
            .partition_point(|&(_, last)| last.saturating_add(1) < seq);
        match self.ranges.get_mut(at) {
            Some((first, last)) if seq.saturating_add(1) >= *first => {
                *first = (*first).min(seq);
                *last = (*last).max(seq);
                let last = *last;
                if let Some(&(next_first, next_last)) = self.ranges.get(at + 1)
                    && last.saturating_add(1) >= next_first
                {
                    self.ranges.remove(at + 1);
                    if let Some(range) = self.ranges.get_mut(at) {
                        range.1 = next_last;
                    }
                }
            }
            _ => self.ranges.insert(at, (seq, seq)),
        }
        if self.ranges.len() > RANGES_MAX {
            // Forgetting the lowest is safe: a repeat of it is stored twice, as the same values.
            self.ranges.remove(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_become_one_range() {
        let mut set = SeqSet::default();
        for seq in [5, 7, 6, 1, 2, 9, 8, 4] {
            assert!(!set.contains(seq));
            set.insert(seq);
            set.insert(seq);
            assert!(set.contains(seq));
        }
        assert_eq!(set.ranges, [(1, 2), (4, 9)]);
        assert!(!set.contains(3) && !set.contains(10));
    }

    #[test]
    fn it_stays_small() {
        let mut set = SeqSet::default();
        (0..1_000).for_each(|n| set.insert(n * 3));
        assert_eq!(set.ranges.len(), RANGES_MAX);
        assert!(set.contains(2_997) && !set.contains(0));
    }
}
