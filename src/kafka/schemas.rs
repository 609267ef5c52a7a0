//! The JSON Schemas of the records' values, generated from the code. `docs/schemas/` has them as files.

use actors::detect::Alert;
use actors::domain::{PollRecord, StateVector};
use actors::enrichment::EnrichedState;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::record::SCHEMA_VERSION;

/// Returns the JSON Schema (2020-12) of each kind of value, with the name of its file.
pub fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        ("state-vector.schema.json", schema::<StateVector>("A record of the topic telemetry.raw or telemetry.latest")),
        ("enriched-state.schema.json", schema::<EnrichedState<'_>>("A record of the topic telemetry.enriched")),
        ("alert.schema.json", schema::<Alert>("A record of the topic telemetry.alerts")),
        ("poll.schema.json", schema::<PollRecord>("A record of the topic telemetry.polls")),
    ]
}

/// Returns the schema of a type, with the schemas to which it refers as its definitions.
fn schema<T: ToSchema>(title: &str) -> Value {
    let mut referenced = Vec::new();
    T::schemas(&mut referenced);
    let definitions = referenced.into_iter().map(|(name, schema)| (name, to_json(&schema)));
    let mut document = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "$comment": format!("schema-version {SCHEMA_VERSION}; members can be added at any time"),
    });
    if let (Some(document), Value::Object(schema)) = (document.as_object_mut(), to_json(&T::schema())) {
        document.extend(schema);
        document.insert("$defs".to_owned(), Value::Object(definitions.collect()));
    }
    document
}

/// Returns a schema of the OpenAPI description as a JSON Schema, which OpenAPI 3.1 extends.
fn to_json(schema: &impl serde::Serialize) -> Value {
    let mut json = serde_json::to_value(schema).unwrap_or_default();
    refer_to_definitions(&mut json);
    json
}

/// Turns references to components of the OpenAPI description into references to definitions.
fn refer_to_definitions(json: &mut Value) {
    match json {
        Value::String(text) => {
            if let Some(name) = text.strip_prefix("#/components/schemas/") {
                *text = format!("#/$defs/{name}");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(refer_to_definitions),
        Value::Object(members) => members.values_mut().for_each(refer_to_definitions),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// `make golden` writes the files again.
    #[test]
    fn the_published_schemas_are_up_to_date() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas");
        for (name, schema) in schemas() {
            let (file, text) = (folder.join(name), format!("{schema:#}\n"));
            if std::env::var_os("UPDATE_GOLDEN_FILES").is_some() {
                std::fs::create_dir_all(&folder).unwrap();
                std::fs::write(&file, &text).unwrap();
            }
            assert_eq!(std::fs::read_to_string(&file).unwrap_or_default(), text, "{name}: run `make golden`");
            jsonschema::meta::validate(&schema).unwrap();
        }
    }
}
