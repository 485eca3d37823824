//! The smallest HTTP client that speaks to programs on this machine: one request a connection.

use anyhow::{Context as _, Result, bail};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// How long a local program may take to answer; a browser's first page is the slowest.
const ANSWER_S_MAX: u64 = 60;

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Its status code.
    pub(crate) status: u16,
    /// Its head, line by line as it came.
    pub(crate) head: String,
    /// Its body.
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The value of a header; names are told apart without case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// Sends one request to a port of this machine and reads the whole answer.
pub(crate) fn request(port: u16, method: &str, path: &str, body: &str) -> Result<Answer> {
    request_with(port, (method, path), &[], body)
}

/// As [`request`], with headers of its own.
pub(crate) fn request_with(
    port: u16,
    (method, path): (&str, &str),
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Answer> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))
        .with_context(|| format!("nothing listens on port {port}"))?;
    stream.set_read_timeout(Some(Duration::from_secs(ANSWER_S_MAX)))?;
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    let mut bytes = Vec::new();
    let mut buffer = [0; 16 * 1024];
    // Not every program closes when it is asked to, so the end is read off the answer itself.
    while !is_whole(&bytes) {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        bytes.extend_from_slice(buffer.get(..count).unwrap_or_default());
    }
    parse(&bytes).with_context(|| format!("{method} {path} was not answered in HTTP"))
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Waits until something listens on the port.
pub(crate) fn wait_for(port: u16) -> Result<()> {
    for _ in 0..200 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    bail!("nothing listens on port {port} after 10 s")
}

/// The head and the body behind it.
fn split(bytes: &[u8]) -> Option<(String, &[u8])> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let (head, body) = bytes.split_at(end);
    Some((String::from_utf8_lossy(head).into_owned(), body.get(4..)?))
}

fn is_chunked(head: &str) -> bool {
    head.to_lowercase().contains("transfer-encoding: chunked")
}

/// Whether all of an answer that says how long it is has arrived.
fn is_whole(bytes: &[u8]) -> bool {
    let Some((head, body)) = split(bytes) else {
        return false;
    };
    if is_chunked(&head) {
        return body.ends_with(b"0\r\n\r\n");
    }
    let head = head.to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"));
    length
        .and_then(|digits| digits.trim().parse().ok())
        .is_some_and(|n: usize| body.len() >= n)
}

fn parse(bytes: &[u8]) -> Result<Answer> {
    let (head, body) = split(bytes).context("no end of head")?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Ok(Answer {
        status: status.context("no status")?,
        body: if is_chunked(&head) {
            joined(body)?
        } else {
            body.to_vec()
        },
        head,
    })
}

/// The chunks of a body, put together.
fn joined(mut rest: &[u8]) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest
            .windows(2)
            .position(|two| two == b"\r\n")
            .context("a cut chunk")?;
        let (line, after) = rest.split_at(end);
        let digits = String::from_utf8_lossy(line);
        let size = usize::from_str_radix(digits.split(';').next().unwrap_or("").trim(), 16)?;
        if size == 0 {
            return Ok(body);
        }
        let chunk = after.get(2..size + 2).context("a cut chunk")?;
        body.extend_from_slice(chunk);
        rest = after.get(size + 4..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_and_chunked_answers_are_read() {
        let plain = parse(b"HTTP/1.1 404 Not Found\r\nA: b\r\n\r\nhello").unwrap();
        assert_eq!((plain.status, plain.body.as_slice()), (404, &b"hello"[..]));
        assert_eq!(plain.header("a"), Some("b"));
        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
                        3\r\nabc\r\na;x=y\r\n0123456789\r\n0\r\n\r\n";
        assert_eq!(parse(chunked).unwrap().body, b"abc0123456789");
        assert!(is_whole(chunked) && !is_whole(&chunked[..chunked.len() - 1]));
        assert!(is_whole(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"));
        assert!(!is_whole(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na"));
        assert!(!is_whole(b"HTTP/1.1 200 OK\r\n"));
        assert!(parse(b"nonsense").is_err());
        assert!(joined(b"5\r\nab").is_err());
    }
}
