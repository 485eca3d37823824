//! Many pretended agents in one process over real connections: what benches load a server with.
//!
//! Every agent has its own key, enrols, and sends passes of made-up values at the given interval,
//! spread over it. There is no queue: what is not acknowledged when the connection ends is counted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::PollFd;
use rustls::ClientConfig;
use stdx::Env;
use wire::{BlockHead, Encoder, FrameError, Kind, Pin};

use crate::error::AgentError;
use crate::link::Conn;
use crate::{http, identity, link, shared};

/// The longest sleep between two looks at all connections.
const LOOK_MS: u64 = 20;

/// How many agents enrol and connect at the same time.
const JOINING_AT_ONCE: usize = 16;

/// How a swarm is made.
#[derive(Clone, Debug)]
pub struct SwarmOptions {
    /// `host:port` of the server.
    pub server: String,
    /// Its key.
    pub pin: Pin,
    /// A token with as many uses as there are agents.
    pub token: String,
    /// How many agents.
    pub agents: usize,
    /// Series of each.
    pub series: usize,
    /// How often each sends, in milliseconds.
    pub interval_ms: u32,
    /// What the names of its hosts begin with.
    pub prefix: String,
    /// Clock and randomness.
    pub env: Env,
}

/// What a swarm did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SwarmReport {
    /// Passes sent.
    pub sent: u64,
    /// Passes acknowledged.
    pub acknowledged: u64,
    /// Connections that broke.
    pub broken: u64,
    /// Bytes of TLS sent after the handshakes.
    pub bytes: u64,
    /// From sending to acknowledgement, in milliseconds, sorted.
    pub ack_ms: Vec<f64>,
}

impl SwarmReport {
    /// The latency that this share of the acknowledgements did not exceed, in milliseconds.
    #[must_use]
    pub fn ack_ms_at(&self, share: f64) -> f64 {
        let last = self.ack_ms.len().saturating_sub(1);
        let at = (share.clamp(0.0, 1.0) * last as f64).round() as usize;
        self.ack_ms.get(at).copied().unwrap_or(0.0)
    }
}

/// A swarm whose agents are enrolled and connected.
pub struct Swarm {
    options: SwarmOptions,
    members: Vec<Member>,
    report: SwarmReport,
}

impl std::fmt::Debug for Swarm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Swarm")
            .field("agents", &self.members.len())
            .finish_non_exhaustive()
    }
}

struct Member {
    identity: Identity,
    conn: Option<Conn>,
    encoder: Encoder,
    values: Vec<f64>,
    /// Series that show a value they were given rather than noise.
    held: BTreeMap<usize, f64>,
    seq: u64,
    sent_ns: u64,
    next_ns: u64,
    state: u64,
}

/// Who an agent is to the server, for as long as the swarm lives.
struct Identity {
    config: Arc<ClientConfig>,
    agent_id: String,
    queue: u64,
}

impl Swarm {
    /// Enrols and connects all agents, a few at a time; those that are there already send passes.
    ///
    /// # Errors
    /// When the server refuses one.
    pub fn connect(options: SwarmOptions) -> Result<Self, AgentError> {
        let agents = options.agents;
        let interval_ns = u64::from(options.interval_ms) * 1_000_000;
        let start_ns = options.env.clock.mono_ns();
        let mut swarm = Self {
            options,
            members: Vec::with_capacity(agents),
            report: SwarmReport::default(),
        };
        let never = AtomicBool::new(false);
        while swarm.members.len() < agents {
            let first = swarm.members.len();
            let few = first..agents.min(first + JOINING_AT_ONCE);
            for joined in join(&swarm.options, few) {
                let (identity, conn) = joined?;
                let n = swarm.members.len() as u64;
                let mut member = Member::new(&swarm.options, identity, conn, n);
                member.next_ns = start_ns + interval_ns * n / agents.max(1) as u64;
                swarm.members.push(member);
            }
            swarm.run(1, &never);
        }
        Ok(swarm)
    }

    /// Sends passes for this long, or until `stop`; can be called again.
    pub fn run(&mut self, duration_ms: u64, stop: &AtomicBool) {
        let clock = self.options.env.clock.clone();
        let until_ns = clock.mono_ns() + duration_ms * 1_000_000;
        let interval_ns = u64::from(self.options.interval_ms) * 1_000_000;
        while !stop.load(Ordering::Relaxed) && clock.mono_ns() < until_ns {
            let now_ns = clock.mono_ns();
            for member in &mut self.members {
                if now_ns >= member.next_ns {
                    while member.next_ns <= now_ns {
                        member.next_ns += interval_ns;
                    }
                    member.send(&self.options, &mut self.report);
                }
            }
            let left_ms = until_ns.saturating_sub(clock.mono_ns()) / 1_000_000;
            self.wait_and_read(left_ms.clamp(1, LOOK_MS));
        }
    }

    /// How many agents there are.
    #[must_use]
    pub const fn agents(&self) -> usize {
        self.members.len()
    }

    /// Gives a series of an agent a value that it keeps from the next pass on.
    pub fn hold(&mut self, agent: usize, series: usize, value: f64) {
        if let Some(member) = self.members.get_mut(agent) {
            member.held.insert(series, value);
        }
    }

    /// Sends a pass of one agent now, whatever its interval.
    pub fn send_now(&mut self, agent: usize) {
        if let Some(member) = self.members.get_mut(agent) {
            member.send(&self.options, &mut self.report);
        }
    }

    /// Connects an agent again, as one does whose server was gone.
    ///
    /// # Errors
    /// When the server does not answer.
    pub fn reconnect(&mut self, agent: usize) -> Result<(), AgentError> {
        let server = &self.options.server;
        if let Some(member) = self.members.get_mut(agent) {
            let conn = member.identity.connect(server);
            member.conn = Some(conn.map_err(|error| failed(server, error.to_string()))?);
            member.encoder = encoder(self.options.series);
        }
        Ok(())
    }

    /// What happened so far.
    #[must_use]
    pub fn report(&self) -> SwarmReport {
        let mut report = self.report.clone();
        report.ack_ms.sort_by(f64::total_cmp);
        report.bytes = self
            .members
            .iter()
            .filter_map(|m| m.conn.as_ref())
            .map(|conn| conn.bytes().0)
            .sum();
        report
    }

    fn wait_and_read(&mut self, wait_ms: u64) {
        let clock = self.options.env.clock.clone();
        let connected = self.members.iter().enumerate();
        let connected: Vec<(usize, &Conn)> = connected
            .filter_map(|(n, member)| Some((n, member.conn.as_ref()?)))
            .collect();
        let mut fds: Vec<PollFd<'_>> = connected.iter().map(|(_, conn)| conn.poll_fd()).collect();
        shared::wait(&mut fds, wait_ms);
        let ready = fds
            .iter()
            .zip(&connected)
            .filter(|(fd, _)| !fd.revents().is_empty());
        let ready: Vec<usize> = ready.map(|(_, (n, _))| *n).collect();
        let now_ns = clock.mono_ns();
        for n in ready {
            if let Some(member) = self.members.get_mut(n) {
                member.read(now_ns, &mut self.report);
            }
        }
    }
}

impl Member {
    fn new(options: &SwarmOptions, identity: Identity, conn: Conn, seed: u64) -> Self {
        let encoder = encoder(options.series);
        Self {
            identity,
            conn: Some(conn),
            values: vec![0.0; encoder.defined()],
            held: BTreeMap::new(),
            encoder,
            seq: 0,
            sent_ns: 0,
            next_ns: 0,
            state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
        }
    }

    fn random(&mut self) -> u64 {
        // xorshift64: only has to look like a host's noise.
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }

    /// Half of the series stand still, a quarter counts, a quarter wanders.
    fn step(&mut self) {
        for n in 0..self.values.len() {
            let noise = (self.random() % 200) as f64;
            if let Some(value) = self.values.get_mut(n) {
                match n % 4 {
                    0 => *value += noise,
                    1 => *value = (noise + 4_900.0) / 10_000.0,
                    _ => {}
                }
            }
        }
        for (&series, &held) in &self.held {
            if let Some(value) = self.values.get_mut(series) {
                *value = held;
            }
        }
    }

    fn send(&mut self, options: &SwarmOptions, report: &mut SwarmReport) {
        self.step();
        let head = BlockHead {
            seq: self.seq + 1,
            time_ms: options.env.clock.now_ms(),
            interval_ms: options.interval_ms,
            replay: false,
        };
        let mut block = Vec::new();
        let values = (0_u32..).zip(self.values.iter().copied());
        let written = self.encoder.block(&head, values, &mut block);
        let Some(conn) = &mut self.conn else { return };
        let framed = written.is_ok() && frame(&block, conn).is_ok();
        if framed && conn.flush().is_ok() {
            (self.seq, self.sent_ns) = (head.seq, options.env.clock.mono_ns());
            report.sent += 1;
        } else {
            self.conn = None;
            report.broken += 1;
        }
    }

    fn read(&mut self, now_ns: u64, report: &mut SwarmReport) {
        let Some(conn) = &mut self.conn else { return };
        let read = conn.receive().and_then(|_| conn.flush());
        while let Ok(Some(frame)) = conn.frames.next_frame() {
            if Kind::from_code(frame.kind) == Some(Kind::Ack)
                && let Ok(ack) = frame.message::<wire::Ack>(Kind::Ack)
            {
                report.acknowledged += ack.seqs.len() as u64;
                report
                    .ack_ms
                    .push(now_ns.saturating_sub(self.sent_ns) as f64 / 1e6);
            }
        }
        if read.is_err() {
            self.conn = None;
            report.broken += 1;
        }
    }
}

fn frame(block: &[u8], conn: &mut Conn) -> Result<(), FrameError> {
    wire::encode_frame(Kind::Samples, block, conn.out())
}

fn encoder(series: usize) -> Encoder {
    let mut encoder = Encoder::new();
    for n in 0..series {
        // Names as a host has them: a handful of metrics, told apart by a device.
        let (metric, device) = (format!("bench_metric_{}", n % 40), format!("dev{}", n / 40));
        let labels = std::iter::once(("device", device.as_str()));
        // More series than a dictionary holds are simply not made.
        let _ = encoder.define(&metric, labels);
    }
    encoder
}

/// Told apart from the machines of another swarm.
fn machine_id(prefix: &str, n: usize) -> String {
    let fold = |sum: u64, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
    let sum = prefix.bytes().fold(0xCBF2_9CE4_8422_2325, fold);
    format!("{sum:016x}{n:016x}")
}

fn failed(server: &str, what: String) -> AgentError {
    AgentError::Server {
        server: server.to_owned(),
        what,
    }
}

/// Enrols and connects these, each in a thread of its own.
fn join(
    options: &SwarmOptions,
    few: std::ops::Range<usize>,
) -> Vec<Result<(Identity, Conn), AgentError>> {
    let one = |n| {
        let identity = enrol(options, n)?;
        let conn = identity
            .connect(&options.server)
            .map_err(|error| failed(&options.server, error.to_string()))?;
        Ok((identity, conn))
    };
    std::thread::scope(|scope| {
        let one = &one;
        let threads: Vec<_> = few.map(|n| scope.spawn(move || one(n))).collect();
        let gone = || failed(&options.server, "a thread panicked".to_owned());
        let joined = threads.into_iter();
        joined
            .map(|thread| thread.join().unwrap_or_else(|_| Err(gone())))
            .collect()
    })
}

fn enrol(options: &SwarmOptions, n: usize) -> Result<Identity, AgentError> {
    let config = identity::passing_config(options.pin)
        .map_err(|error| failed(&options.server, error.to_string()))?;
    let facts = wire::Facts {
        hostname: format!("{}-{n:05}", options.prefix),
        machine_id: machine_id(&options.prefix, n),
        os_id: "swarm".to_owned(),
        ..wire::Facts::default()
    };
    let request = wire::EnrolRequest {
        token: options.token.clone(),
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        facts: Some(facts),
    };
    let reply = link::enrol(&options.server, &config, &request)?;
    Ok(Identity {
        config,
        agent_id: reply.agent_id,
        queue: n as u64 + 1,
    })
}

impl Identity {
    fn connect(&self, server: &str) -> std::io::Result<Conn> {
        let mut stream = http::connect(server, &self.config)?;
        let answer = http::upgrade(&mut stream, server)?;
        if answer.status != 101 {
            return Err(std::io::Error::other(answer.text()));
        }
        let mut conn = Conn::new(stream, &answer.body)?;
        let hello = wire::Hello {
            protocol_min: wire::PROTOCOL_MIN,
            protocol_max: wire::PROTOCOL_MAX,
            agent_version: env!("CARGO_PKG_VERSION").to_owned(),
            agent_id: self.agent_id.clone(),
            queue: self.queue,
            ..wire::Hello::default()
        };
        wire::encode_message(Kind::Hello, &hello, conn.out()).map_err(std::io::Error::other)?;
        conn.flush()?;
        Ok(conn)
    }
}

/// Connects and enrols a single pretended agent and lets the caller send any bytes; for tests of
/// what a server does with agents that misbehave. Returns the bytes that came back.
///
/// # Errors
/// When the server refuses it before any frame.
pub fn misbehave(
    options: &SwarmOptions,
    frames: &dyn Fn(&mut Vec<u8>),
    wait_ms: u64,
) -> Result<Vec<u8>, AgentError> {
    let failed = |what: String| AgentError::Server {
        server: options.server.clone(),
        what,
    };
    let config =
        identity::passing_config(options.pin).map_err(|error| failed(error.to_string()))?;
    let facts = wire::Facts {
        hostname: "odd".to_owned(),
        ..wire::Facts::default()
    };
    let request = wire::EnrolRequest {
        token: options.token.clone(),
        agent_version: "0".to_owned(),
        facts: Some(facts),
    };
    link::enrol(&options.server, &config, &request)?;
    let talk = || -> std::io::Result<Vec<u8>> {
        let mut stream = http::connect(&options.server, &config)?;
        let answer = http::upgrade(&mut stream, &options.server)?;
        let mut bytes = Vec::new();
        frames(&mut bytes);
        std::io::Write::write_all(&mut stream, &bytes)?;
        std::io::Write::flush(&mut stream)?;
        stream
            .sock
            .set_read_timeout(Some(std::time::Duration::from_millis(wait_ms)))?;
        let mut heard = answer.body;
        let mut chunk = [0; 4096];
        while let Ok(len) = std::io::Read::read(&mut stream, &mut chunk) {
            if len == 0 {
                break;
            }
            heard.extend_from_slice(chunk.get(..len).unwrap_or_default());
        }
        Ok(heard)
    };
    talk().map_err(|error| failed(error.to_string()))
}
