use actors::enrichment::{AircraftFlags, TableBuilder, TableEntry};
use serde_json::{Value, json};

use super::*;

const NOW: Millis = Millis(1_795_472_380_250);

fn state(parts: &Value) -> StateVector {
    let mut whole = json!({ "icao24": "4b1814", "last_contact": 1_795_472_375 });
    whole.as_object_mut().unwrap().extend(parts.as_object().unwrap().clone());
    serde_json::from_value(whole).unwrap()
}

#[expect(clippy::needless_pass_by_value, reason = "the callers write the value in place")]
fn written(parts: Value) -> Value {
    serde_json::to_value(Aircraft::of(&state(&parts), &FactBook::default(), NOW)).unwrap()
}

#[test]
fn an_aircraft_is_written_in_the_units_of_readsb() {
    let airborne = written(json!({
        "callsign": "SWR123", "origin_country": "Switzerland", "lat": 47.449_123, "lon": 8.55, "velocity": 224.92,
        "true_track": 87.21, "vertical_rate": -9.75, "baro_altitude": 10_668.0, "geo_altitude": 10_820.4,
        "on_ground": false, "squawk": "1000", "spi": false, "position_source": 0, "category": 4,
        "time_position": 1_795_472_373, "observed_at": 1_795_472_376,
    }));
    assert_eq!(
        airborne,
        json!({
            "hex": "4b1814", "type": "adsb_icao", "flight": "SWR123  ", "alt_baro": 35_000, "alt_geom": 35_500,
            "gs": 437.2, "track": 87.21, "baro_rate": -1920, "squawk": "1000", "category": "A3", "lat": 47.449_123,
            "lon": 8.55, "seen_pos": 7.25, "spi": 0, "mlat": [], "tisb": [], "seen": 5.3,
        })
    );
}

#[test]
fn unknown_members_are_left_out() {
    assert_eq!(written(json!({})), json!({ "hex": "4b1814", "type": "mode_s", "mlat": [], "tisb": [], "seen": 5.3 }));
}

#[test]
fn an_aircraft_on_the_ground_has_no_altitude() {
    let grounded = written(json!({ "on_ground": true, "baro_altitude": 426.72, "spi": true }));
    assert_eq!((&grounded["alt_baro"], &grounded["spi"]), (&json!("ground"), &json!(1)));
    let unknown = written(json!({ "baro_altitude": -7.62 }));
    assert_eq!(unknown["alt_baro"], -25);
}

#[test]
fn a_position_older_than_a_minute_is_only_the_last_known_one() {
    let with_age = |age: i64| {
        written(json!({ "lat": 47.5, "lon": 8.5, "position_source": 2, "time_position": 1_795_472_380 - age }))
    };
    let current = with_age(59);
    assert_eq!(
        (&current["lat"], &current["seen_pos"], &current["mlat"]),
        (&json!(47.5), &json!(59.25), &json!(["lat", "lon"]))
    );
    assert!(current["lastPosition"].is_null());
    let last = with_age(60);
    assert_eq!(last["lastPosition"], json!({ "lat": 47.5, "lon": 8.5, "seen_pos": 60.25 }));
    assert!(last["lat"].is_null() && last["seen_pos"].is_null());
    assert_eq!(last["type"], "mlat");
    let unknown = written(json!({ "lat": 47.5, "lon": 8.5 }));
    assert_eq!((&unknown["lat"], &unknown["type"]), (&json!(47.5), &json!("other")));
    assert!(unknown["seen_pos"].is_null());
}

#[test]
fn a_time_after_now_is_no_age() {
    let ahead = written(json!({ "last_contact": 1_795_472_400, "time_position": 1_795_472_399, "lat": 1, "lon": 2 }));
    assert_eq!((&ahead["seen"], &ahead["seen_pos"]), (&json!(0.0), &json!(0.0)));
}

#[test]
fn emergencies_follow_from_the_squawk() {
    for (squawk, emergency) in [("7500", "unlawful"), ("7600", "nordo"), ("7700", "general")] {
        assert_eq!(written(json!({ "squawk": squawk }))["emergency"], emergency);
    }
    assert!(written(json!({ "squawk": "7000" }))["emergency"].is_null());
}

#[test]
fn values_sent_by_transponders_survive_the_conversion_to_metres() {
    // As a source stores them: in metres, rounded to hundredths.
    let hundredths = |number: f64| (number * 100.0).round() / 100.0;
    for altitude in (-1_000..=60_000).step_by(25) {
        assert_eq!(feet(hundredths(f64::from(altitude) * FOOT)), altitude);
    }
    for rate in (-32_640..=32_640).step_by(32) {
        assert_eq!(feet_per_minute(hundredths(f64::from(rate) * FOOT / 60.0)), rate);
    }
    for tenths in 0..=20_000 {
        let speed = f64::from(tenths) / 10.0;
        assert_eq!(rounded(hundredths(speed * KNOT) / KNOT, 10.0), speed);
    }
}

#[test]
fn known_facts_are_members() {
    let mut table = TableBuilder::default();
    let entry = TableEntry {
        registration: Some("HB-JCA"),
        type_code: Some("BCS3"),
        description: Some("AIRBUS A220-300"),
        operator: Some("Swiss"),
        flags: AircraftFlags(3),
    };
    table.add(Icao24::from_u32(0x4b1814), &entry).unwrap();
    let facts = FactBook { table: table.build(), version: 1 };
    let state = state(&json!({}));
    let written = serde_json::to_value(Aircraft::of(&state, &facts, NOW)).unwrap();
    assert_eq!(
        written,
        json!({
            "hex": "4b1814", "type": "mode_s", "r": "HB-JCA", "t": "BCS3", "desc": "AIRBUS A220-300",
            "ownOp": "Swiss", "dbFlags": 3, "mlat": [], "tisb": [], "seen": 5.3,
        })
    );
}

#[test]
fn a_registration_may_follow_from_the_address() {
    let state = StateVector::new(Icao24::from_u32(0xa0_0001), UnixTime(1_795_472_375));
    let written = serde_json::to_value(Aircraft::of(&state, &FactBook::default(), NOW)).unwrap();
    assert_eq!((&written["r"], &written["t"]), (&json!("N1"), &Value::Null));
}
