//! One pair (rule × target): its small state and the one function that moves it, [`PairState::step`].

use model::limits::FLAP_HOLD_MS_MAX;
use model::{CellState, Severity};

use crate::program::{CompiledLevel, Program};

/// The flap guard looks at this many evaluations.
pub const FLAP_EVALUATIONS: u32 = 20;
/// More changes than this among them are flapping: 30 % of 20.
pub const FLAP_CHANGES_MAX: u32 = 6;
/// A distance between samples of more than this many intervals is a gap: `for` does not count it.
pub const GAP_INTERVALS: u32 = 3;
/// "Never": before every sample time.
pub(crate) const NEVER_MS: i64 = i64::MIN;
const RING_MASK: u32 = (1 << FLAP_EVALUATIONS) - 1;

/// Whether the pair's severity is worth believing now.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[repr(u8)]
pub enum Status {
    /// No evaluation yet.
    #[default]
    Waiting = 0,
    /// The last evaluation gave the severity.
    Judged = 1,
    /// Its samples stopped, or its host is silent; the severity is frozen.
    NoData = 2,
    /// Samples come, but none carries a value that a condition can use; the severity is frozen.
    CannotJudge = 3,
}

impl Status {
    pub(crate) const fn from_code(code: u8) -> Self {
        match code & 3 {
            1 => Self::Judged,
            2 => Self::NoData,
            3 => Self::CannotJudge,
            _ => Self::Waiting,
        }
    }
}

/// What a pair remembers of one level.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct LevelState {
    /// Sample time for which the condition has held, gaps left out.
    pub(crate) held_ms: u32,
    /// Evaluations in a row for which it has held.
    pub(crate) streak: u16,
    /// Evaluations in a row for which a reached level was clear.
    pub(crate) clear: u16,
}

/// Everything a pair remembers; 80 bytes in memory, about half of that in a snapshot.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PairState {
    pub(crate) last_ms: i64,
    pub(crate) flap_from_ms: i64,
    /// One state per severity, at code − 1.
    pub(crate) levels: [LevelState; 5],
    /// One bit per evaluation, newest lowest: did the severity change.
    pub(crate) ring: u32,
    /// The usual distance of evaluations.
    pub(crate) cadence_ms: u32,
    /// The last distance that was too long to be usual; 0 when the last one was usual.
    pub(crate) odd_ms: u32,
    /// Reached levels, one bit per severity at code − 1.
    pub(crate) reached: u8,
    /// Reached levels whose conditions were edited since: the next evaluation uses no hysteresis.
    pub(crate) recheck: u8,
    pub(crate) status: Status,
    pub(crate) flapping: bool,
    pub(crate) hold_over: bool,
}

impl Default for PairState {
    fn default() -> Self {
        Self {
            last_ms: NEVER_MS,
            flap_from_ms: NEVER_MS,
            levels: [LevelState::default(); 5],
            ring: 0,
            cadence_ms: 0,
            odd_ms: 0,
            reached: 0,
            recheck: 0,
            status: Status::Waiting,
            flapping: false,
            hold_over: false,
        }
    }
}

/// Which part of the rule decided.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Because {
    /// On a rise the level that was reached; on a fall the level that was left.
    pub level: Severity,
    /// Which of its alternatives holds, on a rise; the first on a fall.
    pub alternative: u16,
}

/// One evaluation's input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'a> {
    pub(crate) at_ms: i64,
    /// One value per signal; NaN where there is none.
    pub(crate) values: &'a [f64],
    /// One bit per signal that this target has never had: its conditions cannot hold.
    pub(crate) never: u8,
    /// The host's interval: the shortest distance that samples are expected to have.
    pub(crate) interval_ms: u32,
    /// Whether reached levels may be left; not while only the absence of a host is judged.
    pub(crate) may_clear: bool,
}

/// What one evaluation did.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) from: Severity,
    pub(crate) to: Severity,
    pub(crate) because: Because,
    pub(crate) was: Status,
    pub(crate) flap: Option<Flap>,
}

/// What happened to the flap guard.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Flap {
    Began,
    HoldOver,
    Ended,
}

/// Conditions as bit masks: what is known, what holds, what still holds with recovery thresholds.
struct Masks {
    /// Whether any condition has a value at all.
    any: bool,
    known: u128,
    raise: u128,
    keep: u128,
}

#[derive(Clone, Copy, PartialEq)]
enum Holds {
    Yes,
    No,
    Unknown,
}

impl PairState {
    /// The pair's severity: the highest reached level.
    #[must_use]
    pub fn severity(&self) -> Severity {
        severity_of(self.reached)
    }

    /// Whether the severity may be believed.
    #[must_use]
    pub const fn status(&self) -> Status {
        self.status
    }

    /// Sample time of the last evaluation, UTC milliseconds.
    #[must_use]
    pub fn last_ms(&self) -> Option<i64> {
        (self.last_ms != NEVER_MS).then_some(self.last_ms)
    }

    /// Whether the severity changed in more than 30 % of the last 20 evaluations.
    #[must_use]
    pub const fn is_flapping(&self) -> bool {
        self.flapping
    }

    /// How a level stands: sample time held in milliseconds, and evaluations in a row.
    #[must_use]
    pub fn progress(&self, level: Severity) -> (u32, u16) {
        let slot = usize::from(level.code().wrapping_sub(1));
        let state = self.levels.get(slot).copied().unwrap_or_default();
        (state.held_ms, state.streak)
    }

    /// What the pair adds to its board cell.
    #[must_use]
    pub fn cell(&self) -> CellState {
        match self.status {
            Status::Judged => CellState::Judged(self.severity()),
            Status::Waiting | Status::NoData | Status::CannotJudge => CellState::Unknown,
        }
    }

    /// Whether nothing is reached, counted or remembered: an evaluation with good values would
    /// change nothing but the time.
    pub(crate) fn is_quiet(&self) -> bool {
        let idle = LevelState::default();
        self.reached == 0 && self.ring == 0 && self.levels.iter().all(|level| *level == idle)
    }

    /// Puts the pair at a severity that the records say it has, because they are newer than the
    /// state; returns whether anything had to change.
    pub(crate) fn assume(&mut self, severity: Severity, program: &Program) -> bool {
        if self.severity() == severity {
            return false;
        }
        self.levels = [LevelState::default(); 5];
        self.reached = match severity.code() {
            0 => 0,
            code => (1_u8 << (code - 1)) & 0x1F,
        };
        // A level that the rule no longer has falls at the next evaluation.
        self.recheck = self.reached & !program.level_bits;
        if self.status == Status::Waiting {
            self.status = Status::NoData;
        }
        true
    }

    /// Takes up an edited rule: problems stay open, timers of levels whose conditions changed start
    /// again, and reached ones among them are looked at afresh, without hysteresis.
    pub(crate) fn reprogram(&mut self, old: &Program, new: &Program) {
        for slot in 0..5_u8 {
            let print = |program: &Program| program.level(slot).map(|level| level.fingerprint);
            if print(old) != print(new) {
                self.forget_level(slot);
            }
        }
    }

    /// As [`Self::reprogram`], when it is not known which levels changed.
    pub(crate) fn reprogram_all(&mut self) {
        for slot in 0..5_u8 {
            self.forget_level(slot);
        }
    }

    fn forget_level(&mut self, slot: u8) {
        self.recheck |= self.reached & (1 << slot);
        if let Some(level) = self.levels.get_mut(usize::from(slot)) {
            *level = LevelState::default();
        }
    }

    /// Judges the values of one sample time. The caller has made sure that it is newer than the last.
    pub(crate) fn step(&mut self, program: &Program, input: Input<'_>) -> Verdict {
        let was = self.status;
        let from = self.severity();
        let masks = Masks::of(program, input.values, input.never);
        let counted_ms = self.pass_time(input);
        let mut verdict = Verdict {
            from,
            to: from,
            because: Because {
                level: from,
                alternative: 0,
            },
            was,
            flap: None,
        };
        if !masks.any {
            self.status = Status::CannotJudge;
            return verdict;
        }
        self.status = Status::Judged;
        self.reached &= program.level_bits;
        for level in &program.levels {
            self.step_level(program, level, &masks, (counted_ms, input.may_clear));
        }
        self.recheck = 0;
        self.settle_below(program, &masks);
        verdict.to = self.severity();
        if verdict.to != from {
            verdict.because = because(program, &masks, from, verdict.to);
        }
        verdict.flap = self.step_flap(program, verdict.to != from, input.at_ms);
        verdict
    }

    /// Moves the pair's time; returns how much of the distance counts for `for`.
    fn pass_time(&mut self, input: Input<'_>) -> u32 {
        let distance = (self.last_ms != NEVER_MS)
            .then(|| u32::try_from(input.at_ms.saturating_sub(self.last_ms)).unwrap_or(u32::MAX));
        self.last_ms = input.at_ms;
        match distance {
            Some(ms)
                if usual(
                    ms,
                    input.interval_ms,
                    &mut self.cadence_ms,
                    &mut self.odd_ms,
                ) =>
            {
                ms
            }
            _ => 0,
        }
    }

    fn step_level(
        &mut self,
        program: &Program,
        level: &CompiledLevel,
        masks: &Masks,
        (counted_ms, may_clear): (u32, bool),
    ) {
        let bit = 1_u8 << level.slot;
        let Some(state) = self.levels.get_mut(usize::from(level.slot)) else {
            return;
        };
        if self.reached & bit == 0 {
            match masks.holds(level, masks.raise) {
                Holds::Yes => {
                    if state.streak > 0 {
                        state.held_ms = state.held_ms.saturating_add(counted_ms);
                    }
                    state.streak = state.streak.saturating_add(1);
                    if state.streak >= level.count && state.held_ms >= level.duration_ms {
                        self.reached |= bit;
                        *state = LevelState::default();
                    }
                }
                Holds::No => *state = LevelState::default(),
                Holds::Unknown => {}
            }
            return;
        }
        if !may_clear {
            return;
        }
        let afresh = self.recheck & bit != 0;
        let (mask, needed) = match afresh {
            true => (masks.raise, 1),
            false => (masks.keep, program.clear_count),
        };
        match masks.holds(level, mask) {
            Holds::Yes => state.clear = 0,
            Holds::No => {
                state.clear = state.clear.saturating_add(1);
                if state.clear >= needed {
                    self.reached &= !bit;
                    *state = LevelState::default();
                }
            }
            Holds::Unknown => {}
        }
    }

    /// Under a reached level every lower one counts as soon as its condition holds: an open problem
    /// falls to it and does not close first and open again when the lower level's time is up.
    fn settle_below(&mut self, program: &Program, masks: &Masks) {
        let top = self.severity().code();
        for level in &program.levels {
            let bit = 1_u8 << level.slot;
            let below = level.slot + 1 < top && self.reached & bit == 0;
            if below && masks.holds(level, masks.raise) == Holds::Yes {
                self.reached |= bit;
                if let Some(state) = self.levels.get_mut(usize::from(level.slot)) {
                    *state = LevelState::default();
                }
            }
        }
    }

    fn step_flap(&mut self, program: &Program, changed: bool, at_ms: i64) -> Option<Flap> {
        self.ring = ((self.ring << 1) | u32::from(changed)) & RING_MASK;
        let flapping = program.flap_guard && self.ring.count_ones() > FLAP_CHANGES_MAX;
        match (self.flapping, flapping) {
            (false, true) => {
                self.flapping = true;
                self.hold_over = false;
                self.flap_from_ms = at_ms;
                Some(Flap::Began)
            }
            (true, false) => {
                self.flapping = false;
                self.hold_over = false;
                self.flap_from_ms = NEVER_MS;
                Some(Flap::Ended)
            }
            (true, true) if !self.hold_over => {
                let over = at_ms.saturating_sub(self.flap_from_ms) >= FLAP_HOLD_MS_MAX;
                self.hold_over = over;
                over.then_some(Flap::HoldOver)
            }
            _ => None,
        }
    }
}

/// Whether a distance between samples is usual; learns a slower cadence when it is seen twice.
///
/// A source slower than its host's interval (a check every minute) is usual after its second
/// distance; an outage is a single long distance and so stays a gap.
pub(crate) fn usual(ms: u32, interval_ms: u32, cadence_ms: &mut u32, odd_ms: &mut u32) -> bool {
    let expected = interval_ms.max(*cadence_ms).max(1);
    let fits = ms <= expected.saturating_mul(GAP_INTERVALS);
    let twice = *odd_ms > 0 && ms <= odd_ms.saturating_mul(GAP_INTERVALS);
    if fits || twice {
        *cadence_ms = ms;
        *odd_ms = 0;
        return true;
    }
    *odd_ms = ms;
    false
}

pub(crate) fn severity_of(reached: u8) -> Severity {
    let code = 8 - (reached & 0x1F).leading_zeros();
    u8::try_from(code)
        .ok()
        .and_then(Severity::from_code)
        .unwrap_or_default()
}

fn because(program: &Program, masks: &Masks, from: Severity, to: Severity) -> Because {
    let level = from.max(to);
    let rose = to > from;
    let compiled = program.level(level.code().saturating_sub(1));
    let alternative = compiled
        .filter(|_| rose)
        .and_then(|compiled| {
            let holds = |mask: &u128| masks.raise & mask == *mask;
            compiled.alternatives.iter().position(holds)
        })
        .unwrap_or(0);
    Because {
        level,
        alternative: u16::try_from(alternative).unwrap_or(u16::MAX),
    }
}

impl Masks {
    #[inline]
    fn of(program: &Program, values: &[f64], never: u8) -> Self {
        let mut masks = Self {
            any: false,
            known: 0,
            raise: 0,
            keep: 0,
        };
        let mut bit = 1_u128;
        for condition in &program.conditions {
            let value = values.get(usize::from(condition.signal));
            let value = value.copied().unwrap_or(f64::NAN);
            if value.is_nan() {
                // A forecast that does not exist yet must not keep a full disk's problem open.
                let impossible = never.checked_shr(condition.signal.into()).unwrap_or(0) & 1 != 0;
                masks.known |= if impossible { bit } else { 0 };
            } else {
                masks.any = true;
                masks.known |= bit;
                if condition.op.holds(value, condition.threshold) {
                    masks.raise |= bit;
                }
                if condition.op.holds(value, condition.recovery) {
                    masks.keep |= bit;
                }
            }
            bit <<= 1;
        }
        masks
    }

    /// Three-valued: an alternative with a missing value is unknown unless another of its
    /// conditions already fails.
    #[inline]
    fn holds(&self, level: &CompiledLevel, held: u128) -> Holds {
        let mut result = Holds::No;
        for &mask in &level.alternatives {
            if held & mask == mask {
                return Holds::Yes;
            }
            if mask & self.known & !held == 0 {
                result = Holds::Unknown;
            }
        }
        result
    }
}
