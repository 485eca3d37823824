//! Live edits: hosts, pairs and bindings come, change and go while judging goes on.

use std::sync::Arc;

use model::Severity;

use super::{
    Engine, Host, HostIx, HostSpec, Link, Meta, NONE, PairIx, PairSpec, Slot, at, contribution,
    place,
};
use crate::key::PairKey;
use crate::pair::{NEVER_MS, PairState};
use crate::program::Program;

impl Engine {
    /// Adds a host; its silence counts from the next tick.
    pub fn add_host(&mut self, spec: HostSpec) -> HostIx {
        let saved = self.waiting_hosts.remove(&spec.key);
        let host = Host {
            key: spec.key,
            live: true,
            interval_ms: spec.interval_ms.max(1),
            timer_ms: 0,
            fresh: true,
            missed: 0,
            silent: saved.is_some_and(|saved| saved.silent),
            newest_ms: saved.map_or(NEVER_MS, |saved| saved.newest_ms),
            pairs: Vec::new(),
            builtin_pairs: Vec::new(),
        };
        let ix = place(&mut self.hosts, &mut self.free_hosts, host);
        self.board.add_row(ix);
        HostIx(ix)
    }

    /// Changes how often a host is expected to be heard.
    pub fn set_interval(&mut self, host: HostIx, interval_ms: u32) {
        let Some(found) = self.hosts.get_mut(at(host.0)) else {
            return;
        };
        found.interval_ms = interval_ms.max(1);
        for &pair in found.pairs.iter().chain(&found.builtin_pairs) {
            if let Some(meta) = self.metas.get_mut(at(pair)) {
                meta.interval_ms = interval_ms.max(1);
            }
        }
    }

    /// Removes a host and its pairs; returns the pairs that were open, with their severities.
    pub fn remove_host(&mut self, host: HostIx) -> Vec<(PairIx, PairKey, Severity)> {
        let Some(found) = self.hosts.get_mut(at(host.0)).filter(|host| host.live) else {
            return Vec::new();
        };
        found.live = false;
        let mut pairs = std::mem::take(&mut found.pairs);
        pairs.append(&mut std::mem::take(&mut found.builtin_pairs));
        let mut open = Vec::new();
        for pair in pairs {
            let key = self.metas.get(at(pair)).map(|meta| meta.key);
            if let (Some(key), Some(severity)) = (key, self.remove_pair(PairIx(pair)))
                && severity > Severity::Normal
            {
                open.push((PairIx(pair), key, severity));
            }
        }
        self.free_hosts.push(host.0);
        self.board.clear_row(host.0);
        open
    }

    /// Adds a pair; a state that a snapshot kept for it goes on where it was.
    pub fn add_pair(&mut self, spec: PairSpec) -> PairIx {
        let signals = spec.program.signals();
        let immediate = spec.program.is_immediate();
        let empty = || vec![Slot::EMPTY; if immediate { 0 } else { signals }].into_boxed_slice();
        let (mut state, mut slots) = (PairState::default(), empty());
        if let Some(saved) = self.waiting.remove(&spec.key) {
            state = saved.state;
            if saved.fingerprint != spec.program.fingerprint {
                state.reprogram_all();
            } else if saved.slots.len() == slots.len() {
                slots = saved.slots;
            }
        }
        let host = self.hosts.get_mut(at(spec.host.0));
        let interval_ms = host.as_ref().map_or(1, |host| host.interval_ms);
        let meta = Meta {
            key: spec.key,
            host: spec.host.0,
            interval_ms,
            group: spec.group,
            live: true,
            immediate,
            pending_ms: NEVER_MS,
            value: f64::NAN,
            slots,
            series: Vec::new(),
            program: spec.program,
        };
        let is_builtin = meta.program.has_builtin();
        self.board
            .add(spec.host.0, spec.group, contribution(&state));
        let ix = place(&mut self.metas, &mut self.free_pairs, meta);
        match self.states.get_mut(at(ix)) {
            Some(old) => *old = state,
            None => self.states.push(state),
        }
        if let Some(host) = host {
            let list = if is_builtin {
                &mut host.builtin_pairs
            } else {
                &mut host.pairs
            };
            list.push(ix);
        }
        PairIx(ix)
    }

    /// Gives a pair an edited rule: its problem stays open and is looked at afresh with the next
    /// sample; timers of levels whose conditions did not change go on.
    pub fn set_program(&mut self, pair: PairIx, program: Arc<Program>) {
        let Some((meta, state)) = self.pair_mut(pair) else {
            return;
        };
        state.reprogram(&meta.program, &program);
        let (was_builtin, is_builtin) = (meta.program.has_builtin(), program.has_builtin());
        if meta.program.signals() != program.signals() || was_builtin != is_builtin {
            meta.immediate = program.is_immediate();
            let count = if meta.immediate { 0 } else { program.signals() };
            meta.slots = vec![Slot::EMPTY; count].into_boxed_slice();
        }
        meta.program = program;
        let host = meta.host;
        if let Some(host) = self.hosts.get_mut(at(host))
            && was_builtin != is_builtin
        {
            host.pairs.retain(|&p| p != pair.0);
            host.builtin_pairs.retain(|&p| p != pair.0);
            let list = if is_builtin {
                &mut host.builtin_pairs
            } else {
                &mut host.pairs
            };
            list.push(pair.0);
        }
    }

    /// Moves a pair to another board column.
    pub fn set_group(&mut self, pair: PairIx, group: u8) {
        let Some((meta, state)) = self.pair_mut(pair) else {
            return;
        };
        let (host, old) = (meta.host, std::mem::replace(&mut meta.group, group));
        let cell = contribution(state);
        self.board.remove(host, old, cell);
        self.board.add(host, group, cell);
    }

    /// Removes a pair with its bindings; returns its severity, so that the caller can close what
    /// is open.
    pub fn remove_pair(&mut self, pair: PairIx) -> Option<Severity> {
        let (meta, state) = self.pair_mut(pair)?;
        meta.live = false;
        let series = std::mem::take(&mut meta.series);
        let (host, group) = (meta.host, meta.group);
        let (severity, cell) = (state.severity(), contribution(state));
        *state = PairState::default();
        for one in series {
            self.unlink(one, |link| link.pair == pair.0);
        }
        if let Some(host) = self.hosts.get_mut(at(host)) {
            host.pairs.retain(|&p| p != pair.0);
            host.builtin_pairs.retain(|&p| p != pair.0);
        }
        self.board.remove(host, group, cell);
        self.free_pairs.push(pair.0);
        Some(severity)
    }

    /// Lets samples of a series count as one signal of a pair; a series may serve many pairs.
    /// Doing it twice does it once.
    pub fn bind(&mut self, series: u32, pair: PairIx, signal: u8) {
        if self.is_bound(series, pair, signal) {
            return;
        }
        let Some((meta, _)) = self.pair_mut(pair) else {
            return;
        };
        meta.series.push(series);
        let needed = at(series) + 1;
        if self.heads.len() < needed {
            self.heads
                .resize(needed.next_power_of_two().max(1_024), NONE);
        }
        let Some(head) = self.heads.get_mut(at(series)) else {
            return;
        };
        let link = Link {
            pair: pair.0,
            next: *head,
            signal,
        };
        *head = place(&mut self.links, &mut self.free_links, link);
    }

    fn is_bound(&self, series: u32, pair: PairIx, signal: u8) -> bool {
        let mut next = self.heads.get(at(series)).copied().unwrap_or(NONE);
        while let Some(link) = self.links.get(at(next)) {
            if (link.pair, link.signal) == (pair.0, signal) {
                return true;
            }
            next = link.next;
        }
        false
    }

    /// Ends every binding of a pair; its state and its problem stay.
    pub fn unbind_pair(&mut self, pair: PairIx) {
        let Some((meta, _)) = self.pair_mut(pair) else {
            return;
        };
        for series in std::mem::take(&mut meta.series) {
            self.unlink(series, |link| link.pair == pair.0);
        }
    }

    /// How many series feed a pair.
    #[must_use]
    pub fn bound_count(&self, pair: PairIx) -> usize {
        let meta = self.metas.get(at(pair.0)).filter(|meta| meta.live);
        meta.map_or(0, |meta| meta.series.len())
    }

    /// Ends every binding of a series, e.g. when its number is about to be given to another.
    pub fn unbind_series(&mut self, series: u32) {
        let mut pairs = Vec::new();
        self.unlink(series, |link| {
            pairs.push(link.pair);
            true
        });
        for pair in pairs {
            if let Some(meta) = self.metas.get_mut(at(pair)) {
                meta.series.retain(|&one| one != series);
            }
        }
    }

    fn unlink(&mut self, series: u32, mut gone: impl FnMut(&Link) -> bool) {
        let Some(head) = self.heads.get_mut(at(series)) else {
            return;
        };
        let mut kept = Vec::new();
        let mut next = std::mem::replace(head, NONE);
        while let Some(link) = self.links.get(at(next)) {
            let here = next;
            next = link.next;
            if gone(link) {
                self.free_links.push(here);
            } else {
                kept.push(here);
            }
        }
        for here in kept.into_iter().rev() {
            if let Some(link) = self.links.get_mut(at(here)) {
                link.next = std::mem::replace(head, here);
            }
        }
    }
}
