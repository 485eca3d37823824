//! Settings of the process collector: which processes are watched.

use serde::Deserialize;

use crate::field::{Field, FieldKind, Said};

/// Its settings.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// What is watched.
    pub watch: Vec<Watched>,
}

/// One kind of process that must run; every given condition must hold.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Watched {
    /// Its permanent name: the label `watched` of its series.
    pub id: String,
    /// The program's name, as `ps -o comm` or as the last part of its path.
    #[serde(default)]
    pub name: String,
    /// A part of the command line.
    #[serde(default)]
    pub command: String,
    /// A regular expression on the command line.
    #[serde(default)]
    pub regex: String,
    /// The user, by name or number.
    #[serde(default)]
    pub user: String,
    /// How many there must be at least.
    #[serde(default = "one")]
    pub min_count: u32,
    /// How many there may be at most; any number when left out.
    #[serde(default)]
    pub max_count: Option<u32>,
}

const fn one() -> u32 {
    1
}

const fn text(name: &'static str, label: Said, help: Said) -> Field {
    Field {
        name,
        kind: FieldKind::Text,
        label,
        help,
        default: "",
        required: false,
    }
}

const WATCHED: &[Field] = &[
    Field {
        required: true,
        ..text(
            "id",
            Said {
                ko: "이름",
                en: "Name",
            },
            Said {
                ko: "경보에 나오는 이름. 예: nginx",
                en: "What problems call it. Example: nginx",
            },
        )
    },
    text(
        "name",
        Said {
            ko: "프로그램 이름",
            en: "Program",
        },
        Said {
            ko: "정확히 일치해야 합니다. 예: nginx",
            en: "Exactly. Example: nginx",
        },
    ),
    text(
        "command",
        Said {
            ko: "명령줄에 포함된 글자",
            en: "Part of the command line",
        },
        Said {
            ko: "예: -Dcatalina.base=/was1",
            en: "Example: -Dcatalina.base=/was1",
        },
    ),
    text(
        "regex",
        Said {
            ko: "명령줄 정규식",
            en: "Regular expression on the command line",
        },
        Said {
            ko: "예: java .*was[12]",
            en: "Example: java .*was[12]",
        },
    ),
    text(
        "user",
        Said {
            ko: "실행 사용자",
            en: "User",
        },
        Said {
            ko: "이름 또는 번호. 예: oracle",
            en: "By name or number. Example: oracle",
        },
    ),
    Field {
        name: "min_count",
        kind: FieldKind::Number {
            min: 1,
            max: 10_000,
        },
        label: Said {
            ko: "최소 개수",
            en: "At least",
        },
        help: Said {
            ko: "이보다 적으면 죽은 것으로 봅니다.",
            en: "With fewer of them it counts as gone.",
        },
        default: "1",
        required: false,
    },
    Field {
        name: "max_count",
        kind: FieldKind::Number {
            min: 1,
            max: 100_000,
        },
        label: Said {
            ko: "최대 개수",
            en: "At most",
        },
        help: Said {
            ko: "이보다 많으면 경보입니다. 비우면 제한이 없습니다.",
            en: "More of them are a problem; any number when empty.",
        },
        default: "",
        required: false,
    },
];

pub(super) const FIELDS: &[Field] = &[Field {
    name: "watch",
    kind: FieldKind::Records(WATCHED),
    label: Said {
        ko: "감시할 프로세스",
        en: "Processes to watch",
    },
    help: Said {
        ko: "적은 조건이 모두 맞는 프로세스를 감시합니다.",
        en: "Processes that meet all of the given conditions are watched.",
    },
    default: "",
    required: false,
}];
