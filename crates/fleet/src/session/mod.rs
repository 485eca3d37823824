//! One connected agent, from its Hello to its end.
//!
//! Takes: frames of one agent. Leaves: batches at `Ingest`, events, acknowledgements. Never: an
//! acknowledgement before `Ingest` has returned, a read while a live batch waits.

mod answers;
mod samples;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use model::flow::Presence;
use model::limits;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use wire::{Frame, FrameDecoder, FrameError, GoodbyeCode, Kind, SampleError};

use crate::agents::{self, Known};
use crate::fleet::Shared;
use crate::live::{Arrival, Outbound, Place};
use crate::ports::{FleetEvent, IngestRefused};
use crate::words::{AgentWarning, HostFacts, LostRange, Note, Signal, Thing};
use answers::Answers;
use samples::{Lane, Source};

/// How long a peer may take to say Hello.
const HELLO_MS_MAX: u64 = 10_000;
/// Bytes of a first frame.
const HELLO_BYTES_MAX: usize = 64 * 1024;
/// An agent says something at least once a minute.
const SILENT_MS_MAX: u64 = 180_000;
/// How long a peer may take to read what it is sent.
const WRITE_MS_MAX: u64 = 30_000;
/// Backlog batches of one agent that may wait for the store at once.
const FLYING_MAX: usize = 8;
/// Bytes read at once.
const READ_BYTES: usize = 4 * 1024;
/// Things or signals that one agent may list.
const LIST_MAX: usize = 20_000;

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum End {
    /// The peer closed or the network broke.
    #[error("the connection is gone: {0}")]
    Gone(String),
    /// We ended it and told the agent why.
    #[error("{1}")]
    Told(GoodbyeCode, String),
}

impl From<std::io::Error> for End {
    fn from(error: std::io::Error) -> Self {
        Self::Gone(error.to_string())
    }
}

impl From<FrameError> for End {
    fn from(error: FrameError) -> Self {
        Self::Told(GoodbyeCode::Protocol, error.to_string())
    }
}

impl From<SampleError> for End {
    fn from(error: SampleError) -> Self {
        Self::Told(GoodbyeCode::Protocol, error.to_string())
    }
}

/// A batch came back from ingest.
struct Landed {
    seq: u64,
    live: bool,
    result: Result<(), IngestRefused>,
}

type Flying = FuturesUnordered<db::BoxFuture<'static, Landed>>;

/// One agent's connection after its Hello.
struct Session {
    shared: Arc<Shared>,
    known: Known,
    place: Place,
    version: String,
    live: Lane,
    backlog: Option<Box<Lane>>,
    flying: Flying,
    live_flying: bool,
    answers: Answers,
    config_revision: u64,
    out: Vec<u8>,
}

/// Serves one agent until its connection ends.
pub(crate) async fn serve<IO>(mut io: IO, shared: Arc<Shared>, known: Known, address: String)
where
    IO: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut decoder = FrameDecoder::new(HELLO_BYTES_MAX);
    let agent = known.id;
    let end = match greet(&mut io, &mut decoder, &shared).await {
        Ok(hello) => {
            decoder.set_limit(limits::FRAME_BYTES_MAX);
            converse(&mut io, &mut decoder, shared, (known, hello, &address)).await
        }
        Err(end) => end,
    };
    if let End::Told(code, reason) = &end {
        let goodbye = wire::Goodbye {
            code: *code as i32,
            reason: reason.clone(),
        };
        let mut out = Vec::new();
        if wire::encode_message(Kind::Goodbye, &goodbye, &mut out).is_ok() {
            let _ = write(&mut io, &mut out).await;
        }
    }
    let _ = tokio::time::timeout(Duration::from_secs(1), io.shutdown()).await;
    tracing::info!(agent.id = %agent, %address, "agent disconnected: {end}");
}

/// Waits for Hello and settles the version.
async fn greet<IO>(
    io: &mut IO,
    decoder: &mut FrameDecoder,
    shared: &Shared,
) -> Result<wire::Hello, End>
where
    IO: AsyncRead + Unpin,
{
    let limit = Duration::from_millis(HELLO_MS_MAX);
    let hello = tokio::time::timeout(limit, async {
        let mut chunk = [0; READ_BYTES];
        loop {
            if let Some(frame) = decoder.next_frame()? {
                if Kind::from_code(frame.kind) == Some(Kind::Hello) {
                    return Ok(frame.message::<wire::Hello>(Kind::Hello)?);
                }
                let text = "the first frame must be Hello".to_owned();
                return Err(End::Told(GoodbyeCode::Protocol, text));
            }
            read(io, &mut chunk, decoder).await?;
        }
    });
    let Ok(hello) = hello.await else {
        return Err(End::Told(
            GoodbyeCode::Silent,
            "no Hello within 10 s".to_owned(),
        ));
    };
    let hello = hello?;
    wire::negotiate(hello.protocol_min, hello.protocol_max)
        .map_err(|refused| End::Told(GoodbyeCode::Version, refused.to_string()))?;
    if shared.is_stopping() {
        return Err(End::Told(
            GoodbyeCode::ShuttingDown,
            "the server stops".to_owned(),
        ));
    }
    Ok(hello)
}

async fn read<IO>(io: &mut IO, chunk: &mut [u8], decoder: &mut FrameDecoder) -> Result<(), End>
where
    IO: AsyncRead + Unpin,
{
    match io.read(chunk).await? {
        0 => Err(End::Gone("closed by the agent".to_owned())),
        len => {
            decoder.push(chunk.get(..len).unwrap_or_default());
            Ok(())
        }
    }
}

async fn write<IO: AsyncWrite + Unpin>(io: &mut IO, out: &mut Vec<u8>) -> Result<(), End> {
    if out.is_empty() {
        return Ok(());
    }
    let limit = Duration::from_millis(WRITE_MS_MAX);
    let written = tokio::time::timeout(limit, async {
        io.write_all(out).await?;
        io.flush().await
    });
    match written.await {
        Ok(written) => written?,
        Err(_) => return Err(End::Gone("the agent does not read".to_owned())),
    }
    out.clear();
    out.shrink_to(READ_BYTES);
    Ok(())
}

/// Takes the agent's place among the living, then serves it; `(known, hello, address)`.
async fn converse<IO>(
    io: &mut IO,
    decoder: &mut FrameDecoder,
    shared: Arc<Shared>,
    (known, hello, address): (Known, wire::Hello, &str),
) -> End
where
    IO: AsyncRead + AsyncWrite + Unpin + Send,
{
    let arrival = Arrival {
        agent: known.id,
        host: known.host,
        version: hello.agent_version.clone(),
        address: address.to_owned(),
        queue: hello.queue,
    };
    let (place, inbox) = shared.live.arrive(arrival);
    let mut session = Session {
        shared,
        known,
        place,
        version: hello.agent_version.clone(),
        live: Lane::default(),
        backlog: None,
        flying: FuturesUnordered::new(),
        live_flying: false,
        answers: Answers::default(),
        config_revision: 0,
        out: Vec::new(),
    };
    tracing::info!(
        agent.id = %session.known.id, %address, version = %session.version,
        "agent connected"
    );
    session.presence(true).await;
    let end = match session.welcome(hello).await {
        Ok(()) => session.run(io, decoder, inbox).await,
        Err(end) => end,
    };
    if session.place.is_current() {
        session.presence(false).await;
        session.note_seen(address).await;
    }
    end
}

impl Session {
    async fn presence(&mut self, connected: bool) {
        let at_ms = self.shared.env.clock.now_ms();
        let Known {
            id: agent, host, ..
        } = self.known;
        let presence = Presence {
            agent,
            host,
            connected,
            at_ms,
        };
        self.shared
            .ports
            .events
            .event(FleetEvent::Presence(presence))
            .await;
    }

    /// Writes down that the agent was here until now.
    async fn note_seen(&mut self, address: &str) {
        let seen = vec![(self.known.id, self.version.clone(), address.to_owned())];
        let saved = self.shared.db.write(move |tx| {
            let seen = seen.clone();
            Box::pin(async move { agents::seen(tx, &seen).await })
        });
        if let Err(error) = saved.await {
            tracing::warn!(agent.id = %self.known.id, "cannot note when it was seen: {error}");
        }
    }

    async fn welcome(&mut self, hello: wire::Hello) -> Result<(), End> {
        let host = self.known.host;
        let Some(host_name) = self.shared.ports.hosts.name(host).await else {
            let text = "this host was retired in the inventory".to_owned();
            return Err(End::Told(GoodbyeCode::Retired, text));
        };
        let welcome = wire::Welcome {
            protocol: wire::negotiate(hello.protocol_min, hello.protocol_max)
                .unwrap_or(wire::PROTOCOL_MAX),
            server_version: self.shared.version.clone(),
            store_id: self.shared.identity.store_id().to_owned(),
            host_name,
            server_ms: self.shared.env.clock.now_ms(),
        };
        wire::encode_message(Kind::Welcome, &welcome, &mut self.out)?;
        self.configure().await?;
        if let Some(facts) = hello.facts {
            self.facts(facts).await;
        }
        Ok(())
    }

    async fn facts(&mut self, facts: wire::Facts) {
        let facts = HostFacts::from_wire(facts, &self.version);
        self.event(FleetEvent::Facts(self.known.host, facts)).await;
    }

    async fn event(&mut self, event: FleetEvent) {
        self.shared.ports.events.event(event).await;
    }

    /// Sends the configuration when it is another than the one sent last.
    async fn configure(&mut self) -> Result<(), End> {
        let config = self.shared.ports.config.config_for(self.known.host).await;
        let mut config = config.to_wire();
        let sum = blake3::hash(&prost::Message::encode_to_vec(&config));
        let revision = sum
            .as_bytes()
            .first_chunk()
            .copied()
            .map_or(1, u64::from_le_bytes);
        if revision != self.config_revision {
            self.config_revision = revision;
            config.revision = revision;
            wire::encode_message(Kind::Config, &config, &mut self.out)?;
        }
        Ok(())
    }

    /// Whether another frame may be taken: not while a live batch, or too much backlog, waits.
    fn may_take(&self) -> bool {
        !self.live_flying && self.flying.len() < FLYING_MAX
    }

    async fn run<IO>(
        &mut self,
        io: &mut IO,
        decoder: &mut FrameDecoder,
        mut inbox: mpsc::Receiver<Outbound>,
    ) -> End
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let mut chunk = vec![0; READ_BYTES];
        let silence = Duration::from_millis(SILENT_MS_MAX);
        let mut deadline = tokio::time::Instant::now() + silence;
        loop {
            if let Err(end) = self.take_frames(decoder).await {
                // What waits for an answer is told before the connection ends.
                let _ = write(io, &mut self.out).await;
                return end;
            }
            if let Err(end) = write(io, &mut self.out).await {
                return end;
            }
            let may_take = self.may_take();
            let step = tokio::select! {
                step = read(io, &mut chunk, decoder), if may_take => {
                    deadline = tokio::time::Instant::now() + silence;
                    step
                }
                Some(landed) = self.flying.next(), if !self.flying.is_empty() => {
                    self.landed(landed).await
                }
                message = inbox.recv() => self.outbound(message).await,
                () = tokio::time::sleep_until(deadline), if may_take => Err(End::Told(
                    GoodbyeCode::Silent,
                    "nothing was heard for three minutes".to_owned(),
                )),
            };
            if let Err(end) = step {
                let _ = write(io, &mut self.out).await;
                return end;
            }
        }
    }

    async fn take_frames(&mut self, decoder: &mut FrameDecoder) -> Result<(), End> {
        while self.may_take() {
            let Some(frame) = decoder.next_frame()? else {
                return Ok(());
            };
            self.frame(frame).await?;
        }
        Ok(())
    }

    async fn frame(&mut self, frame: Frame<'_>) -> Result<(), End> {
        let Some(kind) = Kind::from_code(frame.kind) else {
            return Ok(());
        };
        let host = self.known.host;
        match kind {
            Kind::Samples => self.samples(frame.body, true).await?,
            Kind::Backlog => self.samples(frame.body, false).await?,
            Kind::TimePing => {
                let ping: wire::TimePing = frame.message(kind)?;
                let server_ms = self.shared.env.clock.now_ms();
                let pong = wire::TimePong {
                    mono_ns: ping.mono_ns,
                    server_ms,
                };
                wire::encode_message(Kind::TimePong, &pong, &mut self.out)?;
            }
            Kind::Gap => self.gap(frame.message(kind)?).await?,
            Kind::Facts => self.facts(frame.message(kind)?).await,
            Kind::Discovered => {
                let list: wire::Discovered = frame.message(kind)?;
                let things = list.things.into_iter().take(LIST_MAX).map(Thing::from_wire);
                self.event(FleetEvent::Discovered(host, things.collect()))
                    .await;
            }
            Kind::Statuses => {
                let list: wire::Statuses = frame.message(kind)?;
                let signals = list
                    .entries
                    .into_iter()
                    .take(LIST_MAX)
                    .map(Signal::from_wire);
                self.event(FleetEvent::Signals(host, signals.collect()))
                    .await;
            }
            Kind::Notes => {
                let list: wire::Notes = frame.message(kind)?;
                let notes = list.entries.into_iter().take(LIST_MAX).map(Note::from_wire);
                self.event(FleetEvent::Notes(host, notes.collect())).await;
            }
            Kind::Top => self.answers.top(frame.message(kind)?),
            Kind::OrderResult => self.answers.order(frame.message(kind)?).await,
            Kind::Warning => self.warned(frame.message(kind)?).await,
            Kind::Goodbye => {
                let goodbye: wire::Goodbye = frame.message(kind)?;
                return Err(End::Gone(format!("the agent says: {}", goodbye.reason)));
            }
            Kind::Hello
            | Kind::Welcome
            | Kind::Config
            | Kind::Ack
            | Kind::TimePong
            | Kind::TopRequest
            | Kind::Order => {
                let text = format!("a {kind:?} frame is not the agent's to send here");
                return Err(End::Told(GoodbyeCode::Protocol, text));
            }
        }
        Ok(())
    }

    async fn samples(&mut self, body: &[u8], live: bool) -> Result<(), End> {
        let lane = if live {
            &mut self.live
        } else {
            self.backlog.get_or_insert_default()
        };
        let source = Source {
            agent: self.known.id,
            host: self.known.host,
            resolver: &*self.shared.ports.series,
            received_ms: self.shared.env.clock.now_ms(),
        };
        let read = lane.read(body, live, &source)?;
        for warning in read.warnings {
            self.warn(warning).await?;
        }
        let seq = read.batch.seq;
        if read.useless || self.shared.live.is_acknowledged(self.known.id, seq) {
            return self.acknowledge(seq);
        }
        let ingest = self.shared.ports.ingest.clone();
        self.live_flying |= live;
        self.flying.push(Box::pin(async move {
            let result = ingest.accept(read.batch).await;
            Landed { seq, live, result }
        }));
        Ok(())
    }

    fn acknowledge(&mut self, seq: u64) -> Result<(), End> {
        let ack = wire::Ack {
            seqs: vec![seq],
            gaps: Vec::new(),
        };
        Ok(wire::encode_message(Kind::Ack, &ack, &mut self.out)?)
    }

    async fn landed(&mut self, landed: Landed) -> Result<(), End> {
        let Landed { seq, live, result } = landed;
        if live {
            self.live_flying = false;
        }
        match result {
            Ok(()) => {}
            Err(IngestRefused::NotNow(why)) => {
                return Err(End::Told(GoodbyeCode::NotNow, why));
            }
            Err(IngestRefused::Never(why)) => {
                let at_ms = self.shared.env.clock.now_ms();
                let code = "batch-refused".to_owned();
                let warning = AgentWarning {
                    code,
                    subject: String::new(),
                    text: why,
                    at_ms,
                };
                self.warn(warning).await?;
            }
        }
        self.shared.live.acknowledge(self.known.id, seq);
        self.acknowledge(seq)
    }

    /// Tells the agent and, when it is news, the operator.
    async fn warn(&mut self, warning: AgentWarning) -> Result<(), End> {
        if self.shared.live.warn(self.known.id, warning.clone()) {
            let AgentWarning {
                code,
                subject,
                text,
                ..
            } = warning.clone();
            let message = wire::Warning {
                code,
                subject,
                text,
            };
            wire::encode_message(Kind::Warning, &message, &mut self.out)?;
            self.event(FleetEvent::Warned(self.known.host, warning))
                .await;
        }
        Ok(())
    }

    /// The agent warns of something itself; an empty text takes it back.
    async fn warned(&mut self, message: wire::Warning) {
        let at_ms = self.shared.env.clock.now_ms();
        let wire::Warning {
            code,
            subject,
            text,
        } = message;
        if text.is_empty() {
            self.shared.live.settle(self.known.id, &code);
        }
        let warning = AgentWarning {
            code,
            subject,
            text,
            at_ms,
        };
        if warning.text.is_empty() || self.shared.live.warn(self.known.id, warning.clone()) {
            self.event(FleetEvent::Warned(self.known.host, warning))
                .await;
        }
    }

    async fn gap(&mut self, gap: wire::Gap) -> Result<(), End> {
        let lost = LostRange {
            from_ms: gap.from_ms,
            to_ms: gap.to_ms,
            records: gap.to_seq.saturating_sub(gap.from_seq).saturating_add(1),
            reason: gap.reason,
        };
        tracing::warn!(
            agent.id = %self.known.id, records = lost.records,
            "agent lost collections: {}", lost.reason
        );
        self.event(FleetEvent::Lost(self.known.host, lost)).await;
        let ack = wire::Ack {
            seqs: Vec::new(),
            gaps: vec![gap.to_seq],
        };
        Ok(wire::encode_message(Kind::Ack, &ack, &mut self.out)?)
    }

    async fn outbound(&mut self, message: Option<Outbound>) -> Result<(), End> {
        match message {
            // The place was taken by a newer connection and the note about it did not fit.
            None => Err(End::Told(GoodbyeCode::Replaced, "replaced".to_owned())),
            Some(Outbound::End(code, why)) => Err(End::Told(code, why.to_owned())),
            Some(Outbound::ConfigChanged) => self.configure().await,
            Some(Outbound::Order(signed, events)) => {
                let order = self.answers.expect_order(events);
                let message = wire::Order { order, signed };
                Ok(wire::encode_message(Kind::Order, &message, &mut self.out)?)
            }
            Some(Outbound::Top(count, answer)) => {
                let request = self.answers.expect_top(answer);
                let message = wire::TopRequest { request, count };
                Ok(wire::encode_message(
                    Kind::TopRequest,
                    &message,
                    &mut self.out,
                )?)
            }
        }
    }
}
