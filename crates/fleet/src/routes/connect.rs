//! `GET /connect` with `Upgrade: bongsu/1`: an enrolled key goes over to frames.

use std::sync::Arc;

use axum::body::Body;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, UPGRADE};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::{Peer, Refusal, broken};
use crate::fleet::Shared;
use crate::{agents, session};

/// The name of the framing; versions of what the frames say are settled by Hello.
const PROTOCOL: &str = "bongsu/1";

pub(super) async fn upgrade(
    request: Request<Incoming>,
    peer: &Peer,
    shared: &Arc<Shared>,
) -> Result<Response<Body>, Refusal> {
    let asked = request
        .headers()
        .get(UPGRADE)
        .and_then(|value| value.to_str().ok());
    if asked != Some(PROTOCOL) {
        let text = format!(
            "this server speaks {PROTOCOL}, asked was `{}`: update the agent or the server\n",
            asked.unwrap_or("")
        );
        return Err((StatusCode::UPGRADE_REQUIRED, text));
    }
    let Some(pin) = peer.pin else {
        let text = "no key was shown: only agents connect here\n".to_owned();
        return Err((StatusCode::UNAUTHORIZED, text));
    };
    let known = agents::find(&mut shared.db.reader(), pin)
        .await
        .map_err(|error| broken(&error))?;
    let Some(known) = known else {
        let text = "this agent is not enrolled here: run the line from \"Add a server\"\n";
        return Err((StatusCode::FORBIDDEN, text.to_owned()));
    };
    if known.retired {
        let text = "this agent was retired by an operator: run the line from \"Add a server\" to \
                    bring it back\n";
        return Err((StatusCode::GONE, text.to_owned()));
    }
    let (address, shared) = (peer.address.to_string(), shared.clone());
    let upgrade = hyper::upgrade::on(request);
    tokio::spawn(async move {
        let Ok(upgraded) = upgrade.await else { return };
        match upgraded.downcast::<TokioIo<TlsStream<TcpStream>>>() {
            // The agent waits for our answer before it sends frames: nothing was read too early.
            Ok(parts) if parts.read_buf.is_empty() => {
                session::serve(parts.io.into_inner(), shared, known, address).await;
            }
            Ok(_) => tracing::info!(%address, "frames came before the upgrade was answered"),
            Err(upgraded) => {
                session::serve(TokioIo::new(upgraded), shared, known, address).await;
            }
        }
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(UPGRADE, hyper::header::HeaderValue::from_static(PROTOCOL));
    headers.insert(
        CONNECTION,
        hyper::header::HeaderValue::from_static("Upgrade"),
    );
    Ok(response)
}
