//! `GET /i/<token>`: the script that installs, enrols and starts the agent, for `curl … | sh`.

use std::sync::Arc;

use axum::body::Body;
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode, header};

use super::{Refusal, broken, plain};
use crate::fleet::Shared;
use crate::tokens;

const SCRIPT: &str = include_str!("install.sh");

pub(super) async fn script(
    request: &Request<Incoming>,
    secret: &str,
    shared: &Arc<Shared>,
) -> Result<Response<Body>, Refusal> {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let Some(server) = host.filter(|host| is_plain(host, ".-:[]_")) else {
        let text = "echo 'bongsu: the address of the server is malformed' >&2; exit 1\n";
        return Err((StatusCode::BAD_REQUEST, text.to_owned()));
    };
    let now_ms = shared.env.clock.now_ms();
    let found = tokens::find(&mut shared.db.reader(), secret, now_ms).await;
    let found = found.map_err(|error| broken(&error))?;
    found.map_err(|refused| (StatusCode::FORBIDDEN, format!("{refused}\n")))?;
    // Only what passed `is_plain`, a found secret, base64 and our own keys file enter the script:
    // nothing to escape.
    let script = SCRIPT
        .replace("@SERVER@", server)
        .replace("@TOKEN@", secret)
        .replace("@PIN@", &shared.identity.pin().to_string())
        .replace("@ORDER_KEYS@", shared.order_keys.trim());
    Ok(plain(StatusCode::OK, script))
}

fn is_plain(text: &str, also: &str) -> bool {
    !text.is_empty()
        && text.len() < 256
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || also.contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_shell_reads_gets_into_the_script() {
        assert!(is_plain("mon-1.example.com:7701", ".-:[]_"));
        assert!(is_plain("[fe80::1]:7701", ".-:[]_"));
        for text in ["", "a b", "a'b", "$(x)", "a;b", "a\nb", "`x`"] {
            assert!(!is_plain(text, ".-:[]_"), "{text}");
        }
    }
}
