//! `/api/v1/openapi.json`: what this server answers, generated from the code.

use std::sync::LazyLock;

use actix_web::{HttpRequest, HttpResponse, web};
use actors::domain::{Icao24, StateVector, UnixTime};
use actors::supervision::JournalEntry;
use serde_json::{Value, json};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::query::KNOWN_PARAMETERS;
use super::{flights, history, past_flights, stats, status, stream, track};
use crate::http::admin::{actions, events, operator};
use crate::http::ops::{health, metrics};
use crate::http::reply::entity_tag;
use crate::http::reply::problem::Problem;
use crate::http::server::ServerState;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Flight monitor",
        description = "Live flights from the OpenSky Network, and their history. SI units, WGS-84 degrees; times are \
                       Unix seconds; unknown is `null`, never 0. What answers GET answers HEAD too.",
    ),
    paths(
        flights::flights,
        past_flights::past_flights,
        stats::stats,
        track::track,
        history::history,
        status::status,
        document,
        stream::flights,
        stream::stream,
        health::live,
        health::ready,
        metrics::metrics,
        operator::actors,
        events::events,
        actions::restart,
        actions::pause_polling,
        actions::resume_polling,
        actions::drain,
    ),
    components(schemas(StateVector, Icao24, UnixTime, Problem, events::VitalsEvent, JournalEntry)),
    // Relative to the address of this document, because a proxy may serve it below any path.
    servers((url = "../..", description = "This server")),
    modifiers(&Operator),
    tags(
        (name = "flights", description = "The live picture, and the history"),
        (name = "streams", description = "Server-Sent Events"),
        (name = "operations", description = "For this server's operator"),
    ),
)]
struct Description;

/// The operator's bearer token.
struct Operator;

impl Modify for Operator {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("`admin.token`; where none was set, the one that was generated into data/admin.token"));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("operator", SecurityScheme::Http(scheme.build()));
    }
}

/// The document, which is the same as long as the process lives.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let mut document = serde_json::to_value(Description::openapi()).unwrap_or_default();
    complete(&mut document);
    document
});

/// This description of the server (OpenAPI 3.1)
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "operations", responses(
    (status = 200, description = "The description.", content_type = "application/json", body = Object),
    (status = 304, description = "It is the one of `If-None-Match`.")))]
pub(crate) async fn document(request: HttpRequest, state: web::Data<ServerState>) -> Result<HttpResponse, Problem> {
    entity_tag::answer(&request, &state, "application/json", DOCUMENT.to_string().into_bytes(), |_| {}).await
}

/// Adds what holds for every address, and is therefore written at none.
fn complete(document: &mut Value) {
    for operation in document["paths"].as_object_mut().into_iter().flatten().flat_map(|(_, item)| operations(item)) {
        // Not by `operation["parameters"]`, which would make those that have none `null`.
        let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
        for parameter in parameters.into_iter().flatten() {
            let known = KNOWN_PARAMETERS.iter().find(|known| parameter["name"] == known.name);
            if let Some(known) = known.filter(|_| parameter["description"].is_null()) {
                parameter["description"] = known.meaning.into();
                parameter["schema"] = json!({ "type": known.kind });
                parameter["example"] = known.example.into();
            }
        }
        let problem = json!({ "$ref": "#/components/schemas/Problem" });
        operation["responses"]["default"] = json!({
            "description": "An error, as a problem document (RFC 9457).",
            "content": { "application/problem+json": { "schema": problem } },
        });
    }
    // What may be unknown is `null`, and not left out.
    for (_, schema) in document["components"]["schemas"].as_object_mut().into_iter().flatten() {
        let Some(properties) = schema["properties"].as_object() else { continue };
        let unknown = properties.iter().filter(|(_, property)| may_be_null(property)).map(|(name, _)| name.clone());
        let unknown: Vec<_> = unknown.map(Value::from).collect();
        match schema["required"].as_array_mut() {
            Some(required) => required.extend(unknown),
            None => schema["required"] = unknown.into(),
        }
    }
}

fn operations(item: &mut Value) -> impl Iterator<Item = &mut Value> {
    item.as_object_mut().into_iter().flatten().map(|(_, operation)| operation)
}

fn may_be_null(property: &Value) -> bool {
    let null = Value::from("null");
    let alternatives = property["oneOf"].as_array().into_iter().flatten();
    property["type"].as_array().is_some_and(|types| types.contains(&null))
        || alternatives.into_iter().any(|alternative| alternative["type"] == null)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::http::server::{operations as operator_routes, questions, streams};

    #[test]
    fn every_route_is_described_and_every_description_has_its_route() {
        let of = |prefix: &'static str, routes: Vec<crate::http::server::Route>| {
            routes.into_iter().map(move |route| format!("{prefix}{}", route.path))
        };
        let routes: BTreeSet<_> =
            of("", operator_routes()).chain(of("", streams())).chain(of("/api/v1", questions())).collect();
        let described: BTreeSet<_> = DOCUMENT["paths"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(described, routes);
    }

    #[test]
    fn everything_is_explained() {
        for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
            let (method, operation) = item.as_object().unwrap().iter().next().unwrap();
            assert!(operation["summary"].is_string() && operation["tags"][0] != "crate", "{path}: {operation}");
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                assert!(parameter["description"].as_str().is_some_and(|text| !text.is_empty()), "{path}: {parameter}");
                assert!(parameter["schema"].is_object(), "{path}: {parameter}");
            }
            let answer = if method == "get" { "200" } else { "202" };
            assert!(operation["responses"][answer]["content"].is_object(), "{path}");
            assert!(operation["responses"]["default"].is_object(), "{path}");
        }
        let state = &DOCUMENT["components"]["schemas"]["StateVector"];
        assert_eq!(state["required"].as_array().unwrap().len(), 18, "{state}");
        assert_eq!(state["properties"].as_object().unwrap().len(), 18);
    }
}
