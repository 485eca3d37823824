//! Random secrets of sessions and tokens: shown once, kept as a hash.

use stdx::Entropy;

/// 256 random bits in hexadecimal.
pub(crate) fn new(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 32];
    entropy.fill(&mut bytes);
    blake3::Hash::from(bytes).to_hex().to_string()
}

/// The hash under which a secret is kept. A random secret needs no slow hash.
pub(crate) fn hash(secret: &str) -> String {
    blake3::hash(secret.as_bytes()).to_hex().to_string()
}
