//! Settings of check commands.

use serde::Deserialize;

use crate::field::{Field, FieldKind, Said};

/// Its settings.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The commands.
    pub commands: Vec<Command>,
}

/// One check command.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// Its permanent name: the label `check` of its series.
    pub id: String,
    /// The program's absolute path and its arguments; no shell is involved.
    pub command: Vec<String>,
    /// How often it runs, e.g. `60s`.
    #[serde(default = "minute")]
    pub every: String,
    /// How long it may take, e.g. `30s`.
    #[serde(default = "half_minute")]
    pub timeout: String,
}

fn minute() -> String {
    "60s".to_owned()
}

fn half_minute() -> String {
    "30s".to_owned()
}

const COMMAND: &[Field] = &[
    Field {
        name: "id",
        kind: FieldKind::Text,
        label: Said {
            ko: "이름",
            en: "Name",
        },
        help: Said {
            ko: "경보에 나오는 이름. 예: ntp",
            en: "What problems call it. Example: ntp",
        },
        default: "",
        required: true,
    },
    Field {
        name: "command",
        kind: FieldKind::TextList,
        label: Said {
            ko: "명령과 인자",
            en: "Command and arguments",
        },
        help: Said {
            ko: "한 줄에 하나. 첫 줄은 절대 경로입니다. 예: /usr/lib/nagios/plugins/check_ntp_time",
            en: "One a line, first the absolute path: /usr/lib/nagios/plugins/check_ntp_time",
        },
        default: "",
        required: true,
    },
    Field {
        name: "every",
        kind: FieldKind::Duration,
        label: Said {
            ko: "실행 주기",
            en: "Every",
        },
        help: Said {
            ko: "예: 60s",
            en: "Example: 60s",
        },
        default: "60s",
        required: false,
    },
    Field {
        name: "timeout",
        kind: FieldKind::Duration,
        label: Said {
            ko: "제한 시간",
            en: "Time limit",
        },
        help: Said {
            ko: "예: 30s",
            en: "Example: 30s",
        },
        default: "30s",
        required: false,
    },
];

pub(super) const FIELDS: &[Field] = &[Field {
    name: "commands",
    kind: FieldKind::Records(COMMAND),
    label: Said {
        ko: "점검 명령",
        en: "Check commands",
    },
    help: Said {
        ko: "Nagios 플러그인을 그대로 실행합니다. 에이전트 권한으로만 실행됩니다.",
        en: "Nagios plugins run unchanged, with no more rights than the agent has.",
    },
    default: "",
    required: false,
}];
