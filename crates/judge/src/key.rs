//! Stable 64-bit names of pairs and hosts, by which a snapshot finds them again.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use model::{CiId, RuleId, Target};

/// Bytes of a target that are hashed without an allocation; a mount point may be longer.
const SHORT_BYTES: usize = 512;

/// The stable name of a pair: a hash of rule and target, the same in every run and on every machine.
///
/// With 1,000,000 pairs two of them share a name with a probability of 3 in 100 million.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PairKey(pub u64);

/// The key of one rule on one target.
#[must_use]
pub fn pair_key(rule: RuleId, target: &Target) -> PairKey {
    let (rule, ci) = (rule.bits().to_be_bytes(), target.ci.bits().to_be_bytes());
    let kind = target.kind.as_str().as_bytes();
    // A byte that UTF-8 text never contains, so that kind and key cannot run into each other.
    let parts = [&rule[..], &ci[..], kind, &[0xFF], target.key.as_bytes()];
    // One call over bytes in a row is several times faster than a hasher that is fed, and a start
    // makes hundreds of thousands of keys.
    let mut bytes = [0; SHORT_BYTES];
    let mut len = 0;
    for part in parts {
        let Some(room) = bytes.get_mut(len..len + part.len()) else {
            return PairKey(first_u64(&blake3::hash(&parts.concat())));
        };
        room.copy_from_slice(part);
        len += part.len();
    }
    PairKey(first_u64(&blake3::hash(
        bytes.get(..len).unwrap_or_default(),
    )))
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

/// A table by pairs' keys.
pub type PairMap<V> = HashMap<PairKey, V, BuildHasherDefault<KeyHasher>>;

/// Keys are hashes already: their bits are taken as they are.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 << 8) | u64::from(byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_the_same_in_every_version() {
        let target = |key: &str| Target {
            ci: CiId::from_bits(7),
            kind: model::TargetKind::new("disk"),
            key: key.to_owned(),
        };
        let fed = |target: &Target| {
            let mut hasher = blake3::Hasher::new();
            hasher.update(&9_u128.to_be_bytes());
            hasher.update(&7_u128.to_be_bytes());
            hasher.update(b"disk\xFF");
            hasher.update(target.key.as_bytes());
            PairKey(first_u64(&hasher.finalize()))
        };
        for key in ["", "sda", &"long/".repeat(200)] {
            let target = target(key);
            assert_eq!(pair_key(RuleId::from_bits(9), &target), fed(&target));
        }
    }
}
