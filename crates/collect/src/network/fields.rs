//! Settings of the network collector.

use serde::Deserialize;

use crate::field::{Field, FieldKind, Said};

/// Its settings.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Interfaces that are not watched; a name that ends in `*` means all that begin so.
    pub ignore_interfaces: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        // The host's ends of containers' interfaces come and go with every container.
        let names = ["veth*", "cali*", "lxc*", "ifb*", "dummy*"];
        Self {
            ignore_interfaces: names.map(str::to_owned).to_vec(),
        }
    }
}

pub(super) const FIELDS: &[Field] = &[Field {
    name: "ignore_interfaces",
    kind: FieldKind::TextList,
    label: Said {
        ko: "감시하지 않을 인터페이스",
        en: "Interfaces not watched",
    },
    help: Said {
        ko: "한 줄에 하나. `*`로 끝나면 그 이름으로 시작하는 모든 인터페이스입니다. 예: veth*",
        en: "One a line; a name that ends in * means all that begin so. Example: veth*",
    },
    default: "veth*\ncali*\nlxc*\nifb*\ndummy*",
    required: false,
}];
