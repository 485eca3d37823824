//! Signed orders: what the server asks a host to run, and the proof that it was the server.

use std::collections::BTreeMap;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use model::limits;
use prost::Message;

use crate::allow::{AllowError, only_owner_writes};

/// What every signature begins with, so that no other signed text of ours can pass for an order.
const DOMAIN: &[u8] = b"bongsu order v1\0";
/// The only version of orders that this program understands.
const VERSION: u32 = 1;

/// What kind of program an order starts.
#[derive(Clone, Copy, Debug, Eq, PartialEq, prost::Enumeration)]
#[repr(i32)]
pub enum OrderKind {
    /// Nothing; never valid.
    None = 0,
    /// A recovery script whose text comes with the order.
    Script = 1,
    /// A program that is installed on the host.
    Command = 2,
}

/// What the server asks one agent to run, once.
#[derive(Clone, Eq, PartialEq, prost::Message)]
pub struct Order {
    /// The version of this form; 1.
    #[prost(uint32, tag = "1")]
    pub version: u32,
    /// Which of the server's keys signed it.
    #[prost(string, tag = "2")]
    pub key_id: String,
    /// The agent it is for.
    #[prost(string, tag = "3")]
    pub agent_id: String,
    /// Grows with every order of one key to one agent; one not greater than the last is refused.
    #[prost(uint64, tag = "4")]
    pub sequence: u64,
    /// After this it is refused, UTC milliseconds; at most five minutes ahead.
    #[prost(int64, tag = "5")]
    pub expires_at_ms: i64,
    /// What kind of program.
    #[prost(enumeration = "OrderKind", tag = "6")]
    pub kind: i32,
    /// The run it belongs to, e.g. `run_…`; comes back in the answer.
    #[prost(string, tag = "7")]
    pub run: String,
    /// The program's BLAKE3 hash, 32 bytes: of the script's text, or of the installed file.
    #[prost(bytes = "vec", tag = "8")]
    pub program_hash: Vec<u8>,
    /// The script's text, for [`OrderKind::Script`].
    #[prost(bytes = "vec", tag = "9")]
    pub script: Vec<u8>,
    /// The program's absolute path, for [`OrderKind::Command`].
    #[prost(string, tag = "10")]
    pub path: String,
    /// The arguments.
    #[prost(string, repeated, tag = "11")]
    pub arguments: Vec<String>,
    /// Variables for the program, e.g. what the problem is about.
    #[prost(btree_map = "string, string", tag = "12")]
    pub environment: BTreeMap<String, String>,
    /// As which user; the one of the allow-list when empty.
    #[prost(string, tag = "13")]
    pub user: String,
    /// The time limit in milliseconds; that of the allow-list when zero.
    #[prost(uint64, tag = "14")]
    pub time_ms: u64,
    /// Only say what would be run.
    #[prost(bool, tag = "15")]
    pub dry_run: bool,
}

/// An order as it travels: the signed bytes, untouched, and the signature.
#[derive(Clone, Eq, PartialEq, prost::Message)]
pub struct SignedOrder {
    /// The bytes of an [`Order`].
    #[prost(bytes = "vec", tag = "1")]
    pub order: Vec<u8>,
    /// The Ed25519 signature, 64 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub signature: Vec<u8>,
}

/// Why an order is refused; every reason names what was expected.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum OrderError {
    /// The bytes are no order.
    #[error("the order cannot be read")]
    Malformed,
    /// A part of it is unknown to this program: a newer server.
    #[error("the order holds parts this runner does not understand; update the agent")]
    NotUnderstood,
    /// A version that this program does not know.
    #[error("order version {0} is unknown, this runner knows version {VERSION}; update the agent")]
    Version(u32),
    /// A key this host does not trust.
    #[error("key `{0}` is not among the trusted keys of this host")]
    UnknownKey(String),
    /// The signature does not fit.
    #[error("the signature by key `{0}` does not fit the order")]
    BadSignature(String),
    /// It is for somebody else.
    #[error("the order is for agent `{found}`, this is `{expected}`")]
    WrongAgent {
        /// This agent.
        expected: String,
        /// Whom the order names.
        found: String,
    },
    /// Too late.
    #[error("the order expired {late_ms} ms ago")]
    Expired {
        /// How long ago.
        late_ms: i64,
    },
    /// Valid for longer than any order may be.
    #[error("the order expires in {ahead_ms} ms, more than the {limit} ms allowed",
        limit = limits::ORDER_EXPIRY_MS_MAX)]
    TooFarAhead {
        /// How far ahead it expires.
        ahead_ms: i64,
    },
    /// Seen before, or older than one that was.
    #[error("order {sequence} was replayed: order {last} was already carried out")]
    Replayed {
        /// Its number.
        sequence: u64,
        /// The greatest number so far.
        last: u64,
    },
    /// The program's text is not what the hash says.
    #[error("the script that came with the order has another hash than the order says")]
    WrongHash,
    /// Its parts contradict each other.
    #[error("the order contradicts itself: {0}")]
    Contradiction(&'static str),
}

impl Order {
    /// Signs the order with the key that its `key_id` names; fills in version and script hash.
    #[must_use]
    pub fn sign(mut self, key: &SigningKey) -> SignedOrder {
        self.version = VERSION;
        if self.kind() == OrderKind::Script {
            self.program_hash = blake3::hash(&self.script).as_bytes().to_vec();
        }
        let order = self.encode_to_vec();
        let signature = key.sign(&signed_text(&order)).to_bytes().to_vec();
        SignedOrder { order, signature }
    }

    /// The program's hash, when it has the right length.
    #[must_use]
    pub fn hash(&self) -> Option<[u8; 32]> {
        self.program_hash.as_slice().try_into().ok()
    }

    fn check_shape(&self) -> Result<(), OrderError> {
        let hash = self
            .hash()
            .ok_or(OrderError::Contradiction("the hash must have 32 bytes"))?;
        match self.kind() {
            OrderKind::None => Err(OrderError::Contradiction("it has no kind")),
            OrderKind::Script if !self.path.is_empty() => {
                Err(OrderError::Contradiction("a script has no path"))
            }
            OrderKind::Script if *blake3::hash(&self.script).as_bytes() != hash => {
                Err(OrderError::WrongHash)
            }
            OrderKind::Command if !self.script.is_empty() => Err(OrderError::Contradiction(
                "an installed program has no text",
            )),
            OrderKind::Command if !self.path.starts_with('/') => {
                Err(OrderError::Contradiction("the path must be absolute"))
            }
            OrderKind::Script | OrderKind::Command => Ok(()),
        }
    }
}

/// Why a key file is refused.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    /// It cannot be read.
    #[error("key file {path} cannot be read")]
    Read {
        /// The file.
        path: std::path::PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Somebody other than root could have written it.
    #[error("the key file is not safe")]
    NotRoots(#[from] AllowError),
    /// A line is malformed.
    #[error("key file {path}, line {line}: must be a key id and 64 hexadecimal digits")]
    Line {
        /// The file.
        path: std::path::PathBuf,
        /// The line, from 1.
        line: usize,
    },
}

/// The server's keys that a host trusts.
#[derive(Clone, Debug, Default)]
pub struct KeyRing(BTreeMap<String, VerifyingKey>);

impl KeyRing {
    /// Trusts a key under this id.
    ///
    /// # Errors
    /// When the bytes are no point of the curve.
    pub fn trust(&mut self, key_id: &str, public: &[u8; 32]) -> Result<(), OrderError> {
        let key = VerifyingKey::from_bytes(public).map_err(|_| OrderError::Malformed)?;
        self.0.insert(key_id.to_owned(), key);
        Ok(())
    }

    /// Reads a key file that only root may write: lines of a key id and 64 hexadecimal digits.
    ///
    /// # Errors
    /// When somebody else can write it, or a line is malformed.
    pub fn load(path: &std::path::Path) -> Result<Self, KeyRingError> {
        let read = |source| KeyRingError::Read {
            path: path.to_owned(),
            source,
        };
        let real = path.canonicalize().map_err(read)?;
        real.ancestors().try_for_each(only_owner_writes)?;
        let text = std::fs::read_to_string(&real).map_err(read)?;
        let mut ring = Self::default();
        let lines = (1..)
            .zip(text.lines())
            .filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
        for (number, line) in lines {
            let key = line.trim().split_once(' ').and_then(|(key_id, hex)| {
                // A key has as many bytes as a hash: the same reader of digits serves.
                Some((key_id, *blake3::Hash::from_hex(hex.trim()).ok()?.as_bytes()))
            });
            let trusted = key.and_then(|(key_id, public)| ring.trust(key_id, &public).ok());
            trusted.ok_or_else(|| KeyRingError::Line {
                path: path.to_owned(),
                line: number,
            })?;
        }
        Ok(ring)
    }

    /// The order, when the signature fits, it is for this agent, and it is neither expired nor
    /// valid for too long. Whether it was seen before is asked of [`crate::SequenceStore`].
    ///
    /// # Errors
    /// The first reason to refuse it.
    pub fn verify(
        &self,
        signed: &SignedOrder,
        agent_id: &str,
        now_ms: i64,
    ) -> Result<Order, OrderError> {
        let order = Order::decode(signed.order.as_slice()).map_err(|_| OrderError::Malformed)?;
        let key = self.0.get(&order.key_id);
        let key = key.ok_or_else(|| OrderError::UnknownKey(order.key_id.clone()))?;
        let bad = || OrderError::BadSignature(order.key_id.clone());
        let signature = Signature::from_slice(&signed.signature).map_err(|_| bad())?;
        // The strict form refuses keys and signatures that several texts could share.
        key.verify_strict(&signed_text(&signed.order), &signature)
            .map_err(|_| bad())?;
        if order.version != VERSION {
            return Err(OrderError::Version(order.version));
        }
        // A field of a newer server may be a restriction: never pass over it in silence.
        if order.encode_to_vec() != signed.order {
            return Err(OrderError::NotUnderstood);
        }
        if order.agent_id != agent_id {
            let expected = agent_id.to_owned();
            return Err(OrderError::WrongAgent {
                expected,
                found: order.agent_id,
            });
        }
        let ahead_ms = order.expires_at_ms.saturating_sub(now_ms);
        if ahead_ms <= 0 {
            return Err(OrderError::Expired { late_ms: -ahead_ms });
        }
        if ahead_ms > limits::ORDER_EXPIRY_MS_MAX {
            return Err(OrderError::TooFarAhead { ahead_ms });
        }
        order.check_shape()?;
        Ok(order)
    }
}

fn signed_text(order: &[u8]) -> Vec<u8> {
    [DOMAIN, order].concat()
}

/// The decoder over arbitrary bytes: it may not panic, and nothing unsigned may pass.
#[cfg(test)]
pub(crate) fn fuzz_order(data: &[u8]) {
    let signed = SignedOrder {
        order: data.to_vec(),
        signature: vec![0; 64],
    };
    assert!(KeyRing::default().verify(&signed, "agent", 0).is_err());
    let _ = SignedOrder::decode(data);
}

#[cfg(test)]
mod tests;
