//! Cookies: reading one from a request, writing one with safe attributes.

use axum::http::{HeaderMap, HeaderValue, header};

/// The value of the cookie `name`, if the request carries it.
#[must_use]
pub fn cookie_value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get_all(header::COOKIE).iter().find_map(|line| {
        line.to_str().ok()?.split(';').find_map(|pair| {
            let (key, value) = pair.trim().split_once('=')?;
            (key == name).then_some(value)
        })
    })
}

/// A cookie to be set: `Path=/`, `SameSite=Lax`.
#[derive(Clone, Debug)]
pub struct Cookie<'a> {
    /// The name.
    pub name: &'a str,
    /// The value; token characters only.
    pub value: &'a str,
    /// How long it lives, in seconds; 0 removes it.
    pub max_age_s: u64,
    /// Not readable by scripts.
    pub http_only: bool,
    /// Only over TLS.
    pub secure: bool,
}

impl Cookie<'_> {
    /// The `Set-Cookie` value.
    #[must_use]
    pub fn header(&self) -> Option<HeaderValue> {
        let http_only = if self.http_only { "; HttpOnly" } else { "" };
        let secure = if self.secure { "; Secure" } else { "" };
        HeaderValue::from_str(&format!(
            "{}={}; Path=/; SameSite=Lax; Max-Age={}{http_only}{secure}",
            self.name, self.value, self.max_age_s
        ))
        .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::COOKIE,
            HeaderValue::from_static("a=1; session=xyz; b=2"),
        );
        assert_eq!(cookie_value(&headers, "session"), Some("xyz"));
        assert_eq!(cookie_value(&headers, "sess"), None);
    }

    #[test]
    fn a_cookie_is_written_with_safe_attributes() {
        let cookie = Cookie {
            name: "s",
            value: "v",
            max_age_s: 60,
            http_only: true,
            secure: false,
        };
        assert_eq!(
            cookie.header().unwrap(),
            "s=v; Path=/; SameSite=Lax; Max-Age=60; HttpOnly"
        );
    }
}
