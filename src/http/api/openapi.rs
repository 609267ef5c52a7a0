//! `/api/v1/openapi.json`: the OpenAPI description of this server, generated from the code.

use actix_web::{HttpRequest, HttpResponse, web};
use actors::detect::Alert;
use actors::domain::{Icao24, StateVector, UnixTime};
use actors::supervision::JournalEntry;
use serde_json::{Value, json};
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::query::KNOWN_PARAMETERS;
use crate::export::RowAlert;
use crate::http::admin::events::VitalsEvent;
use crate::http::reply::entity_tag;
use crate::http::reply::problem::Problem;
use crate::http::state::ServerState;

/// The description, except for the paths.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Flight monitor",
        description = "Live flights from the OpenSky Network, and their history. SI units, WGS-84 degrees; times are \
                       Unix seconds; unknown values are `null`, never 0. Every path that supports GET supports HEAD \
                       as well.",
    ),
    components(schemas(StateVector, Icao24, UnixTime, Problem, Alert, RowAlert, VitalsEvent, JournalEntry)),
    // Relative to the URL of this document, because a proxy may serve it below any path.
    servers((url = "../..", description = "This server")),
    modifiers(&OperatorToken),
    tags(
        (name = "flights", description = "The live picture and the history"),
        (name = "streams", description = "Server-Sent Events"),
        (name = "readsb", description = "The live picture in readsb's form, for its clients"),
        (name = "opensky", description = "The OpenSky REST API, for clients of the OpenSky Network"),
        (name = "operations", description = "For the operator of this server"),
    ),
)]
struct Base;

struct OperatorToken;

impl Modify for OperatorToken {
    fn modify(&self, document: &mut Document) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("`admin.token`; by default the token that the server generated in data/admin.token"));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("operator", SecurityScheme::Http(scheme.build()));
    }
}

/// The OpenAPI description, which never changes while the process runs.
pub(crate) struct Description(Value);

impl Description {
    /// Describes these groups of operations.
    pub(crate) fn new(groups: impl IntoIterator<Item = Document>) -> Self {
        let mut document = Base::openapi();
        groups.into_iter().for_each(|group| document.merge(group));
        let mut document = serde_json::to_value(document).unwrap_or_default();
        complete_document(&mut document);
        Self(document)
    }

    #[cfg(test)]
    pub(crate) fn json(&self) -> &Value {
        &self.0
    }
}

/// This description of the server (OpenAPI 3.1)
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "operations", responses(
    (status = 200, description = "The description.", content_type = "application/json", body = Object),
    (status = 304, description = "Unchanged since `If-None-Match`.")))]
pub(crate) async fn document(
    request: HttpRequest,
    state: web::Data<ServerState>,
    description: web::Data<Description>,
) -> Result<HttpResponse, Problem> {
    let body = description.0.to_string().into_bytes();
    entity_tag::respond(&request, state.client(&request), "application/json", body, |_| {}).await
}

/// Adds everything that is the same for every operation and would otherwise be repeated in each.
fn complete_document(document: &mut Value) {
    for operation in document["paths"].as_object_mut().into_iter().flatten().flat_map(|(_, item)| operations(item)) {
        // Indexing would add `"parameters": null` to operations without parameters.
        let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
        for parameter in parameters.into_iter().flatten() {
            let known = KNOWN_PARAMETERS.iter().find(|known| parameter["name"] == known.name);
            if let Some(known) = known.filter(|_| parameter["description"].is_null()) {
                parameter["description"] = known.description.into();
                parameter["required"] = false.into();
                parameter["schema"] = json!({ "type": known.schema_type });
                parameter["example"] = known.example.into();
            }
        }
        let problem = json!({ "$ref": "#/components/schemas/Problem" });
        operation["responses"]["default"] = json!({
            "description": "An error, as a problem document (RFC 9457).",
            "content": { "application/problem+json": { "schema": problem } },
        });
    }
    for (_, schema) in document["components"]["schemas"].as_object_mut().into_iter().flatten() {
        require_nullable(schema);
    }
}

/// Requires the members that may be `null`, because unknown values are `null` and never left out.
fn require_nullable(schema: &mut Value) {
    for composition in ["allOf", "anyOf", "oneOf"] {
        schema.get_mut(composition).and_then(Value::as_array_mut).into_iter().flatten().for_each(require_nullable);
    }
    if let Some(items) = schema.get_mut("items") {
        require_nullable(items);
    }
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    properties.values_mut().for_each(require_nullable);
    let nullable = properties.iter().filter(|(_, property)| is_nullable(property)).map(|(name, _)| name.clone());
    let nullable: Vec<_> = nullable.map(Value::from).collect();
    match schema["required"].as_array_mut() {
        Some(required) => required.extend(nullable),
        None => schema["required"] = nullable.into(),
    }
}

fn operations(item: &mut Value) -> impl Iterator<Item = &mut Value> {
    item.as_object_mut().into_iter().flatten().map(|(_, operation)| operation)
}

fn is_nullable(property: &Value) -> bool {
    let null = Value::from("null");
    let alternatives = property["oneOf"].as_array().into_iter().flatten();
    property["type"].as_array().is_some_and(|types| types.contains(&null))
        || alternatives.into_iter().any(|alternative| alternative["type"] == null)
}
