//! The peers we measure beside ours, unpacked from Debian's packages into the target folder.

use super::Context;
use crate::apt;
use anyhow::{Context as _, Result};
use std::path::PathBuf;
use std::process::Command;

/// A peer: its package and its program inside.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    /// What the table calls it.
    pub(super) name: &'static str,
    package: &'static str,
    program: &'static str,
    /// Whether it reads files of its package below `/usr/share`, wherever it was unpacked.
    has_share: bool,
}

/// Shows a program its own `/usr/share`, and nobody else.
const WITH_SHARE: &str = "mount --bind \"$1\" /usr/share && shift && exec \"$@\"";

/// Prometheus' agent.
pub(super) const NODE_EXPORTER: Peer = Peer {
    name: "node_exporter",
    package: "prometheus-node-exporter",
    program: "usr/bin/prometheus-node-exporter",
    has_share: false,
};

/// Zabbix' agent.
pub(super) const ZABBIX_AGENT: Peer = Peer {
    name: "zabbix_agentd",
    package: "zabbix-agent",
    program: "usr/sbin/zabbix_agentd",
    has_share: false,
};

/// Prometheus itself.
pub(super) const PROMETHEUS: Peer = Peer {
    name: "prometheus",
    package: "prometheus",
    program: "usr/bin/prometheus",
    has_share: false,
};

/// What tells people of Prometheus' alerts.
pub(super) const ALERTMANAGER: Peer = Peer {
    name: "alertmanager",
    package: "prometheus-alertmanager",
    program: "usr/bin/prometheus-alertmanager",
    has_share: true,
};

impl Peer {
    /// A command that starts it, unpacked when it is not there yet.
    pub(super) fn command(&self, context: &Context) -> Result<Command> {
        let folder = self.folder(context);
        let program = folder.join(self.program);
        if !program.is_file() {
            apt::unpack(context.shell, &[self.package], &folder)
                .with_context(|| format!("cannot get {}", self.package))?;
        }
        let mut command = if self.has_share {
            let mut command = Command::new("unshare");
            command.args(["--map-root-user", "--mount", "sh", "-c", WITH_SHARE, "sh"]);
            command.arg(folder.join("usr/share")).arg(program);
            command
        } else {
            Command::new(program)
        };
        let libraries = [
            "usr/lib/x86_64-linux-gnu",
            "usr/lib/aarch64-linux-gnu",
            "usr/lib",
        ];
        let libraries = libraries.map(|library| folder.join(library));
        command.env("LD_LIBRARY_PATH", std::env::join_paths(libraries)?);
        command.current_dir(&folder);
        Ok(command)
    }

    /// A folder of its own in the target folder.
    pub(super) fn folder(&self, context: &Context) -> PathBuf {
        context
            .shell
            .root
            .join("target/bench/peers")
            .join(self.package)
    }
}
