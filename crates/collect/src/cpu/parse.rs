//! `/proc/stat`, `/proc/loadavg` and `/proc/pressure/*` as numbers.

use crate::scan::{float, lines, text, unsigned, words};

/// Clock ticks per second in `/proc`: the kernel shows 100 on every architecture.
pub const TICKS_PER_SECOND: f64 = 100.0;
/// The modes of a `cpu` line, in its order.
pub const MODES: [&str; 8] = [
    "user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal",
];

/// The ticks of one processor (or all of them), by mode as in [`MODES`]; absent modes are zero
/// because old kernels do not have them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct CpuTicks {
    /// By mode.
    pub modes: [u64; 8],
    /// How many of the modes this kernel has.
    pub known: usize,
    /// Ticks given to guests, a part of `user` and of `nice`.
    pub guest: [u64; 2],
}

impl CpuTicks {
    /// The growth since `before` by mode; a mode that went back (iowait may) counts as unchanged.
    #[must_use]
    pub fn since(&self, before: &Self) -> [u64; 8] {
        let mut delta = [0; 8];
        for (to, (now, then)) in delta.iter_mut().zip(self.modes.iter().zip(before.modes)) {
            *to = now.saturating_sub(then);
        }
        delta
    }
}

/// What a delta by mode amounts to: (ticks not idle and not waiting for disks, all ticks).
#[must_use]
pub fn used_of(delta: &[u64; 8]) -> (u64, u64) {
    let total: u64 = delta.iter().sum();
    let [_, _, _, idle, iowait, ..] = *delta;
    (total.saturating_sub(idle + iowait), total)
}

/// One line of `/proc/stat` that matters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StatLine<'a> {
    /// All processors together.
    Total(CpuTicks),
    /// One processor, by its number as text.
    Cpu(&'a str, CpuTicks),
    /// Another number: (its first word, its first value).
    Other(&'a [u8], u64),
}

/// The lines of `/proc/stat`.
pub fn stat(bytes: &[u8]) -> impl Iterator<Item = StatLine<'_>> {
    lines(bytes).filter_map(|line| {
        let mut words = words(line);
        let name = words.next()?;
        let Some(number) = name.strip_prefix(b"cpu") else {
            return Some(StatLine::Other(name, unsigned(words.next()?)?));
        };
        let mut ticks = CpuTicks::default();
        for (to, word) in ticks.modes.iter_mut().zip(words.by_ref()) {
            *to = unsigned(word)?;
            ticks.known += 1;
        }
        for (to, word) in ticks.guest.iter_mut().zip(words) {
            *to = unsigned(word)?;
        }
        match number {
            b"" => Some(StatLine::Total(ticks)),
            number if number.iter().all(u8::is_ascii_digit) => {
                Some(StatLine::Cpu(text(number)?, ticks))
            }
            _ => None,
        }
    })
}

/// The three load averages: over 1, 5 and 15 minutes.
#[must_use]
pub fn loadavg(bytes: &[u8]) -> Option<[f64; 3]> {
    let mut words = words(bytes);
    Some([
        float(words.next()?)?,
        float(words.next()?)?,
        float(words.next()?)?,
    ])
}

/// One line of a pressure file.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pressure {
    /// Share of the last minute, 0–1.
    pub avg60_ratio: f64,
    /// Seconds since boot.
    pub total_s: f64,
}

/// A pressure file: the lines `some` and `full`.
#[must_use]
pub fn pressure(bytes: &[u8]) -> (Option<Pressure>, Option<Pressure>) {
    let (mut some, mut full) = (None, None);
    for line in lines(bytes) {
        let mut words = words(line);
        let name = words.next();
        let mut is = Pressure::default();
        let mut complete = false;
        for word in words {
            if let Some(value) = word.strip_prefix(b"avg60=") {
                is.avg60_ratio = float(value).unwrap_or(0.0) / 100.0;
            } else if let Some(value) = word.strip_prefix(b"total=").and_then(unsigned) {
                is.total_s = crate::scan::as_f64(value) / 1e6;
                complete = true;
            }
        }
        match name {
            Some(b"some") if complete => some = Some(is),
            Some(b"full") if complete => full = Some(is),
            _ => {}
        }
    }
    (some, full)
}

/// Every parser of this collector over arbitrary bytes: none may panic.
pub fn fuzz_cpu(data: &[u8]) {
    for line in stat(data) {
        if let StatLine::Cpu(_, ticks) | StatLine::Total(ticks) = line {
            let _ = used_of(&ticks.since(&CpuTicks::default()).map(|ticks| ticks >> 8));
        }
    }
    let _ = (loadavg(data), pressure(data));
}
