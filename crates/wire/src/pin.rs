//! A pin: the SHA-256 of a public key, written as curl's `--pinnedpubkey` wants it.

use std::fmt;
use std::str::FromStr;

const PREFIX: &str = "sha256//";
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The SHA-256 of a key's SubjectPublicKeyInfo (DER); the one thing either end trusts.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Pin(pub [u8; 32]);

/// A text that is no pin.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is no pin: it has the form sha256// and 44 base64 digits")]
pub struct PinError(pub String);

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        for chunk in self.0.chunks(3) {
            let bytes = [0, 1, 2].map(|i| u32::from(chunk.get(i).copied().unwrap_or(0)));
            let word = (bytes[0] << 16) | (bytes[1] << 8) | bytes[2];
            for digit in 0..4 {
                let index = (word >> (18 - 6 * digit)) as usize & 63;
                let letter = ALPHABET.get(index).copied().unwrap_or(b'=');
                let padding = digit as usize > chunk.len();
                write!(f, "{}", char::from(if padding { b'=' } else { letter }))?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Pin {
    type Err = PinError;

    fn from_str(text: &str) -> Result<Self, PinError> {
        decode(text)
            .map(Self)
            .ok_or_else(|| PinError(text.to_owned()))
    }
}

fn decode(text: &str) -> Option<[u8; 32]> {
    let digits = text.strip_prefix(PREFIX)?.strip_suffix('=')?;
    if digits.len() != 43 {
        return None;
    }
    let mut out = [0; 32];
    let mut bytes = out.iter_mut();
    let (mut word, mut bits) = (0_u32, 0);
    for digit in digits.bytes() {
        let value = ALPHABET.iter().position(|&a| a == digit)?;
        word = (word << 6) | u32::try_from(value).ok()?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            *bytes.next()? = (word >> bits) as u8;
            word &= (1 << bits) - 1;
        }
    }
    // Two bits are left over; a pin written by anything but us could hold them set.
    (word == 0).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_written_as_openssl_and_curl_write_it() {
        // printf '' | openssl dgst -sha256 -binary | base64
        let empty = [
            0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f,
            0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b,
            0x78, 0x52, 0xb8, 0x55,
        ];
        let text = "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        assert_eq!(Pin(empty).to_string(), text);
        assert_eq!(text.parse(), Ok(Pin(empty)));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "sha256//", "sha256//AAAA", "md5//47DEQpj8HBSa"] {
            assert!(text.parse::<Pin>().is_err(), "{text}");
        }
        let loose = format!("sha256//{}B=", "A".repeat(42));
        assert!(loose.parse::<Pin>().is_err());
    }
}
