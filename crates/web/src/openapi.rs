//! The OpenAPI 3.1 document, made from the endpoints themselves.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::{PartialSchema, ToSchema};

use crate::error::ProblemDetails;
use crate::{EndpointKind, EndpointSpec, FieldError, Need};

/// The document of all API endpoints, paths sorted.
#[must_use]
pub fn openapi(specs: &[EndpointSpec], version: &str) -> Value {
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    let mut schemas: BTreeMap<String, Value> = BTreeMap::new();
    let mut all = Vec::new();
    ProblemDetails::schemas(&mut all);
    all.push(("ProblemDetails".to_owned(), ProblemDetails::schema()));
    all.push(("FieldError".to_owned(), FieldError::schema()));
    for spec in specs.iter().filter(|spec| spec.kind == EndpointKind::Api) {
        all.extend(spec.schemas.iter().cloned());
        let method = spec.method.as_str().to_ascii_lowercase();
        paths
            .entry(spec.path)
            .or_default()
            .insert(method, operation(spec));
    }
    for (name, schema) in all {
        schemas.insert(name, to_value(&schema));
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Bongsu",
            "version": version,
            "description": "The API of a Bongsu server. Additive only; errors follow RFC 9457."
        },
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas
        }
    })
}

fn operation(spec: &EndpointSpec) -> Value {
    let area = spec.action.name.split('.').next().unwrap_or_default();
    let mut parameters: Vec<Value> = path_parameters(spec.path)
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect();
    parameters.extend(spec.parameters.iter().map(to_value));
    if spec.method == axum::http::Method::POST && spec.action.need != Need::Nothing {
        parameters.push(json!({
            "name": "Idempotency-Key",
            "in": "header",
            "required": false,
            "description": "1 to 255 characters. Sent again within a day with the same body, the \
                request is not carried out again: the first answer comes back, with \
                `Idempotent-Replayed: true`. With another body: 422. While the first is still being \
                carried out, or when nobody knows how it ended: 409.",
            "schema": {"type": "string", "maxLength": 255}
        }));
    }
    let mut responses = Map::new();
    let (status, schema) = spec.answer.clone().unwrap_or((200, None));
    let mut answer = json!({"description": "done"});
    if let (Some(schema), Some(answer)) = (schema, answer.as_object_mut()) {
        let content = json!({"application/json": {"schema": to_value(&schema)}});
        answer.insert("content".to_owned(), content);
    }
    responses.insert(status.to_string(), answer);
    let error = json!({"schema": {"$ref": "#/components/schemas/ProblemDetails"}});
    responses.insert(
        "default".to_owned(),
        json!({"description": "an error", "content": {"application/problem+json": error}}),
    );
    let mut operation = json!({
        "operationId": operation_id(spec),
        "tags": [area],
        "summary": spec.summary,
        "x-bongsu-action": spec.action.name,
        "parameters": parameters,
        "responses": responses,
    });
    let Some(fields) = operation.as_object_mut() else {
        return operation;
    };
    if let Some(body) = &spec.body {
        let content = json!({"application/json": {"schema": to_value(body)}});
        fields.insert(
            "requestBody".to_owned(),
            json!({"required": true, "content": content}),
        );
    }
    if spec.action.need == Need::Nothing {
        fields.insert("security".to_owned(), json!([]));
    }
    operation
}

fn operation_id(spec: &EndpointSpec) -> String {
    let path = spec
        .path
        .trim_start_matches("/api/v1/")
        .replace(['{', '}'], "");
    format!(
        "{}_{}",
        spec.method.as_str().to_ascii_lowercase(),
        path.replace(['/', '-', '.'], "_")
    )
}

fn path_parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn to_value<T: serde::Serialize>(part: &T) -> Value {
    serde_json::to_value(part).unwrap_or(Value::Null)
}
