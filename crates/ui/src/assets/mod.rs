//! The embedded assets, under one address that changes when any of them does.
//!
//! All files share one hash in their path, so that relative imports between modules and `url()` in
//! style sheets need no rewriting, and everything is cached for ever.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "assets/"]
struct Embedded;

static HASH: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = blake3::Hasher::new();
    let mut names: Vec<_> = Embedded::iter().collect();
    names.sort();
    for name in names {
        hasher.update(name.as_bytes());
        if let Some(file) = Embedded::get(&name) {
            hasher.update(&file.data);
        }
    }
    hasher.finalize().to_hex().chars().take(12).collect()
});

/// The address of an asset, e.g. `/assets/0f3c…/console.css`.
#[must_use]
pub fn url(path: &str) -> String {
    format!("/assets/{}/{path}", *HASH)
}

/// The bytes and the media type of an asset.
#[must_use]
pub fn find(path: &str) -> Option<(std::borrow::Cow<'static, [u8]>, &'static str)> {
    Some((Embedded::get(path)?.data, media_type(path)))
}

/// The names of all assets.
pub fn names() -> impl Iterator<Item = String> {
    Embedded::iter().map(std::borrow::Cow::into_owned)
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webmanifest" => "application/manifest+json",
        _ => "text/plain; charset=utf-8",
    }
}

/// Serves `/assets/{hash}/{path}`; an old hash still gets the file, uncached, so that a page open
/// during an upgrade does not break.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/assets/{hash}/{*path}", get(serve))
}

async fn serve(Path((hash, path)): Path<(String, String)>) -> Response {
    let Some((bytes, media_type)) = find(&path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let fresh = hash == *HASH;
    let cache = if fresh {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CACHE_CONTROL, cache),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, bytes.into_owned()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_asset_is_found_under_its_address() {
        for name in names() {
            assert!(find(&name).is_some(), "{name}");
            assert!(url(&name).starts_with("/assets/"));
        }
        assert!(find("../Cargo.toml").is_none());
    }
}
