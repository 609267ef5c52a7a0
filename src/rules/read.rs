use std::path::Path;

use serde_json::Value;

/// The maximum size of a file with rules or GeoJSON.
const MAX_BYTES: u64 = 32 << 20;

/// Reads a file of YAML, or of JSON if its name says so.
pub(super) fn read(file: &Path) -> Result<Value, String> {
    parse(file, &read_text(file)?)
}

pub(super) fn read_text(file: &Path) -> Result<String, String> {
    textfile::read(file, MAX_BYTES).map_err(|error| error.to_string())
}

/// Parses the text of a file.
pub(super) fn parse(file: &Path, text: &str) -> Result<Value, String> {
    let is_json = file
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("json") || extension.eq_ignore_ascii_case("geojson"));
    if is_json {
        serde_json::from_str(text).map_err(|error| format!("invalid JSON: {error}"))
    } else {
        parse_yaml(text)
    }
}

/// Parses a YAML document. An empty one is null.
pub(super) fn parse_yaml(text: &str) -> Result<Value, String> {
    serde_saphyr::from_str(text).map_err(|error| {
        let error = error.to_string();
        let line = error.lines().next().unwrap_or_default();
        format!("invalid YAML: {}", line.strip_prefix("error: ").unwrap_or(line))
    })
}
