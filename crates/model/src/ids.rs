//! Typed ids: a prefix and a `UUIDv7` in Crockford base32, such as `ci_01jd4m6x5rf8tv9w2k3n7q8z1a`.
//!
//! The text form is that of TypeID (a prefix, `_`, 26 base32 digits): it sorts by time of making,
//! is safe in URLs and says what it names.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use stdx::Env;

/// Crockford's alphabet in lower case: no `i`, `l`, `o`, `u`.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Why a text is not an id.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{text}` is not an id of the form `{prefix}_` and 26 base32 digits")]
pub struct IdError {
    /// The text that was refused.
    pub text: String,
    /// The prefix that was expected.
    pub prefix: &'static str,
}

fn new_uuid_v7(env: &Env) -> u128 {
    let ms = u128::try_from(env.clock.now_ms().max(0)).unwrap_or(0) & 0xFFFF_FFFF_FFFF;
    let mut random = [0; 16];
    env.entropy.fill(&mut random);
    let random = u128::from_be_bytes(random);
    // RFC 9562, section 5.7: 48 bits of milliseconds, version 7, 12 random bits, variant 10, 62 random bits.
    (ms << 80)
        | (0x7 << 76)
        | (((random >> 64) & 0xFFF) << 64)
        | (0b10 << 62)
        | (random & ((1 << 62) - 1))
}

fn encode(value: u128) -> [u8; 26] {
    let mut out = [b'0'; 26];
    let mut rest = value;
    for digit in out.iter_mut().rev() {
        let index = usize::try_from(rest & 31).unwrap_or(0);
        *digit = ALPHABET.get(index).copied().unwrap_or(b'0');
        rest >>= 5;
    }
    out
}

fn decode(text: &str) -> Option<u128> {
    if text.len() != 26 || text.as_bytes().first()? > &b'7' {
        return None;
    }
    text.bytes().try_fold(0_u128, |value, byte| {
        let digit = ALPHABET.iter().position(|&a| a == byte)?;
        Some((value << 5) | u128::try_from(digit).ok()?)
    })
}

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(u128);

        impl $name {
            /// The text before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// A new id, sorted after those made earlier.
            #[must_use]
            pub fn new(env: &Env) -> Self {
                Self(new_uuid_v7(env))
            }

            /// The id with exactly these 128 bits; for tests and for derived, stable ids.
            #[must_use]
            pub const fn from_bits(bits: u128) -> Self {
                Self(bits)
            }

            /// The 128 bits of the id.
            #[must_use]
            pub const fn bits(self) -> u128 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!($prefix, "_"))?;
                f.write_str(std::str::from_utf8(&encode(self.0)).unwrap_or_default())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(decode)
                    .map(Self)
                    .ok_or_else(|| IdError { text: text.to_owned(), prefix: $prefix })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = String::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

typed_ids! {
    /// An installed agent: one key pair, one host.
    AgentId = "agt";
    /// A row of the audit chain.
    AuditId = "aud";
    /// A notice channel with its settings (a mail server, a webhook).
    ChannelId = "chn";
    /// A configuration item; every host is one from the first day.
    CiId = "ci";
    /// One attempt series to deliver one notice to one recipient on one channel.
    DeliveryId = "dlv";
    /// A saved label selector over hosts.
    GroupId = "grp";
    /// A maintenance window, once or recurring.
    MaintenanceId = "mnt";
    /// A row of the outbox.
    MessageId = "msg";
    /// A change of rule values for a group or a host.
    OverrideId = "ovr";
    /// A problem: the open state of one rule on one target.
    ProblemId = "prb";
    /// Somebody who is told.
    RecipientId = "rcp";
    /// One edit of a record, in its history.
    RevisionId = "rev";
    /// A rule.
    RuleId = "rul";
    /// One run of a recovery script.
    RunId = "run";
    /// A recovery script.
    ScriptId = "scr";
    /// A logged-in browser.
    SessionId = "ses";
    /// A silence.
    SilenceId = "sil";
    /// An API or enrolment token.
    TokenId = "tok";
    /// An account of a person.
    UserId = "usr";
    /// A watched process, unit, file, directory or check command on a host or group.
    WatchedId = "wtc";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_survive_the_trip_through_text_and_sort_by_time() {
        let (env, clock) = Env::simulated(1_700_000_000_000, 3);
        let first = CiId::new(&env);
        clock.advance_ms(1);
        let second = CiId::new(&env);
        assert!(first < second && first.to_string() < second.to_string());
        assert_eq!(first.to_string().parse::<CiId>(), Ok(first));
        assert_eq!(first.to_string().len(), 29);
    }

    #[test]
    fn a_wrong_prefix_or_digit_is_refused_by_name() {
        let id = CiId::from_bits(5).to_string();
        assert!(id.parse::<RuleId>().is_err());
        assert!("ci_0000000000000000000000000l".parse::<CiId>().is_err());
        assert!("ci_80000000000000000000000000".parse::<CiId>().is_err());
        assert!("ci_000".parse::<CiId>().is_err());
    }
}
