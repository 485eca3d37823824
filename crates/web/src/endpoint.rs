//! Endpoints that describe themselves, and the routes a slice mounts.

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, on};
use utoipa::openapi::path::Parameter;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoParams, ToSchema};

use crate::Action;
use crate::gate::guard;

/// What an endpoint answers with; decides how its errors are drawn.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EndpointKind {
    /// JSON under `/api/v1`; part of the OpenAPI document.
    Api,
    /// A page or a fragment of one.
    Page,
    /// A stream, an asset, a health check: outside the OpenAPI document, errors as JSON.
    Other,
}

/// All that is known of one endpoint.
#[derive(Clone)]
pub struct EndpointSpec {
    /// The method.
    pub method: Method,
    /// The path with `{parameters}`.
    pub path: &'static str,
    /// What kind of answer.
    pub kind: EndpointKind,
    /// The action it performs.
    pub action: Action,
    /// Whether the audit records it; on for every method but GET unless switched off with a reason.
    pub audited: bool,
    /// Why it is not audited although it is not a GET.
    pub unaudited_reason: Option<&'static str>,
    /// One line for people.
    pub summary: &'static str,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Option<RefOr<Schema>>,
    pub(crate) answer: Option<(u16, Option<RefOr<Schema>>)>,
    pub(crate) schemas: Vec<(String, RefOr<Schema>)>,
}

/// Builds an [`EndpointSpec`].
#[derive(Clone)]
pub struct Endpoint(EndpointSpec);

impl Endpoint {
    fn new(method: Method, path: &'static str, action: Action) -> Self {
        let kind = if path.starts_with("/api/") {
            EndpointKind::Api
        } else {
            EndpointKind::Page
        };
        let audited = method != Method::GET;
        Self(EndpointSpec {
            method,
            path,
            kind,
            action,
            audited,
            unaudited_reason: None,
            summary: "",
            parameters: Vec::new(),
            body: None,
            answer: None,
            schemas: Vec::new(),
        })
    }

    /// A `GET`: changes nothing, is not audited.
    #[must_use]
    pub fn get(path: &'static str, action: Action) -> Self {
        Self::new(Method::GET, path, action)
    }

    /// A `POST`: audited.
    #[must_use]
    pub fn post(path: &'static str, action: Action) -> Self {
        Self::new(Method::POST, path, action)
    }

    /// A `PUT`: audited.
    #[must_use]
    pub fn put(path: &'static str, action: Action) -> Self {
        Self::new(Method::PUT, path, action)
    }

    /// A `PATCH`: audited.
    #[must_use]
    pub fn patch(path: &'static str, action: Action) -> Self {
        Self::new(Method::PATCH, path, action)
    }

    /// A `DELETE`: audited.
    #[must_use]
    pub fn delete(path: &'static str, action: Action) -> Self {
        Self::new(Method::DELETE, path, action)
    }

    /// One line for people, in English; stands in the API document.
    #[must_use]
    pub fn summary(mut self, summary: &'static str) -> Self {
        self.0.summary = summary;
        self
    }

    /// An answer that is neither API JSON nor a page.
    #[must_use]
    pub fn other(mut self) -> Self {
        self.0.kind = EndpointKind::Other;
        self
    }

    /// Not audited although it is no `GET`, because it changes nothing.
    #[must_use]
    pub fn unaudited(mut self, reason: &'static str) -> Self {
        self.0.audited = false;
        self.0.unaudited_reason = Some(reason);
        self
    }

    /// Audited although it is a `GET`: an export of personal data, a download of secrets.
    #[must_use]
    pub fn audited(mut self) -> Self {
        self.0.audited = true;
        self
    }

    /// Its query parameters.
    #[must_use]
    pub fn query<Q: IntoParams>(mut self) -> Self {
        let place = || Some(utoipa::openapi::path::ParameterIn::Query);
        self.0.parameters.extend(Q::into_params(place));
        self
    }

    /// Its JSON body.
    #[must_use]
    pub fn body<B: ToSchema>(mut self) -> Self {
        self.0.body = Some(self.schema_of::<B>());
        self
    }

    /// Its JSON answer with this status.
    #[must_use]
    pub fn returns<R: ToSchema>(mut self, status: u16) -> Self {
        let schema = self.schema_of::<R>();
        self.0.answer = Some((status, Some(schema)));
        self
    }

    /// An answer without a body.
    #[must_use]
    pub fn returns_nothing(mut self) -> Self {
        self.0.answer = Some((204, None));
        self
    }

    fn schema_of<T: ToSchema>(&mut self) -> RefOr<Schema> {
        T::schemas(&mut self.0.schemas);
        T::schema()
    }
}

/// The routes of one slice, with their state still open.
pub struct Routes<S> {
    router: Router<S>,
    specs: Vec<EndpointSpec>,
}

impl<S: Clone + Send + Sync + 'static> Default for Routes<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// No routes yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            router: Router::new(),
            specs: Vec::new(),
        }
    }

    /// Adds an endpoint behind the gate.
    #[must_use]
    pub fn add<H, T>(self, endpoint: Endpoint, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        let spec = endpoint.0;
        let filter = MethodFilter::try_from(spec.method.clone()).unwrap_or(MethodFilter::GET);
        let route = on(filter, handler).layer(axum::middleware::from_fn(guard(spec.clone())));
        let mut specs = self.specs;
        let router = self.router.route(spec.path, route);
        specs.push(spec);
        Self { router, specs }
    }

    /// Adds the routes of another part of the same slice.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        let mut specs = self.specs;
        specs.extend(other.specs);
        Self {
            router: self.router.merge(other.router),
            specs,
        }
    }

    /// Closes the state.
    pub fn with_state(self, state: S) -> Mounted {
        Mounted {
            router: self.router.with_state(state),
            specs: self.specs,
        }
    }
}

/// Routes whose state is closed; what slices hand to the server.
#[derive(Default)]
pub struct Mounted {
    pub(crate) router: Router,
    /// Every endpoint, for the OpenAPI document and for the test that no route is unguarded.
    pub specs: Vec<EndpointSpec>,
}

impl Mounted {
    /// Both sets of routes together.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.specs.extend(other.specs);
        Self {
            router: self.router.merge(other.router),
            specs: self.specs,
        }
    }
}
