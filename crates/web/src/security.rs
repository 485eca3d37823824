//! Headers that every answer carries: no inline code, no framing, no guessing of types.

use axum::http::{HeaderName, HeaderValue};

/// The names and values, to be set where the answer does not set its own.
#[must_use]
pub fn security_headers() -> [(HeaderName, HeaderValue); 6] {
    let of = |name: &'static str, value: &'static str| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    };
    [
        of(
            "content-security-policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
             font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; \
             form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
        of("x-content-type-options", "nosniff"),
        of("x-frame-options", "DENY"),
        of("referrer-policy", "same-origin"),
        of("cross-origin-opener-policy", "same-origin"),
        of(
            "permissions-policy",
            "camera=(), microphone=(), geolocation=()",
        ),
    ]
}
