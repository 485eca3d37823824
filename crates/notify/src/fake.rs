//! The peers of the channels, for tests and simulation: an HTTP receiver and a mail server.
//!
//! Both listen on 127.0.0.1 at a free port, keep what they got, and behave as told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// How a peer answers from now on.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Mood {
    /// Accepts.
    #[default]
    Good,
    /// Answers with this HTTP status (or SMTP code) and text.
    Answer(u16, String),
    /// Takes the message and never answers.
    Hang,
    /// Takes the message and closes without an answer.
    Drop,
}

/// One message that a peer got.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Got {
    /// HTTP: method and path. SMTP: empty.
    pub line: String,
    /// Header lines (HTTP) or the envelope's `RCPT TO` (SMTP).
    pub headers: Vec<String>,
    /// The body; of a mail the whole DATA.
    pub body: String,
    /// Whether it was accepted.
    pub accepted: bool,
}

impl Got {
    /// The value of an HTTP header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

#[derive(Debug, Default)]
struct Shared {
    mood: Mutex<Mood>,
    got: Mutex<Vec<Got>>,
    came: Notify,
}

/// A listening peer; stops when it is dropped.
#[derive(Debug)]
pub struct FakePeer {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Drop for FakePeer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl FakePeer {
    /// An HTTP receiver.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn http() -> std::io::Result<Self> {
        Self::start(false).await
    }

    /// A mail server without TLS.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn smtp() -> std::io::Result<Self> {
        Self::start(true).await
    }

    async fn start(smtp: bool) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let for_task = shared.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = for_task.clone();
                tokio::spawn(async move {
                    let talk = async {
                        if smtp {
                            talk_smtp(stream, &shared).await
                        } else {
                            talk_http(stream, &shared).await
                        }
                    };
                    // A client that goes away ends the talk; that is all.
                    drop(talk.await);
                });
            }
        });
        Ok(Self {
            address,
            shared,
            task,
        })
    }

    /// The URL of an HTTP receiver.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Behaves so from the next message on.
    pub fn mood(&self, mood: Mood) {
        *lock(&self.shared.mood) = mood;
    }

    /// Everything it got so far.
    #[must_use]
    pub fn got(&self) -> Vec<Got> {
        lock(&self.shared.got).clone()
    }

    /// Everything it accepted so far.
    #[must_use]
    pub fn accepted(&self) -> Vec<Got> {
        self.got().into_iter().filter(|got| got.accepted).collect()
    }

    /// Waits until it got at least `count` messages, at most ten seconds.
    pub async fn wait_for(&self, count: usize) -> Vec<Got> {
        let wait = async {
            loop {
                let came = self.shared.came.notified();
                let got = self.got();
                if got.len() >= count {
                    return got;
                }
                came.await;
            }
        };
        match tokio::time::timeout(Duration::from_secs(10), wait).await {
            Ok(got) => got,
            Err(_) => self.got(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn take(&self, mut got: Got) -> Mood {
        let mood = lock(&self.mood).clone();
        got.accepted = mood == Mood::Good;
        lock(&self.got).push(got);
        self.came.notify_waiters();
        mood
    }
}

async fn hang() {
    tokio::time::sleep(Duration::from_secs(3_600)).await;
}

async fn talk_http(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    while let Some(got) = read_request(&mut read).await? {
        let (status, text) = match shared.take(got) {
            Mood::Good => (200, "ok".to_owned()),
            Mood::Answer(status, text) => (status, text),
            Mood::Hang => {
                hang().await;
                return Ok(());
            }
            Mood::Drop => return Ok(()),
        };
        let answer = format!(
            "HTTP/1.1 {status} Status\r\ncontent-length: {}\r\nretry-after: 7\r\n\r\n{text}",
            text.len()
        );
        write.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

async fn read_request(read: &mut BufReader<OwnedReadHalf>) -> std::io::Result<Option<Got>> {
    let mut got = Got::default();
    if read.read_line(&mut got.line).await? == 0 {
        return Ok(None);
    }
    got.line = got.line.trim().to_owned();
    loop {
        let mut line = String::new();
        read.read_line(&mut line).await?;
        if line.trim().is_empty() {
            break;
        }
        got.headers.push(line.trim().to_owned());
    }
    let length = got
        .header("content-length")
        .and_then(|length| length.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    read.read_exact(&mut body).await?;
    got.body = String::from_utf8_lossy(&body).into_owned();
    Ok(Some(got))
}

async fn talk_smtp(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    write.write_all(b"220 fake ESMTP\r\n").await?;
    let mut got = Got::default();
    loop {
        let mut line = String::new();
        if read.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let upper = line.to_ascii_uppercase();
        let answer = match upper.split([' ', '\r', '\n', ':']).next().unwrap_or("") {
            "EHLO" => "250-fake\r\n250-AUTH PLAIN\r\n250 8BITMIME\r\n",
            "AUTH" if upper.contains("PLAIN") => "235 welcome\r\n",
            "RCPT" => {
                got.headers.push(line.trim().to_owned());
                "250 ok\r\n"
            }
            "DATA" => {
                write.write_all(b"354 go on\r\n").await?;
                if !take_data(&mut read, &mut write, &mut got, shared).await? {
                    return Ok(());
                }
                continue;
            }
            "QUIT" => {
                write.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => "250 ok\r\n",
        };
        write.write_all(answer.as_bytes()).await?;
    }
}

/// Whether the talk goes on.
async fn take_data(
    read: &mut BufReader<OwnedReadHalf>,
    write: &mut OwnedWriteHalf,
    got: &mut Got,
    shared: &Shared,
) -> std::io::Result<bool> {
    loop {
        let mut line = String::new();
        if read.read_line(&mut line).await? == 0 || line == ".\r\n" {
            break;
        }
        got.body.push_str(&line);
    }
    match shared.take(std::mem::take(got)) {
        Mood::Good => write.write_all(b"250 queued\r\n").await?,
        Mood::Answer(code, text) => {
            write
                .write_all(format!("{code} {text}\r\n").as_bytes())
                .await?;
        }
        Mood::Hang => {
            hang().await;
            return Ok(false);
        }
        Mood::Drop => return Ok(false),
    }
    Ok(true)
}
