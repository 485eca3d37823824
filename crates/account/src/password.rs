//! Passwords: hashed with argon2id, checked on a blocking thread, refused when weak.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use stdx::Entropy;

use crate::AccountError;

/// Shortest password; NIST SP 800-63B asks for 8, KISA's guide for 10 of two kinds of characters.
pub const CHARS_MIN: usize = 10;
/// Longest password; argon2 takes more, but nobody types it and hashing is work.
const CHARS_MAX: usize = 256;

/// 19 MiB, two passes, one lane: OWASP's password storage cheat sheet for argon2id.
fn hasher() -> Argon2<'static> {
    let params = Params::new(19 * 1024, 2, 1, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Refuses passwords that are too short, too long, or the log-in name.
pub(crate) fn check_strength(login: &str, password: &str) -> Result<(), AccountError> {
    let chars = password.chars().count();
    if chars < CHARS_MIN {
        return Err(AccountError::WeakPassword(
            "the password must have at least 10 characters",
        ));
    }
    if chars > CHARS_MAX {
        return Err(AccountError::WeakPassword(
            "the password must have at most 256 characters",
        ));
    }
    let lower = password.to_lowercase();
    if lower.contains(&login.to_lowercase()) {
        return Err(AccountError::WeakPassword(
            "the password must not contain the log-in name",
        ));
    }
    let kinds = [
        password.chars().any(char::is_alphabetic),
        password.chars().any(char::is_numeric),
        password.chars().any(|c| !c.is_alphanumeric()),
    ];
    let repeated = password
        .chars()
        .next()
        .is_some_and(|first| password.chars().all(|c| c == first));
    if repeated || kinds.iter().filter(|kind| **kind).count() < 2 {
        return Err(AccountError::WeakPassword(
            "the password must mix at least two of letters, digits and other characters",
        ));
    }
    Ok(())
}

/// The PHC string of a password; takes about 20 ms of a core, so it runs on a blocking thread.
pub(crate) async fn hash(password: String) -> Result<String, AccountError> {
    let work = tokio::task::spawn_blocking(move || {
        hasher()
            .hash_password(password.as_bytes())
            .map(|hash| hash.to_string())
            .map_err(|error| AccountError::Hash(error.to_string()))
    });
    work.await
        .map_err(|error| AccountError::Hash(error.to_string()))?
}

/// Whether the password is the one of the hash.
pub(crate) async fn verify(password: String, hash: String) -> bool {
    let work = tokio::task::spawn_blocking(move || {
        let Ok(parsed) = PasswordHash::new(&hash) else {
            return false;
        };
        hasher()
            .verify_password(password.as_bytes(), &parsed)
            .is_ok()
    });
    work.await.unwrap_or(false)
}

/// A password for the first log-in: 20 letters and digits that cannot be mistaken for one another.
pub(crate) fn one_time(entropy: &dyn Entropy) -> String {
    const ALPHABET: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
    let mut text = String::with_capacity(23);
    for i in 0..20 {
        if i > 0 && i % 5 == 0 {
            text.push('-');
        }
        let at = usize::try_from(entropy.next_u64() % ALPHABET.len() as u64).unwrap_or(0);
        text.push(char::from(ALPHABET.get(at).copied().unwrap_or(b'a')));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_is_argon2id_and_fits_its_password_only() {
        let hashed = hash("correct horse 9".into()).await.unwrap();
        assert!(
            hashed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hashed}"
        );
        assert!(verify("correct horse 9".into(), hashed.clone()).await);
        assert!(!verify("correct horse 8".into(), hashed).await);
        assert!(!verify("x".into(), "not a hash".into()).await);
    }

    #[test]
    fn weak_passwords_are_refused_with_a_reason() {
        for (password, ok) in [
            ("short1!", false),
            ("aaaaaaaaaaaa", false),
            ("abcdefghijkl", false),
            ("kim-was-here-1", false),
            ("abcdefghij1", true),
            ("비밀번호는 길게 적습니다 1", true),
        ] {
            assert_eq!(check_strength("kim", password).is_ok(), ok, "{password}");
        }
    }

    #[test]
    fn a_one_time_password_passes_the_rules_and_differs() {
        let entropy = stdx::SeededEntropy::new(1);
        let (a, b) = (one_time(&entropy), one_time(&entropy));
        assert_ne!(a, b);
        assert!(check_strength("admin", &a).is_ok(), "{a}");
    }
}
