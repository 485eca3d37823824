//! The series that carry one label value.

use roaring::RoaringBitmap;

/// A set of series numbers; most values of labels such as an instance have one series or a few
/// thousand, so the single one does not pay for a bitmap.
#[derive(Debug)]
pub(crate) enum Postings {
    One(u32),
    Many(Box<RoaringBitmap>),
}

impl Postings {
    /// Adds a number that is larger than all before.
    pub(crate) fn push(&mut self, series: u32) {
        match self {
            Self::One(first) => {
                let both = RoaringBitmap::from_iter([*first, series]);
                *self = Self::Many(Box::new(both));
            }
            Self::Many(set) => {
                set.insert(series);
            }
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::One(_) => 1,
            Self::Many(set) => set.len(),
        }
    }

    pub(crate) fn add_to(&self, set: &mut RoaringBitmap) {
        match self {
            Self::One(series) => {
                set.insert(*series);
            }
            Self::Many(these) => *set |= these.as_ref(),
        }
    }

    pub(crate) fn to_bitmap(&self) -> RoaringBitmap {
        match self {
            Self::One(series) => RoaringBitmap::from_iter([*series]),
            Self::Many(set) => set.as_ref().clone(),
        }
    }
}
