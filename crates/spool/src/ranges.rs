//! Numbers that are done: everything up to one number, and a few ranges above it.

/// Ranges kept above; forgetting one only means that its records are sent again.
pub(crate) const RANGES_MAX: usize = 40;

/// The numbers that need not be sent any more.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Done {
    /// Everything up to here is done.
    pub(crate) through: u64,
    /// First and last of each range above, ascending, apart from each other.
    pub(crate) above: Vec<(u64, u64)>,
}

impl Done {
    pub(crate) fn contains(&self, seq: u64) -> bool {
        seq <= self.through
            || self
                .above
                .iter()
                .any(|&(first, last)| (first..=last).contains(&seq))
    }

    /// Adds a range.
    pub(crate) fn insert(&mut self, first: u64, last: u64) {
        self.above.push((first, last));
        self.settle();
        if self.above.len() > RANGES_MAX {
            self.above.remove(0);
        }
    }

    fn settle(&mut self) {
        self.above.sort_unstable();
        let mut merged: Vec<(u64, u64)> = Vec::with_capacity(self.above.len());
        for &(first, last) in &self.above {
            if first <= self.through.saturating_add(1) {
                self.through = self.through.max(last);
                continue;
            }
            match merged.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = (*end).max(last),
                _ => merged.push((first, last)),
            }
        }
        self.above = merged;
    }

    /// The parts of `first..=last` that are not done.
    pub(crate) fn missing(&self, first: u64, last: u64) -> Vec<(u64, u64)> {
        let mut parts = Vec::new();
        let mut next = first.max(self.through.saturating_add(1));
        for &(from, to) in &self.above {
            if from > last {
                break;
            }
            if next < from {
                parts.push((next, from - 1));
            }
            next = next.max(to.saturating_add(1));
        }
        if next <= last {
            parts.push((next, last));
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_merge_into_the_cursor() {
        let mut done = Done::default();
        done.insert(5, 6);
        done.insert(8, 8);
        assert_eq!(
            done,
            Done {
                through: 0,
                above: vec![(5, 6), (8, 8)]
            }
        );
        assert_eq!(done.missing(1, 9), [(1, 4), (7, 7), (9, 9)]);
        done.insert(1, 4);
        assert_eq!(
            done,
            Done {
                through: 6,
                above: vec![(8, 8)]
            }
        );
        done.insert(7, 7);
        assert_eq!(
            done,
            Done {
                through: 8,
                above: vec![]
            }
        );
        assert!(done.contains(8) && !done.contains(9));
        assert!(done.missing(3, 8).is_empty());
    }

    #[test]
    fn ranges_are_few() {
        let mut done = Done::default();
        (1..200).for_each(|n| done.insert(n * 2 + 10, n * 2 + 10));
        assert_eq!(done.above.len(), RANGES_MAX);
    }
}
