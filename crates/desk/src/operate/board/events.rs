//! The stream of an open board: where it stands, then what everybody is told.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use console::{BoardEvent, Hello};
use futures_util::{Stream, StreamExt, stream};
use tokio_stream::wrappers::BroadcastStream;
use web::ApiError;

use crate::Desk;
use crate::live::encode;

/// A stream ends after this long, so that the browser shows anew that it may listen, in milliseconds.
const LIFE_MS: u64 = 15 * 60_000;
/// A silent stream says that it lives this often, in milliseconds.
const ALIVE_MS: u64 = 15_000;

pub(super) async fn events(State(desk): State<Desk>) -> Result<Response, ApiError> {
    // Subscribed before the generation is read: what comes between is told twice rather than never.
    let changes = desk.live.subscribe();
    let changes = changes.ok_or_else(|| ApiError::unavailable("the server is starting"))?;
    let picture = desk.live.picture();
    let hello = BoardEvent::Hello(Hello {
        generation: picture.generation,
    });
    let first = [encode(&hello), encode(&BoardEvent::Counts(picture.counts))];
    // A reader that lags misses events; it sees the gap between generations and starts anew.
    let changes = BroadcastStream::new(changes).filter_map(|event| async { event.ok() });
    let all = stream::iter(first).chain(changes);
    let alive = KeepAlive::default().interval(Duration::from_millis(ALIVE_MS));
    Ok(Sse::new(bounded(all)).keep_alive(alive).into_response())
}

fn bounded(
    events: impl Stream<Item = Event> + Send + 'static,
) -> impl Stream<Item = Result<Event, Infallible>> + Send + 'static {
    let end = tokio::time::sleep(Duration::from_millis(LIFE_MS));
    events.take_until(end).map(Ok)
}
