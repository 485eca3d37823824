//! `/proc/PID/stat`: the line that everything that looks at processes reads.

/// Bytes of a page in `/proc/PID/stat`; 4 KiB on every machine this program is built for.
pub const PAGE_BYTES: f64 = 4096.0;
/// Clock ticks per second in `/proc`.
const TICKS_PER_SECOND: f64 = 100.0;

/// One process, as the kernel tells in one line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PidStat<'a> {
    /// Its number.
    pub pid: u32,
    /// Its name, at most 15 bytes; may hold spaces, brackets and anything else.
    pub name: &'a [u8],
    /// `R`, `S`, `D`, `Z`, ….
    pub state: u8,
    /// Its parent's number.
    pub parent: u32,
    /// Its process group.
    pub group: u32,
    /// Its session.
    pub session: u32,
    /// Processor time in ticks: in programs and in the kernel.
    pub ticks: [u64; 2],
    /// Processor time of children that were waited for, in ticks.
    pub child_ticks: [u64; 2],
    /// Threads.
    pub threads: u64,
    /// When it started, in ticks since boot: with the number it names a process for good.
    pub start_ticks: u64,
    /// Pages in memory.
    pub rss_pages: u64,
}

impl<'a> PidStat<'a> {
    /// Reads the line. The name stands in brackets and may contain brackets: the last one ends it.
    #[must_use]
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        let open = line.iter().position(|&byte| byte == b'(')?;
        let close = line.iter().rposition(|&byte| byte == b')')?;
        let name = line.get(open + 1..close)?;
        let pid = unsigned(line.get(..open)?.trim_ascii())?;
        let mut rest = words(line.get(close + 1..)?);
        let state = *rest.next()?.first()?;
        let mut number = |skip: usize| unsigned(rest.nth(skip)?);
        let parent = number(0)?;
        let group = number(0)?;
        let session = number(0)?;
        let ticks = [number(7)?, number(0)?];
        let child_ticks = [number(0)?, number(0)?];
        // Priority and niceness, which may be negative, are skipped.
        let threads = number(2)?;
        let start_ticks = number(1)?;
        let rss_pages = number(1)?;
        let narrow = |wide| u32::try_from(wide).ok();
        Some(Self {
            pid: narrow(pid)?,
            name,
            state,
            parent: narrow(parent)?,
            group: narrow(group)?,
            session: narrow(session)?,
            ticks,
            child_ticks,
            threads,
            start_ticks,
            rss_pages,
        })
    }

    /// Processor time in seconds, in programs and in the kernel.
    #[must_use]
    pub fn cpu_s(&self) -> f64 {
        let [user, system] = self.ticks;
        seconds(user.saturating_add(system))
    }
}

/// Ticks as seconds.
#[expect(
    clippy::cast_precision_loss,
    reason = "ticks of some years are below 2^53"
)]
pub(crate) fn seconds(ticks: u64) -> f64 {
    ticks as f64 / TICKS_PER_SECOND
}

fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
}

fn unsigned(word: &[u8]) -> Option<u64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// The parser over arbitrary bytes: it may not panic.
pub fn fuzz_pidstat(data: &[u8]) {
    let _ = PidStat::parse(data).map(|stat| stat.cpu_s());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LINE: &[u8] = b"4321 (a (b) c) S 1 4321 4300 0 -1 4194560 1 2 3 4 250 50 7 8 20 -5 3 0 \
        987654 123456789 1000 18446744073709551615 1 1 0 0 0";

    #[test]
    fn a_name_with_brackets_does_not_shift_the_numbers() {
        let stat = PidStat::parse(LINE).unwrap();
        assert_eq!(
            (stat.pid, stat.name, stat.state),
            (4321, &b"a (b) c"[..], b'S')
        );
        assert_eq!((stat.parent, stat.group, stat.session), (1, 4321, 4300));
        assert_eq!(
            (stat.ticks, stat.child_ticks, stat.threads),
            ([250, 50], [7, 8], 3)
        );
        assert_eq!((stat.start_ticks, stat.rss_pages), (987_654, 1000));
        assert!((stat.cpu_s() - 3.0).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn damaged_lines_never_panic(cut in 0..200_usize, at in 0..200_usize, byte: u8) {
            let mut data = LINE[..cut.min(LINE.len())].to_vec();
            if let Some(slot) = data.get_mut(at) {
                *slot = byte;
            }
            fuzz_pidstat(&data);
        }
    }
}
