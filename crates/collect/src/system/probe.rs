//! Reads what concerns the system as a whole and emits its series.

use exec::{PAGE_BYTES, PidStat};
use model::TargetKind;

use super::{PLUGIN, parse};
use crate::collector::{Collector, Discovered, Tick};
use crate::rate::{ratio, seconds_between};
use crate::root::{ReadError, Root};
use crate::scan::{as_f64, text};
use crate::sink::Sink;
use crate::status::Availability;

#[derive(Debug, Default)]
pub(super) struct System {
    bytes: Vec<u8>,
    uname: Option<Uname>,
    own: Option<(Tick, f64)>,
}

#[derive(Debug, Default)]
struct Uname {
    domainname: String,
    machine: String,
    nodename: String,
    release: String,
    sysname: String,
    version: String,
}

impl Collector for System {
    fn discover(&mut self, root: &Root) -> Vec<Discovered> {
        let uname = read_uname(root, &mut self.bytes);
        let mut attributes = vec![
            ("kernel", format!("{} {}", uname.sysname, uname.release)),
            ("machine", uname.machine),
        ];
        let mut os = "linux".to_owned();
        for file in ["etc/os-release", "usr/lib/os-release"] {
            if root.read(file, &mut self.bytes).is_err() {
                continue;
            }
            for (name, key) in [("os_id", "ID"), ("os_version", "VERSION_ID")] {
                let value = parse::os_release(&self.bytes, key);
                attributes.extend(value.map(|value| (name, value.to_owned())));
            }
            let title = parse::os_release(&self.bytes, "PRETTY_NAME");
            os = title.unwrap_or("linux").to_owned();
            break;
        }
        attributes.push(("os", os));
        for (name, file) in [
            ("vendor", "sys/class/dmi/id/sys_vendor"),
            ("model", "sys/class/dmi/id/product_name"),
        ] {
            if root.read(file, &mut self.bytes).is_ok() {
                let value = text(self.bytes.trim_ascii()).unwrap_or_default().to_owned();
                attributes.push((name, value));
            }
        }
        let kind = TargetKind::new(TargetKind::HOST);
        vec![Discovered {
            kind,
            key: String::new(),
            title: uname.nodename,
            attributes,
        }]
    }

    fn collect(&mut self, root: &Root, now: &Tick, out: &mut Sink) {
        let result = self.uptime(root, out);
        out.status((PLUGIN.name, "uptime"), "", result);
        let result = self.files(root, out);
        out.status((PLUGIN.name, "files"), "", result);
        self.clock(root, now, out);
        self.name(root, out);
        if root.is_live() {
            let result = self.agent(root, now, out);
            out.status((PLUGIN.name, "agent"), "", result);
        }
    }
}

impl System {
    fn uptime(&mut self, root: &Root, out: &mut Sink) -> Result<(), ReadError> {
        root.read("proc/uptime", &mut self.bytes)?;
        let uptime = parse::uptime(&self.bytes).ok_or(ReadError::NotAvailable)?;
        out.put("bongsu_uptime_seconds", &[], uptime);
        Ok(())
    }

    fn files(&mut self, root: &Root, out: &mut Sink) -> Result<(), ReadError> {
        root.read("proc/sys/fs/file-nr", &mut self.bytes)?;
        let (open, most) = parse::file_nr(&self.bytes).ok_or(ReadError::NotAvailable)?;
        out.put("node_filefd_allocated", &[], as_f64(open));
        out.put("node_filefd_maximum", &[], as_f64(most));
        out.put_some(
            "bongsu_filefd_used_ratio",
            &[],
            ratio(as_f64(open), as_f64(most)),
        );
        Ok(())
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds since 1970 are below 2^53"
    )]
    fn clock(&mut self, root: &Root, now: &Tick, out: &mut Sink) {
        let offset = now.clock_offset_s;
        if root.is_live() {
            // The host's own time: sample time is the server's.
            let own_s = now.now_ms as f64 / 1_000.0 + offset.unwrap_or(0.0);
            out.put("node_time_seconds", &[], own_s);
        }
        out.put_some("bongsu_clock_offset_seconds", &[], offset);
        let state = offset.map_or(Availability::NotAvailable, |_| Availability::Available);
        out.status_is((PLUGIN.name, "clock offset"), "", state);
    }

    fn name(&mut self, root: &Root, out: &mut Sink) {
        let bytes = &mut self.bytes;
        let uname = self.uname.get_or_insert_with(|| read_uname(root, bytes));
        let labels = [
            ("domainname", uname.domainname.as_str()),
            ("machine", uname.machine.as_str()),
            ("nodename", uname.nodename.as_str()),
            ("release", uname.release.as_str()),
            ("sysname", uname.sysname.as_str()),
            ("version", uname.version.as_str()),
        ];
        out.put("node_uname_info", &labels, 1.0);
    }

    fn agent(&mut self, root: &Root, now: &Tick, out: &mut Sink) -> Result<(), ReadError> {
        root.read("proc/self/stat", &mut self.bytes)?;
        let stat = PidStat::parse(&self.bytes).ok_or(ReadError::NotAvailable)?;
        let cpu_s = stat.cpu_s();
        out.put(
            "bongsu_agent_resident_memory_bytes",
            &[],
            as_f64(stat.rss_pages) * PAGE_BYTES,
        );
        out.put("bongsu_agent_cpu_seconds_total", &[], cpu_s);
        if let Some((last, last_s)) = self.own.replace((*now, cpu_s))
            && let Some(elapsed_s) = seconds_between(&last, now)
        {
            out.put(
                "bongsu_agent_cpu_ratio",
                &[],
                ((cpu_s - last_s) / elapsed_s).max(0.0),
            );
        }
        Ok(())
    }
}

/// The names are read from `proc/sys/kernel` so that a copy of another machine has them too.
fn read_uname(root: &Root, bytes: &mut Vec<u8>) -> Uname {
    let mut file = |path: &str| {
        let read = root.read(path, bytes).is_ok();
        let value = text(bytes.trim_ascii())
            .filter(|_| read)
            .unwrap_or_default();
        if value == "(none)" {
            String::new()
        } else {
            value.to_owned()
        }
    };
    let mut uname = Uname {
        domainname: file("proc/sys/kernel/domainname"),
        nodename: file("proc/sys/kernel/hostname"),
        release: file("proc/sys/kernel/osrelease"),
        sysname: file("proc/sys/kernel/ostype"),
        version: file("proc/sys/kernel/version"),
        machine: file("proc/sys/kernel/arch"),
    };
    if uname.machine.is_empty() && root.is_live() {
        let kernel = rustix::system::uname();
        uname.machine = kernel.machine().to_string_lossy().into_owned();
    }
    uname
}
