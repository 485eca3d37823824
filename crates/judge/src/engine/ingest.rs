//! The hot path: samples of one batch to evaluations, at once or at the end of their sample time.

use super::{
    Engine, Event, Fired, HostIx, Link, Mark, MarkKind, Meta, PairIx, SIGNALS_MAX, Sample,
};
use super::{at, contribution};
use model::Severity;

use crate::pair::{Flap, GAP_INTERVALS, Input, NEVER_MS, PairState, Status, Verdict, usual};

impl Engine {
    /// Judges one batch of one host. Samples later than `latest_ms` are not believed. A batch whose
    /// times do not rise is judged in the order of its times.
    ///
    /// A rule with several signals is evaluated once per sample time, when that time's samples of
    /// the batch are in; a signal without a sample then counts with its last value, if that is not
    /// older than [`GAP_INTERVALS`] of its usual distance.
    pub fn ingest(
        &mut self,
        host: HostIx,
        samples: &[Sample],
        latest_ms: i64,
        events: &mut Vec<Event>,
    ) {
        if samples.is_sorted_by_key(|sample| sample.at_ms) {
            self.run(samples, latest_ms, events);
        } else {
            let mut sorted = samples.to_vec();
            sorted.sort_by_key(|sample| sample.at_ms);
            self.run(&sorted, latest_ms, events);
        }
        let believed = samples
            .iter()
            .map(|s| s.at_ms)
            .filter(|&ms| ms <= latest_ms);
        if let (Some(host), Some(newest)) = (self.hosts.get_mut(at(host.0)), believed.max()) {
            host.newest_ms = host.newest_ms.max(newest);
        }
    }

    fn run(&mut self, samples: &[Sample], latest_ms: i64, events: &mut Vec<Event>) {
        for sample in samples {
            let Some(&head) = self.heads.get(at(sample.series)) else {
                continue;
            };
            let mut next = head;
            while let Some(&link) = self.links.get(at(next)) {
                next = link.next;
                if sample.at_ms > latest_ms {
                    self.counters.future += 1;
                } else {
                    self.take(link, *sample, events);
                }
            }
        }
        self.counters.samples += samples.len() as u64;
        let mut pending = std::mem::take(&mut self.pending);
        for pair in pending.drain(..) {
            self.evaluate_pending(pair, events);
        }
        self.pending = pending;
    }

    fn take(&mut self, link: Link, sample: Sample, events: &mut Vec<Event>) {
        let ix = at(link.pair);
        let (Some(meta), Some(state)) = (self.metas.get_mut(ix), self.states.get(ix)) else {
            return;
        };
        if meta.immediate {
            if sample.at_ms <= state.last_ms {
                self.counters.old += 1;
                return;
            }
            meta.value = sample.value;
            let values = [sample.value];
            self.evaluate(link.pair, (sample.at_ms, &values, true), events);
            return;
        }
        if meta.pending_ms != NEVER_MS && sample.at_ms > meta.pending_ms {
            self.evaluate_pending(link.pair, events);
        }
        let (Some(meta), Some(state)) = (self.metas.get_mut(ix), self.states.get(ix)) else {
            return;
        };
        if !meta.store(link.signal, sample) || sample.at_ms <= state.last_ms {
            self.counters.old += 1;
            return;
        }
        // Rules on the server's own signals are judged by the tick, not by samples.
        if meta.pending_ms == NEVER_MS && !meta.program.has_builtin() {
            self.pending.push(link.pair);
            meta.pending_ms = sample.at_ms;
        }
    }

    fn evaluate_pending(&mut self, pair: u32, events: &mut Vec<Event>) {
        let Some(meta) = self.metas.get_mut(at(pair)) else {
            return;
        };
        let at_ms = std::mem::replace(&mut meta.pending_ms, NEVER_MS);
        if at_ms == NEVER_MS {
            return;
        }
        let values = meta.values(at_ms);
        self.evaluate(pair, (at_ms, &values, true), events);
    }

    /// One evaluation, with everything that follows from it.
    pub(super) fn evaluate(
        &mut self,
        pair: u32,
        (at_ms, values, may_clear): (i64, &[f64], bool),
        events: &mut Vec<Event>,
    ) {
        let ix = at(pair);
        let (Some(meta), Some(state)) = (self.metas.get(ix), self.states.get_mut(ix)) else {
            return;
        };
        self.counters.evaluations += 1;
        let before = contribution(state);
        let input = Input {
            at_ms,
            values,
            never: meta.never(),
            interval_ms: meta.interval_ms,
            may_clear,
        };
        let verdict = state.step(&meta.program, input);
        let after = contribution(state);
        if state.status == Status::CannotJudge {
            self.counters.cannot_judge += 1;
        }
        let changed = verdict.from != verdict.to;
        if before == after && !changed && verdict.flap.is_none() {
            return;
        }
        self.board.change(meta.host, meta.group, (before, after));
        tell(pair, at_ms, (state, verdict), values, events);
        self.counters.fired += u64::from(changed);
    }
}

impl Meta {
    /// Keeps a sample as its signal's last value; false when it is not newer.
    fn store(&mut self, signal: u8, sample: Sample) -> bool {
        let interval_ms = self.interval_ms;
        let Some(slot) = self.slots.get_mut(usize::from(signal)) else {
            return false;
        };
        if sample.at_ms <= slot.at_ms {
            return false;
        }
        if slot.at_ms != NEVER_MS {
            let distance = sample.at_ms.saturating_sub(slot.at_ms);
            let distance = u32::try_from(distance).unwrap_or(u32::MAX);
            let _ = usual(
                distance,
                interval_ms,
                &mut slot.cadence_ms,
                &mut slot.odd_ms,
            );
        }
        slot.at_ms = sample.at_ms;
        slot.value = sample.value;
        true
    }

    /// One bit per signal that has never had a sample.
    pub(super) fn never(&self) -> u8 {
        let mut never = 0;
        for (signal, slot) in self.slots.iter().enumerate() {
            never |= u8::from(slot.at_ms == NEVER_MS) << signal;
        }
        never
    }

    /// The values that count at this time; NaN for signals that are missing or too old.
    pub(super) fn values(&self, at_ms: i64) -> [f64; SIGNALS_MAX] {
        let mut values = [f64::NAN; SIGNALS_MAX];
        for (value, slot) in values.iter_mut().zip(&self.slots) {
            let usual_ms = self.interval_ms.max(slot.cadence_ms);
            let fresh_ms = i64::from(usual_ms.saturating_mul(GAP_INTERVALS));
            if slot.at_ms != NEVER_MS && at_ms.saturating_sub(slot.at_ms) <= fresh_ms {
                *value = slot.value;
            }
        }
        values
    }
}

fn tell(
    pair: u32,
    at_ms: i64,
    (state, verdict): (&PairState, Verdict),
    values: &[f64],
    events: &mut Vec<Event>,
) {
    let pair = PairIx(pair);
    let mark = |kind| Event::Mark(Mark { pair, at_ms, kind });
    let open = verdict.from > Severity::Normal;
    match (verdict.was, state.status) {
        (was, Status::CannotJudge) if was != Status::CannotJudge => {
            events.push(mark(MarkKind::CannotJudge));
        }
        (Status::CannotJudge, Status::Judged) => events.push(mark(MarkKind::Judged)),
        (Status::NoData, Status::Judged) if open => events.push(mark(MarkKind::Judged)),
        _ => {}
    }
    if verdict.from != verdict.to {
        let mut seen = [f64::NAN; SIGNALS_MAX];
        for (to, from) in seen.iter_mut().zip(values) {
            *to = *from;
        }
        events.push(Event::Fired(Fired {
            pair,
            from: verdict.from,
            to: verdict.to,
            at_ms,
            flapping: state.flapping,
            because: verdict.because,
            values: seen,
        }));
    }
    match verdict.flap {
        Some(Flap::Began) => events.push(mark(MarkKind::FlapBegan)),
        Some(Flap::HoldOver) => events.push(mark(MarkKind::FlapHoldOver)),
        Some(Flap::Ended) => events.push(mark(MarkKind::FlapEnded)),
        None => {}
    }
}
