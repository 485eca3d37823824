//! The server's own endpoints: health, metrics about itself, the API document.

mod document;
mod health;
mod metrics;

use std::sync::Arc;

use tsdb::Tsdb;
use web::{Action, Endpoint, EndpointSpec, Mounted, Routes};

use crate::vitals::Findings;
pub(crate) use health::{Check, Health};

/// Whether the program lives; for load balancers and `bongsu watch`.
const PROBE: Action = Action::public("health.probe");
/// Numbers about the server itself, as Prometheus text.
const METRICS: Action = Action::public("health.metrics");
/// The description of the API.
const DOCUMENT: Action = Action::public("api.document");

/// What these endpoints look at.
#[derive(Clone)]
pub(crate) struct Own {
    pub(crate) tsdb: Arc<Tsdb>,
    pub(crate) health: Health,
    pub(crate) findings: Findings,
}

/// Health and metrics.
pub(crate) fn routes(own: Own) -> Mounted {
    Routes::new()
        .add(Endpoint::get("/healthz", PROBE).other(), health::healthz)
        .add(Endpoint::get("/readyz", PROBE).other(), health::readyz)
        .add(Endpoint::get("/metrics", METRICS).other(), metrics::metrics)
        .with_state(own)
}

/// The document of all endpoints, as JSON and as a page to read.
pub(crate) fn document(specs: &[EndpointSpec]) -> Mounted {
    let json = web::openapi(specs, env!("CARGO_PKG_VERSION"));
    Routes::new()
        .add(
            Endpoint::get("/api/openapi.json", DOCUMENT).other(),
            document::json,
        )
        .add(Endpoint::get("/api/docs", DOCUMENT).other(), document::page)
        .with_state(document::Document::new(&json))
}
