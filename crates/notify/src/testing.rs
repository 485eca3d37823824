//! What the tests of the channels share: a peer that may reach this machine, and one that may not.

use std::time::Duration;

use stdx::Env;
use web::{OutgoingClient, OutgoingPolicy};

use crate::channel::Peer;

fn peer(allow_local: bool) -> Peer {
    let policy = OutgoingPolicy {
        allow_local,
        connect_timeout: Duration::from_secs(2),
        timeout: Duration::from_millis(500),
    };
    let (env, _) = Env::simulated(1_795_111_930_000, 1);
    Peer {
        http: OutgoingClient::new(policy).unwrap(),
        env,
    }
}

/// May reach 127.0.0.1, and waits half a second for answers.
pub(crate) fn open_peer() -> Peer {
    peer(true)
}

/// May not.
pub(crate) fn strict_peer() -> Peer {
    peer(false)
}
