//! `GET /agent/<arch>`: the static agent program, in pieces.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use hyper::{Response, StatusCode, header};
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;

use super::Refusal;
use crate::fleet::Shared;

const PIECE_BYTES: usize = 64 * 1024;

pub(super) async fn download(arch: &str, shared: &Arc<Shared>) -> Result<Response<Body>, Refusal> {
    let Some(path) = shared.agent_programs.get(arch) else {
        let known: Vec<&str> = shared.agent_programs.keys().map(String::as_str).collect();
        let text = format!(
            "this server has no agent program for `{arch}` (it has: {}); build bongsu-agent for \
             it and put it where the server's settings name it\n",
            if known.is_empty() {
                "none".to_owned()
            } else {
                known.join(", ")
            }
        );
        return Err((StatusCode::NOT_FOUND, text));
    };
    let missing = |error: std::io::Error| {
        let text =
            format!("the agent program for `{arch}` cannot be read on the server: {error}\n");
        (StatusCode::NOT_FOUND, text)
    };
    let file = File::open(path).await.map_err(missing)?;
    let len = file.metadata().await.map_err(missing)?.len();
    let pieces = stream::try_unfold(file, |mut file| async move {
        let mut piece = vec![0; PIECE_BYTES];
        let len = file.read(&mut piece).await?;
        piece.truncate(len);
        Ok::<_, std::io::Error>((len > 0).then(|| (Bytes::from(piece), file)))
    });
    let mut response = Response::new(Body::from_stream(pieces));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, header::HeaderValue::from(len));
    let kind = header::HeaderValue::from_static("application/octet-stream");
    headers.insert(header::CONTENT_TYPE, kind);
    Ok(response)
}
