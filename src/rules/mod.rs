//! Reads files of rules. [`actors::detect`] parses and applies them.

use std::path::{Path, PathBuf};

use actors::detect::{RuleParser, RuleSet};
use serde_json::Value;

#[cfg(test)]
mod cookbook;
#[cfg(test)]
mod tests;

/// The maximum size of a file with rules or GeoJSON.
const MAX_BYTES: u64 = 32 << 20;

/// Reads files of rules, YAML or JSON, in order. A rule may use the fences of earlier files. GeoJSON files that a fence
/// names are relative to its file.
///
/// # Errors
/// Returns the errors of all files, each with the file, the rule and the key.
pub fn load(files: &[PathBuf]) -> Result<RuleSet, Vec<String>> {
    let folder = std::cell::RefCell::new(PathBuf::new());
    let read_geojson = |name: &str| read(&folder.borrow().join(name));
    let mut parser = RuleParser::new(&read_geojson);
    let mut errors = Vec::new();
    for file in files {
        let parent = file.parent().map(Path::to_owned).unwrap_or_default();
        folder.replace(parent);
        match read(file) {
            Ok(document) => {
                let refused = parser.add(&document).err().unwrap_or_default();
                errors.extend(refused.iter().map(|error| format!("{}: {error}", file.display())));
            }
            Err(reason) => errors.push(format!("{}: {reason}", file.display())),
        }
    }
    if errors.is_empty() { Ok(parser.finish()) } else { Err(errors) }
}

/// Reads a file of YAML, or of JSON if its name says so.
fn read(file: &Path) -> Result<Value, String> {
    let text = textfile::read(file, MAX_BYTES).map_err(|error| error.to_string())?;
    let is_json = file
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("json") || extension.eq_ignore_ascii_case("geojson"));
    if is_json {
        serde_json::from_str(&text).map_err(|error| format!("invalid JSON: {error}"))
    } else {
        parse_yaml(&text)
    }
}

/// Parses a YAML document. An empty one is null.
fn parse_yaml(text: &str) -> Result<Value, String> {
    serde_saphyr::from_str(text).map_err(|error| {
        let error = error.to_string();
        format!("invalid YAML: {}", error.lines().next().unwrap_or_default())
    })
}
