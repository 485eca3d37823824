//! HTTP without domain: endpoints that name their action, one gate before all of them, errors, OpenAPI.
//!
//! *Takes* routes from slices and the three traits [`Authenticator`], [`Authorizer`] and [`AuditSink`]
//! from the server. *Leaves* one axum router and the list of its endpoints.
//! *Never*: a route without an action. Every endpoint passes one `authorize(actor, action)`, deny by
//! default; every endpoint that changes something is audited with its outcome.

mod actor;
mod cookies;
mod ctx;
mod endpoint;
mod error;
mod extract;
mod flash;
mod gate;
#[cfg(test)]
mod gate_tests;
mod ids;
mod openapi;
mod outgoing;
mod paging;
mod repeat;
#[cfg(test)]
mod repeat_tests;
mod security;
#[doc(hidden)]
pub mod testing;

pub use actor::{Action, Actor, ActorKind, Need, Role};
pub use cookies::{Cookie, cookie_value};
pub use ctx::Ctx;
pub use endpoint::{Endpoint, EndpointKind, EndpointSpec, Mounted, Routes};
pub use error::{ApiError, FieldError};
pub use extract::{Json, Query};
pub use flash::Flash;
pub use gate::{
    AuditDetail, AuditEntry, AuditSink, Authenticator, Authorizer, Credentials, ErrorPage, Gate,
    SESSION_COOKIE, mount, mount_keeping,
};
pub use ids::{field, list_field, optional_field, path_id};
pub use openapi::openapi;
pub use outgoing::{OutgoingClient, OutgoingError, OutgoingPolicy};
pub use paging::{Etag, Page, page_rows};
pub use repeat::{Answers, IDEMPOTENCY_KEY, Known};
pub use security::security_headers;

/// A boxed future, for traits that are used as objects.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
