//! Styles, scripts and pictures of the console; they are the same for everybody and need no log-in.

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use web::{Action, ApiError, Endpoint, Routes};

use crate::Desk;

const FETCH: Action = Action::public("console.asset");

pub(super) fn routes() -> Routes<Desk> {
    Routes::new().add(
        Endpoint::get("/assets/{hash}/{*path}", FETCH)
            .summary("An asset of the console")
            .other(),
        asset,
    )
}

/// An old hash still gets the file, uncached, so that a page open during an upgrade does not break.
async fn asset(Path((hash, path)): Path<(String, String)>) -> Result<Response, ApiError> {
    let found = ui::assets::find(&path);
    let (bytes, media_type) = found.ok_or_else(|| ApiError::not_found("this asset"))?;
    let fresh = ui::assets::url(&path) == format!("/assets/{hash}/{path}");
    let cache = match fresh {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CACHE_CONTROL, cache),
    ];
    Ok((headers, bytes.into_owned()).into_response())
}
