//! What agent and server say to each other: frames, control messages and the sample block.
//!
//! Owns the bytes on the road and nothing else: no socket, no clock, no file. Every codec here is
//! sans-IO (bytes in, values out), so that both ends, the agent's disk queue, tests and fuzzing use
//! the same code. `docs/format/wire.md` describes the format; golden bytes in the tests hold it.
//!
//! Invariants:
//! - A reader never allocates more than the limit it was given, whatever a length field says.
//! - Unknown frame kinds and unknown protobuf fields are skipped: the protocol grows by addition.
//! - A value comes out with the same 64 bits that went in.
//! - Malformed bytes are an error that names what was wrong; they never panic.

mod bits;
mod control;
mod frame;
pub mod fuzz;
mod pin;
mod sample;
mod strings;
mod varint;
mod version;

pub use control::*;
pub use frame::{Frame, FrameDecoder, FrameError, Kind, encode_frame, encode_message};
pub use pin::{Pin, PinError};
pub use sample::{BlockHead, BlockSink, DICTIONARY_MAX, Decoder, Encoder, SampleError};
pub use version::{PROTOCOL_MAX, PROTOCOL_MIN, VersionRefused, negotiate};
