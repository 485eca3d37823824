//! Silence of hosts: timers on the server's monotonic clock, frozen pairs, series that stopped.

use model::rule::Builtin;

use super::{Engine, Event, HostIx, Mark, MarkKind, PairIx, SIGNALS_MAX, at, contribution};
use crate::pair::{GAP_INTERVALS, Input, Status};

/// After this many missed intervals the other cells of a host show `Unknown`.
pub const SILENT_AFTER_INTERVALS: u64 = 3;
/// A server that stood still for less than this starts no timer again; ticks come every second, and
/// a host with an interval of a second must not be forgiven for ever by a tick that is late.
const STALL_MS_MIN: u64 = 2_000;
/// A message is missed when it is late by half an interval, or by this much at most.
const GRACE_MS_MAX: u64 = 5_000;
/// A series seen only once has no usual distance yet: this long it is not called stopped.
const UNKNOWN_CADENCE_MS: u32 = 200_000;
/// Each tick looks at this share of the pairs for series that stopped.
const SWEEP_SHARE: usize = 16;

impl Engine {
    /// A host was heard: any live message of its agent. `mono_ms` is the server's monotonic clock,
    /// `now_ms` its wall clock.
    pub fn heard(&mut self, host: HostIx, mono_ms: u64, now_ms: i64, events: &mut Vec<Event>) {
        let Some(found) = self.hosts.get_mut(at(host.0)).filter(|host| host.live) else {
            return;
        };
        found.timer_ms = mono_ms;
        found.fresh = false;
        found.missed = 0;
        found.silent = false;
        for at_pair in 0..found.builtin_pairs.len() {
            let pair = self.builtin_pair(host, at_pair);
            let state = pair.and_then(|pair| self.states.get(at(pair)));
            let settled = state.is_some_and(|s| s.is_quiet() && s.status == Status::Judged);
            if let Some(pair) = pair.filter(|_| !settled) {
                self.judge_silence(pair, (0, 0), (now_ms, true), events);
            }
        }
    }

    /// Time passes: silence is noticed, timers start again when the server itself stood still, and
    /// pairs whose series stopped are frozen. Call it about every second.
    pub fn tick(&mut self, mono_ms: u64, now_ms: i64, events: &mut Vec<Event>) {
        let stood_still_ms = self.last_tick_ms.map(|last| mono_ms.saturating_sub(last));
        self.last_tick_ms = Some(mono_ms);
        for ix in 0..self.hosts.len() {
            let Some(host) = self.hosts.get_mut(ix).filter(|host| host.live) else {
                continue;
            };
            let interval_ms = u64::from(host.interval_ms);
            let forgive_ms = interval_ms.max(STALL_MS_MIN);
            if host.fresh || stood_still_ms.is_none_or(|ms| ms > forgive_ms) {
                host.fresh = false;
                host.timer_ms = mono_ms;
                host.missed = 0;
            }
            let silent_ms = mono_ms.saturating_sub(host.timer_ms);
            let grace_ms = GRACE_MS_MAX.min(interval_ms / 2);
            let missed = silent_ms.saturating_sub(grace_ms) / interval_ms;
            let whole = missed != host.missed;
            if missed == 0 {
                continue;
            }
            host.missed = missed;
            let newly_silent = missed >= SILENT_AFTER_INTERVALS && !host.silent;
            let builtin_count = host.builtin_pairs.len();
            let host = HostIx(u32::try_from(ix).unwrap_or(u32::MAX));
            if newly_silent {
                self.freeze_host(host, now_ms, events);
            }
            for at_pair in 0..builtin_count {
                if let Some(pair) = self.builtin_pair(host, at_pair) {
                    let silence = (missed, silent_ms);
                    // Every missed interval is an evaluation; in between only a rise is one, so
                    // that "silent for five minutes" is told after five minutes.
                    if whole || self.would_rise(pair, silence, now_ms) {
                        self.judge_silence(pair, silence, (now_ms, false), events);
                    }
                }
            }
        }
        self.sweep(events);
    }

    /// Whether a host is silent.
    #[must_use]
    pub fn is_silent(&self, host: HostIx) -> bool {
        self.hosts.get(at(host.0)).is_some_and(|host| host.silent)
    }

    fn builtin_pair(&self, host: HostIx, at_pair: usize) -> Option<u32> {
        self.hosts
            .get(at(host.0))?
            .builtin_pairs
            .get(at_pair)
            .copied()
    }

    fn judge_silence(
        &mut self,
        pair: u32,
        silence: (u64, u64),
        (now_ms, may_clear): (i64, bool),
        events: &mut Vec<Event>,
    ) {
        if let Some((at_ms, values)) = self.silence_values(pair, silence, now_ms) {
            self.evaluate(pair, (at_ms, &values, may_clear), events);
        }
    }

    fn would_rise(&self, pair: u32, silence: (u64, u64), now_ms: i64) -> bool {
        let ix = at(pair);
        let (Some(meta), Some(state)) = (self.metas.get(ix), self.states.get(ix)) else {
            return false;
        };
        let Some((at_ms, values)) = self.silence_values(pair, silence, now_ms) else {
            return false;
        };
        let input = Input {
            at_ms,
            values: &values,
            never: meta.never(),
            interval_ms: meta.interval_ms,
            may_clear: false,
        };
        let verdict = state.clone().step(&meta.program, input);
        verdict.to > verdict.from
    }

    fn silence_values(
        &self,
        pair: u32,
        (missed, silent_ms): (u64, u64),
        now_ms: i64,
    ) -> Option<(i64, [f64; SIGNALS_MAX])> {
        let ix = at(pair);
        let (meta, state) = (self.metas.get(ix)?, self.states.get(ix)?);
        // The wall clock may jump back; a pair's time never does.
        let at_ms = now_ms.max(state.last_ms.saturating_add(1));
        let mut values: [f64; SIGNALS_MAX] = meta.values(at_ms);
        for (value, builtin) in values.iter_mut().zip(&meta.program.builtins) {
            #[expect(clippy::cast_precision_loss, reason = "silence is far below 2^53 ms")]
            match builtin {
                Some(Builtin::MissedIntervals) => *value = missed as f64,
                Some(Builtin::SilentSeconds) => *value = silent_ms as f64 / 1_000.0,
                None => {}
            }
        }
        Some((at_ms, values))
    }

    fn freeze_host(&mut self, host: HostIx, now_ms: i64, events: &mut Vec<Event>) {
        let Some(found) = self.hosts.get_mut(at(host.0)) else {
            return;
        };
        found.silent = true;
        for at_pair in 0..found.pairs.len() {
            let pair = self
                .hosts
                .get(at(host.0))
                .and_then(|host| host.pairs.get(at_pair));
            if let Some(&pair) = pair {
                self.freeze(pair, now_ms, events);
            }
        }
    }

    /// The pair keeps its severity, shows `Unknown`, and counts no time until it is judged again.
    fn freeze(&mut self, pair: u32, at_ms: i64, events: &mut Vec<Event>) {
        let ix = at(pair);
        let (Some(meta), Some(state)) = (self.metas.get(ix), self.states.get_mut(ix)) else {
            return;
        };
        if matches!(state.status, Status::NoData | Status::Waiting) {
            return;
        }
        let before = contribution(state);
        state.status = Status::NoData;
        let after = contribution(state);
        if state.reached != 0 {
            events.push(Event::Mark(Mark {
                pair: PairIx(pair),
                at_ms,
                kind: MarkKind::NoData,
            }));
        }
        self.board.change(meta.host, meta.group, (before, after));
    }

    /// Freezes pairs whose host talks but whose own samples stopped.
    fn sweep(&mut self, events: &mut Vec<Event>) {
        let count = self.metas.len();
        for _ in 0..count.div_ceil(SWEEP_SHARE) {
            self.sweep_at = if self.sweep_at + 1 < count {
                self.sweep_at + 1
            } else {
                0
            };
            let ix = self.sweep_at;
            let (Some(meta), Some(state)) = (self.metas.get(ix), self.states.get(ix)) else {
                continue;
            };
            let Some(host) = self.hosts.get(at(meta.host)) else {
                continue;
            };
            let seen_ms = match state.cadence_ms.max(state.odd_ms) {
                0 => UNKNOWN_CADENCE_MS,
                seen_ms => seen_ms,
            };
            let usual_ms = meta.interval_ms.max(seen_ms);
            let due_ms = i64::from(usual_ms.saturating_mul(GAP_INTERVALS));
            let late = host.newest_ms.saturating_sub(state.last_ms) > due_ms;
            if late && meta.live && !host.silent && !meta.program.has_builtin() {
                let newest_ms = host.newest_ms;
                self.freeze(u32::try_from(ix).unwrap_or(u32::MAX), newest_ms, events);
            }
        }
    }
}
