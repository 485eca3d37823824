//! A webhook that notes when what arrived, and one that never answers.

use anyhow::Result;
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;
use stdx::{Clock as _, SystemClock};

/// A request that arrived.
#[derive(Clone, Debug)]
pub(super) struct Arrival {
    /// When its last byte was read, in seconds of the task's clock.
    pub(super) at_s: f64,
    /// Its body.
    pub(super) body: Value,
}

#[derive(Default)]
struct Shared {
    arrivals: Mutex<Vec<Arrival>>,
    news: Condvar,
}

/// A webhook on a port of its own.
pub(super) struct Hook {
    port: u16,
    shared: Arc<Shared>,
}

impl Hook {
    /// Listens and answers `200` to everything.
    pub(super) fn start(clock: SystemClock) -> Result<Self> {
        Self::listen(clock, true)
    }

    /// Listens and never answers.
    pub(super) fn hung(clock: SystemClock) -> Result<Self> {
        Self::listen(clock, false)
    }

    fn listen(clock: SystemClock, answers: bool) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared::default());
        let keeper = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let keeper = Arc::clone(&keeper);
                std::thread::spawn(move || serve(stream, (clock, answers), &keeper));
            }
        });
        Ok(Self { port, shared })
    }

    /// Its address.
    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    /// Everything so far.
    pub(super) fn arrivals(&self) -> Vec<Arrival> {
        lock(&self.shared.arrivals).clone()
    }

    /// Waits until one that `is_it` came after the first `skip`, at most so long.
    pub(super) fn wait(
        &self,
        skip: usize,
        patience: Duration,
        is_it: impl Fn(&Value) -> bool,
    ) -> Option<Arrival> {
        let found = |all: &[Arrival]| all.iter().skip(skip).find(|one| is_it(&one.body)).cloned();
        let arrivals = lock(&self.shared.arrivals);
        let waited = self
            .shared
            .news
            .wait_timeout_while(arrivals, patience, |all| found(all).is_none());
        let (arrivals, _) = waited.unwrap_or_else(PoisonError::into_inner);
        found(&arrivals)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Requests of one connection, which senders keep open.
fn serve(stream: TcpStream, (clock, answers): (SystemClock, bool), shared: &Shared) {
    let Ok(mut writer) = stream.try_clone() else {
        return;
    };
    let mut reader = BufReader::new(stream);
    while let Some(body) = request(&mut reader) {
        let at_s = clock.mono_ns() as f64 / 1e9;
        let body = serde_json::from_slice(&body).unwrap_or_default();
        lock(&shared.arrivals).push(Arrival { at_s, body });
        shared.news.notify_all();
        if answers
            && writer
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                .is_err()
        {
            return;
        }
    }
}

fn request(reader: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut size = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(digits) = line.strip_prefix("content-length:") {
            size = digits.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; size];
    reader.read_exact(&mut body).ok()?;
    Some(body)
}

/// Whether a body of ours is the single notice that this rule's problem on this target opened.
pub(super) fn is_opening(body: &Value, rule: &str, key: &str) -> bool {
    let text = |path: &str| body.pointer(path).and_then(Value::as_str);
    text("/problem/event") == Some("opened")
        && text("/problem/rule/key") == Some(rule)
        && text("/problem/target/key") == Some(key)
}
