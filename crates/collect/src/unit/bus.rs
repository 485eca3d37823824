//! Asks systemd over the system bus which units have failed: the few words of D-Bus that this takes.
//!
//! A cgroup tells that a unit has no processes, not whether it was stopped or has failed; only the
//! service manager knows, and any user may ask it. The messages are read and written here because
//! one question does not justify a library.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use rustix::io::Errno;

use crate::root::ReadError;

/// The bus below the root; older systems have `/var/run` as a link to `/run`.
const SOCKET: &str = "run/dbus/system_bus_socket";
/// How long the bus may take for one message; a pass is not held up longer than a few of these.
const TIMEOUT: Duration = Duration::from_millis(500);
/// Messages of others (such as the bus naming us) before the answer.
const OTHERS_MAX: usize = 16;
/// Bytes of one message: thousands of failed units.
const MESSAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

const METHOD_CALL: u8 = 1;
const METHOD_RETURN: u8 = 2;
const ERROR: u8 = 3;
/// Fields of a message's head.
const PATH: u8 = 1;
const INTERFACE: u8 = 2;
const MEMBER: u8 = 3;
const ERROR_NAME: u8 = 4;
const REPLY_SERIAL: u8 = 5;
const DESTINATION: u8 = 6;
const SIGNATURE: u8 = 8;

/// The full names of all failed units.
///
/// # Errors
/// When there is no bus, it may not be asked, or it does not answer in time.
pub(super) fn failed_units(root: &Path) -> Result<Vec<String>, ReadError> {
    let io = |error: std::io::Error| match error.raw_os_error() {
        Some(code) => ReadError::from(Errno::from_raw_os_error(code)),
        None => ReadError::Os(Errno::PROTO),
    };
    let mut stream = UnixStream::connect(root.join(SOCKET)).map_err(io)?;
    stream.set_read_timeout(Some(TIMEOUT)).map_err(io)?;
    stream.set_write_timeout(Some(TIMEOUT)).map_err(io)?;
    let uid = rustix::process::geteuid().as_raw().to_string();
    let hex: String = uid.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut reader = BufReader::new(stream.try_clone().map_err(io)?);
    stream
        .write_all(format!("\0AUTH EXTERNAL {hex}\r\n").as_bytes())
        .map_err(io)?;
    let mut line = String::new();
    reader.read_line(&mut line).map_err(io)?;
    if !line.starts_with("OK ") {
        return Err(ReadError::NotPermitted);
    }
    let bus = ("org.freedesktop.DBus", "/org/freedesktop/DBus");
    let systemd = ("org.freedesktop.systemd1", "/org/freedesktop/systemd1");
    let mut said = b"BEGIN\r\n".to_vec();
    said.extend(call(1, bus, ("org.freedesktop.DBus", "Hello"), None));
    let manager = ("org.freedesktop.systemd1.Manager", "ListUnitsFiltered");
    said.extend(call(2, systemd, manager, Some("failed")));
    stream.write_all(&said).map_err(io)?;
    for _ in 0..OTHERS_MAX {
        let message = Message::read(&mut reader).map_err(io)?;
        if message.reply_to == Some(2) {
            return match message.kind {
                METHOD_RETURN => message.names().ok_or(ReadError::Os(Errno::PROTO)),
                ERROR if message.error.ends_with("AccessDenied") => Err(ReadError::NotPermitted),
                // Nobody on the bus has the name, or knows the question: not this service manager.
                ERROR => Err(ReadError::NotAvailable),
                _ => Err(ReadError::Os(Errno::PROTO)),
            };
        }
    }
    Err(ReadError::Os(Errno::PROTO))
}

/// A method call; its argument, if any, is a list of one word.
fn call(
    serial: u32,
    (destination, path): (&str, &str),
    (interface, member): (&str, &str),
    word: Option<&str>,
) -> Vec<u8> {
    let mut body = Vec::new();
    if let Some(word) = word {
        let mut list = Vec::new();
        put_text(&mut list, word);
        put_number(&mut body, list.len());
        body.extend(list);
    }
    let mut fields = Vec::new();
    for (code, kind, text) in [
        (PATH, b'o', path),
        (INTERFACE, b's', interface),
        (MEMBER, b's', member),
        (DESTINATION, b's', destination),
    ] {
        align(&mut fields, 8);
        fields.extend([code, 1, kind, 0]);
        put_text(&mut fields, text);
    }
    if word.is_some() {
        align(&mut fields, 8);
        fields.extend([SIGNATURE, 1, b'g', 0, 2, b'a', b's', 0]);
    }
    let mut message = vec![b'l', METHOD_CALL, 0, 1];
    put_number(&mut message, body.len());
    message.extend(serial.to_le_bytes());
    put_number(&mut message, fields.len());
    message.extend(fields);
    align(&mut message, 8);
    message.extend(body);
    message
}

fn align(bytes: &mut Vec<u8>, to: usize) {
    bytes.resize(bytes.len().next_multiple_of(to), 0);
}

fn put_number(bytes: &mut Vec<u8>, number: usize) {
    align(bytes, 4);
    bytes.extend(u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes());
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_number(bytes, text.len());
    bytes.extend(text.as_bytes());
    bytes.push(0);
}

/// A message that came.
#[derive(Debug)]
struct Message {
    kind: u8,
    is_big_endian: bool,
    reply_to: Option<u32>,
    /// The error's name; empty when it is none.
    error: String,
    body: Vec<u8>,
}

impl Message {
    fn read(from: &mut impl Read) -> std::io::Result<Self> {
        let mut head = [0; 16];
        from.read_exact(&mut head)?;
        let [endian, kind, ..] = head;
        let is_big_endian = endian == b'B';
        let mut reader = Reader {
            bytes: &head,
            at: 4,
            is_big_endian,
        };
        let mut next = || reader.number().unwrap_or(u32::MAX) as usize;
        let (body, _serial, fields) = (next(), next(), next());
        let rest = fields.saturating_add(body).saturating_add(8);
        if rest > MESSAGE_BYTES_MAX {
            return Err(std::io::Error::other("a message is too long"));
        }
        let mut heads = vec![0; fields.next_multiple_of(8)];
        from.read_exact(&mut heads)?;
        heads.truncate(fields);
        let mut bytes = vec![0; body];
        from.read_exact(&mut bytes)?;
        let mut reader = Reader {
            bytes: &heads,
            at: 0,
            is_big_endian,
        };
        let (reply_to, error) = reader.reply();
        Ok(Self {
            kind,
            is_big_endian,
            reply_to,
            error: error.to_owned(),
            body: bytes,
        })
    }

    /// The first word of every unit of the answer, `a(ssssssouso)`.
    fn names(&self) -> Option<Vec<String>> {
        let mut reader = Reader {
            bytes: &self.body,
            at: 0,
            is_big_endian: self.is_big_endian,
        };
        let bytes = reader.number()? as usize;
        reader.align(8);
        let end = reader.at.checked_add(bytes)?;
        let mut names = Vec::new();
        while reader.at < end {
            reader.align(8);
            names.push(reader.text()?.to_owned());
            // Description, load state, active state, sub state, followed unit, object path.
            for _ in 0..6 {
                reader.text()?;
            }
            reader.number()?;
            // Kind and object path of the job.
            reader.text()?;
            reader.text()?;
        }
        Some(names)
    }
}

/// Reads values where D-Bus aligns them.
#[derive(Debug)]
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    is_big_endian: bool,
}

impl<'a> Reader<'a> {
    const fn align(&mut self, to: usize) {
        self.at = self.at.next_multiple_of(to);
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(count)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        self.align(4);
        let four = self.take(4)?.try_into().ok()?;
        Some(if self.is_big_endian {
            u32::from_be_bytes(four)
        } else {
            u32::from_le_bytes(four)
        })
    }

    fn text(&mut self) -> Option<&'a str> {
        let len = self.number()? as usize;
        let text = std::str::from_utf8(self.take(len)?).ok();
        self.take(1)?;
        text
    }

    /// To which of our messages this one answers, if any, and the name of the error that it is.
    fn reply(&mut self) -> (Option<u32>, &'a str) {
        let (mut reply_to, mut error) = (None, "");
        while self.at < self.bytes.len() {
            match self.field() {
                Some((REPLY_SERIAL, Value::Number(serial))) => reply_to = Some(serial),
                Some((ERROR_NAME, Value::Text(name))) => error = name,
                Some(_) => {}
                None => break,
            }
        }
        (reply_to, error)
    }

    /// One field of a head: its code and its value.
    fn field(&mut self) -> Option<(u8, Value<'a>)> {
        self.align(8);
        let &code = self.take(1)?.first()?;
        let value = match self.signature()? {
            b"u" => Value::Number(self.number()?),
            b"s" | b"o" => Value::Text(self.text()?),
            b"g" => {
                self.signature()?;
                Value::Other
            }
            _ => return None,
        };
        Some((code, value))
    }

    fn signature(&mut self) -> Option<&'a [u8]> {
        let len = usize::from(*self.take(1)?.first()?);
        let kinds = self.take(len)?;
        self.take(1)?;
        Some(kinds)
    }
}

/// The value of a field.
enum Value<'a> {
    Number(u32),
    Text(&'a str),
    Other,
}

/// Every reader over arbitrary bytes: none may panic.
#[cfg(test)]
pub(super) fn fuzz_bus(data: &[u8]) {
    let _ = Message::read(&mut &*data).map(|message| message.names());
    let (bytes, is_big_endian) = (data, data.first().is_some_and(|byte| *byte > 127));
    let _ = Reader {
        bytes,
        at: 0,
        is_big_endian,
    }
    .reply();
}
