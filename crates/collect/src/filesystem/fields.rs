//! Settings of the file system collector.

use serde::Deserialize;

use crate::field::{Field, FieldKind, Said};

/// Its settings.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Mount points that are not watched, and everything below a name that ends in `/`.
    pub ignore_mount_points: Vec<String>,
    /// File system types that are not watched, beside the pseudo file systems.
    pub ignore_types: Vec<String>,
    /// How long a mount may take to answer before the pass goes on, in milliseconds.
    pub timeout_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        let below = [
            "/run/",
            "/var/lib/docker/",
            "/var/lib/containers/storage/",
            "/snap/",
        ];
        let below = below
            .into_iter()
            .chain(["/var/lib/kubelet/", "/dev/shm", "/run"]);
        Self {
            ignore_mount_points: below.map(str::to_owned).collect(),
            ignore_types: Vec::new(),
            timeout_ms: 2_000,
        }
    }
}

pub(super) const FIELDS: &[Field] = &[
    Field {
        name: "ignore_mount_points",
        kind: FieldKind::TextList,
        label: Said {
            ko: "감시하지 않을 마운트 지점",
            en: "Mount points not watched",
        },
        help: Said {
            ko: "한 줄에 하나. `/`로 끝나면 그 아래 전체입니다. 예: /run/",
            en: "One a line; a name that ends in / means everything below. Example: /run/",
        },
        default: "/run/\n/var/lib/docker/\n/var/lib/containers/storage/\n/snap/\n\
                  /var/lib/kubelet/\n/dev/shm\n/run",
        required: false,
    },
    Field {
        name: "ignore_types",
        kind: FieldKind::TextList,
        label: Said {
            ko: "감시하지 않을 파일 시스템 종류",
            en: "File system types not watched",
        },
        help: Said {
            ko: "한 줄에 하나. 예: squashfs",
            en: "One a line. Example: squashfs",
        },
        default: "",
        required: false,
    },
    Field {
        name: "timeout_ms",
        kind: FieldKind::Number {
            min: 100,
            max: 8_000,
        },
        label: Said {
            ko: "응답 제한 시간 (밀리초)",
            en: "Time to answer (milliseconds)",
        },
        help: Said {
            ko: "이 시간 안에 답하지 않는 마운트는 장애로 표시하고 수집을 계속합니다.",
            en: "A mount that does not answer in time is marked; the pass goes on without it.",
        },
        default: "2000",
        required: false,
    },
];
