//! A connection that never blocks: TLS over a socket, frames in and out.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;

use rustix::event::{PollFd, PollFlags};
use rustls::ClientConnection;
use wire::FrameDecoder;

use crate::http::Stream;

/// Bytes that may wait for a slow road before nothing more is written.
const WAITING_BYTES_MAX: usize = 1024 * 1024;
const READ_BYTES: usize = 4 * 1024;

/// A connection after the upgrade.
#[derive(Debug)]
pub(crate) struct Conn {
    tcp: TcpStream,
    tls: ClientConnection,
    pub(crate) frames: FrameDecoder,
    out: Vec<u8>,
    /// Bytes of TLS that went out and came in after the handshake.
    bytes: (u64, u64),
}

impl Conn {
    /// Takes over a stream; `early` came with the answer to the upgrade.
    pub(crate) fn new(stream: Stream, early: &[u8]) -> io::Result<Self> {
        let (mut tls, tcp) = stream.into_parts();
        tcp.set_nonblocking(true)?;
        tls.set_buffer_limit(Some(WAITING_BYTES_MAX));
        let mut frames = FrameDecoder::new(model::limits::FRAME_BYTES_MAX);
        frames.push(early);
        Ok(Self {
            tcp,
            tls,
            frames,
            out: Vec::new(),
            bytes: (0, 0),
        })
    }

    /// Where frames are appended that [`Conn::flush`] sends.
    pub(crate) const fn out(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// Whether so little waits that more may be written.
    pub(crate) fn has_room(&self) -> bool {
        self.out.len() < WAITING_BYTES_MAX / 4
    }

    /// Bytes of TLS that went out and came in so far.
    pub(crate) const fn bytes(&self) -> (u64, u64) {
        self.bytes
    }

    /// What to wait for.
    pub(crate) fn poll_fd(&self) -> PollFd<'_> {
        let writes = self.tls.wants_write() || !self.out.is_empty();
        let flags = if writes {
            PollFlags::IN | PollFlags::OUT
        } else {
            PollFlags::IN
        };
        PollFd::new(&self.tcp, flags)
    }

    /// Sends as much as the socket takes.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        loop {
            if !self.out.is_empty() {
                let taken = self.tls.writer().write(&self.out)?;
                self.out.drain(..taken);
                if self.out.is_empty() {
                    self.out.shrink_to(READ_BYTES);
                }
            }
            if !self.tls.wants_write() {
                return Ok(());
            }
            match self.tls.write_tls(&mut self.tcp) {
                Ok(len) => self.bytes.0 += len as u64,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads what there is into [`Conn::frames`]; true when something came.
    pub(crate) fn receive(&mut self) -> io::Result<bool> {
        let mut some = false;
        loop {
            match self.tls.read_tls(&mut self.tcp) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(len) => {
                    self.bytes.1 += len as u64;
                    some = true;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(some),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            self.tls.process_new_packets().map_err(io::Error::other)?;
            self.take_plain()?;
        }
    }

    fn take_plain(&mut self) -> io::Result<()> {
        let mut chunk = [0; READ_BYTES];
        loop {
            match self.tls.reader().read(&mut chunk) {
                Ok(0) => return Ok(()),
                Ok(len) => self.frames.push(chunk.get(..len).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// Says farewell and waits a moment for what is on its way.
    pub(crate) fn close(mut self) {
        let _ = self.tcp.set_nonblocking(false);
        let _ = self
            .tcp
            .set_write_timeout(Some(std::time::Duration::from_millis(500)));
        let _ = self.flush();
        self.tls.send_close_notify();
        let _ = self.flush();
    }
}
