//! Settings of the disk collector.

use serde::Deserialize;

use crate::field::{Field, FieldKind, Said};

/// Its settings.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Devices that are not watched; a name that ends in `*` means all that begin so.
    pub ignore_devices: Vec<String>,
}

pub(super) const FIELDS: &[Field] = &[Field {
    name: "ignore_devices",
    kind: FieldKind::TextList,
    label: Said {
        ko: "감시하지 않을 디스크",
        en: "Disks not watched",
    },
    help: Said {
        ko: "한 줄에 하나. `*`로 끝나면 그 이름으로 시작하는 모든 디스크입니다. 예: dm-*",
        en: "One a line; a name that ends in * means all that begin so. Example: dm-*",
    },
    default: "",
    required: false,
}];
