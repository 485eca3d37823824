//! What an open board is told: where it stands, then every change, soon and to every tab.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, header};
use futures_util::StreamExt;
use model::Severity;
use tower::ServiceExt;

use crate::ground::Ground;

/// Far above what it takes, so that a busy machine fails nothing.
const SOON: Duration = Duration::from_secs(20);

type Stream = axum::body::BodyDataStream;

async fn listen(ground: &Ground) -> Stream {
    let request = Request::builder()
        .uri("/board/events")
        .header(header::AUTHORIZATION, "Bearer viewer")
        .body(Body::empty())
        .unwrap();
    let answer = ground.asked.router().oneshot(request).await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    answer.into_body().into_data_stream()
}

/// Reads on until the stream says this.
async fn until(stream: &mut Stream, wanted: &str) -> String {
    let mut said = String::new();
    let reading = async {
        while !said.contains(wanted) {
            let part = stream.next().await.unwrap().unwrap();
            said.push_str(std::str::from_utf8(&part).unwrap());
        }
    };
    let read = tokio::time::timeout(SOON, reading).await;
    assert!(read.is_ok(), "no {wanted} in time: {said}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn every_open_board_is_told_of_a_problem() {
    let ground = Ground::with_host().await;
    let (trigger, shutdown) = jobs::shutdown();
    let keeping = tokio::spawn(desk::keep_live(ground.desk.clone(), shutdown));
    let ready = async {
        while ground.page("/").await.contains("data-generation=\"0\"") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(SOON, ready).await.unwrap();
    let (mut one, mut two) = (listen(&ground).await, listen(&ground).await);
    until(&mut one, "event: hello").await;
    ground.apply(1, Severity::Major).await;
    for tab in [&mut one, &mut two] {
        until(tab, "event: problems").await;
    }
    let beside = ground.page("/board/problems").await;
    assert!(beside.contains("/problems/prb_"), "{beside}");
    // A server that stops does not wait for open boards.
    trigger.fire();
    tokio::time::timeout(SOON, keeping).await.unwrap().unwrap();
    let ended = tokio::time::timeout(SOON, async { while one.next().await.is_some() {} });
    assert!(ended.await.is_ok());
}
