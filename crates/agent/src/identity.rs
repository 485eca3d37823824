//! The agent's key, made at enrolment, and TLS that trusts one server key and nothing else.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair, PKCS_ED25519};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use wire::Pin;

use crate::error::AgentError;
use crate::settings::write_whole;

const FILE: &str = "agent.key.pem";

/// The kernel's randomness by its system call, as TLS has it: a static program in a bare root has
/// neither a C library to ask nor `/dev/urandom`.
#[derive(Debug)]
pub(crate) struct KernelEntropy;

impl stdx::Entropy for KernelEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        if ring::default_provider().secure_random.fill(bytes).is_err() {
            stdx::OsEntropy.fill(bytes);
        }
    }
}

/// TLS with this data folder's key, towards the server with this pin; the key is made if need be.
pub(crate) fn client_config(data_dir: &Path, pin: Pin) -> Result<Arc<ClientConfig>, AgentError> {
    let path = data_dir.join(FILE);
    let wrong = |error: &dyn std::fmt::Display| AgentError::Key {
        path: path.clone(),
        what: error.to_string(),
    };
    let key = match fs::read_to_string(&path) {
        Ok(pem) => KeyPair::from_pem(&pem).map_err(|error| wrong(&error))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = KeyPair::generate_for(&PKCS_ED25519).map_err(|error| wrong(&error))?;
            write_whole(&path, key.serialize_pem().as_bytes())?;
            key
        }
        Err(source) => {
            return Err(AgentError::File {
                what: "read",
                path,
                source,
            });
        }
    };
    config_of(&key, pin).map_err(|error| wrong(&error))
}

/// TLS with a key that lives in memory only, as the load generator uses it.
pub(crate) fn passing_config(pin: Pin) -> Result<Arc<ClientConfig>, Box<dyn std::error::Error>> {
    let key = KeyPair::generate_for(&PKCS_ED25519)?;
    config_of(&key, pin)
}

fn config_of(key: &KeyPair, pin: Pin) -> Result<Arc<ClientConfig>, Box<dyn std::error::Error>> {
    let certificate = CertificateParams::new(Vec::new())?.self_signed(key)?;
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(OnlyPin {
        pin,
        provider: provider.clone(),
    });
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_auth_cert(vec![certificate.der().clone()], private)?;
    config.resumption = Resumption::disabled();
    config.enable_sni = false;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Trusts the key with this pin; names and dates in the certificate mean nothing.
#[derive(Debug)]
struct OnlyPin {
    pin: Pin,
    provider: Arc<CryptoProvider>,
}

fn pin_of(spki_der: &[u8]) -> Pin {
    let suite = ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
    let mut sum = [0; 32];
    if let Some(tls13) = suite.tls13() {
        let hash = tls13.common.hash_provider.hash(spki_der);
        sum.iter_mut()
            .zip(hash.as_ref())
            .for_each(|(to, from)| *to = *from);
    }
    Pin(sum)
}

impl ServerCertVerifier for OnlyPin {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let found = pin_of(&ParsedCertificate::try_from(end_entity)?.subject_public_key_info());
        if found == self.pin {
            return Ok(ServerCertVerified::assertion());
        }
        Err(rustls::Error::General(format!(
            "this is not the server that was pinned: its key is {found}, expected is {}",
            self.pin
        )))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
