//! The server's own keys in `<data-dir>/keys`, made at the first start, readable by their owner only.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use stdx::Entropy;

/// The keys that the server holds; the TLS identity beside them belongs to `fleet`.
#[derive(Clone)]
pub(crate) struct Keys {
    /// Signs orders to agents (ed25519 seed).
    pub(crate) order_signing: [u8; 32],
    /// Seals secrets of channels at rest.
    pub(crate) sealing: [u8; 32],
    /// Makes CSRF tokens of sessions.
    pub(crate) csrf: [u8; 32],
}

impl Keys {
    /// Reads the keys, or makes those that do not exist yet.
    ///
    /// # Errors
    /// When the folder cannot be made, or a key file is damaged.
    pub(crate) fn open(data_dir: &Path, entropy: &dyn Entropy) -> Result<Self> {
        let folder = folder(data_dir);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        Ok(Self {
            order_signing: open_key(&folder.join("order-signing.key"), entropy)?,
            sealing: open_key(&folder.join("sealing.key"), entropy)?,
            csrf: open_key(&folder.join("csrf.key"), entropy)?,
        })
    }
}

/// Where the keys lie.
pub(crate) fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join("keys")
}

fn open_key(path: &Path, entropy: &dyn Entropy) -> Result<[u8; 32]> {
    match fs::read(path) {
        Ok(bytes) => <[u8; 32]>::try_from(bytes.as_slice()).or_else(|_| {
            bail!(
                "{} has {} bytes, not 32: restore it from a backup",
                path.display(),
                bytes.len()
            )
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mut key = [0; 32];
            entropy.fill(&mut key);
            write_new(path, &key)?;
            Ok(key)
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Written beside and renamed: a crash leaves a whole key or none.
fn write_new(path: &Path, key: &[u8]) -> Result<()> {
    let beside = path.with_extension("new");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)
        .with_context(|| format!("cannot write {}", beside.display()))?;
    file.write_all(key)?;
    file.sync_all()?;
    fs::rename(&beside, path).with_context(|| format!("cannot write {}", path.display()))?;
    if let Some(folder) = path.parent() {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn keys_are_made_once_and_only_for_their_owner() {
        let folder = tempfile::tempdir().unwrap();
        let first = Keys::open(folder.path(), &stdx::SeededEntropy::new(1)).unwrap();
        let again = Keys::open(folder.path(), &stdx::SeededEntropy::new(2)).unwrap();
        assert_eq!(first.sealing, again.sealing);
        assert_ne!(first.sealing, first.csrf);
        let path = super::folder(folder.path()).join("sealing.key");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        fs::write(&path, b"short").unwrap();
        let error = Keys::open(folder.path(), &stdx::SeededEntropy::new(3))
            .err()
            .unwrap();
        assert!(error.to_string().contains("has 5 bytes, not 32"), "{error}");
    }
}
