//! What the whole installation looks like now, kept in memory for every page and every open board.
//!
//! *Takes* the judge's cells, open problems, hosts and discoveries. *Leaves* one [`Picture`] that
//! pages draw from, and events for open boards. *Never* works for one connection: one task compares
//! and encodes, every stream gets the same bytes.

mod coverage;
mod keep;
mod picture;

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use axum::response::sse::Event;
use console::BoardEvent;
use tokio::sync::broadcast;
use ui::Beacon;

pub(crate) use coverage::{Coverage, of_host};
pub use keep::keep_live;
pub(crate) use picture::Picture;

/// Events that may wait for a slow reader; it then misses some, sees the gap and starts anew.
const EVENTS_KEPT: usize = 64;

/// The picture that pages draw from; cheap to clone, kept current by [`keep_live`].
#[derive(Clone, Debug, Default)]
pub struct Live(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    picture: RwLock<Arc<Picture>>,
    events: Mutex<Option<broadcast::Sender<Event>>>,
}

impl Live {
    /// Open problems by severity.
    pub(crate) fn beacon(&self) -> Beacon {
        Beacon(self.picture().counts.problems)
    }

    /// The picture as it is now.
    pub(crate) fn picture(&self) -> Arc<Picture> {
        let picture = self.0.picture.read();
        picture.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes from now on; none while nobody keeps the picture.
    pub(crate) fn subscribe(&self) -> Option<broadcast::Receiver<Event>> {
        let events = self.0.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.as_ref().map(broadcast::Sender::subscribe)
    }

    fn set(&self, picture: Arc<Picture>) {
        *self
            .0
            .picture
            .write()
            .unwrap_or_else(PoisonError::into_inner) = picture;
    }

    fn open(&self) {
        let (sender, _) = broadcast::channel(EVENTS_KEPT);
        *self.0.events.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
    }

    /// Ends every stream, so that a server that stops does not wait for browsers.
    fn close(&self) {
        *self.0.events.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn tell(&self, event: &BoardEvent) {
        let events = self.0.events.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = events.as_ref() {
            // Nobody listening is no error.
            let _ = sender.send(encode(event));
        }
    }
}

/// The event as it stands in a stream.
pub(crate) fn encode(event: &BoardEvent) -> Event {
    Event::default().event(event.name()).data(event.data())
}
