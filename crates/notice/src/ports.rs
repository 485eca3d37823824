//! What this slice asks of others, injected by the server: hosts' labels, and who hears of sick channels.

use std::fmt::Debug;
use std::sync::Arc;

use model::CiId;

use crate::model::Health;

/// What a host is, as far as recipients' scopes care.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct HostFacts {
    /// Its labels.
    pub labels: Vec<(String, String)>,
    /// The names of the groups it is in.
    pub groups: Vec<String>,
}

/// Knows hosts; answers from memory, because it is asked for every dispatch.
pub trait Hosts: Debug + Send + Sync {
    /// The host, or nothing when it is not known: then scopes do not keep its notices back.
    fn host(&self, ci: CiId) -> Option<Arc<HostFacts>>;
}

/// Hears how channels do, so that a sick one becomes a problem about ourselves.
pub trait HealthSink: Debug + Send + Sync {
    /// A channel failed, or works again.
    fn channel(&self, health: &Health);
}

/// A sink that only logs.
#[derive(Clone, Copy, Debug)]
pub struct LogHealth;

impl HealthSink for LogHealth {
    fn channel(&self, health: &Health) {
        if health.failures > 0 {
            tracing::warn!(
                channel.id = %health.channel,
                failures = health.failures,
                error = %health.last_error,
                "a notice channel does not deliver"
            );
        } else {
            tracing::info!(channel.id = %health.channel, "a notice channel delivers again");
        }
    }
}
