//! Stable 64-bit names of pairs and hosts, by which a snapshot finds them again.

use model::{CiId, RuleId, Target};

/// The stable name of a pair: a hash of rule and target, the same in every run and on every machine.
///
/// With 1,000,000 pairs two of them share a name with a probability of 3 in 100 million.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PairKey(pub u64);

/// The key of one rule on one target.
#[must_use]
pub fn pair_key(rule: RuleId, target: &Target) -> PairKey {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&rule.bits().to_be_bytes());
    hasher.update(&target.ci.bits().to_be_bytes());
    hasher.update(target.kind.as_str().as_bytes());
    // A byte that UTF-8 text never contains, so that kind and key cannot run into each other.
    hasher.update(&[0xFF]);
    hasher.update(target.key.as_bytes());
    PairKey(first_u64(&hasher.finalize()))
}

/// The key of one host.
#[must_use]
pub fn host_key(ci: CiId) -> u64 {
    first_u64(&blake3::hash(&ci.bits().to_be_bytes()))
}

fn first_u64(hash: &blake3::Hash) -> u64 {
    hash.as_bytes()
        .iter()
        .take(8)
        .fold(0, |value, &byte| (value << 8) | u64::from(byte))
}
