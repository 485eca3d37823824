//! Reads socket statistics and emits their series; discovers listeners and their processes.

use std::collections::HashMap;

use model::TargetKind;

use super::PLUGIN;
use super::diag::{Dump, dump};
use super::parse::{self, Listener, OUT_SEGS, RETRANS_SEGS, STATES};
use crate::collector::{Collector, Discovered, Tick};
use crate::rate::{increase, ratio};
use crate::root::{ReadError, Root};
use crate::scan::{as_f64, text, unsigned};
use crate::sink::Sink;
use crate::status::Availability;

/// Links of open files that are read to find the process of a listener.
const LINKS_MAX: usize = 200_000;

#[derive(Debug, Default)]
pub(super) struct Tcp {
    bytes: Vec<u8>,
    last: Option<(u64, u64)>,
}

impl Collector for Tcp {
    fn discover(&mut self, root: &Root) -> Vec<Discovered> {
        let mut listeners = Vec::new();
        if root.is_live() {
            let _ = dump(true, &mut [0; 13], &mut |found| listeners.push(found));
        }
        let owners = owners(root, &listeners);
        listeners
            .iter()
            .map(|listener| discovered(root, listener, &owners))
            .collect()
    }

    fn collect(&mut self, root: &Root, _now: &Tick, out: &mut Sink) {
        let result = root.read("proc/net/sockstat", &mut self.bytes);
        parse::sockstat(&self.bytes, &mut |metric, value| {
            out.put(metric, &[], as_f64(value))
        });
        out.status((PLUGIN.name, "sockets"), "", result);
        // Without IPv6 there is no such file, and nothing is missing.
        if root.read("proc/net/sockstat6", &mut self.bytes).is_ok() {
            parse::sockstat(&self.bytes, &mut |metric, value| {
                out.put(metric, &[], as_f64(value))
            });
        }
        let result = self.counters(root, out);
        out.status((PLUGIN.name, "counters"), "", result);
        let result = self.conntrack(root, out);
        out.status((PLUGIN.name, "connection tracking"), "", result);
        let state = states(root, out);
        out.status_is((PLUGIN.name, "states"), "", state);
    }
}

impl Tcp {
    fn counters(&mut self, root: &Root, out: &mut Sink) -> Result<(), ReadError> {
        let (mut sent, mut again) = (None, None);
        for file in ["proc/net/snmp", "proc/net/netstat"] {
            root.read(file, &mut self.bytes)?;
            parse::counters(&self.bytes, &mut |metric, value| {
                #[expect(clippy::cast_precision_loss, reason = "samples are 64-bit floats")]
                out.put(metric, &[], value as f64);
                match metric {
                    OUT_SEGS => sent = u64::try_from(value).ok(),
                    RETRANS_SEGS => again = u64::try_from(value).ok(),
                    _ => {}
                }
            });
        }
        let now = sent.zip(again);
        if let (Some((sent, again)), Some((sent0, again0))) = (now, self.last) {
            let share = increase(again0, again).zip(increase(sent0, sent));
            let share = share.map(|(again, sent)| ratio(again, sent + again).unwrap_or(0.0));
            out.put_some("bongsu_tcp_retransmit_ratio", &[], share);
        }
        self.last = now;
        Ok(())
    }

    fn conntrack(&mut self, root: &Root, out: &mut Sink) -> Result<(), ReadError> {
        root.read("proc/sys/net/netfilter/nf_conntrack_count", &mut self.bytes)?;
        let entries = unsigned(&self.bytes)
            .map(as_f64)
            .ok_or(ReadError::NotAvailable)?;
        root.read("proc/sys/net/netfilter/nf_conntrack_max", &mut self.bytes)?;
        let limit = unsigned(&self.bytes)
            .map(as_f64)
            .ok_or(ReadError::NotAvailable)?;
        out.put("node_nf_conntrack_entries", &[], entries);
        out.put("node_nf_conntrack_entries_limit", &[], limit);
        out.put_some("bongsu_conntrack_used_ratio", &[], ratio(entries, limit));
        Ok(())
    }
}

fn states(root: &Root, out: &mut Sink) -> Availability {
    if !root.is_live() {
        return Availability::NotAvailable;
    }
    let mut states = [0; STATES.len()];
    match dump(false, &mut states, &mut |_| {}) {
        Ok(Dump::Complete) => {
            for (name, count) in STATES
                .iter()
                .zip(states)
                .filter(|(name, _)| !name.is_empty())
            {
                out.put(
                    "node_tcp_connection_states",
                    &[("state", name)],
                    as_f64(count),
                );
            }
            Availability::Available
        }
        Ok(Dump::Cut) => Availability::Failed("too many sockets to count".to_owned()),
        Err(errno) => ReadError::from(errno).into(),
    }
}

/// The processes that have the listeners open, by inode; only of processes this user may look into.
fn owners(root: &Root, listeners: &[Listener]) -> HashMap<u32, u32> {
    let mut owners = HashMap::new();
    if listeners.is_empty() {
        return owners;
    }
    let mut pids = Vec::new();
    let pid = |name: &str| unsigned(name.as_bytes()).and_then(|pid| u32::try_from(pid).ok());
    let _ = root.list("proc", &mut |name| pids.extend(pid(name)));
    let mut links = 0;
    for pid in pids {
        let mut fds = Vec::new();
        let _ = root.list(&format!("proc/{pid}/fd"), &mut |name| {
            fds.push(name.to_owned())
        });
        for fd in fds {
            links += 1;
            if links > LINKS_MAX {
                return owners;
            }
            let Ok(link) = root.link(format_args!("proc/{pid}/fd/{fd}")) else {
                continue;
            };
            let inode = link
                .strip_prefix("socket:[")
                .and_then(|rest| rest.strip_suffix(']'));
            let inode = inode.and_then(|inode| inode.parse::<u32>().ok());
            if let Some(inode) = inode.filter(|&i| listeners.iter().any(|l| l.inode == i)) {
                owners.entry(inode).or_insert(pid);
            }
        }
    }
    owners
}

fn discovered(root: &Root, listener: &Listener, owners: &HashMap<u32, u32>) -> Discovered {
    let (address, port) = (listener.address, listener.port);
    let key = format!("tcp/{}", std::net::SocketAddr::new(address, port));
    let mut attributes = vec![("address", address.to_string()), ("port", port.to_string())];
    let mut title = key.clone();
    if let Some(pid) = owners.get(&listener.inode) {
        let mut bytes = Vec::new();
        attributes.push(("pid", pid.to_string()));
        if root
            .readf(&mut bytes, format_args!("proc/{pid}/comm"))
            .is_ok()
        {
            let name = text(bytes.trim_ascii()).unwrap_or_default().to_owned();
            title = format!("{name} ({key})");
            attributes.push(("process", name));
        }
    }
    Discovered {
        kind: TargetKind::new("listener"),
        key,
        title,
        attributes,
    }
}
