//! `POST /enrol`: a token turns a key into an agent and its host into a configuration item.

use std::sync::Arc;

use axum::body::Body;
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use model::AgentId;
use prost::Message as _;
use wire::{EnrolReply, EnrolRequest};

use super::{Peer, Refusal, broken};
use crate::agents::{self, Enrolled};
use crate::fleet::Shared;
use crate::grant::TokenRefused;
use crate::tokens;
use crate::words::HostFacts;

/// Bytes of a request: facts of a host with many addresses.
const REQUEST_BYTES_MAX: usize = 64 * 1024;

pub(super) async fn enrol(
    request: Request<Incoming>,
    peer: &Peer,
    shared: &Arc<Shared>,
) -> Result<Response<Body>, Refusal> {
    let Some(pin) = peer.pin else {
        let text = "no key was shown: only bongsu-agent enrols here\n".to_owned();
        return Err((StatusCode::UNAUTHORIZED, text));
    };
    let body = axum::body::to_bytes(Body::new(request.into_body()), REQUEST_BYTES_MAX).await;
    let malformed = |what: String| (StatusCode::BAD_REQUEST, format!("enrolment: {what}\n"));
    let body = body.map_err(|error| malformed(error.to_string()))?;
    let asked = EnrolRequest::decode(body).map_err(|error| malformed(error.to_string()))?;
    let mut reader = shared.db.reader();
    let now_ms = shared.env.clock.now_ms();
    let token = tokens::find(&mut reader, &asked.token, now_ms).await;
    let token = token.map_err(|error| broken(&error))?.map_err(refused)?;
    let facts = HostFacts::from_wire(asked.facts.unwrap_or_default(), &asked.agent_version);
    if facts.hostname.is_empty() {
        return Err(malformed("the host has no name".to_owned()));
    }
    let known = agents::find(&mut reader, pin)
        .await
        .map_err(|error| broken(&error))?;
    let host = known.as_ref().map(|known| known.host);
    let identity = shared.ports.hosts.enrol(&facts, &token.grant, host).await;
    let identity = identity.map_err(|error| (StatusCode::CONFLICT, format!("{error}\n")))?;
    let agent = Enrolled {
        id: known.map_or_else(|| AgentId::new(&shared.env), |known| known.id),
        host: identity.ci,
        pin,
        version: asked.agent_version,
        address: peer.address.to_string(),
        token: token.grant.id,
    };
    let reply = EnrolReply {
        agent_id: agent.id.to_string(),
        host_name: identity.name,
    };
    save(shared, agent).await?;
    tracing::info!(agent.id = %reply.agent_id, host = %reply.host_name, "agent enrolled");
    Ok(Response::new(Body::from(reply.encode_to_vec())))
}

fn refused(refused: TokenRefused) -> Refusal {
    (StatusCode::FORBIDDEN, format!("{refused}\n"))
}

/// Why enrolment was rolled back.
enum Failed {
    Token(TokenRefused),
    Store(db::DbError),
}

impl From<db::DbError> for Failed {
    fn from(error: db::DbError) -> Self {
        Self::Store(error)
    }
}

async fn save(shared: &Shared, agent: Enrolled) -> Result<(), Refusal> {
    let saved = shared.db.write(move |tx| {
        let agent = agent.clone();
        Box::pin(async move {
            if !tokens::use_up(tx, agent.token).await? {
                return Err(Failed::Token(TokenRefused::UsedUp));
            }
            agents::enrol(tx, &agent).await?;
            Ok(())
        })
    });
    saved.await.map_err(|failed| match failed {
        Failed::Token(token) => refused(token),
        Failed::Store(error) => broken(&error),
    })
}
