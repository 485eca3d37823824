//! A receiver of mail: enough of RFC 5321 for any client, recording every mail.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::wait::mono_ns;
use crate::wait_until;

/// How the receiver behaves.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum SmtpReply {
    /// Takes every mail.
    #[default]
    Accept,
    /// Refuses every recipient for now: 451.
    RefuseForNow,
    /// Refuses every recipient for good: 550.
    RefuseForGood,
    /// Says nothing at all, not even its greeting.
    Hang,
    /// Closes the connection before the greeting.
    Close,
    /// Takes the text of the mail and never confirms it.
    HangAfterData,
}

/// A mail that came in.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The envelope's sender.
    pub from: String,
    /// The envelope's recipients.
    pub to: Vec<String>,
    /// Headers and body as sent, dots unstuffed, lines ending in `\r\n`.
    pub data: String,
    /// When it was complete, in nanoseconds of this process' monotonic clock.
    pub at_ns: u64,
}

/// The receiver; it stops when dropped.
#[derive(Debug)]
pub struct SmtpSink {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    mails: Mutex<Vec<Mail>>,
    reply: Mutex<SmtpReply>,
    stopped: AtomicBool,
}

impl SmtpSink {
    /// Starts a receiver that takes every mail.
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
                // A client that goes away ends its session; the next one is served all the same.
                std::thread::spawn(move || Session::new(&stream, &shared).serve());
            }
        });
        Self { address, state }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.address.port()
    }

    /// How it behaves from the next connection or recipient on.
    pub fn reply(&self, reply: SmtpReply) {
        *lock(&self.state.reply) = reply;
    }

    /// All mails so far.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        lock(&self.state.mails).clone()
    }

    /// Waits until `count` mails have come.
    ///
    /// # Panics
    /// When they do not come within `timeout`.
    #[must_use]
    pub fn wait_for(&self, count: usize, timeout: Duration) -> Vec<Mail> {
        let came = wait_until(timeout, || lock(&self.state.mails).len() >= count);
        let mails = self.mails();
        assert!(
            came,
            "{} of {count} mails came within {timeout:?}",
            mails.len()
        );
        mails
    }
}

impl Drop for SmtpSink {
    fn drop(&mut self) {
        self.state.stopped.store(true, Ordering::Relaxed);
        // Wakes the accepting thread, which then sees that it is to stop.
        let _ = TcpStream::connect(self.address);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One client's connection. `None` ends it.
struct Session<'a> {
    reader: BufReader<&'a TcpStream>,
    writer: &'a TcpStream,
    state: &'a State,
    from: String,
    to: Vec<String>,
}

impl<'a> Session<'a> {
    fn new(stream: &'a TcpStream, state: &'a State) -> Self {
        let reader = BufReader::new(stream);
        Self {
            reader,
            writer: stream,
            state,
            from: String::new(),
            to: Vec::new(),
        }
    }

    fn serve(&mut self) -> Option<()> {
        match self.behaviour() {
            SmtpReply::Hang => return self.hang(),
            SmtpReply::Close => return None,
            _ => self.say("220 sink.test ready")?,
        }
        loop {
            let line = self.line()?;
            let verb = line
                .split(' ')
                .next()
                .unwrap_or_default()
                .to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" => self
                    .say("250-sink.test\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 AUTH PLAIN LOGIN")?,
                "HELO" | "NOOP" => self.say("250 fine")?,
                "AUTH" => self.authenticate(&line)?,
                "MAIL" => {
                    self.from = address(&line);
                    self.say("250 fine")?;
                }
                "RCPT" => self.recipient(&line)?,
                "DATA" => self.data()?,
                "RSET" => {
                    self.to.clear();
                    self.say("250 fine")?;
                }
                "QUIT" => return self.say("221 bye"),
                _ => self.say("502 unknown")?,
            }
        }
    }

    fn recipient(&mut self, line: &str) -> Option<()> {
        match self.behaviour() {
            SmtpReply::RefuseForNow => self.say("451 4.3.0 try later"),
            SmtpReply::RefuseForGood => self.say("550 5.1.1 no such mailbox"),
            _ => {
                self.to.push(address(line));
                self.say("250 fine")
            }
        }
    }

    fn data(&mut self) -> Option<()> {
        self.say("354 go on")?;
        let mut data = String::new();
        loop {
            let line = self.line()?;
            if line == "." {
                break;
            }
            data.push_str(line.strip_prefix('.').unwrap_or(&line));
            data.push_str("\r\n");
        }
        if self.behaviour() == SmtpReply::HangAfterData {
            return self.hang();
        }
        let (from, to) = (std::mem::take(&mut self.from), std::mem::take(&mut self.to));
        lock(&self.state.mails).push(Mail {
            from,
            to,
            data,
            at_ns: mono_ns(),
        });
        self.say("250 taken")
    }

    /// Any name and password will do.
    fn authenticate(&mut self, line: &str) -> Option<()> {
        let login = line.to_ascii_uppercase().starts_with("AUTH LOGIN");
        let prompts = match (login, line.split(' ').count()) {
            (true, 2) => 2,
            (true, _) | (false, 2) => 1,
            _ => 0,
        };
        for _ in 0..prompts {
            self.say("334 ")?;
            self.line()?;
        }
        self.say("235 welcome")
    }

    fn behaviour(&self) -> SmtpReply {
        *lock(&self.state.reply)
    }

    fn hang(&self) -> Option<()> {
        let stopped = || self.state.stopped.load(Ordering::Relaxed);
        wait_until(Duration::from_secs(600), stopped);
        None
    }

    fn say(&mut self, text: &str) -> Option<()> {
        self.writer.write_all(format!("{text}\r\n").as_bytes()).ok()
    }

    fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        let read = self.reader.read_until(b'\n', &mut line).ok()?;
        let text = String::from_utf8_lossy(&line);
        (read > 0).then(|| text.trim_end_matches(['\r', '\n']).to_owned())
    }
}

/// The address between `<` and `>`.
fn address(line: &str) -> String {
    let inner = line
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'));
    inner.map_or_else(String::new, |(address, _)| address.to_owned())
}
