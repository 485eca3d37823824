//! `/proc/self/mountinfo`: which file systems are mounted where.

use super::Settings;
use crate::scan::{lines, words};

/// File systems that hold no data of their own. `tmpfs` is watched: a full `/tmp` stops programs.
const PSEUDO: [&str; 38] = [
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fuse.gvfsd-fuse",
    "fuse.lxcfs",
    "fuse.portal",
    "fusectl",
    "hugetlbfs",
    "iso9660",
    "mqueue",
    "nsfs",
    "overlay",
    "proc",
    "procfs",
    "pstore",
    "ramfs",
    "rootfs",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "squashfs",
    "sysfs",
    "tracefs",
    "resctrl",
    "erofs",
    "fuse.sysbox-fs",
    "none",
    "aufs",
    "rpc_pipe",
    "sunrpc",
    "usbfs",
];

/// One mounted file system.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mount {
    /// Where it is mounted.
    pub mount_point: String,
    /// What is mounted: a device, `server:/export`, or a name.
    pub device: String,
    /// Its type, e.g. `ext4`.
    pub fs_type: String,
    /// Whether nothing can be written.
    pub read_only: bool,
    /// Device numbers, `major:minor`.
    pub numbers: String,
}

/// The file systems that hold data and are not ignored; each mount point once, the topmost wins.
///
/// Several mounts of one device (bind mounts) are one file system: the shortest path stands for it.
#[must_use]
pub fn mounts(bytes: &[u8], settings: &Settings) -> Vec<Mount> {
    let mut found: Vec<Mount> = Vec::new();
    for mount in lines(bytes).filter_map(mount) {
        // A later mount on the same point covers the earlier one.
        found.retain(|earlier| earlier.mount_point != mount.mount_point);
        found.push(mount);
    }
    found.retain(|mount| is_watched(mount, settings));
    found.sort_by(|a, b| {
        let key = |m: &Mount| (m.mount_point.len(), m.mount_point.clone());
        key(a).cmp(&key(b))
    });
    let mut seen: Vec<String> = Vec::new();
    // Network file systems share `0:n` numbers per server, so the device's name counts as well.
    found.retain(|mount| {
        let id = format!("{} {}", mount.numbers, mount.device);
        let new = !seen.contains(&id);
        seen.push(id);
        new
    });
    found
}

fn is_watched(mount: &Mount, settings: &Settings) -> bool {
    let ignored = settings.ignore_mount_points.iter().any(|name| {
        mount.mount_point == *name || (name.ends_with('/') && mount.mount_point.starts_with(name))
    });
    let pseudo = PSEUDO.contains(&mount.fs_type.as_str()) && mount.mount_point != "/";
    !ignored && !pseudo && !settings.ignore_types.contains(&mount.fs_type)
}

/// One line: `27 1 254:0 / /var rw,relatime shared:1 - ext4 /dev/vda rw`.
fn mount(line: &[u8]) -> Option<Mount> {
    let mut words = words(line);
    let numbers = words.nth(2)?;
    let mount_point = words.nth(1)?;
    let options = words.next()?;
    let mut rest = words.skip_while(|word| *word != b"-");
    rest.next()?;
    let fs_type = rest.next()?;
    let device = rest.next()?;
    let super_options = rest.next().unwrap_or_default();
    let read_only = [options, super_options]
        .iter()
        .any(|o| o.split(|&b| b == b',').any(|o| o == b"ro"));
    Some(Mount {
        mount_point: unescape(mount_point),
        device: unescape(device),
        fs_type: unescape(fs_type),
        read_only,
        numbers: String::from_utf8_lossy(numbers).into_owned(),
    })
}

/// The kernel writes space, tab, newline and backslash as `\040` and so on.
fn unescape(word: &[u8]) -> String {
    let mut out = Vec::with_capacity(word.len());
    let mut rest = word;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        let octal = tail.first_chunk::<3>().filter(|_| byte == b'\\');
        let value = octal.and_then(|digits| {
            digits.iter().try_fold(0_u32, |sum, &digit| {
                matches!(digit, b'0'..=b'7').then(|| sum * 8 + u32::from(digit - b'0'))
            })
        });
        match value.and_then(|value| u8::try_from(value).ok()) {
            Some(value) => {
                out.push(value);
                rest = tail.get(3..).unwrap_or_default();
            }
            None => out.push(byte),
        }
    }
    String::from_utf8(out).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}

/// The parser of this collector over arbitrary bytes: it may not panic.
pub fn fuzz_filesystem(data: &[u8]) {
    let _ = mounts(data, &Settings::default());
}
