//! Settings of the unit collector.

use serde::Deserialize;

use crate::field::{Field, FieldKind, Said};

/// Its settings.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Names of units that must run; `.service` may be left out.
    pub watch: Vec<String>,
}

pub(super) const FIELDS: &[Field] = &[Field {
    name: "watch",
    kind: FieldKind::TextList,
    label: Said {
        ko: "감시할 서비스(systemd 유닛)",
        en: "Services to watch (systemd units)",
    },
    help: Said {
        ko: "한 줄에 하나. 예: nginx, postgresql@14-main.service",
        en: "One a line. Example: nginx, postgresql@14-main.service",
    },
    default: "",
    required: false,
}];
