//! The conversation with the server: what is said when, and what its answers mean. No I/O.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use spool::Gap;
use wire::{BlockHead, Encoder, Frame, FrameError, GoodbyeCode, Kind};

use crate::anchor::{Anchor, Reading};
use crate::orders;
use crate::queue::{Backlog, Next};
use crate::shared::{Fresh, Shared};
use crate::{facts, top};

/// How often the server's time is asked, in milliseconds.
const PING_MS: u64 = 60_000;
/// At connect the time is asked so often, one after the other, and the quickest answer counts.
const PINGS_AT_CONNECT: u32 = 3;
/// Nothing was heard for this long: the connection is dead, in milliseconds.
const DEAD_MS: u64 = 150_000;
/// How long the server may take to answer Hello.
const WELCOME_MS: u64 = 20_000;
/// Fresh passes that may wait for their acknowledgement; more become backlog.
const FRESH_FLYING_MAX: usize = 16;
/// Backlog records that may wait for their acknowledgement.
const BACKLOG_FLYING_MAX: usize = 8;
/// Backlog records a second, while the server does not say otherwise.
const BACKLOG_PER_S: u32 = 10;
/// The longest sleep when nothing is due, in milliseconds.
const IDLE_MS: u64 = 30_000;

/// Why a conversation is over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Over {
    /// The agent stops.
    #[error("stopped")]
    Stopped,
    /// The server does not want this agent: a person has to do something.
    #[error("{0}")]
    Refused(String),
    /// The server cannot take samples now.
    #[error("{0}")]
    NotNow(String),
    /// Anything else.
    #[error("{0}")]
    Broken(String),
}

impl From<std::io::Error> for Over {
    fn from(error: std::io::Error) -> Self {
        Self::Broken(match error.kind() {
            std::io::ErrorKind::UnexpectedEof => "the server closed the connection".to_owned(),
            _ => error.to_string(),
        })
    }
}

impl From<FrameError> for Over {
    fn from(error: FrameError) -> Self {
        Self::Broken(error.to_string())
    }
}

/// One connection's conversation.
pub(crate) struct Talk {
    shared: Arc<Shared>,
    number: u64,
    welcomed: bool,
    encoder: Encoder,
    epoch: Option<u32>,
    /// Fresh passes without acknowledgement; those not on disk are kept, to be told as lost.
    flying: HashMap<u64, Option<Fresh>>,
    backlog: Backlog,
    backlog_flying: BTreeSet<u64>,
    backlog_rest: bool,
    backlog_per_s: u32,
    backlog_next_ns: u64,
    started_ns: u64,
    heard_ns: u64,
    ping_next_ns: u64,
    pings: u32,
    gaps_sent: BTreeMap<u64, u64>,
    told: [u64; 4],
    told_warnings: BTreeMap<(String, String), String>,
}

impl Talk {
    pub(crate) fn new(shared: Arc<Shared>, number: u64) -> Self {
        let now_ns = shared.env.clock.mono_ns();
        Self {
            shared,
            number,
            welcomed: false,
            encoder: Encoder::new(),
            epoch: None,
            flying: HashMap::new(),
            backlog: Backlog::new(0, 0),
            backlog_flying: BTreeSet::new(),
            backlog_rest: false,
            backlog_per_s: BACKLOG_PER_S,
            backlog_next_ns: now_ns,
            started_ns: now_ns,
            heard_ns: now_ns,
            ping_next_ns: now_ns,
            pings: 0,
            gaps_sent: BTreeMap::new(),
            told: [0; 4],
            told_warnings: BTreeMap::new(),
        }
    }

    fn now_ns(&self) -> u64 {
        self.shared.env.clock.mono_ns()
    }

    /// The first frame.
    pub(crate) fn hello(&self, boot_id: &str, out: &mut Vec<u8>) -> Result<(), Over> {
        let queue = self.shared.queue();
        let hello = wire::Hello {
            protocol_min: wire::PROTOCOL_MIN,
            protocol_max: wire::PROTOCOL_MAX,
            agent_version: env!("CARGO_PKG_VERSION").to_owned(),
            agent_id: self.shared.settings.agent_id.clone(),
            boot_id: boot_id.to_owned(),
            queue: queue.spool.queue(),
            acked_seq: queue.spool.done_through(),
            newest_seq: queue.spool.newest(),
            wall_ms: self.shared.env.clock.now_ms(),
            store_id: queue.spool.store().to_owned(),
            facts: Some(facts::read(&self.shared.root)),
            runner: self.shared.settings.runner_socket.exists(),
        };
        drop(queue);
        Ok(wire::encode_message(Kind::Hello, &hello, out)?)
    }

    /// Something came from the server.
    pub(crate) fn heard(&mut self) {
        self.heard_ns = self.now_ns();
    }

    /// Takes one frame.
    pub(crate) fn frame(&mut self, frame: Frame<'_>) -> Result<(), Over> {
        let Some(kind) = Kind::from_code(frame.kind) else {
            return Ok(());
        };
        match kind {
            Kind::Welcome => self.welcome(&frame.message(kind)?),
            Kind::Goodbye => return Err(goodbye(&frame.message(kind)?)),
            Kind::Config => self.config(frame.message(kind)?),
            Kind::Ack => self.ack(&frame.message(kind)?),
            Kind::TimePong => self.pong(frame.message(kind)?),
            Kind::TopRequest => top::answer(&self.shared, self.number, frame.message(kind)?),
            Kind::Order => orders::carry_out(&self.shared, self.number, frame.message(kind)?),
            Kind::Warning => {
                let warning: wire::Warning = frame.message(kind)?;
                self.shared
                    .log("WARN", format_args!("the server says: {}", warning.text));
            }
            _ => {
                return Err(Over::Broken(format!(
                    "a {kind:?} frame is not the server's to send"
                )));
            }
        }
        Ok(())
    }

    fn welcome(&mut self, welcome: &wire::Welcome) {
        self.welcomed = true;
        // Both locks: a pass is either in the queue before this and backlog, or offered after it.
        let mut hand = self.shared.hand();
        hand.connected = true;
        hand.collect_now = true;
        hand.overflow = None;
        hand.answers.clear();
        let mut queue = self.shared.queue();
        let newest = queue.spool.newest();
        let mut replay_upto = 0;
        if queue.spool.store() != welcome.store_id {
            if !queue.spool.store().is_empty() {
                // What another store has acknowledged this one has not seen.
                replay_upto = queue.spool.done_through();
                queue.spool.offer_again();
            }
            queue.spool.set_store(&welcome.store_id);
        }
        let waiting = newest.saturating_sub(queue.spool.done_through());
        drop(queue);
        drop(hand);
        self.backlog = Backlog::new(newest, replay_upto);
        self.shared.collector.wake();
        self.shared.log(
            "INFO",
            format_args!(
                "connected to {} as {}, {waiting} passes wait in the queue",
                self.shared.settings.server, welcome.host_name
            ),
        );
    }

    fn config(&mut self, config: wire::Config) {
        self.backlog_per_s = if config.backlog_per_s == 0 {
            BACKLOG_PER_S
        } else {
            config.backlog_per_s
        };
        self.shared.hand().config = Some(config);
        self.shared.collector.wake();
    }

    fn ack(&mut self, ack: &wire::Ack) {
        let mut queue = self.shared.queue();
        for seq in &ack.seqs {
            self.flying.remove(seq);
            self.backlog_flying.remove(seq);
            queue.spool.ack(*seq);
        }
        for to_seq in &ack.gaps {
            self.gaps_sent.remove(to_seq);
            queue.spool.gap_told(*to_seq);
        }
        self.backlog_rest = false;
    }

    fn pong(&mut self, pong: wire::TimePong) {
        let now = Reading::now(&*self.shared.env.clock);
        self.shared
            .hand()
            .clock
            .pong(pong.mono_ns, now, pong.server_ms);
        self.pings += 1;
        if self.pings < PINGS_AT_CONNECT {
            self.ping_next_ns = now.mono_ns;
        }
    }

    /// Appends everything that is due; returns how long nothing else will be, in milliseconds.
    pub(crate) fn fill(&mut self, room: bool, out: &mut Vec<u8>) -> Result<u64, Over> {
        let now_ns = self.now_ns();
        self.check_alive(now_ns)?;
        if !self.welcomed {
            return Ok(1_000);
        }
        if now_ns >= self.ping_next_ns {
            let ping = wire::TimePing { mono_ns: now_ns };
            wire::encode_message(Kind::TimePing, &ping, out)?;
            self.ping_next_ns = now_ns + PING_MS * 1_000_000;
        }
        if self.pings == 0 {
            // Before the server's time is known no sample can be sent with its right time.
            return Ok(1_000);
        }
        self.tell(out)?;
        self.tell_gaps(out)?;
        self.send_fresh(out)?;
        let backlog_ns = if room {
            self.send_backlog(now_ns, out)?
        } else {
            u64::MAX
        };
        let next_ns = self.ping_next_ns.min(backlog_ns);
        let wait_ms = next_ns.saturating_sub(now_ns).div_ceil(1_000_000);
        Ok(wait_ms.min(IDLE_MS))
    }

    fn check_alive(&self, now_ns: u64) -> Result<(), Over> {
        let limit_ms = if self.welcomed { DEAD_MS } else { WELCOME_MS };
        let since_ns = if self.welcomed {
            self.heard_ns
        } else {
            self.started_ns
        };
        if now_ns.saturating_sub(since_ns) / 1_000_000 < limit_ms {
            return Ok(());
        }
        Err(Over::Broken(format!(
            "nothing was heard for {} s",
            limit_ms / 1_000
        )))
    }

    /// Fresh passes: at once, whatever else waits.
    fn send_fresh(&mut self, out: &mut Vec<u8>) -> Result<(), Over> {
        let shared = self.shared.clone();
        let mut hand = shared.hand();
        if let Some(seq) = hand.overflow.take() {
            self.backlog.extend(seq);
            self.backlog_rest = false;
        }
        while let Some(fresh) = hand.fresh.pop_front() {
            if fresh.on_disk && self.backlog.has(fresh.seq) {
                continue;
            }
            if fresh.epoch != hand.dictionary.epoch() {
                // Its numbers are void: the queue has it with its own dictionary.
                self.leave_to_backlog(fresh);
                continue;
            }
            if self.flying.len() >= FRESH_FLYING_MAX {
                self.leave_to_backlog(fresh);
                continue;
            }
            if self.epoch != Some(fresh.epoch) {
                self.encoder.reset();
                self.epoch = Some(fresh.epoch);
            }
            let head = block_head(&fresh, &hand.clock);
            let mut block = Vec::new();
            let values = fresh.samples.iter().copied();
            let written = hand
                .dictionary
                .teach(&mut self.encoder)
                .and_then(|()| self.encoder.block(&head, values, &mut block));
            if written.is_err() {
                self.epoch = None;
                self.leave_to_backlog(fresh);
                continue;
            }
            wire::encode_frame(Kind::Samples, &block, out)?;
            let seq = fresh.seq;
            self.flying.insert(seq, (!fresh.on_disk).then_some(fresh));
        }
        Ok(())
    }

    fn leave_to_backlog(&mut self, fresh: Fresh) {
        if fresh.on_disk {
            self.backlog.extend(fresh.seq);
            self.backlog_rest = false;
        } else {
            // The queue is locked after the hand, never the other way round: told at the end.
            self.flying.insert(fresh.seq, Some(fresh));
        }
    }

    /// Backlog: slowly, beside. Returns when it may go on.
    fn send_backlog(&mut self, now_ns: u64, out: &mut Vec<u8>) -> Result<u64, Over> {
        if self.backlog_rest || self.backlog_flying.len() >= BACKLOG_FLYING_MAX {
            return Ok(u64::MAX);
        }
        if now_ns < self.backlog_next_ns {
            return Ok(self.backlog_next_ns);
        }
        let step_ns = 1_000_000_000 / u64::from(self.backlog_per_s.max(1));
        let clock = self.shared.hand().clock.clone();
        let mut queue = self.shared.queue();
        let (flying, sent) = (&self.flying, &self.backlog_flying);
        let is_sent = |seq: u64| flying.contains_key(&seq) || sent.contains(&seq);
        let mut block = Vec::new();
        match self.backlog.next(&mut queue, &clock, &is_sent, &mut block) {
            Ok(Next::Block(seq)) => {
                drop(queue);
                wire::encode_frame(Kind::Backlog, &block, out)?;
                self.backlog_flying.insert(seq);
                self.backlog_next_ns = now_ns + step_ns;
                Ok(self.backlog_next_ns)
            }
            Ok(Next::Nothing) => {
                self.backlog_rest = true;
                Ok(u64::MAX)
            }
            Err(error) => {
                drop(queue);
                self.shared
                    .log("WARN", format_args!("the queue cannot be read: {error}"));
                self.backlog_rest = true;
                Ok(u64::MAX)
            }
        }
    }

    /// What exists here, what is measured, what is wrong, answers to questions.
    fn tell(&mut self, out: &mut Vec<u8>) -> Result<(), Over> {
        let mut hand = self.shared.hand();
        for (number, kind, body) in std::mem::take(&mut hand.answers) {
            if number == self.number {
                wire::encode_frame(kind, &body, out)?;
            }
        }
        let [discovered, statuses, notes, warnings] = self.told;
        if hand.discovered.0 != discovered {
            wire::encode_message(Kind::Discovered, &hand.discovered.1, out)?;
        }
        if hand.statuses.0 != statuses {
            wire::encode_message(Kind::Statuses, &hand.statuses.1, out)?;
        }
        if hand.notes.0 != notes {
            wire::encode_message(Kind::Notes, &hand.notes.1, out)?;
        }
        if hand.warnings.0 != warnings {
            for ((code, subject), text) in &hand.warnings.1 {
                let key = (code.clone(), subject.clone());
                if self.told_warnings.get(&key) != Some(text) {
                    let (code, subject) = key.clone();
                    let warning = wire::Warning {
                        code,
                        subject,
                        text: text.clone(),
                    };
                    wire::encode_message(Kind::Warning, &warning, out)?;
                    self.told_warnings.insert(key, text.clone());
                }
            }
        }
        self.told = [
            hand.discovered.0,
            hand.statuses.0,
            hand.notes.0,
            hand.warnings.0,
        ];
        Ok(())
    }

    fn tell_gaps(&mut self, out: &mut Vec<u8>) -> Result<(), Over> {
        let queue = self.shared.queue();
        for gap in queue.spool.gaps() {
            let Gap {
                from_seq,
                to_seq,
                from_ms,
                to_ms,
                reason,
            } = *gap;
            if self.gaps_sent.get(&to_seq) == Some(&from_seq) {
                continue;
            }
            self.gaps_sent.insert(to_seq, from_seq);
            let reason = reason.text().to_owned();
            let gap = wire::Gap {
                from_seq,
                to_seq,
                from_ms,
                to_ms,
                reason,
            };
            wire::encode_message(Kind::Gap, &gap, out)?;
        }
        Ok(())
    }

    /// The agent stops: said, so that the server knows it is not a failure.
    pub(crate) fn goodbye(&self, out: &mut Vec<u8>) {
        let goodbye = wire::Goodbye {
            code: GoodbyeCode::ShuttingDown as i32,
            reason: "the agent was stopped".to_owned(),
        };
        // Nothing is lost when even this cannot be said.
        let _ = wire::encode_message(Kind::Goodbye, &goodbye, out);
    }

    /// The connection is gone: what was sent, not acknowledged and is not on disk is lost.
    pub(crate) fn end(&mut self) {
        for fresh in self.flying.values().flatten() {
            self.shared.missed(fresh);
        }
        self.flying.clear();
    }
}

fn block_head(fresh: &Fresh, clock: &Anchor) -> BlockHead {
    let moment = fresh.moment;
    let anchored = moment.quality == crate::anchor::Quality::Anchored;
    // A pass from before the first answer gets its time now that the server's clock is known.
    let time_ms = if anchored {
        moment.time_ms
    } else {
        clock.at_mono(moment.mono_ns).unwrap_or(moment.time_ms)
    };
    BlockHead {
        seq: fresh.seq,
        time_ms,
        interval_ms: moment.interval_ms,
        replay: false,
    }
}

fn goodbye(goodbye: &wire::Goodbye) -> Over {
    let reason = goodbye.reason.clone();
    match goodbye.code() {
        GoodbyeCode::UnknownAgent
        | GoodbyeCode::Retired
        | GoodbyeCode::Version
        | GoodbyeCode::Replaced => Over::Refused(reason),
        GoodbyeCode::NotNow => Over::NotNow(reason),
        GoodbyeCode::Unspecified
        | GoodbyeCode::ShuttingDown
        | GoodbyeCode::Protocol
        | GoodbyeCode::Silent => Over::Broken(reason),
    }
}
