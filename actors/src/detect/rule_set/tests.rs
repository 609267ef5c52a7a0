use serde_json::{Value, json};

use super::*;

fn parse(document: &Value) -> Result<RuleSet, Vec<String>> {
    let files = |name: &str| Err(format!("{name} was not found"));
    let mut parser = RuleParser::new(&files);
    let added = parser.add(document);
    added.map(|()| parser.finish()).map_err(|errors| errors.iter().map(RuleError::to_string).collect())
}

/// Returns the rules as they were understood, without the built-in one.
fn understood(rules: &Value) -> Vec<String> {
    let set =
        parse(&json!({ "fences": { "home": { "circle": { "center": [47, 8], "radius": "2 km" } } }, "rules": rules }));
    set.unwrap().rules().iter().skip(1).map(RuleSpec::to_string).collect()
}

fn refused(when: Value) -> String {
    parse(&json!({ "rules": { "r": { "when": when } } })).unwrap_err().join("; ")
}

#[test]
fn every_condition_is_understood() {
    let rules = json!({ "r": {
        "when": {
            "squawk": [7700, "75*"], "callsign": "DLH*", "icao24": ["4b1814", "3c*"],
            "registration": "D-*", "type": "A3??",
            "operator": "Rega", "category": "A7", "country": ["Germany"], "source": "own", "on_ground": false,
            "altitude": "< 1000 ft", "geo_altitude": "250 m to 1 km", "speed": ">= 120 kt",
            "vertical_rate": "< -2000 ft/min",
            "inside": "home", "not": { "any": [{ "takeoff": true }, { "landing": true }] },
        },
        "for": "1m 30s", "cooldown": "1h", "severity": "info", "message": "{callsign} at {baro_altitude}",
    }});
    let text = understood(&rules).join("");
    for part in [
        "squawk 7700 or 75*",
        "callsign DLH*",
        "(icao24 4b1814 or icao24 3c*)",
        "type A3??",
        "category A7",
        "in flight",
        "altitude < 1000 ft",
        "geometric altitude 250 m to 1 km",
        "vertical rate < -2000 ft/min",
        "inside home",
        "not (took off or landed)",
        ", for 90 s; at most one alert in 3600 s (info)",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let area = json!({ "box": { "west": 1, "south": 2, "east": 3, "north": 4 } });
    let events = json!({ "r": { "when": { "enter": "home", "exit": area } } });
    assert_eq!(understood(&events), ["r: entered home, left rule r: when.exit (warning)"]);
}

#[test]
fn errors_name_the_rule_and_the_key() {
    for (when, expected) in [
        (json!({ "altitud": "< 1 m" }), "rule r: when.altitud: unknown key; did you mean altitude?"),
        (json!({ "altitude": "< 1000" }), "rule r: when.altitude: \"1000\" lacks a unit; possible units: ft, m, km"),
        (
            json!({ "speed": "< 1000 ft" }),
            "rule r: when.speed: \"1000 ft\" has the unknown unit \"ft\"; possible units: kt, km/h, m/s, mph",
        ),
        (json!({ "altitude": 1000 }), "rule r: when.altitude: expected a text, found a number"),
        (
            json!({ "altitude": "1 km to 2 m" }),
            "rule r: when.altitude: in \"1 km to 2 m\", the first value is above the second one",
        ),
        (
            json!({ "inside": "work" }),
            "rule r: when.inside: unknown fence \"work\"; name one under `fences`, or describe it here",
        ),
        (json!({ "inside": { "file": "a.geojson" } }), "rule r: when.inside.file: a.geojson: a.geojson was not found"),
        (
            json!({ "any": [{ "icao24": "4b18" }] }),
            "rule r: when.any[0].icao24: \"4b18\" is not an ICAO 24-bit address (six hex digits)",
        ),
        (json!({ "lost_contact": "1h" }), "rule r: when.lost_contact: must be between 10s and 45m"),
        (json!({ "category": "A9" }), "rule r: when.category: unknown emitter category \"A9\"; did you mean A0?"),
        (
            json!({ "inside": { "circle": { "center": [95, 0], "radius": "1 km" } } }),
            "rule r: when.inside.circle.center[0]: latitude 95 is out of range (-90..=90)",
        ),
        (json!({}), "rule r: when: has no condition"),
        (json!({ "callsign": [] }), "rule r: when.callsign: the list is empty"),
    ] {
        assert_eq!(refused(when), expected);
    }
    let error = |document| parse(&document).unwrap_err().join("; ");
    assert_eq!(error(json!({ "rules": { "r": { "for": "1m" } } })), "rule r: lacks the key when");
    assert_eq!(
        error(json!({ "rules": { "R": {} } })),
        "rule \"R\": a name has 1 to 64 lower-case letters, digits, - and _"
    );
    assert_eq!(error(json!({ "rule": {} })), "rule: unknown key; did you mean rules?");
    assert_eq!(
        error(json!({ "rules": { "r": { "when": { "squawk": "1" }, "message": "{calsign}" } } })),
        "rule r: message: unknown placeholder {calsign}; did you mean callsign?"
    );
    let lost = json!({ "rules": { "r": { "when": { "lost_contact": "1m" }, "for": "1m" } } });
    assert!(error(lost).starts_with("rule r: for: cannot be combined with lost_contact"));
}

#[test]
fn the_built_in_rule_can_be_changed_and_disabled() {
    assert_eq!(RuleSet::default().rules()[0].to_string(), "emergency-squawk: squawk 7500 or 7600 or 7700 (critical)");
    let with = |rule: Value| parse(&json!({ "rules": { "emergency-squawk": rule } })).unwrap();
    assert!(with(json!({ "enabled": false })).rules().is_empty());
    let changed = with(json!({ "cooldown": "5m" }));
    assert_eq!((changed.rules().len(), changed.rules()[0].cooldown), (1, 300));
}

#[test]
fn patterns_match_whole_texts_without_regard_to_case() {
    let matches = |pattern: &str, text: &str| Patterns::new([pattern.into()]).unwrap().matches(text);
    for (pattern, text) in
        [("DLH*", "dlh4ab"), ("*", ""), ("*4?b", "DLH44AB"), ("a*b*c", "aXbXbXc"), ("?", "é"), ("x", "X")]
    {
        assert!(matches(pattern, text), "{pattern} {text}");
    }
    for (pattern, text) in [("DLH*", "ADLH"), ("a?", "a"), ("a*b", "abc")] {
        assert!(!matches(pattern, text), "{pattern} {text}");
    }
    assert!(matches(&"*a".repeat(50), &"a".repeat(1000)) && !matches(&"*a".repeat(49), &"b".repeat(1000)));
    assert!(Patterns::new(["".into()]).is_err());
}
