//! Settings of the file collector.

use serde::Deserialize;

use crate::field::{Field, FieldKind, Said};

/// Its settings.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// What is watched.
    pub watch: Vec<Watched>,
}

/// One path that is watched.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Watched {
    /// Its permanent name: the label `watched` of its series.
    pub id: String,
    /// The absolute path; `*` and `?` match within one part of it.
    pub path: String,
}

const WATCHED: &[Field] = &[
    Field {
        name: "id",
        kind: FieldKind::Text,
        label: Said {
            ko: "이름",
            en: "Name",
        },
        help: Said {
            ko: "경보에 나오는 이름. 예: 백업",
            en: "What problems call it. Example: backup",
        },
        default: "",
        required: true,
    },
    Field {
        name: "path",
        kind: FieldKind::Text,
        label: Said {
            ko: "경로",
            en: "Path",
        },
        help: Said {
            ko: "절대 경로. `*`와 `?`를 쓸 수 있습니다. 예: /backup/*/full-*.tar",
            en: "Absolute; * and ? match within one part. Example: /backup/*/full-*.tar",
        },
        default: "",
        required: true,
    },
];

pub(super) const FIELDS: &[Field] = &[Field {
    name: "watch",
    kind: FieldKind::Records(WATCHED),
    label: Said {
        ko: "감시할 파일과 디렉터리",
        en: "Files and folders to watch",
    },
    help: Said {
        ko: "존재 여부, 나이, 크기, 개수를 수집합니다.",
        en: "Whether they exist, how old, how large and how many they are.",
    },
    default: "",
    required: false,
}];
