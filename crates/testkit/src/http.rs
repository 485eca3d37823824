//! A receiver of webhooks: records every request and answers, refuses or hangs as told.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::wait::mono_ns;
use crate::wait_until;

/// What a request gets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HttpReply {
    /// This status with a short body.
    Status(u16),
    /// No answer for as long as the sink lives.
    Hang,
    /// The connection is closed without an answer.
    Close,
    /// This status after a while, in milliseconds.
    Late(u16, u64),
}

/// A request that came in.
#[derive(Clone, Debug)]
pub struct HttpRequest {
    /// `POST`, `GET` …
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as it came.
    pub body: Vec<u8>,
    /// When it was complete, in nanoseconds of this process' monotonic clock; see
    /// [`HttpSink::now_ns`].
    pub at_ns: u64,
}

impl HttpRequest {
    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's value by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// The receiver; it stops when dropped.
#[derive(Debug)]
pub struct HttpSink {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    requests: Mutex<Vec<HttpRequest>>,
    /// What the next requests get, one each; then `standing`.
    next: Mutex<VecDeque<HttpReply>>,
    standing: Mutex<Option<HttpReply>>,
    stopped: AtomicBool,
}

impl HttpSink {
    /// Starts a receiver that answers 200.
    ///
    /// # Panics
    /// When no port is free.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let state = Arc::new(State::default());
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if shared.stopped.load(Ordering::Relaxed) {
                    return;
                }
                let shared = shared.clone();
                std::thread::spawn(move || serve(&stream, &shared));
            }
        });
        Self { address, state }
    }

    /// The address of a path on it, e.g. `url("/hook")`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What requests get from now on.
    pub fn reply(&self, reply: HttpReply) {
        *lock(&self.state.standing) = Some(reply);
    }

    /// What the next requests get, one each; after them the standing reply.
    pub fn reply_next(&self, replies: impl IntoIterator<Item = HttpReply>) {
        lock(&self.state.next).extend(replies);
    }

    /// All requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<HttpRequest> {
        lock(&self.state.requests).clone()
    }

    /// Waits until `count` requests have come.
    ///
    /// # Panics
    /// When they do not come within `timeout`.
    #[must_use]
    pub fn wait_for(&self, count: usize, timeout: Duration) -> Vec<HttpRequest> {
        let came = wait_until(timeout, || lock(&self.state.requests).len() >= count);
        let requests = self.requests();
        assert!(
            came,
            "{} of {count} requests came within {timeout:?}",
            requests.len()
        );
        requests
    }

    /// The clock of [`HttpRequest::at_ns`].
    #[must_use]
    pub fn now_ns() -> u64 {
        mono_ns()
    }
}

impl Drop for HttpSink {
    fn drop(&mut self) {
        self.state.stopped.store(true, Ordering::Relaxed);
        // Wakes the accepting thread, which then sees that it is to stop.
        let _ = TcpStream::connect(self.address);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(stream: &TcpStream, state: &State) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader, stream) {
        let standing = lock(&state.standing).unwrap_or(HttpReply::Status(200));
        let reply = lock(&state.next).pop_front().unwrap_or(standing);
        lock(&state.requests).push(request);
        let status = match reply {
            HttpReply::Status(status) => status,
            HttpReply::Late(status, ms) => {
                std::thread::sleep(Duration::from_millis(ms));
                status
            }
            HttpReply::Hang => {
                let stopped = || state.stopped.load(Ordering::Relaxed);
                wait_until(Duration::from_secs(600), stopped);
                return;
            }
            HttpReply::Close => {
                let _ = stream.shutdown(Shutdown::Both);
                return;
            }
        };
        let head = format!("HTTP/1.1 {status} Told\r\ncontent-type: text/plain\r\n");
        let answer = format!("{head}content-length: 5\r\n\r\nheard");
        if (&*stream).write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<&TcpStream>, stream: &TcpStream) -> Option<HttpRequest> {
    let line = line(reader)?;
    let mut words = line.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let header = self::line(reader)?;
        let Some((name, value)) = header.split_once(':') else {
            break;
        };
        headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut request = HttpRequest {
        method,
        path,
        headers,
        body: Vec::new(),
        at_ns: 0,
    };
    if request
        .header("expect")
        .is_some_and(|value| value.eq_ignore_ascii_case("100-continue"))
    {
        (&*stream)
            .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")
            .ok()?;
    }
    request.body = if request.header("transfer-encoding") == Some("chunked") {
        chunks(reader)?
    } else {
        let length = request
            .header("content-length")
            .map_or(Some(0), |text| text.parse().ok())?;
        exactly(reader, length)?
    };
    request.at_ns = mono_ns();
    Some(request)
}

fn chunks(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = line(reader)?;
        let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        body.extend(exactly(reader, size)?);
        line(reader)?;
        if size == 0 {
            return Some(body);
        }
    }
}

fn exactly(reader: &mut impl Read, length: usize) -> Option<Vec<u8>> {
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(body)
}

fn line(reader: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    let read = reader.read_line(&mut line).ok()?;
    (read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
}
