//! Control messages: protobuf, derived, grown only by addition; a field number is never used twice.

use std::collections::BTreeMap;

use crate::{Frame, Kind};

/// Agent → server, the first frame of a connection.
#[derive(Clone, Eq, PartialEq, prost::Message)]
pub struct Hello {
    /// The oldest protocol version the agent speaks.
    #[prost(uint32, tag = "1")]
    pub protocol_min: u32,
    /// The newest.
    #[prost(uint32, tag = "2")]
    pub protocol_max: u32,
    /// The program's version, e.g. `0.1.0`.
    #[prost(string, tag = "3")]
    pub agent_version: String,
    /// The id given at enrolment, `agt_…`.
    #[prost(string, tag = "4")]
    pub agent_id: String,
    /// The kernel's boot id.
    #[prost(string, tag = "5")]
    pub boot_id: String,
    /// A random number of the queue's directory: sequence numbers count within it.
    #[prost(fixed64, tag = "6")]
    pub queue: u64,
    /// Everything up to this number was acknowledged.
    #[prost(uint64, tag = "7")]
    pub acked_seq: u64,
    /// The newest number in the queue.
    #[prost(uint64, tag = "8")]
    pub newest_seq: u64,
    /// The host's own clock, UTC milliseconds.
    #[prost(sint64, tag = "9")]
    pub wall_ms: i64,
    /// The store that acknowledged last ([`Welcome::store_id`]); empty at first.
    #[prost(string, tag = "10")]
    pub store_id: String,
    /// What the host is.
    #[prost(message, optional, tag = "11")]
    pub facts: Option<Facts>,
    /// Whether a runner is there to carry out orders.
    #[prost(bool, tag = "12")]
    pub runner: bool,
}

/// Server → agent, the answer to [`Hello`].
#[derive(Clone, Eq, PartialEq, prost::Message)]
pub struct Welcome {
    /// The version both ends will speak.
    #[prost(uint32, tag = "1")]
    pub protocol: u32,
    /// The server program's version.
    #[prost(string, tag = "2")]
    pub server_version: String,
    /// Names the store behind the server; another one has not seen what this agent had acknowledged.
    #[prost(string, tag = "3")]
    pub store_id: String,
    /// The host's name in the inventory.
    #[prost(string, tag = "4")]
    pub host_name: String,
    /// The server's clock, UTC milliseconds.
    #[prost(sint64, tag = "5")]
    pub server_ms: i64,
}

/// Why a connection ends.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, prost::Enumeration)]
#[repr(i32)]
pub enum GoodbyeCode {
    /// Not said.
    Unspecified = 0,
    /// No protocol version in common.
    Version = 1,
    /// The key or id is not enrolled here.
    UnknownAgent = 2,
    /// The program stops; come back.
    ShuttingDown = 3,
    /// The peer broke the protocol.
    Protocol = 4,
    /// The same agent has connected anew.
    Replaced = 5,
    /// The agent was retired by an operator.
    Retired = 6,
    /// Samples cannot be taken now (a full disk): keep them and come back.
    NotNow = 7,
    /// Nothing was heard for too long.
    Silent = 8,
}

/// Either way, the last frame of a connection.
#[derive(Clone, Eq, PartialEq, prost::Message)]
pub struct Goodbye {
    /// Why, for programs.
    #[prost(enumeration = "GoodbyeCode", tag = "1")]
    pub code: i32,
    /// Why, for people.
    #[prost(string, tag = "2")]
    pub reason: String,
}

/// Server → agent: what to do. Sent after [`Welcome`] and whenever it changes.
#[derive(Clone, Eq, PartialEq, prost::Message)]
pub struct Config {
    /// Changes with the content.
    #[prost(uint64, tag = "1")]
    pub revision: u64,
    /// How often to collect, in milliseconds; 0 leaves the agent's own setting.
    #[prost(uint32, tag = "2")]
    pub interval_ms: u32,
    /// The collectors' settings: a JSON object with their names as keys; empty for defaults.
    #[prost(string, tag = "3")]
    pub settings_json: String,
    /// Whether orders are sent to this host at all.
    #[prost(bool, tag = "4")]
    pub orders_allowed: bool,
    /// Public keys (Ed25519, 32 bytes) with which orders are signed.
    #[prost(bytes = "vec", repeated, tag = "5")]
    pub order_keys: Vec<Vec<u8>>,
    /// Backlog batches a second after an outage; 0 leaves the agent's default.
    #[prost(uint32, tag = "6")]
    pub backlog_per_s: u32,
}

/// Server → agent: these are durable and with the judge; the agent may forget them.
#[derive(Clone, Eq, PartialEq, prost::Message)]
pub struct Ack {
    /// Sequence numbers of blocks.
    #[prost(uint64, repeated, tag = "1")]
    pub seqs: Vec<u64>,
    /// [`Gap::to_seq`] of gaps.
    #[prost(uint64, repeated, tag = "2")]
    pub gaps: Vec<u64>,
}

/// Agent → server: what time is it?
#[derive(Clone, Copy, Eq, PartialEq, prost::Message)]
pub struct TimePing {
    /// The agent's monotonic clock, nanoseconds; comes back unchanged.
    #[prost(uint64, tag = "1")]
    pub mono_ns: u64,
}

/// Server → agent: the time.
#[derive(Clone, Copy, Eq, PartialEq, prost::Message)]
pub struct TimePong {
    /// From the ping.
    #[prost(uint64, tag = "1")]
    pub mono_ns: u64,
    /// The server's clock, UTC milliseconds.
    #[prost(sint64, tag = "2")]
    pub server_ms: i64,
}

/// Agent → server: these records are lost for ever.
#[derive(Clone, Eq, PartialEq, prost::Message)]
pub struct Gap {
    /// The first lost number.
    #[prost(uint64, tag = "1")]
    pub from_seq: u64,
    /// The last lost number.
    #[prost(uint64, tag = "2")]
    pub to_seq: u64,
    /// The time of the first, UTC milliseconds.
    #[prost(sint64, tag = "3")]
    pub from_ms: i64,
    /// The time of the last, UTC milliseconds.
    #[prost(sint64, tag = "4")]
    pub to_ms: i64,
    /// Why, for people: `the queue was full`, `the disk was full`, `a file was damaged`.
    #[prost(string, tag = "5")]
    pub reason: String,
}

/// What a host is.
#[derive(Clone, Eq, PartialEq, prost::Message)]
pub struct Facts {
    /// `uname -n`.
    #[prost(string, tag = "1")]
    pub hostname: String,
    /// `/etc/machine-id`; empty where there is none.
    #[prost(string, tag = "2")]
    pub machine_id: String,
    /// `ID` of os-release, e.g. `debian`.
    #[prost(string, tag = "3")]
    pub os_id: String,
    /// `PRETTY_NAME` of os-release.
    #[prost(string, tag = "4")]
    pub os_name: String,
    /// `VERSION_ID` of os-release.
    #[prost(string, tag = "5")]
    pub os_version: String,
    /// `uname -r`.
    #[prost(string, tag = "6")]
    pub kernel: String,
    /// `uname -m`.
    #[prost(string, tag = "7")]
    pub arch: String,
    /// Processors that are online.
    #[prost(uint32, tag = "8")]
    pub cpus: u32,
    /// Memory in bytes.
    #[prost(uint64, tag = "9")]
    pub memory_bytes: u64,
    /// Addresses of its interfaces, without loopback and link-local.
    #[prost(string, repeated, tag = "10")]
    pub addresses: Vec<String>,
    /// When the kernel started, seconds since 1970 by the host's clock.
    #[prost(sint64, tag = "11")]
    pub booted_s: i64,
}

/// One thing that exists on the host and could be watched.
#[derive(Clone, Eq, PartialEq, prost::Message)]
pub struct Thing {
    /// Its kind, as in rules' targets: `filesystem`, `disk`, `interface`, `unit`, ….
    #[prost(string, tag = "1")]
    pub kind: String,
    /// Its key within the host.
    #[prost(string, tag = "2")]
    pub key: String,
    /// What a person calls it.
    #[prost(string, tag = "3")]
    pub title: String,
    /// More about it.
    #[prost(btree_map = "string, string", tag = "4")]
    pub attributes: BTreeMap<String, String>,
}

/// Agent → server: everything that exists on the host and could be watched; replaces the last list.
#[derive(Clone, Eq, PartialEq, prost::Message)]
pub struct Discovered {
    /// The things, sorted by kind and key.
    #[prost(message, repeated, tag = "1")]
    pub things: Vec<Thing>,
}

/// Whether one signal of one collector is measured.
#[derive(Clone, Eq, PartialEq, prost::Message)]
pub struct Status {
    /// The collector, e.g. `cpu`.
    #[prost(string, tag = "1")]
    pub collector: String,
    /// The signal, e.g. `pressure`.
    #[prost(string, tag = "2")]
    pub signal: String,
    /// Which of several; empty when there is one.
    #[prost(string, tag = "3")]
    pub key: String,
    /// How it is.
    #[prost(enumeration = "Availability", tag = "4")]
    pub availability: i32,
    /// More, for people, when it failed.
    #[prost(string, tag = "5")]
    pub detail: String,
}

/// How a signal is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, prost::Enumeration)]
#[repr(i32)]
pub enum Availability {
    /// Not said.
    Unspecified = 0,
    /// It is measured.
    Available = 1,
    /// The agent may not read it.
    NotPermitted = 2,
    /// The host does not have it.
    NotAvailable = 3,
    /// Reading failed.
    Failed = 4,
}

/// Agent → server: the state of all signals; replaces the last list.
#[derive(Clone, Eq, PartialEq, prost::Message)]
pub struct Statuses {
    /// One entry a signal.
    #[prost(message, repeated, tag = "1")]
    pub entries: Vec<Status>,
}

/// The latest words about a thing, such as the first line of a check's output.
#[derive(Clone, Eq, PartialEq, prost::Message)]
pub struct Note {
    /// The collector.
    #[prost(string, tag = "1")]
    pub collector: String,
    /// What it is about, e.g. the check's name.
    #[prost(string, tag = "2")]
    pub key: String,
    /// The words.
    #[prost(string, tag = "3")]
    pub text: String,
}

/// Agent → server: the latest words about all things; replaces the last list.
#[derive(Clone, Eq, PartialEq, prost::Message)]
pub struct Notes {
    /// One entry a thing.
    #[prost(message, repeated, tag = "1")]
    pub entries: Vec<Note>,
}

/// Server → agent: which processes use most right now?
#[derive(Clone, Copy, Eq, PartialEq, prost::Message)]
pub struct TopRequest {
    /// Comes back with the answer.
    #[prost(uint64, tag = "1")]
    pub request: u64,
    /// How many of each list.
    #[prost(uint32, tag = "2")]
    pub count: u32,
}

/// One process in a [`Top`].
#[derive(Clone, PartialEq, prost::Message)]
pub struct TopProcess {
    /// Its number.
    #[prost(uint32, tag = "1")]
    pub pid: u32,
    /// Its user's name or number.
    #[prost(string, tag = "2")]
    pub user: String,
    /// Its short name.
    #[prost(string, tag = "3")]
    pub name: String,
    /// Its command line, cut.
    #[prost(string, tag = "4")]
    pub command: String,
    /// Share of one CPU, 1.0 = one CPU busy.
    #[prost(double, tag = "5")]
    pub cpu_ratio: f64,
    /// Resident memory in bytes.
    #[prost(uint64, tag = "6")]
    pub resident_bytes: u64,
}

/// Agent → server: the answer to [`TopRequest`].
#[derive(Clone, PartialEq, prost::Message)]
pub struct Top {
    /// From the request.
    #[prost(uint64, tag = "1")]
    pub request: u64,
    /// The largest by CPU.
    #[prost(message, repeated, tag = "2")]
    pub by_cpu: Vec<TopProcess>,
    /// The largest by memory.
    #[prost(message, repeated, tag = "3")]
    pub by_memory: Vec<TopProcess>,
    /// Why there is no answer; empty when there is.
    #[prost(string, tag = "4")]
    pub error: String,
}

/// Server → agent: signed bytes for the runner; neither end of the road reads them.
#[derive(Clone, Eq, PartialEq, prost::Message)]
pub struct Order {
    /// Comes back with the results.
    #[prost(uint64, tag = "1")]
    pub order: u64,
    /// What the runner verifies and carries out.
    #[prost(bytes = "vec", tag = "2")]
    pub signed: Vec<u8>,
}

/// Agent → server: what becomes of an order; `finished` or `refused` is the last.
#[derive(Clone, PartialEq, prost::Message)]
pub struct OrderResult {
    /// From the order.
    #[prost(uint64, tag = "1")]
    pub order: u64,
    /// What happened.
    #[prost(oneof = "OrderEvent", tags = "2, 3, 4, 5")]
    pub event: Option<OrderEvent>,
}

/// What happened to an order.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum OrderEvent {
    /// The runner accepted it; the program starts.
    #[prost(message, tag = "2")]
    Started(OrderStarted),
    /// The program wrote something.
    #[prost(message, tag = "3")]
    Output(OrderOutput),
    /// The program ended.
    #[prost(message, tag = "4")]
    Finished(Box<OrderFinished>),
    /// It was not carried out, and why.
    #[prost(string, tag = "5")]
    Refused(String),
}

impl OrderEvent {
    /// Whether nothing follows.
    #[must_use]
    pub const fn is_last(&self) -> bool {
        matches!(self, Self::Finished(_) | Self::Refused(_))
    }
}

/// The runner accepted an order.
#[derive(Clone, Eq, PartialEq, prost::Message)]
pub struct OrderStarted {
    /// The program's name on the host's allow-list.
    #[prost(string, tag = "1")]
    pub name: String,
    /// As whom it runs.
    #[prost(string, tag = "2")]
    pub user: String,
}

/// Some bytes that a program wrote.
#[derive(Clone, Eq, PartialEq, prost::Message)]
pub struct OrderOutput {
    /// Milliseconds since it was started.
    #[prost(uint64, tag = "1")]
    pub at_ms: u64,
    /// On standard error rather than standard output.
    #[prost(bool, tag = "2")]
    pub stderr: bool,
    /// The bytes; not necessarily UTF-8.
    #[prost(bytes = "vec", tag = "3")]
    pub bytes: Vec<u8>,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, prost::Enumeration)]
#[repr(i32)]
pub enum OrderEnd {
    /// Not said.
    Unspecified = 0,
    /// By itself, with `code`.
    Exit = 1,
    /// By the signal `code`, not ours.
    Signal = 2,
    /// At its time limit.
    TimeLimit = 3,
    /// At its time limit, and SIGKILL was needed.
    Killed = 4,
    /// It wrote too much.
    OutputLimit = 5,
    /// Somebody cancelled it.
    Cancelled = 6,
}

/// A program that an order started has ended.
#[derive(Clone, PartialEq, prost::Message)]
pub struct OrderFinished {
    /// How.
    #[prost(enumeration = "OrderEnd", tag = "1")]
    pub end: i32,
    /// Its exit code or signal.
    #[prost(sint32, tag = "2")]
    pub code: i32,
    /// When it was started, by the host's clock, UTC milliseconds.
    #[prost(sint64, tag = "3")]
    pub started_ms: i64,
    /// How long it took, in milliseconds.
    #[prost(uint64, tag = "4")]
    pub duration_ms: u64,
    /// Processor time in programs, in seconds.
    #[prost(double, tag = "5")]
    pub user_s: f64,
    /// Processor time in the kernel, in seconds.
    #[prost(double, tag = "6")]
    pub system_s: f64,
    /// Most memory in use at once, in bytes; 0 when unknown.
    #[prost(uint64, tag = "7")]
    pub memory_bytes_max: u64,
    /// Processes it left behind that were killed.
    #[prost(uint32, tag = "8")]
    pub leftovers_killed: u32,
    /// Processes that could not be killed.
    #[prost(uint32, tag = "9")]
    pub survivors: u32,
    /// How its descendants were held together.
    #[prost(string, tag = "10")]
    pub containment: String,
    /// What it wrote: the first half and the last half within the bound.
    #[prost(message, repeated, tag = "11")]
    pub transcript: Vec<OrderOutput>,
    /// Bytes left out in the middle.
    #[prost(uint64, tag = "12")]
    pub dropped_bytes: u64,
}

/// Either way: something that a person should know and that does not end the connection.
#[derive(Clone, Eq, PartialEq, prost::Message)]
pub struct Warning {
    /// For programs: `series-limit`, `queue-full`, `settings`, ….
    #[prost(string, tag = "1")]
    pub code: String,
    /// What it is about: a metric, a collector.
    #[prost(string, tag = "2")]
    pub subject: String,
    /// For people.
    #[prost(string, tag = "3")]
    pub text: String,
}

/// `POST /enrol`: the agent's key is the one of the TLS connection.
#[derive(Clone, Eq, PartialEq, prost::Message)]
pub struct EnrolRequest {
    /// The token from "Add a server".
    #[prost(string, tag = "1")]
    pub token: String,
    /// The program's version.
    #[prost(string, tag = "2")]
    pub agent_version: String,
    /// What the host is.
    #[prost(message, optional, tag = "3")]
    pub facts: Option<Facts>,
}

/// The answer to [`EnrolRequest`].
#[derive(Clone, Eq, PartialEq, prost::Message)]
pub struct EnrolReply {
    /// The agent's id from now on.
    #[prost(string, tag = "1")]
    pub agent_id: String,
    /// The host's name in the inventory.
    #[prost(string, tag = "2")]
    pub host_name: String,
}

/// Reads a frame as the message of its kind and throws it away; for fuzzing.
pub(crate) fn try_all(frame: Frame<'_>) {
    let Some(kind) = Kind::from_code(frame.kind) else {
        return;
    };
    match kind {
        Kind::Hello => drop(frame.message::<Hello>(kind)),
        Kind::Welcome => drop(frame.message::<Welcome>(kind)),
        Kind::Goodbye => drop(frame.message::<Goodbye>(kind)),
        Kind::Config => drop(frame.message::<Config>(kind)),
        Kind::Ack => drop(frame.message::<Ack>(kind)),
        Kind::TimePing => drop(frame.message::<TimePing>(kind)),
        Kind::TimePong => drop(frame.message::<TimePong>(kind)),
        Kind::Gap => drop(frame.message::<Gap>(kind)),
        Kind::Facts => drop(frame.message::<Facts>(kind)),
        Kind::Discovered => drop(frame.message::<Discovered>(kind)),
        Kind::TopRequest => drop(frame.message::<TopRequest>(kind)),
        Kind::Top => drop(frame.message::<Top>(kind)),
        Kind::Order => drop(frame.message::<Order>(kind)),
        Kind::OrderResult => drop(frame.message::<OrderResult>(kind)),
        Kind::Warning => drop(frame.message::<Warning>(kind)),
        Kind::Statuses => drop(frame.message::<Statuses>(kind)),
        Kind::Notes => drop(frame.message::<Notes>(kind)),
        Kind::Samples | Kind::Backlog => {}
    }
}
