//! The API of configuration items: hosts and what was discovered on them.

mod discovered;
mod hosts;

use web::{Action, Endpoint, Mounted, Page, Routes};

use crate::Cmdb;

/// Who may see hosts.
const READ: Action = Action::view("host.read");
/// Who may rename, label and retire them.
const CHANGE: Action = Action::operate("host.change");
/// Who may ignore discovered things.
const IGNORE: Action = Action::operate("coverage.ignore");

/// All endpoints of configuration items.
pub fn routes(cmdb: Cmdb) -> Mounted {
    Routes::new()
        .add(
            Endpoint::get("/api/v1/hosts", READ)
                .summary("Hosts by name")
                .query::<hosts::HostQuery>()
                .returns::<Page<hosts::HostBody>>(200),
            hosts::list,
        )
        .add(
            Endpoint::get("/api/v1/hosts/{id}", READ)
                .summary("One host, by id or name")
                .returns::<hosts::HostBody>(200),
            hosts::get,
        )
        .add(
            Endpoint::patch("/api/v1/hosts/{id}", CHANGE)
                .summary("Rename, label or retire a host")
                .body::<hosts::HostChangeBody>()
                .returns::<hosts::HostBody>(200),
            hosts::change,
        )
        .add(
            Endpoint::get("/api/v1/hosts/{id}/discovered", READ)
                .summary("What was discovered on a host")
                .returns::<Page<discovered::DiscoveredBody>>(200),
            discovered::list,
        )
        .add(
            Endpoint::put("/api/v1/hosts/{id}/discovered/ignore", IGNORE)
                .summary("Ignore a discovered thing with a reason, or take that back")
                .body::<discovered::IgnoreBody>()
                .returns_nothing(),
            discovered::ignore,
        )
        .with_state(cmdb)
}
