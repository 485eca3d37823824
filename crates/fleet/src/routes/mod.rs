//! HTTP on the agents' port: the installer, the agent program, enrolment, and the way to frames.

mod connect;
mod enrol;
mod install;
mod program;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use wire::Pin;

use crate::fleet::Shared;
use crate::tls;

/// How long a peer may take to send its request's head.
const HEAD_MS_MAX: u64 = 10_000;
/// How long a request without upgrade may take; the agent program on a slow line needs some.
const REQUEST_MS_MAX: u64 = 15 * 60 * 1_000;

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    pub(crate) pin: Option<Pin>,
}

/// An answer that is not the one hoped for: a status and a sentence that says what to do.
pub(crate) type Refusal = (StatusCode, String);

/// Serves one TLS connection until it ends or turns into frames.
pub(crate) async fn serve(tls: TlsStream<TcpStream>, address: SocketAddr, shared: Arc<Shared>) {
    let peer = Peer {
        address,
        pin: tls::peer_pin(tls.get_ref().1),
    };
    let service = service_fn(move |request| {
        let (shared, peer) = (shared.clone(), peer.clone());
        async move { Ok::<_, Infallible>(route(request, peer, shared).await) }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new());
    http.header_read_timeout(Duration::from_millis(HEAD_MS_MAX));
    http.max_buf_size(16 * 1024);
    let connection = http
        .serve_connection(TokioIo::new(tls), service)
        .with_upgrades();
    let limit = Duration::from_millis(REQUEST_MS_MAX);
    if let Ok(Err(error)) = tokio::time::timeout(limit, connection).await {
        tracing::debug!(peer = %address, "connection ended: {error}");
    }
}

async fn route(request: Request<Incoming>, peer: Peer, shared: Arc<Shared>) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let parts = path.trim_matches('/').split('/').collect::<Vec<_>>();
    let answer = match (request.method(), parts.as_slice()) {
        (&Method::GET, ["i", secret]) => install::script(&request, secret, &shared).await,
        (&Method::GET, ["agent", arch]) => program::download(arch, &shared).await,
        (&Method::POST, ["enrol"]) => enrol::enrol(request, &peer, &shared).await,
        (&Method::GET, ["connect"]) => connect::upgrade(request, &peer, &shared).await,
        _ => Err((
            StatusCode::NOT_FOUND,
            "nothing is here: this port is for agents; people use the console\n".to_owned(),
        )),
    };
    answer.unwrap_or_else(|(status, text)| {
        tracing::info!(peer = %peer.address, %path, status = status.as_u16(), "{}", text.trim());
        plain(status, text)
    })
}

fn plain(status: StatusCode, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let kind = header::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn broken(error: &db::DbError) -> Refusal {
    tracing::error!("records store: {error}");
    let text = "the server cannot use its records store now: try again in a minute\n";
    (StatusCode::SERVICE_UNAVAILABLE, text.to_owned())
}
