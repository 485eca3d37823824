//! Secrets at rest: XChaCha20-Poly1305 under the installation's sealing key, bound to their record.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use stdx::Env;

/// The form of sealed text that this program writes.
const PREFIX: &str = "v1:";
/// Bytes of a nonce; long enough to be drawn at random.
const NONCE_BYTES: usize = 24;

/// Seals and opens; never shows its key.
#[derive(Clone)]
pub struct Sealer(Arc<XChaCha20Poly1305>);

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer")
    }
}

impl Sealer {
    /// A sealer with this key.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(Arc::new(XChaCha20Poly1305::new(&Key::from(*key))))
    }

    /// Seals `plain` for the record named `of`; only there can it be opened again.
    #[must_use]
    pub fn seal(&self, env: &Env, of: &str, plain: &str) -> Option<String> {
        let mut nonce = [0; NONCE_BYTES];
        env.entropy.fill(&mut nonce);
        let payload = Payload {
            msg: plain.as_bytes(),
            aad: of.as_bytes(),
        };
        let sealed = self.0.encrypt(&XNonce::from(nonce), payload).ok()?;
        let mut bytes = nonce.to_vec();
        bytes.extend(sealed);
        Some(format!("{PREFIX}{}", STANDARD.encode(bytes)))
    }

    /// Opens what was sealed for the record named `of`.
    #[must_use]
    pub fn open(&self, of: &str, sealed: &str) -> Option<String> {
        let bytes = STANDARD.decode(sealed.strip_prefix(PREFIX)?).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_BYTES)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().ok()?;
        let payload = Payload {
            msg: sealed,
            aad: of.as_bytes(),
        };
        let plain = self.0.decrypt(&XNonce::from(nonce), payload).ok()?;
        String::from_utf8(plain).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_only_with_its_key_and_for_its_record() {
        let (env, _) = Env::simulated(0, 1);
        let sealer = Sealer::new(&[7; 32]);
        let sealed = sealer.seal(&env, "chn_a", "hunter2").unwrap();
        assert!(sealed.starts_with("v1:") && !sealed.contains("hunter2"));
        assert_ne!(sealer.seal(&env, "chn_a", "hunter2").unwrap(), sealed);
        assert_eq!(sealer.open("chn_a", &sealed).as_deref(), Some("hunter2"));
        assert_eq!(sealer.open("chn_b", &sealed), None);
        assert_eq!(Sealer::new(&[8; 32]).open("chn_a", &sealed), None);
        for broken in ["", "v1:", "v1:AAAA", "v2:xx", &sealed[..sealed.len() - 4]] {
            assert_eq!(sealer.open("chn_a", broken), None);
        }
    }
}
