//! The connections of this moment: who is there, how to reach them, what they were acknowledged.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{AgentId, CiId};
use tokio::sync::{mpsc, oneshot};

use crate::seqset::SeqSet;
use crate::words::{AgentWarning, TopProcesses};

/// Messages that wait for one connection; a slower agent than this loses the request, not data.
const OUTBOX_MAX: usize = 64;
/// Warnings kept of one agent; the oldest goes first.
const WARNINGS_MAX: usize = 32;

/// What the rest of the server wants of one connection.
#[derive(Debug)]
pub(crate) enum Outbound {
    /// The configuration may have changed.
    ConfigChanged,
    /// Carry out a signed order; what becomes of it goes to the channel.
    Order(Vec<u8>, mpsc::Sender<wire::OrderEvent>),
    /// Which processes use most?
    Top(u32, oneshot::Sender<Result<TopProcesses, String>>),
    /// End the connection, saying why.
    End(wire::GoodbyeCode, &'static str),
}

/// One agent, connected or not, since this server started.
#[derive(Debug, Default)]
struct Entry {
    connection: Option<Connection>,
    /// Which queue of the agent the acknowledged numbers belong to.
    queue: u64,
    acknowledged: SeqSet,
    warnings: Vec<AgentWarning>,
}

#[derive(Debug)]
struct Connection {
    number: u64,
    host: CiId,
    version: String,
    address: String,
    outbox: mpsc::Sender<Outbound>,
}

/// All agents of this server's lifetime.
#[derive(Debug, Default)]
pub(crate) struct Live {
    agents: Mutex<HashMap<AgentId, Entry>>,
    hosts: Mutex<HashMap<CiId, AgentId>>,
    next: AtomicU64,
}

/// A connection's place among the living; given up when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    live: Arc<Live>,
    pub(crate) agent: AgentId,
    pub(crate) number: u64,
}

/// What a connection brings.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) agent: AgentId,
    pub(crate) host: CiId,
    pub(crate) version: String,
    pub(crate) address: String,
    pub(crate) queue: u64,
}

impl Live {
    fn agents(&self) -> MutexGuard<'_, HashMap<AgentId, Entry>> {
        self.agents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hosts(&self) -> MutexGuard<'_, HashMap<CiId, AgentId>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a connection in; an older one of the same agent is told to end.
    pub(crate) fn arrive(self: &Arc<Self>, arrival: Arrival) -> (Place, mpsc::Receiver<Outbound>) {
        let (outbox, inbox) = mpsc::channel(OUTBOX_MAX);
        let number = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let Arrival {
            agent,
            host,
            version,
            address,
            queue,
        } = arrival;
        self.hosts().insert(host, agent);
        let mut agents = self.agents();
        let entry = agents.entry(agent).or_default();
        if entry.queue != queue {
            entry.queue = queue;
            entry.acknowledged = SeqSet::default();
        }
        // The agent tells its own again, and the server finds its own again.
        entry.warnings.clear();
        let connection = Connection {
            number,
            host,
            version,
            address,
            outbox,
        };
        if let Some(old) = entry.connection.replace(connection) {
            let end = Outbound::End(
                wire::GoodbyeCode::Replaced,
                "the same agent has connected again: is its data folder copied to another host?",
            );
            let _ = old.outbox.try_send(end);
        }
        (
            Place {
                live: self.clone(),
                agent,
                number,
            },
            inbox,
        )
    }

    pub(crate) fn is_acknowledged(&self, agent: AgentId, seq: u64) -> bool {
        self.agents()
            .get(&agent)
            .is_some_and(|entry| entry.acknowledged.contains(seq))
    }

    pub(crate) fn acknowledge(&self, agent: AgentId, seq: u64) {
        if let Some(entry) = self.agents().get_mut(&agent) {
            entry.acknowledged.insert(seq);
        }
    }

    /// Keeps a warning; true when it is new or its text has changed.
    pub(crate) fn warn(&self, agent: AgentId, warning: AgentWarning) -> bool {
        let mut agents = self.agents();
        let list = &mut agents.entry(agent).or_default().warnings;
        let same = |known: &&mut AgentWarning| {
            (&known.code, &known.subject) == (&warning.code, &warning.subject)
        };
        if let Some(known) = list.iter_mut().find(same) {
            let changed = known.text != warning.text;
            *known = warning;
            return changed;
        }
        if list.len() >= WARNINGS_MAX {
            list.remove(0);
        }
        list.push(warning);
        true
    }

    /// Forgets an agent's warnings with this code.
    pub(crate) fn settle(&self, agent: AgentId, code: &str) {
        if let Some(entry) = self.agents().get_mut(&agent) {
            entry.warnings.retain(|warning| warning.code != code);
        }
    }

    pub(crate) fn state_of(&self, agent: AgentId) -> (bool, Vec<AgentWarning>) {
        let agents = self.agents();
        let entry = agents.get(&agent);
        entry.map_or((false, Vec::new()), |entry| {
            (entry.connection.is_some(), entry.warnings.clone())
        })
    }

    pub(crate) fn agent_of(&self, host: CiId) -> Option<AgentId> {
        self.hosts().get(&host).copied()
    }

    pub(crate) fn connected(&self) -> usize {
        self.agents()
            .values()
            .filter(|entry| entry.connection.is_some())
            .count()
    }

    /// Puts a message into one agent's outbox; false when it is not there or too far behind.
    pub(crate) fn send(&self, agent: AgentId, message: Outbound) -> bool {
        let agents = self.agents();
        let connection = agents
            .get(&agent)
            .and_then(|entry| entry.connection.as_ref());
        connection.is_some_and(|connection| connection.outbox.try_send(message).is_ok())
    }

    /// Calls `make` for every connected agent of `host`, or of all hosts, and sends what it gives.
    pub(crate) fn broadcast(&self, host: Option<CiId>, make: impl Fn() -> Outbound) {
        let agents = self.agents();
        let connections = agents
            .values()
            .filter_map(|entry| entry.connection.as_ref());
        for connection in connections.filter(|c| host.is_none_or(|host| c.host == host)) {
            let _ = connection.outbox.try_send(make());
        }
    }

    /// Who is connected: id, version, address.
    pub(crate) fn present(&self) -> Vec<(AgentId, String, String)> {
        let agents = self.agents();
        let present = agents.iter().filter_map(|(id, entry)| {
            let connection = entry.connection.as_ref()?;
            Some((*id, connection.version.clone(), connection.address.clone()))
        });
        present.collect()
    }
}

impl Place {
    /// Whether no newer connection of the same agent has taken the place.
    pub(crate) fn is_current(&self) -> bool {
        let agents = self.live.agents();
        let connection = agents
            .get(&self.agent)
            .and_then(|entry| entry.connection.as_ref());
        connection.is_some_and(|connection| connection.number == self.number)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut agents = self.live.agents();
        if let Some(entry) = agents.get_mut(&self.agent)
            && entry
                .connection
                .as_ref()
                .is_some_and(|c| c.number == self.number)
        {
            entry.connection = None;
        }
    }
}
