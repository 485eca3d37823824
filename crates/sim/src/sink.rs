//! The people's end: one receiver of webhooks, with a mood for each channel, that keeps every receipt.
//!
//! A mood is decided by the message and by how often it came, never by the order of connections, so
//! that a seed repeats. Nothing waits: a receiver that hangs is one that takes the message and lets
//! the connection die, which is what a sender sees of it at its time limit.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value as Json;
use stdx::Clock;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::dice::mix;

/// How a channel behaves.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Mood {
    /// Takes everything.
    #[default]
    Good,
    /// Closes every connection before it read anything.
    Dead,
    /// Answers 503 and takes nothing.
    Busy,
    /// Answers 400 and takes nothing: a broken configuration.
    Refusing,
    /// Takes everything and never says so.
    Hanging,
    /// Takes everything and answers 500.
    Lying,
    /// Any of these, by the message.
    Flaky,
}

impl Mood {
    pub(crate) const BAD: [Self; 6] = [
        Self::Dead,
        Self::Busy,
        Self::Refusing,
        Self::Hanging,
        Self::Lying,
        Self::Flaky,
    ];
}

/// Where a send is interrupted by a kill.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Cut {
    /// Before the message arrived.
    Before,
    /// After it arrived, before the answer.
    After,
}

/// A message that arrived, whatever was answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Receipt {
    /// Its place among all, from 0.
    pub(crate) nth: usize,
    /// When, virtual milliseconds.
    pub(crate) at_ms: i64,
    /// The channel's path.
    pub(crate) path: String,
    /// Who it was for.
    pub(crate) address: String,
    /// The deduplication key.
    pub(crate) key: String,
    /// `opened`, `recovered`, `digest`, ….
    pub(crate) event: String,
    /// The problem's id; empty for a digest.
    pub(crate) problem: String,
    /// Whether the sender got a clear yes.
    pub(crate) answered: bool,
}

#[derive(Debug, Default)]
struct Inner {
    moods: BTreeMap<String, Mood>,
    receipts: Vec<Receipt>,
    tries: HashMap<String, u32>,
    cut: Option<Cut>,
}

#[derive(Debug)]
struct Shared {
    inner: Mutex<Inner>,
    cut: Notify,
    seed: u64,
    clock: Arc<dyn Clock>,
}

/// The receiver; it stops with the runtime.
#[derive(Clone, Debug)]
pub(crate) struct Sink {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// What the sink does with one message.
enum Fate {
    Take(u16),
    Refuse(u16),
    TakeAndClose,
    Close,
    /// The sender is killed now.
    Cut,
}

impl Sink {
    pub(crate) async fn start(seed: u64, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (inner, cut) = (Mutex::default(), Notify::new());
        let shared = Arc::new(Shared {
            inner,
            cut,
            seed,
            clock,
        });
        let sink = Self {
            address,
            shared: shared.clone(),
        };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = shared.clone();
                tokio::spawn(async move {
                    // A sender that goes away ends the talk; that is all.
                    drop(talk(stream, &shared).await);
                });
            }
        });
        Ok(sink)
    }

    /// The address of a channel's path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// How a channel behaves from now on.
    pub(crate) fn mood(&self, path: &str, mood: Mood) {
        self.shared.lock().moods.insert(path.to_owned(), mood);
    }

    /// The receipts from the `from`-th on.
    pub(crate) fn receipts(&self, from: usize) -> Vec<Receipt> {
        self.shared
            .lock()
            .receipts
            .get(from..)
            .unwrap_or_default()
            .to_vec()
    }

    /// Interrupts the next message; [`Self::interrupted`] tells when.
    pub(crate) fn interrupt(&self, cut: Option<Cut>) {
        self.shared.lock().cut = cut;
    }

    /// Waits until a message was interrupted.
    pub(crate) async fn interrupted(&self) {
        self.shared.cut.notified().await;
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides what becomes of a message and keeps it if it arrived.
    fn take(&self, path: &str, body: &str) -> Fate {
        let said: Json = serde_json::from_str(body).unwrap_or_default();
        let text = |path: &str| {
            let found = said.pointer(path).and_then(Json::as_str);
            found.unwrap_or_default().to_owned()
        };
        let key = text("/key");
        let mut inner = self.lock();
        let tries = inner.tries.entry(key.clone()).or_default();
        *tries += 1;
        let thrown = mix(&(self.seed, &key, *tries));
        let mood = match inner.moods.get(path).copied().unwrap_or_default() {
            Mood::Flaky => flaky(thrown),
            mood => mood,
        };
        let cut = inner.cut.take();
        let fate = match (cut, mood) {
            (Some(_), _) => Fate::Cut,
            (_, Mood::Good | Mood::Flaky) => Fate::Take(200),
            (_, Mood::Dead) => Fate::Close,
            (_, Mood::Busy) => Fate::Refuse(503),
            (_, Mood::Refusing) => Fate::Refuse(400),
            (_, Mood::Hanging) => Fate::TakeAndClose,
            (_, Mood::Lying) => Fate::Take(500),
        };
        let arrived = match fate {
            Fate::Take(_) | Fate::TakeAndClose => true,
            Fate::Refuse(_) | Fate::Close => false,
            Fate::Cut => cut == Some(Cut::After),
        };
        if arrived {
            let receipt = Receipt {
                nth: inner.receipts.len(),
                at_ms: self.clock.now_ms(),
                path: path.to_owned(),
                address: text("/address"),
                event: text("/event"),
                problem: text("/problem/id"),
                answered: matches!(fate, Fate::Take(200)),
                key,
            };
            inner.receipts.push(receipt);
        }
        if cut.is_some() {
            self.cut.notify_one();
        }
        fate
    }
}

fn flaky(thrown: u64) -> Mood {
    match thrown % 10 {
        0 => Mood::Dead,
        1 => Mood::Busy,
        2 => Mood::Hanging,
        3 => Mood::Lying,
        _ => Mood::Good,
    }
}

async fn talk(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    loop {
        let mut line = String::new();
        if read.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut length = 0;
        loop {
            let mut header = String::new();
            read.read_line(&mut header).await?;
            let header = header.trim().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(told) = header.strip_prefix("content-length:") {
                length = told.trim().parse().unwrap_or(0);
            }
        }
        let mut body = vec![0; length];
        read.read_exact(&mut body).await?;
        let status = match shared.take(&path, &String::from_utf8_lossy(&body)) {
            Fate::Take(status) | Fate::Refuse(status) => status,
            Fate::TakeAndClose | Fate::Close => return Ok(()),
            Fate::Cut => {
                // The sender is about to die; its end of the connection closes with it.
                let mut rest = Vec::new();
                read.read_to_end(&mut rest).await?;
                return Ok(());
            }
        };
        let answer = format!("HTTP/1.1 {status} Told\r\ncontent-length: 0\r\n\r\n");
        write.write_all(answer.as_bytes()).await?;
    }
}
