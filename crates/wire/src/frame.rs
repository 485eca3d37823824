//! Frames: a length, a kind, a body and a CRC-32; the outermost form of everything on the road.

use model::limits;

use crate::varint;

/// What a frame carries. Numbers are for ever; unknown ones are skipped by the reader.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Kind {
    /// Agent → server, first: [`crate::Hello`].
    Hello = 1,
    /// Server → agent, the answer: [`crate::Welcome`].
    Welcome = 2,
    /// Either way, last: [`crate::Goodbye`].
    Goodbye = 3,
    /// Server → agent: [`crate::Config`].
    Config = 4,
    /// Agent → server: one sample block ([`crate::Decoder`]) that is fresh.
    Samples = 5,
    /// Server → agent: [`crate::Ack`].
    Ack = 6,
    /// Agent → server: [`crate::TimePing`].
    TimePing = 7,
    /// Server → agent: [`crate::TimePong`].
    TimePong = 8,
    /// Agent → server: [`crate::Gap`].
    Gap = 9,
    /// Agent → server: [`crate::Facts`].
    Facts = 10,
    /// Agent → server: [`crate::Discovered`].
    Discovered = 11,
    /// Server → agent: [`crate::TopRequest`].
    TopRequest = 12,
    /// Agent → server: [`crate::Top`].
    Top = 13,
    /// Server → agent: [`crate::Order`].
    Order = 14,
    /// Agent → server: [`crate::OrderResult`].
    OrderResult = 15,
    /// Either way: [`crate::Warning`].
    Warning = 16,
    /// Agent → server: one sample block from before; its dictionary is another than that of `Samples`.
    Backlog = 17,
    /// Agent → server: [`crate::Statuses`].
    Statuses = 18,
    /// Agent → server: [`crate::Notes`].
    Notes = 19,
}

impl Kind {
    const ALL: [Self; 19] = [
        Self::Hello,
        Self::Welcome,
        Self::Goodbye,
        Self::Config,
        Self::Samples,
        Self::Ack,
        Self::TimePing,
        Self::TimePong,
        Self::Gap,
        Self::Facts,
        Self::Discovered,
        Self::TopRequest,
        Self::Top,
        Self::Order,
        Self::OrderResult,
        Self::Warning,
        Self::Backlog,
        Self::Statuses,
        Self::Notes,
    ];

    /// The kind with this number, if this program knows it.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == code)
    }
}

/// One frame, borrowed from the decoder's buffer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Frame<'a> {
    /// The number of the kind; see [`Kind::from_code`].
    pub kind: u8,
    /// The body without kind and CRC.
    pub body: &'a [u8],
}

/// Why a stream of frames cannot be read on.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FrameError {
    /// The length field exceeds the limit.
    #[error("a frame of {len_bytes} bytes; the limit is {limit_bytes}")]
    TooLong {
        /// What the length field says.
        len_bytes: u64,
        /// What is allowed at this point of the connection.
        limit_bytes: usize,
    },
    /// The length field is zero or not a number.
    #[error("a frame without a valid length")]
    BadLength,
    /// The bytes are not those that were sent.
    #[error("the checksum of a frame of kind {kind} is wrong")]
    Checksum {
        /// The kind as read.
        kind: u8,
    },
    /// The body of a known kind cannot be read.
    #[error("the body of a {kind:?} frame cannot be read: {what}")]
    Body {
        /// Which frame.
        kind: Kind,
        /// What the reader said.
        what: String,
    },
}

const CRC_BYTES: usize = 4;

/// Appends one frame to `out`.
///
/// # Errors
/// When the body exceeds [`limits::FRAME_BYTES_MAX`].
pub fn encode_frame(kind: Kind, body: &[u8], out: &mut Vec<u8>) -> Result<(), FrameError> {
    let len = body.len() + 1;
    if len > limits::FRAME_BYTES_MAX {
        return Err(FrameError::TooLong {
            len_bytes: len as u64,
            limit_bytes: limits::FRAME_BYTES_MAX,
        });
    }
    varint::put(out, len as u64);
    out.push(kind as u8);
    out.extend_from_slice(body);
    out.extend_from_slice(&checksum(kind as u8, body).to_le_bytes());
    Ok(())
}

/// Appends one frame with a control message to `out`.
///
/// # Errors
/// When the message exceeds [`limits::FRAME_BYTES_MAX`].
pub fn encode_message(
    kind: Kind,
    message: &impl prost::Message,
    out: &mut Vec<u8>,
) -> Result<(), FrameError> {
    encode_frame(kind, &message.encode_to_vec(), out)
}

impl Frame<'_> {
    /// Reads the body as a control message of `kind`.
    ///
    /// # Errors
    /// When the body is not that message.
    pub fn message<M: prost::Message + Default>(&self, kind: Kind) -> Result<M, FrameError> {
        M::decode(self.body).map_err(|error| FrameError::Body {
            kind,
            what: error.to_string(),
        })
    }
}

fn checksum(kind: u8, body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&[kind]);
    hasher.update(body);
    hasher.finalize()
}

/// Cuts a stream of bytes into frames.
#[derive(Debug)]
pub struct FrameDecoder {
    buffer: Vec<u8>,
    start: usize,
    limit_bytes: usize,
}

/// A buffer that grew beyond this is given back once it is empty.
const KEEP_BYTES: usize = 8 * 1024;

impl FrameDecoder {
    /// A decoder that refuses frames over `limit_bytes`.
    #[must_use]
    pub const fn new(limit_bytes: usize) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            limit_bytes,
        }
    }

    /// Changes the limit, as after a peer has proved who it is.
    pub const fn set_limit(&mut self, limit_bytes: usize) {
        self.limit_bytes = limit_bytes;
    }

    /// Appends bytes as they came from the peer.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        if self.buffer.is_empty() && self.buffer.capacity() > KEEP_BYTES {
            self.buffer.shrink_to(KEEP_BYTES);
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame, or nothing when more bytes are needed.
    ///
    /// # Errors
    /// When the stream is broken; the connection cannot be used any more.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, FrameError> {
        let unread = self.buffer.get(self.start..).unwrap_or(&[]);
        let mut rest = unread;
        let Some(len) = varint::take(&mut rest) else {
            // Ten bytes always hold a number: fewer may still become one.
            return if unread.len() < 10 {
                Ok(None)
            } else {
                Err(FrameError::BadLength)
            };
        };
        if len == 0 {
            return Err(FrameError::BadLength);
        }
        let len = usize::try_from(len)
            .ok()
            .filter(|&len| len <= self.limit_bytes)
            .ok_or(FrameError::TooLong {
                len_bytes: len,
                limit_bytes: self.limit_bytes,
            })?;
        let header = unread.len() - rest.len();
        let (Some(framed), Some(crc)) = (rest.get(..len), rest.get(len..len + CRC_BYTES)) else {
            return Ok(None);
        };
        let Some((&kind, body)) = framed.split_first() else {
            return Err(FrameError::BadLength);
        };
        if checksum(kind, body).to_le_bytes() != *crc {
            return Err(FrameError::Checksum { kind });
        }
        self.start += header + len + CRC_BYTES;
        Ok(Some(Frame { kind, body }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(body: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        encode_frame(Kind::Ack, body, &mut out).unwrap();
        out
    }

    #[test]
    fn the_bytes_of_a_frame_do_not_change() {
        assert_eq!(framed(b"hi"), [3, 6, b'h', b'i', 0xF3, 0x9D, 0x86, 0x62]);
    }

    #[test]
    fn frames_come_out_whole_however_they_arrive() {
        let mut stream = framed(b"first");
        stream.extend(framed(&[7; 300]));
        let mut decoder = FrameDecoder::new(1024);
        let mut seen = Vec::new();
        for byte in stream {
            decoder.push(&[byte]);
            while let Some(frame) = decoder.next_frame().unwrap() {
                seen.push((frame.kind, frame.body.to_vec()));
            }
        }
        assert_eq!(seen, [(6, b"first".to_vec()), (6, vec![7; 300])]);
    }

    #[test]
    fn a_broken_stream_says_what_is_wrong() {
        let mut decoder = FrameDecoder::new(16);
        decoder.push(&framed(&[0; 16]));
        let too_long = FrameError::TooLong {
            len_bytes: 17,
            limit_bytes: 16,
        };
        assert_eq!(decoder.next_frame(), Err(too_long));

        let mut bytes = framed(b"hi");
        bytes[2] ^= 1;
        let mut decoder = FrameDecoder::new(16);
        decoder.push(&bytes);
        assert_eq!(decoder.next_frame(), Err(FrameError::Checksum { kind: 6 }));

        for bytes in [&[0_u8][..], &[0xFF; 12]] {
            let mut decoder = FrameDecoder::new(16);
            decoder.push(bytes);
            assert!(decoder.next_frame().is_err());
        }
    }
}
