//! One look at a server from outside: does it answer, does it do its work, do its notices leave.

use serde::Deserialize;
use web::OutgoingClient;

use super::decide::{Fault, Kind};

/// Checks of `/readyz` that say notices do not leave.
const NOTICE_PATH: [&str; 3] = ["outbox", "notices", "channels"];
/// The longest part of an answer that is repeated to people.
const WHY_CHARS_MAX: usize = 500;

#[derive(Deserialize)]
struct Ready {
    #[serde(default)]
    checks: Vec<Check>,
}

#[derive(Deserialize)]
struct Check {
    name: String,
    ok: bool,
    #[serde(default)]
    detail: String,
}

/// What is wrong with the server; nothing when all is well.
pub(super) async fn look(client: &OutgoingClient, server: &str) -> Option<Fault> {
    let request = match client.get(&format!("{server}/readyz")) {
        Ok(request) => request,
        Err(error) => return Some(gone(&error)),
    };
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) => return Some(gone(&error.without_url())),
    };
    let status = answer.status();
    if status.is_success() {
        return None;
    }
    let text = match answer.text().await {
        Ok(text) => text,
        Err(error) => return Some(gone(&error.without_url())),
    };
    Some(judged(status.as_u16(), &text))
}

fn gone(error: &dyn std::error::Error) -> Fault {
    let mut why = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        why.push_str(": ");
        why.push_str(&next.to_string());
        cause = next.source();
    }
    Fault {
        kind: Kind::Gone,
        why,
    }
}

fn judged(status: u16, text: &str) -> Fault {
    let Ok(ready) = serde_json::from_str::<Ready>(text) else {
        return Fault {
            kind: Kind::Gone,
            why: format!("/readyz answers {status}, not as a Bongsu server does"),
        };
    };
    let failing: Vec<&Check> = ready.checks.iter().filter(|check| !check.ok).collect();
    let stuck = failing
        .iter()
        .any(|check| NOTICE_PATH.contains(&check.name.as_str()));
    let why: Vec<String> = failing
        .iter()
        .map(|check| format!("{}: {}", check.name, check.detail))
        .collect();
    Fault {
        kind: if stuck { Kind::Stuck } else { Kind::Unwell },
        why: why.join("; ").chars().take(WHY_CHARS_MAX).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_what_is_wrong() {
        let text = r#"{"ready":false,"checks":[{"name":"records","ok":true,"detail":""},
            {"name":"notices","ok":false,"detail":"12 wait, the oldest for 9 min"}]}"#;
        let fault = judged(503, text);
        assert_eq!(fault.kind, Kind::Stuck);
        assert_eq!(fault.why, "notices: 12 wait, the oldest for 9 min");
        let other = judged(503, &text.replace("notices", "metrics-store"));
        assert_eq!(other.kind, Kind::Unwell);
        assert_eq!(judged(502, "<html>").kind, Kind::Gone);
    }
}
