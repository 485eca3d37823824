//! A message for the next page: what an action did, carried over its redirect in a short-lived cookie.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::{Cookie, cookie_value};

/// The cookie that carries it.
const FLASH_COOKIE: &str = "bongsu_flash";
/// How long it waits for the next page, in seconds.
const LIFE_S: u64 = 20;
/// The longest message, in characters.
const CHARS_MAX: usize = 300;

/// What the last action did, shown once.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Flash {
    /// Whether it worked.
    pub ok: bool,
    /// The sentence, in the reader's language.
    pub text: String,
}

impl Flash {
    /// It is done.
    #[must_use]
    pub fn done(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { ok: true, text }
    }

    /// It did not work.
    #[must_use]
    pub fn failed(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { ok: false, text }
    }

    /// Leaves it for the next page.
    pub fn leave(&self, headers: &mut HeaderMap) {
        let text: String = self.text.chars().take(CHARS_MAX).collect();
        let sign = if self.ok { 'd' } else { 'f' };
        let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        set(headers, &format!("{sign}{hex}"), LIFE_S);
    }

    /// The message that a request carries.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let value = cookie_value(headers, FLASH_COOKIE)?;
        let (sign, hex) = value.split_at_checked(1)?;
        let digits = hex.as_bytes().chunks(2);
        let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let bytes: Option<Vec<u8>> = digits.map(byte).collect();
        let text = String::from_utf8(bytes?).ok()?;
        (!text.is_empty() && text.chars().count() <= CHARS_MAX).then_some(Self {
            ok: sign == "d",
            text,
        })
    }

    /// Removes it once a page has shown it.
    pub(crate) fn clear(headers: &mut HeaderMap) {
        set(headers, "", 0);
    }
}

fn set(headers: &mut HeaderMap, value: &str, max_age_s: u64) {
    let cookie = Cookie {
        name: FLASH_COOKIE,
        value,
        max_age_s,
        http_only: true,
        secure: false,
    };
    let header: Option<HeaderValue> = cookie.header();
    if let Some(header) = header {
        headers.append(header::SET_COOKIE, header);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_survives_the_redirect_and_nonsense_is_ignored() {
        let mut sent = HeaderMap::new();
        Flash::done("수신확인: P-1042").leave(&mut sent);
        let cookie = sent.get(header::SET_COOKIE).unwrap().to_str().unwrap();
        let mut back = HeaderMap::new();
        let pair = cookie.split(';').next().unwrap();
        back.insert(header::COOKIE, HeaderValue::from_str(pair).unwrap());
        assert_eq!(Flash::of(&back), Some(Flash::done("수신확인: P-1042")));
        for bad in [
            "bongsu_flash=",
            "bongsu_flash=dzz",
            "bongsu_flash=dff",
            "a=1",
        ] {
            let mut back = HeaderMap::new();
            back.insert(header::COOKIE, HeaderValue::from_static(bad));
            assert_eq!(Flash::of(&back), None, "{bad}");
        }
    }
}
