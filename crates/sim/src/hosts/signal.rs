//! The values of one series: calm, plateaus, spikes, filling disks, flapping links, dead processes.

use crate::dice::Dice;

/// What a series measures.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Measure {
    /// A used ratio: high is bad.
    Used,
    /// 1 while something is there, 0 while it is not.
    Up,
}

/// What a series is doing.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mood {
    Calm,
    /// Stays at a value.
    Plateau(f64),
    /// Rises from one value to another over its time.
    Filling(f64, f64),
    /// Good and bad in turn.
    Flapping,
    /// Bad for a single sample.
    Spike(f64),
    /// Bad.
    Down,
    /// Measured, but without a value.
    NoValue,
}

/// The generator of one series.
#[derive(Debug)]
pub(crate) struct Signal {
    measure: Measure,
    dice: Dice,
    mood: Mood,
    from_ms: i64,
    until_ms: i64,
    turn: bool,
    last: f64,
}

const MINUTE_MS: i64 = 60_000;
/// The disks' size, so that "less than 5 GiB free" is near "more than 90 % used".
const DISK_BYTES: f64 = 60.0 * 1024.0 * 1024.0 * 1024.0;

impl Signal {
    pub(crate) fn new(measure: Measure, dice: Dice) -> Self {
        Self {
            measure,
            dice,
            mood: Mood::Calm,
            from_ms: 0,
            until_ms: 0,
            turn: false,
            last: 0.4,
        }
    }

    /// The value at a time; `every_min` is the mean distance of troubles, none when it is 0.
    pub(crate) fn value(&mut self, at_ms: i64, every_min: i64) -> f64 {
        if every_min == 0 {
            self.mood = Mood::Calm;
        } else if at_ms >= self.until_ms {
            self.next_mood(at_ms, every_min);
        }
        self.turn = !self.turn;
        let calm = match self.measure {
            Measure::Used => self.dice.ratio(300, 450),
            Measure::Up => 1.0,
        };
        self.last = match self.mood {
            Mood::Calm => calm,
            Mood::Plateau(level) => level + self.dice.ratio(-4, 4),
            Mood::Filling(from, to) => {
                let whole_ms = (self.until_ms - self.from_ms).max(1);
                let past = (at_ms - self.from_ms) * 1_000 / whole_ms;
                let past = f64::from(i32::try_from(past).unwrap_or(0)) / 1_000.0;
                from + (to - from) * past
            }
            Mood::Flapping if self.turn => calm,
            Mood::Flapping | Mood::Down if self.measure == Measure::Up => 0.0,
            Mood::Flapping | Mood::Down => 0.99,
            Mood::Spike(level) => {
                self.mood = Mood::Calm;
                level
            }
            Mood::NoValue => f64::NAN,
        };
        self.last
    }

    /// The free bytes of a disk that is this full.
    pub(crate) fn free_bytes(used: f64) -> f64 {
        DISK_BYTES * (1.0 - used)
    }

    fn next_mood(&mut self, at_ms: i64, every_min: i64) {
        self.from_ms = at_ms;
        let rest = self.mood != Mood::Calm || self.until_ms == 0;
        if rest {
            self.mood = Mood::Calm;
            self.until_ms = at_ms + self.dice.between(0, 2 * every_min * MINUTE_MS);
            return;
        }
        let bad = self.dice.ratio(720, 995);
        let throw = self.dice.below(20);
        self.mood = match self.measure {
            Measure::Used => match throw {
                0..8 => Mood::Plateau(bad),
                8..12 => Mood::Filling(0.6, bad),
                12..15 => Mood::Spike(bad),
                15..18 => Mood::Flapping,
                18 => Mood::NoValue,
                _ => Mood::Filling(bad, 0.6),
            },
            Measure::Up => match throw {
                0..10 => Mood::Down,
                10..13 => Mood::Spike(0.0),
                _ => Mood::Flapping,
            },
        };
        self.until_ms = at_ms + self.dice.between(10_000, 10 * MINUTE_MS);
    }
}
