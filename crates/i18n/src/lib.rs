//! Both languages of the product: its texts, and numbers, sizes and times as people read them.
//!
//! Owns the compiled catalogue (`translations/<lang>/<area>.toml`, key `<area>.<key>`). Adding an
//! area is adding the two files; nothing lists them by hand. Invariants, tested: both languages have
//! the same keys with the same placeholders; every key named in code or a template exists; no key is
//! unused. Absent on purpose: no clock (now is an argument), no run-time loading, no fall-back from
//! one language to the other.
//!
//! A text may hold `{name}` (the value), `{name:이/가}` (the value with the Korean particle that
//! fits it; the form after a consonant stands first) and `{count|host|hosts}` (the word for one or
//! for many; the number itself is not repeated).

mod catalogue;
mod fill;
mod numbers;
mod particle;
mod times;

pub use catalogue::{find, keys, t};
pub use fill::{fill, placeholders, tf};
pub use model::Lang;
pub use numbers::{Unit, bytes, bytes_rate, integer, number, percent, value};
pub use particle::with_particle;
pub use times::{
    TimeZone, clock_time, date, date_time, duration_ms, iso, relative, short_time, time_zone,
};
