//! What agent and runner say to each other: four length bytes (little endian), then protobuf.

use std::io::{Error, ErrorKind, Read, Write};

use model::limits::FRAME_BYTES_MAX;
use prost::Message;

use crate::order::SignedOrder;
use crate::run::{Ended, Report, Usage};
use crate::transcript::{Chunk, Stream, Transcript};

/// From the agent: one order, later perhaps its cancellation.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Request {
    #[prost(message, optional, tag = "1")]
    pub(crate) order: Option<SignedOrder>,
    #[prost(bool, tag = "2")]
    pub(crate) cancel: bool,
}

/// From the runner, while an order is carried out.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The order was accepted; the program starts.
    Started {
        /// The program's name on the allow-list.
        name: String,
        /// As whom it runs.
        user: String,
    },
    /// It wrote something.
    Output(Chunk),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Response {
    #[prost(oneof = "What", tags = "1, 2, 3, 4")]
    pub(crate) what: Option<What>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum What {
    #[prost(message, tag = "1")]
    Started(Started),
    #[prost(message, tag = "2")]
    Output(WireChunk),
    #[prost(message, tag = "3")]
    Finished(Box<Finished>),
    /// In words.
    #[prost(string, tag = "4")]
    Refused(String),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Started {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) user: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct WireChunk {
    #[prost(uint64, tag = "1")]
    at_ms: u64,
    #[prost(bool, tag = "2")]
    err: bool,
    #[prost(bytes = "vec", tag = "3")]
    bytes: Vec<u8>,
}

/// How it ended: a kind and the code, signal or whether SIGKILL was needed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum EndKind {
    Exit = 0,
    Signal = 1,
    TimeLimit = 2,
    OutputLimit = 3,
    Cancelled = 4,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Finished {
    #[prost(enumeration = "EndKind", tag = "1")]
    end: i32,
    #[prost(sint32, tag = "2")]
    code: i32,
    #[prost(int64, tag = "3")]
    started_at_ms: i64,
    #[prost(uint64, tag = "4")]
    duration_ms: u64,
    #[prost(double, tag = "5")]
    user_s: f64,
    #[prost(double, tag = "6")]
    system_s: f64,
    #[prost(uint64, tag = "7")]
    memory_bytes_max: u64,
    #[prost(uint32, tag = "8")]
    leftovers_killed: u32,
    #[prost(uint32, tag = "9")]
    survivors: u32,
    #[prost(bool, tag = "10")]
    cgroup: bool,
    #[prost(message, repeated, tag = "11")]
    head: Vec<WireChunk>,
    #[prost(message, repeated, tag = "12")]
    tail: Vec<WireChunk>,
    #[prost(uint64, tag = "13")]
    dropped_bytes: u64,
}

impl From<&Chunk> for WireChunk {
    fn from(chunk: &Chunk) -> Self {
        let Chunk {
            at_ms,
            stream,
            bytes,
        } = chunk;
        Self {
            at_ms: *at_ms,
            err: *stream == Stream::Err,
            bytes: bytes.clone(),
        }
    }
}

impl From<WireChunk> for Chunk {
    fn from(chunk: WireChunk) -> Self {
        let stream = if chunk.err { Stream::Err } else { Stream::Out };
        Self {
            at_ms: chunk.at_ms,
            stream,
            bytes: chunk.bytes,
        }
    }
}

impl From<&Report> for Finished {
    fn from(report: &Report) -> Self {
        let (end, code) = match report.ended {
            Ended::Exit(code) => (EndKind::Exit, code),
            Ended::Signal(signal) => (EndKind::Signal, signal),
            Ended::TimeLimit { killed } => (EndKind::TimeLimit, i32::from(killed)),
            Ended::OutputLimit => (EndKind::OutputLimit, 0),
            Ended::Cancelled => (EndKind::Cancelled, 0),
        };
        Self {
            end: end.into(),
            code,
            started_at_ms: report.started_at_ms,
            duration_ms: report.duration_ms,
            user_s: report.usage.user_s,
            system_s: report.usage.system_s,
            memory_bytes_max: report.usage.memory_bytes_max,
            leftovers_killed: report.leftovers_killed,
            survivors: report.survivors,
            cgroup: report.containment == "cgroup",
            head: report
                .transcript
                .head()
                .iter()
                .map(WireChunk::from)
                .collect(),
            tail: report.transcript.tail().map(WireChunk::from).collect(),
            dropped_bytes: report.transcript.dropped_bytes(),
        }
    }
}

impl From<Finished> for Report {
    fn from(wire: Finished) -> Self {
        let ended = match wire.end() {
            EndKind::Exit => Ended::Exit(wire.code),
            EndKind::Signal => Ended::Signal(wire.code),
            EndKind::TimeLimit => Ended::TimeLimit {
                killed: wire.code != 0,
            },
            EndKind::OutputLimit => Ended::OutputLimit,
            EndKind::Cancelled => Ended::Cancelled,
        };
        let chunks = |list: Vec<WireChunk>| list.into_iter().map(Chunk::from).collect();
        Self {
            ended,
            transcript: Transcript::from_parts(
                chunks(wire.head),
                chunks(wire.tail),
                wire.dropped_bytes,
            ),
            started_at_ms: wire.started_at_ms,
            duration_ms: wire.duration_ms,
            usage: Usage {
                user_s: wire.user_s,
                system_s: wire.system_s,
                memory_bytes_max: wire.memory_bytes_max,
            },
            leftovers_killed: wire.leftovers_killed,
            survivors: wire.survivors,
            containment: if wire.cgroup { "cgroup" } else { "subreaper" },
        }
    }
}

/// Writes one frame.
pub(crate) fn write_frame(to: &mut impl Write, message: &impl Message) -> std::io::Result<()> {
    let body = message.encode_to_vec();
    let length = u32::try_from(body.len())
        .ok()
        .filter(|_| body.len() <= FRAME_BYTES_MAX);
    let length = length.ok_or_else(|| Error::new(ErrorKind::InvalidInput, "frame too long"))?;
    let mut frame = length.to_le_bytes().to_vec();
    frame.extend(body);
    to.write_all(&frame)
}

/// Reads one frame; none at the end of the stream.
pub(crate) fn read_frame<T: Message + Default>(from: &mut impl Read) -> std::io::Result<Option<T>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if length > FRAME_BYTES_MAX {
        return Err(Error::new(ErrorKind::InvalidData, "frame too long"));
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    T::decode(body.as_slice())
        .map(Some)
        .map_err(|e| Error::new(ErrorKind::InvalidData, e))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_report_travels_whole() {
        let mut transcript = Transcript::new(2_000);
        transcript.push(1, Stream::Out, &[0xB0, 0xA1]);
        transcript.push(2, Stream::Err, &[7; 3_000]);
        for ended in [
            Ended::Exit(3),
            Ended::Signal(9),
            Ended::TimeLimit { killed: true },
            Ended::OutputLimit,
            Ended::Cancelled,
        ] {
            let report = Report {
                ended,
                transcript: transcript.clone(),
                started_at_ms: 5,
                duration_ms: 6,
                usage: Usage {
                    user_s: 0.5,
                    system_s: 0.25,
                    memory_bytes_max: 7,
                },
                leftovers_killed: 8,
                survivors: 0,
                containment: "cgroup",
            };
            let mut bytes = Vec::new();
            write_frame(&mut bytes, &Finished::from(&report)).unwrap();
            let read: Finished = read_frame(&mut bytes.as_slice()).unwrap().unwrap();
            let back = Report::from(read);
            assert_eq!(back.ended, ended);
            assert_eq!(back.transcript.to_text(), report.transcript.to_text());
            assert_eq!(
                back.transcript.dropped_bytes(),
                report.transcript.dropped_bytes()
            );
            assert_eq!(
                (back.usage, back.containment),
                (report.usage, report.containment)
            );
        }
    }

    proptest! {
        #[test]
        fn arbitrary_frames_never_panic(data in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_frame::<Request>(&mut data.as_slice());
            let _ = read_frame::<Response>(&mut data.as_slice());
        }
    }
}
