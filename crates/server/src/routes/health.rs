//! Whether the program lives (`/healthz`) and whether it does its work (`/readyz`).

use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;

use super::Own;

/// One thing that must work.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Check {
    /// Its name, `storage`, `records`, `notices`, ….
    pub(crate) name: &'static str,
    /// Whether it works.
    pub(crate) ok: bool,
    /// What is wrong and what to do; empty when nothing is.
    pub(crate) detail: String,
}

type Probe = Box<dyn Fn() -> Check + Send + Sync>;

/// The checks of everything that must work.
#[derive(Clone, Default)]
pub(crate) struct Health {
    probes: Arc<Mutex<Vec<Probe>>>,
}

impl Health {
    /// Adds a check; it must answer from memory.
    pub(crate) fn add(&self, probe: impl Fn() -> Check + Send + Sync + 'static) {
        self.probes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Box::new(probe));
    }

    /// Asks everything now.
    pub(crate) fn checks(&self) -> Vec<Check> {
        let probes = self.probes.lock().unwrap_or_else(PoisonError::into_inner);
        probes.iter().map(|probe| probe()).collect()
    }
}

/// The answer of `/readyz`.
#[derive(Serialize)]
pub(crate) struct Ready {
    ready: bool,
    checks: Vec<Check>,
}

/// `200` as long as requests are answered at all.
pub(crate) async fn healthz() -> &'static str {
    "alive\n"
}

/// `200` when everything works, else `503` with what does not.
pub(crate) async fn readyz(State(own): State<Own>) -> (StatusCode, Json<Ready>) {
    let checks = own.health.checks();
    let ready = checks.iter().all(|check| check.ok);
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(Ready { ready, checks }))
}

impl desk::OwnHealth for Health {
    fn lines(&self) -> Vec<desk::HealthLine> {
        let checks = self.checks().into_iter();
        checks
            .map(|Check { name, ok, detail }| desk::HealthLine { name, ok, detail })
            .collect()
    }
}
