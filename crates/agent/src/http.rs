//! As much HTTP/1.1 as it takes to enrol and to ask for the upgrade to frames; blocking.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

/// How long to connect, and how long to wait for each piece of an answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of an answer.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// A TLS connection to the server.
pub(crate) type Stream = StreamOwned<ClientConnection, TcpStream>;

/// Connects to `host:port` and completes the handshake.
pub(crate) fn connect(server: &str, config: &Arc<ClientConfig>) -> io::Result<Stream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in server.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, TIMEOUT) {
            Ok(tcp) => return handshake(tcp, config),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn handshake(mut tcp: TcpStream, config: &Arc<ClientConfig>) -> io::Result<Stream> {
    tcp.set_nodelay(true)?;
    tcp.set_read_timeout(Some(TIMEOUT))?;
    tcp.set_write_timeout(Some(TIMEOUT))?;
    // The name is never sent nor checked: the pin is what counts.
    let name = ServerName::try_from("bongsu").map_err(io::Error::other)?;
    let mut tls = ClientConnection::new(config.clone(), name).map_err(io::Error::other)?;
    while tls.is_handshaking() {
        tls.complete_io(&mut tcp)?;
    }
    Ok(StreamOwned::new(tls, tcp))
}

/// An answer's head and what came of its body so far.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    length: Option<usize>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The body as a sentence for people.
    pub(crate) fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        let text = text.trim();
        if text.is_empty() {
            format!("HTTP status {}", self.status)
        } else {
            text.to_owned()
        }
    }
}

/// Sends a request and reads the whole answer.
pub(crate) fn post(
    stream: &mut Stream,
    server: &str,
    path: &str,
    body: &[u8],
) -> io::Result<Answer> {
    let len = body.len();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: {server}\r\nContent-Length: {len}\r\n\
         Connection: close\r\n\r\n"
    )?;
    stream.write_all(body)?;
    stream.flush()?;
    let mut answer = read_head(stream)?;
    read_body(stream, &mut answer)?;
    Ok(answer)
}

/// Asks for frames; an answer other than 101 has its text in the body.
pub(crate) fn upgrade(stream: &mut Stream, server: &str) -> io::Result<Answer> {
    write!(
        stream,
        "GET /connect HTTP/1.1\r\nHost: {server}\r\nConnection: Upgrade\r\n\
         Upgrade: bongsu/1\r\n\r\n"
    )?;
    stream.flush()?;
    let mut answer = read_head(stream)?;
    if answer.status != 101 {
        read_body(stream, &mut answer)?;
    }
    Ok(answer)
}

fn read_head(stream: &mut impl Read) -> io::Result<Answer> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 1024];
    loop {
        if let Some(answer) = parse_head(&bytes)? {
            return Ok(answer);
        }
        let len = read_some(stream, &mut chunk)?;
        if len == 0 || bytes.len() > ANSWER_BYTES_MAX {
            return Err(bad("the server's answer ends early"));
        }
        bytes.extend_from_slice(chunk.get(..len).unwrap_or_default());
    }
}

fn read_body(stream: &mut impl Read, answer: &mut Answer) -> io::Result<()> {
    let mut chunk = [0; 4096];
    while answer
        .length
        .is_none_or(|length| answer.body.len() < length)
    {
        let len = read_some(stream, &mut chunk)?;
        if len == 0 {
            break;
        }
        answer
            .body
            .extend_from_slice(chunk.get(..len).unwrap_or_default());
        if answer.body.len() > ANSWER_BYTES_MAX {
            return Err(bad("the server's answer is too long"));
        }
    }
    Ok(())
}

/// A peer that closes without a TLS farewell has simply finished.
fn read_some(stream: &mut impl Read, chunk: &mut [u8]) -> io::Result<usize> {
    match stream.read(chunk) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
        read => read,
    }
}

fn parse_head(bytes: &[u8]) -> io::Result<Option<Answer>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let (head, body) = bytes.split_at(end + 4);
    let head = String::from_utf8_lossy(head);
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let status = first
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3))
        .and_then(|code| code.parse().ok())
        .ok_or_else(|| bad("the server does not speak HTTP/1.1"))?;
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().ok())?
    });
    Ok(Some(Answer {
        status,
        length,
        body: body.to_vec(),
    }))
}

fn bad(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_whole_or_named_bad() {
        let bytes = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nus";
        let mut stream = bytes.chain(&b"ed up"[..]);
        let mut answer = read_head(&mut stream).unwrap();
        read_body(&mut stream, &mut answer).unwrap();
        assert_eq!((answer.status, answer.text().as_str()), (403, "used up"));
        assert!(read_head(&mut &b"SSH-2.0\r\n\r\n"[..]).is_err());
        assert!(read_head(&mut &b"HTTP/1.1 200 OK\r\n"[..]).is_err());
    }
}
