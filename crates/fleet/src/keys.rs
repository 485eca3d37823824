//! The server's TLS identity and the name of its store: made at first start, kept for ever.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use stdx::Env;
use wire::Pin;

const KEY_FILE: &str = "agents-tls.key.pem";
const STORE_FILE: &str = "store-id";

/// Why the identity could not be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file or folder cannot be read or written.
    #[error("cannot use {path}")]
    File {
        /// Which one.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The key file holds something else.
    #[error(
        "{path} holds no usable private key: restore it from a backup, or move it away \
        and enrol every agent again"
    )]
    Key {
        /// Which one.
        path: PathBuf,
        /// What the reader said.
        #[source]
        source: rcgen::Error,
    },
}

/// The key with which this server proves itself to agents, and what names its store.
///
/// The key is ECDSA P-256, so that the curl of old systems can check it; the certificate around it
/// is made anew at each start and means nothing: agents and the install line pin the key.
#[derive(Debug)]
pub struct ServerIdentity {
    pub(crate) key: PrivateKeyDer<'static>,
    pub(crate) certificate: CertificateDer<'static>,
    pin: Pin,
    store_id: String,
}

impl ServerIdentity {
    /// Reads the identity in `<data_dir>/keys`, or makes one.
    ///
    /// # Errors
    /// When the files cannot be read or written, or hold something else.
    pub fn open(data_dir: &Path, env: &Env) -> Result<Self, KeyError> {
        let folder = data_dir.join("keys");
        let made = fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder);
        made.map_err(|source| KeyError::File {
            path: folder.clone(),
            source,
        })?;
        let key_path = folder.join(KEY_FILE);
        let wrong = |source| KeyError::Key {
            path: key_path.clone(),
            source,
        };
        let pem = keep(&key_path, || {
            let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(wrong)?;
            Ok(key.serialize_pem())
        })?;
        let key = KeyPair::from_pem(&pem).map_err(wrong)?;
        let params = CertificateParams::new(vec!["bongsu".to_owned()]).map_err(wrong)?;
        let certificate = params.self_signed(&key).map_err(wrong)?;
        let store_id = keep(&data_dir.join(STORE_FILE), || Ok(new_store_id(env)))?;
        Ok(Self {
            pin: pin_of(&key.subject_public_key_info()),
            key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            certificate: certificate.der().clone(),
            store_id: store_id.trim().to_owned(),
        })
    }

    /// What agents pin.
    #[must_use]
    pub const fn pin(&self) -> Pin {
        self.pin
    }

    /// Names the store: agents notice when they talk to one that has not their last minutes.
    #[must_use]
    pub fn store_id(&self) -> &str {
        &self.store_id
    }
}

/// The pin of a public key.
#[must_use]
pub fn pin_of(spki_der: &[u8]) -> Pin {
    let suite = rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
    let mut sum = [0; 32];
    if let Some(tls13) = suite.tls13() {
        let hash = tls13.common.hash_provider.hash(spki_der);
        sum.iter_mut()
            .zip(hash.as_ref())
            .for_each(|(to, from)| *to = *from);
    }
    Pin(sum)
}

fn new_store_id(env: &Env) -> String {
    let (high, low) = (env.entropy.next_u64(), env.entropy.next_u64());
    format!("{high:016x}{low:016x}")
}

/// Reads a file, or makes it whole: written beside, synced, then given its name.
fn keep(path: &Path, make: impl FnOnce() -> Result<String, KeyError>) -> Result<String, KeyError> {
    let failed = |source| KeyError::File {
        path: path.to_owned(),
        source,
    };
    match fs::read_to_string(path) {
        Ok(text) => return Ok(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let text = make()?;
    let beside = path.with_extension("new");
    let write = || {
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().map_err(failed)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_identity_stays_and_its_key_is_nobody_elses_business() {
        let dir = tempfile::tempdir().unwrap();
        let (env, _) = Env::simulated(0, 1);
        let first = ServerIdentity::open(dir.path(), &env).unwrap();
        let again = ServerIdentity::open(dir.path(), &env).unwrap();
        assert_eq!(first.pin(), again.pin());
        assert_eq!(first.store_id(), again.store_id());
        let mode = fs::metadata(dir.path().join("keys").join(KEY_FILE))
            .unwrap()
            .permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_key_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let (env, _) = Env::simulated(0, 1);
        ServerIdentity::open(dir.path(), &env).unwrap();
        fs::write(dir.path().join("keys").join(KEY_FILE), "nonsense").unwrap();
        let error = ServerIdentity::open(dir.path(), &env).unwrap_err();
        assert!(error.to_string().contains(KEY_FILE), "{error}");
    }

    #[test]
    fn pins_are_sha256() {
        let text = "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        assert_eq!(pin_of(b"").to_string(), text);
    }
}
