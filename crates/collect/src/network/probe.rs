//! Reads the counters of interfaces and emits their series.

use model::TargetKind;
use serde_json::Value;

use super::parse::{self, COUNTERS, NetLine};
use super::{PLUGIN, Settings};
use crate::collector::{Collector, Discovered, SettingsError, Tick, settings_of};
use crate::rate::{increase, ratio, seconds_between};
use crate::root::{ReadError, Root};
use crate::scan::{as_f64, signed};
use crate::sink::Sink;

/// The metric of each number of a line.
const METRICS: [&str; COUNTERS] = [
    "node_network_receive_bytes_total",
    "node_network_receive_packets_total",
    "node_network_receive_errs_total",
    "node_network_receive_drop_total",
    "node_network_receive_fifo_total",
    "node_network_receive_frame_total",
    "node_network_receive_compressed_total",
    "node_network_receive_multicast_total",
    "node_network_transmit_bytes_total",
    "node_network_transmit_packets_total",
    "node_network_transmit_errs_total",
    "node_network_transmit_drop_total",
    "node_network_transmit_fifo_total",
    "node_network_transmit_colls_total",
    "node_network_transmit_carrier_total",
    "node_network_transmit_compressed_total",
];

#[derive(Debug)]
struct Last {
    device: String,
    counters: [u64; COUNTERS],
    pass: u64,
}

#[derive(Debug, Default)]
pub(super) struct Network {
    settings: Settings,
    bytes: Vec<u8>,
    small: Vec<u8>,
    last: Vec<Last>,
    last_tick: Option<Tick>,
    pass: u64,
}

impl Collector for Network {
    fn configure(&mut self, settings: &Value) -> Result<(), SettingsError> {
        self.settings = settings_of(PLUGIN.name, settings)?;
        Ok(())
    }

    fn discover(&mut self, root: &Root) -> Vec<Discovered> {
        if root.read("proc/net/dev", &mut self.bytes).is_err() {
            return Vec::new();
        }
        let interfaces = parse::net_dev(&self.bytes, &self.settings);
        let interfaces = interfaces.filter(|line| line.device != "lo");
        interfaces
            .map(|line| discovered(root, line.device))
            .collect()
    }

    fn collect(&mut self, root: &Root, now: &Tick, out: &mut Sink) {
        let result = self.net_dev(root, now, out);
        out.status((PLUGIN.name, "interfaces"), "", result);
    }
}

impl Network {
    fn net_dev(&mut self, root: &Root, now: &Tick, out: &mut Sink) -> Result<(), ReadError> {
        root.read("proc/net/dev", &mut self.bytes)?;
        let elapsed_s = self
            .last_tick
            .replace(*now)
            .and_then(|last| seconds_between(&last, now));
        self.pass += 1;
        for line in parse::net_dev(&self.bytes, &self.settings) {
            let labels = [("device", line.device)];
            for (metric, &counter) in METRICS.iter().zip(&line.counters) {
                out.put(metric, &labels, as_f64(counter));
            }
            let speed = link(root, line.device, &mut self.small, out);
            let known = self.last.iter_mut().find(|last| last.device == line.device);
            if let Some(last) = known {
                if let Some(elapsed_s) = elapsed_s {
                    speeds(&line, &last.counters, (elapsed_s, speed), out);
                }
                last.counters = line.counters;
                last.pass = self.pass;
            } else {
                let device = line.device.to_owned();
                self.last.push(Last {
                    device,
                    counters: line.counters,
                    pass: self.pass,
                });
            }
        }
        let pass = self.pass;
        self.last.retain(|last| last.pass == pass);
        Ok(())
    }
}

/// The state of the link; gives its speed in bytes per second where the driver knows it.
fn link(root: &Root, device: &str, bytes: &mut Vec<u8>, out: &mut Sink) -> Option<f64> {
    let labels = [("device", device)];
    if root
        .readf(bytes, format_args!("sys/class/net/{device}/operstate"))
        .is_ok()
    {
        let up = bytes.trim_ascii() == b"up";
        out.put("node_network_up", &labels, if up { 1.0 } else { 0.0 });
    }
    // A link that is down has no carrier file content and no speed: reading them fails.
    if root
        .readf(bytes, format_args!("sys/class/net/{device}/carrier"))
        .is_ok()
    {
        let carrier = if bytes.trim_ascii() == b"1" { 1.0 } else { 0.0 };
        out.put("node_network_carrier", &labels, carrier);
    }
    root.readf(bytes, format_args!("sys/class/net/{device}/speed"))
        .ok()?;
    let mbit = signed(bytes).filter(|&mbit| mbit > 0)?;
    let speed = as_f64(u64::try_from(mbit).ok()?) * 1e6 / 8.0;
    out.put("node_network_speed_bytes", &labels, speed);
    Some(speed)
}

fn speeds(
    line: &NetLine<'_>,
    last: &[u64; COUNTERS],
    (elapsed_s, speed): (f64, Option<f64>),
    out: &mut Sink,
) {
    let labels = [("device", line.device)];
    let mut delta = [0.0; COUNTERS];
    for (to, (&before, &after)) in delta.iter_mut().zip(last.iter().zip(&line.counters)) {
        match increase(before, after) {
            Some(increase) => *to = increase,
            // The interface was made anew.
            None => return,
        }
    }
    let [
        rx,
        rx_packets,
        rx_errs,
        rx_drop,
        _,
        _,
        _,
        _,
        tx,
        tx_packets,
        tx_errs,
        tx_drop,
        ..,
    ] = delta;
    let (rx, tx) = (rx / elapsed_s, tx / elapsed_s);
    out.put("bongsu_network_receive_bytes_per_second", &labels, rx);
    out.put("bongsu_network_transmit_bytes_per_second", &labels, tx);
    let packets = rx_packets + tx_packets;
    let share = |bad: f64| ratio(bad, packets + bad).unwrap_or(0.0);
    out.put(
        "bongsu_network_error_ratio",
        &labels,
        share(rx_errs + tx_errs),
    );
    out.put(
        "bongsu_network_drop_ratio",
        &labels,
        share(rx_drop + tx_drop),
    );
    let used = speed.map(|speed| (rx.max(tx) / speed).min(1.0));
    out.put_some("bongsu_network_used_ratio", &labels, used);
}

fn discovered(root: &Root, device: &str) -> Discovered {
    let mut bytes = Vec::new();
    let mut attributes = Vec::new();
    for (name, file) in [
        ("mac", "address"),
        ("mtu", "mtu"),
        ("speed_mbit", "speed"),
        ("state", "operstate"),
        ("bond_slaves", "bonding/slaves"),
    ] {
        if root
            .readf(&mut bytes, format_args!("sys/class/net/{device}/{file}"))
            .is_ok()
        {
            let text = String::from_utf8_lossy(bytes.trim_ascii()).into_owned();
            attributes.push((name, text));
        }
    }
    let key = device.to_owned();
    Discovered {
        kind: TargetKind::new("interface"),
        title: key.clone(),
        key,
        attributes,
    }
}
