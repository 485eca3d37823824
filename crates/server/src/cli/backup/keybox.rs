//! The keys of an installation, sealed under a passphrase: argon2id, then XChaCha20-Poly1305.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use stdx::Entropy;

/// Begins the box and is bound to what it seals.
const MAGIC: &[u8; 8] = b"BONGSUK1";
const SALT_BYTES: usize = 16;
const NONCE_BYTES: usize = 24;
/// Shortest passphrase; it protects what signs orders to every machine.
const CHARS_MIN: usize = 12;
/// Memory of the derivation, in KiB: a backup lies around for years, so this costs a second.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;

/// The files of the keys' folder in one sealed box.
pub(super) fn seal(folder: &Path, passphrase: &str, entropy: &dyn Entropy) -> Result<Vec<u8>> {
    if passphrase.chars().count() < CHARS_MIN {
        bail!("the passphrase is shorter than {CHARS_MIN} characters");
    }
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("cannot read the keys in {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if let Some(name) = name.filter(|name| path.is_file() && !name.ends_with(".new")) {
            let bytes =
                std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            files.insert(name.to_owned(), bytes);
        }
    }
    let plain = serde_json::to_vec(&files)?;
    let (mut salt, mut nonce) = ([0; SALT_BYTES], [0; NONCE_BYTES]);
    entropy.fill(&mut salt);
    entropy.fill(&mut nonce);
    let payload = Payload {
        msg: &plain,
        aad: MAGIC,
    };
    let sealed = cipher(passphrase, &salt)?
        .encrypt(&XNonce::from(nonce), payload)
        .map_err(|_| anyhow!("the keys cannot be sealed"))?;
    Ok([MAGIC.as_slice(), &salt, &nonce, &sealed].concat())
}

/// Opens a box and puts its files into `folder`, for their owner alone.
pub(super) fn open(sealed: &[u8], passphrase: &str, folder: &Path) -> Result<()> {
    let files = unseal(sealed, passphrase)?;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    for (name, bytes) in files {
        if name.contains('/') || name.starts_with('.') {
            bail!("the box of keys names a file `{name}`");
        }
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(folder.join(&name))
            .with_context(|| format!("cannot write the key {name}"))?;
        file.write_all(&bytes)?;
        file.sync_all()?;
    }
    Ok(())
}

/// The files in a box.
pub(super) fn unseal(sealed: &[u8], passphrase: &str) -> Result<BTreeMap<String, Vec<u8>>> {
    let broken = || anyhow!("the box of keys is damaged");
    let rest = sealed.strip_prefix(MAGIC).with_context(broken)?;
    let (salt, rest) = rest.split_at_checked(SALT_BYTES).with_context(broken)?;
    let (nonce, sealed) = rest.split_at_checked(NONCE_BYTES).with_context(broken)?;
    let nonce: [u8; NONCE_BYTES] = nonce.try_into()?;
    let payload = Payload {
        msg: sealed,
        aad: MAGIC,
    };
    let plain = cipher(passphrase, salt)?
        .decrypt(&XNonce::from(nonce), payload)
        .map_err(|_| anyhow!("the passphrase does not open the keys of this backup"))?;
    Ok(serde_json::from_slice(&plain)?)
}

fn cipher(passphrase: &str, salt: &[u8]) -> Result<XChaCha20Poly1305> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, Some(32)).map_err(|e| anyhow!("{e}"))?;
    let mut key = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, &mut key)
        .map_err(|error| anyhow!("the passphrase cannot be used: {error}"))?;
    Ok(XChaCha20Poly1305::new(&Key::from(key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back_only_with_their_passphrase() {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys");
        std::fs::create_dir(&keys).unwrap();
        std::fs::write(keys.join("a.key"), b"secret").unwrap();
        let entropy = stdx::SeededEntropy::new(1);
        assert!(seal(&keys, "short", &entropy).is_err());
        let sealed = seal(&keys, "five fires on the hill", &entropy).unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"secret"));
        let to = folder.path().join("back");
        let wrong = open(&sealed, "six fires on the hill!", &to).unwrap_err();
        assert!(wrong.to_string().contains("does not open"), "{wrong}");
        assert!(!to.exists());
        open(&sealed, "five fires on the hill", &to).unwrap();
        assert_eq!(std::fs::read(to.join("a.key")).unwrap(), b"secret");
    }
}
