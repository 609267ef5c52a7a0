use std::path::{Path, PathBuf};

use actors::detect::{RuleParser, RuleSet};
use serde_json::Value;

use super::read::parse_yaml;
use super::{InvalidRules, RuleSources};

const DOCS: &str = include_str!("../../docs/rules.md");
const SCHEMA: &str = include_str!("../../docs/schemas/rules.schema.json");

/// Returns the YAML examples of docs/rules.md.
pub(super) fn examples() -> Vec<&'static str> {
    let blocks = DOCS.split("```yaml\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap()).collect()
}

fn is_accepted(document: &Value) -> bool {
    let files = |name: &str| Err(format!("{name} was not found"));
    RuleParser::new(&files).add(document).is_ok()
}

#[test]
fn every_example_is_accepted_by_the_parser_and_the_schema() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    assert_eq!(examples().len(), 6);
    for example in examples() {
        let document = parse_yaml(example).unwrap();
        assert!(is_accepted(&document), "{example}");
        assert!(schema.is_valid(&document), "{example}");
    }
}

/// Each line is the condition of a rule, or a whole document.
#[test]
fn the_parser_and_the_schema_agree() {
    let schema = jsonschema::validator_for(&serde_json::from_str(SCHEMA).unwrap()).unwrap();
    let accepted = [
        "squawk: 7700",
        "squawk: [\"75??\", 20]",
        "altitude: \">= 1.5 km\"",
        "altitude: 100 ft to 2 km",
        "vertical_rate: \"< -2000 ft/min\"",
        "lost_contact: 1m 30s",
        "category: [a7, B1]",
        "inside: {circle: {center: [90, 180], radius: 5 nm}}",
        "enter: [{box: {west: 170, south: -5, east: -170, north: 5}}]",
        "not: {any: [{takeoff: true}, {on_ground: false}]}",
    ];
    let refused = [
        "{}",
        "altitud: \"< 1 m\"",
        "altitude: 1000",
        "altitude: \"< 1000\"",
        "altitude: \"< 1000 kt\"",
        "speed: \"120 kt\"",
        "vertical_rate: \"< 5 ft\"",
        "callsign: []",
        "callsign: \"\"",
        "category: A9",
        "takeoff: false",
        "on_ground: 1",
        "lost_contact: 90",
        "lost_contact: 5d",
        "inside: {circle: {center: [91, 0], radius: 5 nm}}",
        "inside: {circle: {center: [0, 0], radius: 5}}",
        "inside: {box: {west: 0, south: 0, east: 1}}",
        "inside: {box: {west: 0, south: 0, east: 1, north: 1}, file: a.geojson}",
        "inside: {geojson: {type: Point}}",
        "any: []",
    ];
    for (conditions, expected) in [(&accepted[..], true), (&refused[..], false)] {
        for condition in conditions {
            let when = parse_yaml(condition).unwrap();
            let document = serde_json::json!({ "rules": { "r": { "when": when } } });
            assert_eq!(is_accepted(&document), expected, "parser: {condition}");
            assert_eq!(schema.is_valid(&document), expected, "schema: {condition}");
        }
    }
    for document in ["rule: {}", "rules: {r: {for: 1m}}", "rules: {R: {when: {squawk: 1}}}", "rules: [1]", "[]"] {
        let document = parse_yaml(document).unwrap();
        assert!(!is_accepted(&document) && !schema.is_valid(&document), "{document}");
    }
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    file
}

fn load(files: &[PathBuf]) -> Result<RuleSet, InvalidRules> {
    RuleSources { files: files.to_vec(), ..RuleSources::default() }.load().rules
}

#[test]
fn files_share_fences_and_name_geojson_relative_to_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let ring = "[[[0, 0], [1, 0], [1, 1], [0, 0]]]";
    write(folder.path(), "a.geojson", &format!("{{\"type\": \"Polygon\", \"coordinates\": {ring}}}"));
    let fences = write(folder.path(), "fences.yaml", "fences: {a: {file: a.geojson}}\n");
    let rules = write(folder.path(), "rules.json", "{\"rules\": {\"r\": {\"when\": {\"inside\": \"a\"}}}}");
    let set = load(&[fences, rules, write(folder.path(), "empty.yaml", "")]).unwrap();
    assert_eq!((set.rules().len(), set.fences()), (2, 1));
}

#[test]
fn errors_name_the_file_and_come_from_every_file() {
    let folder = tempfile::tempdir().unwrap();
    let ring = "[[[0, 0], [1, 0], [1, 99], [0, 0]]]";
    write(folder.path(), "a.geojson", &format!("{{\"type\": \"Polygon\", \"coordinates\": {ring}}}"));
    let files = [
        write(folder.path(), "a.yaml", "fences: {a: {file: a.geojson}}\nrules: {r: {when: {altitud: 1}}}"),
        write(folder.path(), "b.yaml", "rules: {r: {when: [}"),
        write(folder.path(), "c.yaml", "rules: {r: {when: {squawk: 1}}, r: {when: {squawk: 2}}}"),
        write(folder.path(), "d.json", "{"),
        folder.path().join("missing.yaml"),
    ];
    let errors = load(&files).unwrap_err().lines().join("\n").replace(&format!("{}/", folder.path().display()), "");
    for expected in [
        "a.yaml: fence a: file: a.geojson: coordinates[0][2]: latitude 99 is out of range (-90..=90)",
        "a.yaml: rule r: when.altitud: unknown key; did you mean altitude?",
        "b.yaml: invalid YAML: line 1 ",
        "c.yaml: invalid YAML: line 1 ",
        "d.json: invalid JSON: ",
        "missing.yaml: No such file",
    ] {
        assert!(errors.contains(expected), "{expected} in\n{errors}");
    }
}

#[test]
fn a_folder_stands_for_its_files_by_name() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "10-fences.yml", "fences: {a: {box: {west: 0, south: 0, east: 1, north: 1}}}");
    write(folder.path(), "20-rules.yaml", "rules: {r: {when: {inside: a}}}");
    for ignored in [".hidden.yaml", "notes.txt", "area.geojson"] {
        write(folder.path(), ignored, "[");
    }
    let set = load(&[folder.path().to_owned()]).unwrap();
    assert_eq!((set.rules().len(), set.fences()), (2, 1));
    write(folder.path(), "05-rules.yaml", "rules: {s: {when: {inside: a}}}");
    let errors = load(&[folder.path().to_owned()]).unwrap_err().lines().join("\n");
    assert!(errors.contains("05-rules.yaml: rule s: when.inside"), "{errors}");
}

#[test]
fn a_configuration_file_contains_rules_among_other_keys() {
    let folder = tempfile::tempdir().unwrap();
    let check = |text: &str| {
        let config = Some(write(folder.path(), "config.yaml", text));
        RuleSources { config, ..RuleSources::default() }.load().rules.map(|rules| rules.rules().len())
    };
    assert_eq!(check("http:\n  port: 1\nrules:\n  r: {when: {squawk: 7000}}\n"), Ok(2));
    assert_eq!(check("http:\n  port: 1\n"), Ok(1));
    assert_eq!(check(""), Ok(1));
    let error = check("rules:\n  r: {when: {squak: 7000}}\n").unwrap_err();
    assert!(error.to_string().ends_with("config.yaml: rule r: when.squak: unknown key; did you mean squawk?"));
}

#[test]
fn an_edited_text_replaces_its_file_and_stays_within_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let geojson = "{\"type\": \"Polygon\", \"coordinates\": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}";
    write(folder.path(), "a.geojson", geojson);
    let edited = Some(folder.path().join("edited.yaml"));
    let sources = RuleSources { edited, ..RuleSources::default() };
    assert_eq!(sources.load().rules.unwrap().rules().len(), 1, "the file does not exist");
    let with_fence = |file: &str| {
        sources.with_edited(&format!("fences: {{a: {{file: {file}}}}}\nrules: {{r: {{when: {{inside: a}}}}}}"))
    };
    assert_eq!(with_fence("./a.geojson").unwrap().fences(), 1);
    for outside in ["../a.geojson", "/etc/passwd", "b/../../a.geojson"] {
        let error = with_fence(outside).unwrap_err().to_string();
        assert!(error.contains("must be below the folder of the rules"), "{error}");
    }
}
