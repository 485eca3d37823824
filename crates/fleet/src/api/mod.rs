//! The console's API of agents: who is connected, enrolment tokens, the busiest processes now.

mod agents;
mod refusal;
mod tokens;
mod top;

use std::sync::Arc;

use db::BoxFuture;
use web::{Action, Endpoint, Mounted, Page, Routes};

use crate::Fleet;

/// Who may see agents.
const READ: Action = Action::view("agent.read");
/// Who may send agents away for good.
const RETIRE: Action = Action::administer("agent.retire");
/// Who may see which hosts may still enrol; secrets are not among it.
const TOKEN_READ: Action = Action::view("enrolment.read");
/// Who may let hosts in.
const TOKEN: Action = Action::administer("enrolment.change");
/// Who may ask a host for its processes.
const TOP: Action = Action::view("host.top");

/// How agents reach this server. The port is off until somebody adds a server, so whoever asks for
/// the address opens it.
pub trait Entrance: Send + Sync + 'static {
    /// The address for the install line, such as `monitor.example.com:7701`; the server listens
    /// there when this returns.
    ///
    /// # Errors
    /// A sentence for the operator: what is in the way, and what to do.
    fn open(&self) -> BoxFuture<'_, Result<String, String>>;
}

/// An address at which the server listens anyway.
impl Entrance for String {
    fn open(&self) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async { Ok(self.clone()) })
    }
}

/// What these endpoints look at.
#[derive(Clone)]
pub(crate) struct Api {
    fleet: Fleet,
    entrance: Arc<dyn Entrance>,
}

/// All endpoints of agents.
pub fn routes(fleet: Fleet, entrance: Arc<dyn Entrance>) -> Mounted {
    agent_routes()
        .merge(token_routes())
        .with_state(Api { fleet, entrance })
}

fn agent_routes() -> Routes<Api> {
    Routes::new()
        .add(
            Endpoint::get("/api/v1/agents", READ)
                .summary("Agents with their version, connection and warnings")
                .query::<agents::AgentQuery>()
                .returns::<Page<agents::AgentBody>>(200),
            agents::list,
        )
        .add(
            Endpoint::get("/api/v1/agents/{id}", READ)
                .summary("One agent")
                .returns::<agents::AgentBody>(200),
            agents::get,
        )
        .add(
            Endpoint::post("/api/v1/agents/{id}/retire", RETIRE)
                .summary("Refuse an agent from now on and end its connection")
                .returns::<agents::AgentBody>(200),
            agents::retire,
        )
        .add(
            Endpoint::get("/api/v1/hosts/{id}/top", TOP)
                .summary("Which processes of a host use most right now, asked of its agent")
                .query::<top::TopQuery>()
                .returns::<top::TopBody>(200),
            top::top,
        )
}

fn token_routes() -> Routes<Api> {
    Routes::new()
        .add(
            Endpoint::get("/api/v1/enrolment-tokens", TOKEN_READ)
                .summary("Enrolment tokens that are not revoked, the newest first")
                .returns::<Page<tokens::TokenBody>>(200),
            tokens::list,
        )
        .add(
            Endpoint::post("/api/v1/enrolment-tokens", TOKEN)
                .summary("Add a server: answers with the one line to run there, once")
                .body::<tokens::NewTokenBody>()
                .returns::<tokens::NewTokenAnswer>(201),
            tokens::create,
        )
        .add(
            Endpoint::delete("/api/v1/enrolment-tokens/{id}", TOKEN)
                .summary("Revoke an enrolment token; hosts that enrolled with it stay")
                .returns_nothing(),
            tokens::revoke,
        )
}

#[cfg(test)]
mod tests;
