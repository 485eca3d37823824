//! What agents tell besides samples: facts and discoveries go to the inventory, the rest is logged.

use std::sync::Arc;

use db::BoxFuture;
use fleet::{EventSink, FleetEvent};

use super::{Inventory, Resolver};

/// Takes events of the fleet.
#[derive(Clone)]
pub(crate) struct Events {
    inventory: Inventory,
    resolver: Arc<Resolver>,
}

impl Events {
    pub(crate) const fn new(inventory: Inventory, resolver: Arc<Resolver>) -> Self {
        Self {
            inventory,
            resolver,
        }
    }
}

impl EventSink for Events {
    fn event(&self, event: FleetEvent) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            match event {
                FleetEvent::Presence(presence) => {
                    tracing::debug!(
                        agent.id = %presence.agent,
                        host.id = %presence.host,
                        presence.connected,
                        "an agent came or went"
                    );
                    if let Some(name) =
                        fleet::HostRegistry::name(&self.inventory, presence.host).await
                    {
                        self.resolver.name(presence.host, name);
                    }
                }
                FleetEvent::Facts(host, facts) => self.inventory.facts(host, facts).await,
                FleetEvent::Discovered(host, things) => {
                    self.inventory.discovered(host, things).await;
                }
                FleetEvent::Notes(host, notes) => {
                    tracing::debug!(host.id = %host, notes = notes.len(), "check texts came");
                }
                FleetEvent::Signals(host, signals) => {
                    tracing::debug!(host.id = %host, signals = signals.len(), "signals listed");
                }
                FleetEvent::Lost(host, lost) => tracing::warn!(
                    host.id = %host,
                    lost.records,
                    lost.from_ms,
                    lost.to_ms,
                    "an agent had to give up records: {}",
                    lost.reason
                ),
                FleetEvent::Warned(host, warning) => tracing::warn!(
                    host.id = %host,
                    warning.code = %warning.code,
                    warning.subject = %warning.subject,
                    "an agent warns: {}",
                    warning.text
                ),
            }
        })
    }
}
