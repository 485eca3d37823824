//! Reading the text of `/proc` and `/sys` byte by byte: lines, words, numbers; nothing allocates.

/// The lines of a file, without their ends.
pub fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty())
}

/// The words of a line, between spaces and tabs.
pub fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| matches!(byte, b' ' | b'\t'))
        .filter(|word| !word.is_empty())
}

/// An unsigned decimal number that fills the word; larger than 64 bits saturates.
#[must_use]
pub fn unsigned(word: &[u8]) -> Option<u64> {
    let word = word.trim_ascii();
    if word.is_empty() {
        return None;
    }
    word.iter().try_fold(0_u64, |sum, &byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        Some(sum.saturating_mul(10).saturating_add(digit))
    })
}

/// A signed decimal number.
#[must_use]
pub fn signed(word: &[u8]) -> Option<i64> {
    let word = word.trim_ascii();
    match word.strip_prefix(b"-") {
        Some(rest) => i64::try_from(unsigned(rest)?).ok().map(|value| -value),
        None => i64::try_from(unsigned(word)?).ok(),
    }
}

/// A finite decimal number such as `0.42`.
#[must_use]
pub fn float(word: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(word.trim_ascii()).ok()?;
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

/// A hexadecimal number without prefix.
#[must_use]
pub fn hex(word: &[u8]) -> Option<u64> {
    if word.is_empty() || word.len() > 16 {
        return None;
    }
    word.iter().try_fold(0_u64, |sum, &byte| {
        let digit = char::from(byte).to_digit(16)?;
        Some((sum << 4) | u64::from(digit))
    })
}

/// A word as text, when it is UTF-8.
#[must_use]
pub fn text(word: &[u8]) -> Option<&str> {
    std::str::from_utf8(word).ok()
}

/// A counter as a sample's value; above 2^53 the last digits are lost, as in every exporter.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "samples are 64-bit floats")]
pub const fn as_f64(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact_or_absent() {
        assert_eq!(unsigned(b"42"), Some(42));
        assert_eq!(unsigned(b"99999999999999999999999"), Some(u64::MAX));
        assert_eq!(
            (unsigned(b""), unsigned(b"4x"), unsigned(b"-1")),
            (None, None, None)
        );
        assert_eq!(signed(b"-17\n"), Some(-17));
        assert_eq!(float(b"0.50"), Some(0.5));
        assert_eq!((float(b"nan"), float(b"inf")), (None, None));
        assert_eq!((hex(b"1F"), hex(b"g")), (Some(31), None));
        assert_eq!(words(b" a  b\tc ").count(), 3);
    }
}
