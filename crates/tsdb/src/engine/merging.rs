//! Merging parts and checking them, beside everything else.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Inner;
use crate::error::{Result, chain};
use crate::filenames;
use crate::guard::{lock, read};
use crate::part::{self, Merged, Part};

impl Inner {
    /// Does one merge if one is due; `true` when there may be another.
    pub(super) fn merge_once(&self) -> Result<bool> {
        let merged = self.try_merge();
        *lock(&self.counters.merge_failure) = merged.as_ref().err().map(chain);
        merged
    }

    fn try_merge(&self) -> Result<bool> {
        let _one = lock(&self.merging);
        let parts = read(&self.head).parts.clone();
        let Some(inputs) = part::plan(&parts, self.options.merge_bytes_max) else {
            return Ok(false);
        };
        let number = self.next_part_number();
        let path = filenames::part(&self.dir, number);
        match part::merge(&self.disk, &path, &inputs)? {
            // The damage is noted in the input, which no plan takes again.
            Merged::DamagedInput => return Ok(true),
            Merged::Done => {}
        }
        let made = Arc::new(Part::open(&path, number)?);
        let published = if self.are_live(&inputs) {
            self.publish(std::slice::from_ref(&made), &inputs, None)
        } else {
            // Retention took an input meanwhile: the result would bring it back.
            self.disk.remove(&made.path)
        };
        if published.is_err() {
            drop(self.disk.remove(&made.path));
        }
        published?;
        self.counters.merges.fetch_add(1, Ordering::Relaxed);
        Ok(true)
    }

    fn are_live(&self, inputs: &[Arc<Part>]) -> bool {
        let parts = read(&self.head).parts.clone();
        inputs
            .iter()
            .all(|input| parts.iter().any(|part| part.number == input.number))
    }

    /// Checks the next part whose turn it is, so that damage is found before it is needed.
    pub(super) fn scrub_one(&self) {
        let parts = read(&self.head).parts.clone();
        let scrubbed = self.counters.scrubbed.load(Ordering::Relaxed);
        let next = parts
            .iter()
            .filter(|part| part.number >= scrubbed)
            .min_by_key(|p| p.number);
        match next {
            Some(part) => {
                part.verify();
                self.counters
                    .scrubbed
                    .store(part.number + 1, Ordering::Relaxed);
            }
            None => self.counters.scrubbed.store(0, Ordering::Relaxed),
        }
    }
}
