//! A key is one effect: asked over the router, with answers kept in memory.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::Request;
use stdx::Env;

use crate::testing::{Answer, Asked};
use crate::*;

/// Whose key, and the key.
type Of = (String, String);
/// The request and, once there is one, the answer.
type Noted = (String, Option<(u16, String)>);

/// Answers in memory.
#[derive(Default)]
struct Memory(Mutex<HashMap<Of, Noted>>);

impl Answers for Memory {
    fn begin<'a>(
        &'a self,
        who: &'a str,
        key: &'a str,
        request: &'a str,
    ) -> BoxFuture<'a, Result<Known, ApiError>> {
        let mut all = self.0.lock().unwrap();
        let known = match all.get(&(who.to_owned(), key.to_owned())) {
            None => {
                let entry = (request.to_owned(), None);
                all.insert((who.to_owned(), key.to_owned()), entry);
                Known::Nothing
            }
            Some((other, _)) if other != request => Known::Other,
            Some((_, None)) => Known::Busy,
            Some((_, Some((status, answer)))) => Known::Done(*status, answer.clone()),
        };
        Box::pin(async { Ok(known) })
    }

    fn keep<'a>(
        &'a self,
        who: &'a str,
        key: &'a str,
        answer: Option<(u16, String)>,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        let mut all = self.0.lock().unwrap();
        let key = (who.to_owned(), key.to_owned());
        match answer {
            None => drop(all.remove(&key)),
            Some(answer) => all.get_mut(&key).unwrap().1 = Some(answer),
        }
        Box::pin(async { Ok(()) })
    }
}

/// A thing that counts how often it was made; `busy` refuses on our side.
fn asked() -> (Asked, Arc<AtomicUsize>) {
    let made = Arc::new(AtomicUsize::new(0));
    let count = made.clone();
    let mounted = Routes::new()
        .add(
            Endpoint::post("/api/v1/things", Action::operate("thing.make")),
            async move |body: String| {
                let number = count.fetch_add(1, Ordering::Relaxed) + 1;
                match body.as_str() {
                    "busy" => Err(ApiError::unavailable("not now")),
                    _ => Ok((
                        axum::http::StatusCode::CREATED,
                        [("etag", "\"7\"")],
                        format!("{body} {number}"),
                    )),
                }
            },
        )
        .with_state(());
    let asked = Asked::keeping(mounted, Env::system(), Arc::new(Memory::default()));
    (asked, made)
}

async fn post(asked: &Asked, role: &str, key: &str, body: &str) -> Answer {
    let request = Request::builder()
        .method("POST")
        .uri("/api/v1/things")
        .header("authorization", format!("Bearer {role}"))
        .header("idempotency-key", key)
        .body(Body::from(body.to_owned()))
        .unwrap();
    asked.send(request).await
}

#[tokio::test]
async fn the_same_request_has_one_effect_one_answer_and_one_line_in_the_audit() {
    let (asked, made) = asked();
    let first = post(&asked, "operator", "a", "thing").await;
    let again = post(&asked, "operator", "a", "thing").await;
    assert_eq!(
        (first.status.as_u16(), first.text.as_str()),
        (201, "thing 1")
    );
    assert_eq!((again.status, &again.text), (first.status, &first.text));
    assert_eq!(again.header("etag"), "\"7\"");
    assert_eq!(again.header("content-type"), first.header("content-type"));
    assert_eq!(
        (
            first.header("idempotent-replayed"),
            again.header("idempotent-replayed")
        ),
        ("", "true")
    );
    assert_eq!(made.load(Ordering::Relaxed), 1);
    assert_eq!(asked.audit().len(), 1);
    let other = post(&asked, "operator", "b", "thing").await;
    assert_eq!(other.text, "thing 2");
}

#[tokio::test]
async fn a_key_of_another_request_is_refused_by_name() {
    let (asked, made) = asked();
    post(&asked, "operator", "a", "thing").await;
    let other = post(&asked, "operator", "a", "another").await;
    assert_eq!(other.status.as_u16(), 422);
    assert!(
        other.text.contains("idempotency_key_reused"),
        "{}",
        other.text
    );
    let long = post(&asked, "operator", &"k".repeat(256), "thing").await;
    assert!(long.text.contains("bad_idempotency_key"), "{}", long.text);
    assert_eq!(made.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn what_failed_on_our_side_or_was_not_allowed_may_be_sent_again() {
    let (asked, made) = asked();
    for times in 1..=2 {
        assert_eq!(
            post(&asked, "operator", "a", "busy").await.status.as_u16(),
            503
        );
        assert_eq!(made.load(Ordering::Relaxed), times);
    }
    assert_eq!(
        post(&asked, "viewer", "v", "thing").await.status.as_u16(),
        403
    );
    assert_eq!(
        post(&asked, "operator", "v", "thing").await.status.as_u16(),
        201
    );
}

#[test]
fn the_api_document_tells_of_the_key() {
    let mounted = Routes::new()
        .add(
            Endpoint::post("/api/v1/things", Action::operate("thing.make")),
            async || "made",
        )
        .add(
            Endpoint::get("/api/v1/things", Action::view("thing.list")),
            async || "things",
        )
        .with_state(());
    let document = openapi(&mounted.specs, "1");
    let named = |method: &str| {
        let path = format!("/paths/~1api~1v1~1things/{method}/parameters/0/name");
        document.pointer(&path).cloned().unwrap_or_default()
    };
    assert_eq!(named("post"), "Idempotency-Key");
    assert!(named("get").is_null());
}
