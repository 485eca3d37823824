//! Reads the mounts, asks how full they are and emits their series.

use std::path::PathBuf;
use std::time::Duration;

use model::TargetKind;
use serde_json::Value;

use super::asker::{Answer, Asker, Silence, Space};
use super::parse::{self, Mount};
use super::trend::Trend;
use super::{PLUGIN, Settings};
use crate::collector::{Collector, Discovered, SettingsError, Tick, settings_of};
use crate::rate::ratio;
use crate::root::{ReadError, Root};
use crate::scan::as_f64;
use crate::sink::Sink;
use crate::status::Availability;

const SIGNAL: (&str, &str) = ("filesystem", "space");

#[derive(Default)]
pub(super) struct Filesystem {
    settings: Settings,
    bytes: Vec<u8>,
    /// The text that `mounts` was read from; mounts seldom change.
    last_text: Vec<u8>,
    mounts: Vec<Mount>,
    mount_points: Vec<PathBuf>,
    /// In the order of `mounts`.
    trends: Vec<Trend>,
    asker: Asker,
}

impl Collector for Filesystem {
    fn configure(&mut self, settings: &Value) -> Result<(), SettingsError> {
        self.settings = settings_of(PLUGIN.name, settings)?;
        self.last_text.clear();
        Ok(())
    }

    fn discover(&mut self, root: &Root) -> Vec<Discovered> {
        if self.read_mounts(root).is_err() {
            return Vec::new();
        }
        let found = self.mounts.iter().map(|mount| Discovered {
            kind: TargetKind::new("filesystem"),
            key: mount.mount_point.clone(),
            title: mount.mount_point.clone(),
            attributes: vec![
                ("device", mount.device.clone()),
                ("fstype", mount.fs_type.clone()),
                ("read_only", mount.read_only.to_string()),
            ],
        });
        found.collect()
    }

    fn collect(&mut self, root: &Root, now: &Tick, out: &mut Sink) {
        let gone = self.read_mounts(root);
        match &gone {
            Ok(gone) => gone.iter().for_each(|key| out.status_gone(SIGNAL, key)),
            Err(error) => out.status(("filesystem", "mounts"), "", Err(*error)),
        }
        if gone.is_err() {
            return;
        }
        out.status(("filesystem", "mounts"), "", Ok(()));
        if !root.is_live() {
            out.status_is(SIGNAL, "", Availability::NotAvailable);
            return;
        }
        let Self {
            asker,
            mounts,
            mount_points,
            trends,
            settings,
            ..
        } = self;
        let timeout = Duration::from_millis(settings.timeout_ms);
        asker.ask(mount_points, timeout, &mut |place, answer| {
            if let (Some(mount), Some(trend)) = (mounts.get(place), trends.get_mut(place)) {
                emit(mount, answer, (now, trend), out);
            }
        });
    }
}

impl Filesystem {
    /// Reads the mounts when they changed; gives the mount points that are gone.
    fn read_mounts(&mut self, root: &Root) -> Result<Vec<String>, ReadError> {
        // The mounts of process 1 are the host's, also when the agent has its own name space.
        if root.read("proc/1/mountinfo", &mut self.bytes).is_err() || self.bytes.is_empty() {
            root.read("proc/self/mountinfo", &mut self.bytes)?;
        }
        if self.bytes == self.last_text {
            return Ok(Vec::new());
        }
        self.last_text.clone_from(&self.bytes);
        let mounts = parse::mounts(&self.bytes, &self.settings);
        let mut known: Vec<(Mount, Trend)> =
            self.mounts.drain(..).zip(self.trends.drain(..)).collect();
        for mount in mounts {
            let same = known
                .iter()
                .position(|(m, _)| m.mount_point == mount.mount_point);
            self.trends
                .push(same.map(|at| known.swap_remove(at).1).unwrap_or_default());
            self.mounts.push(mount);
        }
        self.mount_points = self
            .mounts
            .iter()
            .map(|m| m.mount_point.clone().into())
            .collect();
        Ok(known
            .into_iter()
            .map(|(mount, _)| mount.mount_point)
            .collect())
    }
}

fn emit(mount: &Mount, answer: Answer, (now, trend): (&Tick, &mut Trend), out: &mut Sink) {
    let labels = [
        ("device", mount.device.as_str()),
        ("fstype", mount.fs_type.as_str()),
        ("mountpoint", mount.mount_point.as_str()),
    ];
    let failed = if answer.is_err() { 1.0 } else { 0.0 };
    out.put("node_filesystem_device_error", &labels, failed);
    out.put(
        "node_filesystem_readonly",
        &labels,
        if mount.read_only { 1.0 } else { 0.0 },
    );
    let state = match answer {
        Ok(space) => {
            emit_space(&labels, &space, out);
            // A file system that cannot be written does not fill up.
            if !mount.read_only && space.size_bytes > 0 {
                let available = as_f64(space.avail_bytes);
                trend.push(now.now_ms, available);
                out.put_some(
                    "bongsu_filesystem_full_seconds",
                    &labels,
                    trend.full_s(available),
                );
            }
            Availability::Available
        }
        Err(Silence::Refused(errno)) => match ReadError::from(errno) {
            ReadError::Os(errno) => Availability::Failed(errno.to_string()),
            error => error.into(),
        },
        Err(Silence::Hangs) => Availability::Failed(Silence::Hangs.to_string()),
    };
    out.status_is(SIGNAL, &mount.mount_point, state);
}

fn emit_space(labels: &[(&str, &str)], space: &Space, out: &mut Sink) {
    out.put(
        "node_filesystem_size_bytes",
        labels,
        as_f64(space.size_bytes),
    );
    out.put(
        "node_filesystem_free_bytes",
        labels,
        as_f64(space.free_bytes),
    );
    out.put(
        "node_filesystem_avail_bytes",
        labels,
        as_f64(space.avail_bytes),
    );
    out.put("node_filesystem_files", labels, as_f64(space.files));
    out.put(
        "node_filesystem_files_free",
        labels,
        as_f64(space.files_free),
    );
    // As `df`: what root keeps for itself is neither used nor available.
    let used = as_f64(space.size_bytes.saturating_sub(space.free_bytes));
    let used = ratio(used, used + as_f64(space.avail_bytes));
    out.put_some("bongsu_filesystem_used_ratio", labels, used);
    // Some file systems (btrfs, NFS exports of them) make inodes as needed and count none.
    let inodes = ratio(as_f64(space.files_free), as_f64(space.files));
    out.put_some("bongsu_inodes_free_ratio", labels, inodes);
}
