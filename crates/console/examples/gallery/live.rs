//! A fleet whose cells change, as the server's board will: snapshot, and events every 250 ms.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::header;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use console::samples::{self, Dice, Size};
use console::views::{BoardRow, Cell, SignalGroup};
use console::{BoardEvent, CellsChanged, Hello};
use futures_util::{Stream, StreamExt};
use model::{CellState, Severity};
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

use crate::Gallery;

/// How long changes gather before they are sent, in milliseconds.
const COALESCE_MS: u64 = 250;

struct Fleet {
    rows: Vec<BoardRow>,
    generation: u64,
}

/// The fleets of all sizes and their event streams.
pub(crate) struct Live {
    fleets: Mutex<HashMap<&'static str, Fleet>>,
    senders: HashMap<&'static str, broadcast::Sender<BoardEvent>>,
}

impl Live {
    /// Starts changing cells.
    pub(crate) fn start(_env: &stdx::Env) -> Arc<Self> {
        let fleet = |size: Size| {
            (
                size.name(),
                Fleet {
                    rows: samples::fleet(size),
                    generation: 1,
                },
            )
        };
        let live = Arc::new(Self {
            fleets: Mutex::new(Size::ALL.map(fleet).into()),
            senders: Size::ALL
                .map(|size| (size.name(), broadcast::channel(64).0))
                .into(),
        });
        let turning = live.clone();
        tokio::spawn(async move {
            let mut dice = Dice::new(99);
            loop {
                tokio::time::sleep(Duration::from_millis(COALESCE_MS)).await;
                turning.turn(Size::Large, 2, &mut dice);
            }
        });
        live
    }

    /// The rows of a fleet now.
    pub(crate) fn rows(&self, size: Size) -> Vec<BoardRow> {
        let fleets = self.fleets.lock().unwrap_or_else(PoisonError::into_inner);
        fleets
            .get(size.name())
            .map(|fleet| fleet.rows.clone())
            .unwrap_or_default()
    }

    /// Changes some cells and tells everybody in one event.
    fn turn(&self, size: Size, changes: usize, dice: &mut Dice) {
        let mut fleets = self.fleets.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(fleet) = fleets.get_mut(size.name()) else {
            return;
        };
        let mut event = CellsChanged::new(fleet.generation, fleet.generation + 1);
        for _ in 0..changes {
            let row = dice.roll(fleet.rows.len() as u64);
            let group = SignalGroup::ALL[(dice.roll(7)) as usize];
            let severity = match dice.roll(10) {
                0 => Severity::Minor,
                1 | 2 => Severity::Warning,
                3 => Severity::Info,
                _ => Severity::Normal,
            };
            let cell = Cell::new(CellState::Judged(severity), 0);
            if let Some(changed) = fleet.rows.get_mut(row as usize) {
                changed.cells[group as usize] = cell;
            }
            event.push(row as u32, group, cell);
        }
        fleet.generation += 1;
        if let Some(sender) = self.senders.get(size.name()) {
            // Nobody listening is no error.
            let _ = sender.send(BoardEvent::Cells(event));
            if fleet.generation % 20 == 0 {
                let _ = sender.send(BoardEvent::Problems);
            }
        }
    }
}

fn size_of(query: &HashMap<String, String>) -> Size {
    let asked = query.get("size").map_or("10", String::as_str);
    Size::ALL
        .into_iter()
        .find(|size| size.name() == asked)
        .unwrap_or(Size::Ten)
}

/// `/board/snapshot`.
pub(crate) async fn snapshot(
    State(gallery): State<Gallery>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let size = size_of(&query);
    let now_ms = u64::try_from(gallery.env.clock.now_ms()).unwrap_or(0);
    let bytes = {
        let fleets = gallery
            .live
            .fleets
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        fleets.get(size.name()).map_or_else(Vec::new, |fleet| {
            console::encode_snapshot(&fleet.rows, fleet.generation, now_ms)
        })
    };
    ([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response()
}

/// `/board/events`.
pub(crate) async fn events(
    State(gallery): State<Gallery>,
    Query(query): Query<HashMap<String, String>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let size = size_of(&query);
    let receiver = gallery.live.senders[size.name()].subscribe();
    let generation = {
        let fleets = gallery
            .live
            .fleets
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        fleets.get(size.name()).map_or(0, |fleet| fleet.generation)
    };
    let hello = futures_util::stream::iter([Ok(BoardEvent::Hello(Hello { generation }))]);
    let stream = hello
        .chain(BroadcastStream::new(receiver))
        .filter_map(|event| async move {
            // A lagging reader sees a gap in generations and fetches a new snapshot.
            event
                .ok()
                .map(|event| Ok(Event::default().event(event.name()).data(event.data())))
        });
    Sse::new(stream).keep_alive(KeepAlive::default())
}
