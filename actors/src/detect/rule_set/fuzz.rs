use proptest::prelude::*;
use serde_json::{Value, json};

use crate::detect::{RuleParser, parse_geojson};

/// A document that uses the whole syntax.
fn document() -> Value {
    let ring = json!([
        [[170, 50], [-170, 50], [-170, 60], [170, 60], [170, 50]],
        [[175, 52], [176, 52], [176, 53], [175, 52]]
    ]);
    let pole = json!([[[[0, 80], [120, 80], [-120, 80], [0, 80]]]]);
    json!({
        "fences": {
            "box": { "box": { "west": 170, "south": -10, "east": -170, "north": 10 } },
            "circle": { "circle": { "center": [89, 10], "radius": "100 nm" } },
            "area": { "geojson": { "type": "FeatureCollection", "features": [
                { "type": "Feature", "geometry": { "type": "Polygon", "coordinates": ring } },
            ] } },
            "pole": { "geojson": { "type": "MultiPolygon", "coordinates": pole } },
        },
        "rules": {
            "emergency-squawk": { "enabled": true, "cooldown": "5m" },
            "all": {
                "when": {
                    "squawk": [7700, "70??"], "callsign": "DLH*", "icao24": ["4b1814", "3c*"], "category": ["A7"],
                    "altitude": "< 1000 ft", "geo_altitude": "1 m to 2 km", "speed": ">= 12 kt",
                    "vertical_rate": "< -2 m/s",
                    "on_ground": false, "inside": ["box", "area"], "enter": "circle", "exit": "pole",
                    "registration": "D-*",
                    "not": { "any": [{ "takeoff": true }, { "landing": true, "country": "Fiji" }] },
                },
                "for": "1m30s", "cooldown": "1h", "severity": "info", "message": "{callsign} {{at}} {lat}",
            },
            "lost": { "when": { "all": [{ "lost_contact": "10m" }, { "source": "own", "operator": "R?" }] } },
        },
    })
}

/// Returns every value in a document.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(members) => members.values().map(count).sum::<usize>(),
        _ => 0,
    }
}

/// Replaces the value with this number, counted from the root.
fn replace(value: &mut Value, number: &mut usize, by: &Value) {
    if *number == 0 {
        *value = match (&value, by) {
            // A text is cut, or is followed by the other one.
            (Value::String(text), Value::String(other)) if other.len() % 2 == 0 => {
                Value::String(format!("{text}{other}"))
            }
            (Value::String(text), Value::Null) => Value::String(text.chars().skip(1).collect()),
            (Value::Array(items), Value::Null) => Value::Array(items.iter().rev().skip(1).cloned().collect()),
            _ => by.clone(),
        };
        *number = usize::MAX;
        return;
    }
    *number = number.wrapping_sub(1);
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, number, by)),
        Value::Object(members) => members.values_mut().for_each(|member| replace(member, number, by)),
        _ => {}
    }
}

fn value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "\\PC{0,12}",
        "[<>=]{0,2} ?-?[0-9.e]{0,6} ?(ft|m|km|kt|nm|ft/min|m/s)?",
        "([0-9]{1,20}[smhd ]{0,2}){0,3}",
        prop::sample::select(vec!["Polygon", "box", "{lat}", "{", "*", "1e999 ft", "NaN m", "inf"])
            .prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-200..200_i64).prop_map(Value::from),
        text.prop_map(Value::from),
        Just(json!([[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]])),
        Just(json!([])),
        Just(json!({})),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let key = prop::sample::select(vec!["when", "any", "not", "all", "altitude", "type", "x", "geometry"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..4).prop_map(|members| {
                Value::Object(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
            }),
        ]
    })
}

proptest! {
    /// Mutated rules and GeoJSON are accepted, or refused with the place named.
    #[test]
    fn fuzzed_rules_are_accepted_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), value()), 0..4),
    ) {
        let mut document = document();
        for (place, by) in changes {
            let mut number = place.index(count(&document));
            replace(&mut document, &mut number, &by);
        }
        let files = |name: &str| Err(format!("{name} was not found"));
        let mut parser = RuleParser::new(&files);
        match parser.add(&document) {
            Ok(()) => drop(parser.finish()),
            Err(errors) => prop_assert!(errors.iter().all(|error| !error.place.is_empty() && !error.reason.is_empty())),
        }
    }

    #[test]
    fn fuzzed_positions_make_a_valid_fence_or_are_refused(
        rings in prop::collection::vec(prop::collection::vec((-4..=4_i32, -4..=4_i32), 0..8), 0..3),
        scale in prop::sample::select(vec![1.0, 45.0, 0.1]),
        (lat, lon) in (-90.0..=90.0, -180.0..=180.0),
    ) {
        let ring = |ring: &Vec<(i32, i32)>| {
            let position = |(x, y): &(i32, i32)| json!([f64::from(*x) * scale, f64::from(*y) * scale / 2.0]);
            let mut ring: Vec<_> = ring.iter().map(position).collect();
            ring.extend(ring.first().cloned());
            ring
        };
        let rings: Vec<_> = rings.iter().map(ring).collect();
        match parse_geojson(&json!({ "type": "Polygon", "coordinates": rings })) {
            Ok(fence) => drop(fence.contains(lat, lon)),
            Err(error) => prop_assert!(error.place.starts_with("coordinates"), "{}", error),
        }
    }
}
