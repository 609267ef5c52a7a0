//! Parsing of `/states/all`: rows, invalid rows and whole responses.

use actors::domain::{BadRows, Snapshot, StateVector, UnixTime};
use flight_monitor::sources::opensky::wire::parse_states;
use proptest::prelude::*;

const GOOD: &str = r#"["3c6444","DLH9LF  ","Germany",1458564118,1458564120,6.1546,50.1964,9639.3,false,232.88,98.26,4.55,null,9547.86,"1000",false,0,6]"#;

fn answer(rows: &[&str]) -> Vec<u8> {
    format!(r#"{{"time":1458564121,"states":[{}]}}"#, rows.join(",")).into_bytes()
}

/// Returns the good row with one column replaced.
fn with(column: usize, value: &str) -> String {
    let inner = GOOD.trim_matches(['[', ']']);
    let columns: Vec<&str> = inner.split(',').enumerate().map(|(i, v)| if i == column { value } else { v }).collect();
    format!("[{}]", columns.join(","))
}

#[test]
fn a_row_is_read_by_position() {
    let snapshot = parse_states(&answer(&[GOOD])).unwrap();
    assert_eq!(snapshot.time, UnixTime(1458564121));
    assert_eq!(snapshot.bad_rows.count(), 0);
    let expected = StateVector {
        callsign: Some("DLH9LF".into()),
        origin_country: Some("Germany".into()),
        time_position: Some(UnixTime(1458564118)),
        lon: Some(6.1546),
        lat: Some(50.1964),
        baro_altitude: Some(9639.3),
        on_ground: Some(false),
        velocity: Some(232.88),
        true_track: Some(98.26),
        vertical_rate: Some(4.55),
        geo_altitude: Some(9547.86),
        squawk: Some("1000".into()),
        spi: Some(false),
        position_source: Some(0),
        category: Some(6),
        observed_at: Some(UnixTime(1458564121)),
        ..StateVector::new("3c6444".parse().unwrap(), UnixTime(1458564120))
    };
    assert_eq!(snapshot.states, [expected]);
}

#[test]
fn unusual_rows_are_accepted() {
    let check = |row: &str| {
        let snapshot = parse_states(&answer(&[row])).unwrap();
        assert_eq!(snapshot.bad_rows, BadRows::default(), "{row}");
        snapshot.states.into_iter().next().unwrap()
    };
    let seventeen = GOOD.replace(",6]", "]");
    assert_eq!(check(&seventeen).category, None);
    assert_eq!(check(&GOOD.replace(",6]", ",6,[1,{\"a\":2}],null]")).category, Some(6));
    assert_eq!(check(&with(17, "null")).category, None);
    assert_eq!(check(&with(17, "-1")).category, Some(-1));
    assert_eq!(check(&with(16, "99")).position_source, Some(99));
    assert_eq!(check(&with(5, "6")).lon, Some(6.0));
    assert_eq!(check(&with(7, "-305")).baro_altitude, Some(-305.0));
    assert_eq!(check(&with(10, "-90")).true_track, Some(270.0));
    assert_eq!(check(&with(12, "[1,2,3]")).lat, Some(50.1964));
    assert_eq!(check(&with(0, r#"" 3C6444 ""#)).icao24.to_string(), "3c6444");
    assert_eq!(check(&with(1, r#"" N52 4UW ""#)).callsign.as_deref(), Some("N52 4UW"));
    assert_eq!(check(&with(1, r#""D\u004cH\t""#)).callsign.as_deref(), Some("DLH"));
    assert_eq!(check(&with(1, r#""        ""#)).callsign, None);
    assert_eq!(check(&with(2, r#""""#)).origin_country, None);
    assert_eq!(check(&with(4, "1458564181")).last_contact, UnixTime(1458564181));
    let unknown = check(r#"["3c6444",null,null,null,1,null,null,null,null,null,null,null,null,null,null,null,null]"#);
    assert_eq!((unknown.lat, unknown.on_ground, unknown.spi), (None, None, None));
}

#[test]
fn a_bad_row_does_not_affect_other_rows() {
    let check = |row: &str, kind: &str, reason: &str| {
        let snapshot = parse_states(&answer(&[GOOD, row, GOOD])).unwrap();
        assert_eq!(snapshot.states.len(), 2, "{row}");
        let bad: Vec<_> = snapshot.bad_rows.iter().collect();
        assert_eq!((bad.len(), bad[0].0, bad[0].1), (1, kind, 1), "{row}: {bad:?}");
        assert!(bad[0].2.contains(reason), "{row}: {bad:?}");
        assert!(bad[0].2.chars().count() <= 200);
    };
    check("null", "row", "expected an array");
    check("7", "row", "expected an array");
    check(r#""3c6444""#, "row", "expected an array");
    check(r#"{"icao24":"3c6444"}"#, "row", "expected an array");
    check("[]", "columns", "only 0 of 17");
    check(r#"["3c6444","DLH9LF  ","Germany",1458564118]"#, "columns", "only 4 of 17");
    check(&with(0, "null"), "icao24", "six hex digits");
    check(&with(0, r#""""#), "icao24", "six hex digits");
    check(&with(0, r#""zzzzzz""#), "icao24", "zzzzzz");
    check(&with(0, "3"), "icao24", "integer `3`");
    check(&with(1, "true"), "callsign", "boolean `true`");
    check(&with(1, &format!("{:?}", "x".repeat(129))), "callsign", "129 bytes");
    check(&with(1, r#""\ud800""#), "callsign", "hex escape");
    check(&with(2, "[]"), "origin_country", "sequence");
    check(&with(3, r#""yesterday""#), "time_position", "yesterday");
    check(&with(3, "1458564118.5"), "time_position", "floating point");
    check(&with(3, "9223372036854775807"), "time_position", "outside the years 0001 to 9999");
    check(&with(4, "null"), "last_contact", "no last_contact");
    check(&with(4, "99999999999999999999"), "last_contact", "floating point");
    check(&with(4, "1458564182"), "future", "61 s after");
    check(&with(4, "2147483647"), "future", "after the response's time");
    check(&with(5, "180.5"), "lon", "180.5");
    check(&with(6, "-91"), "lat", "-91");
    check(&with(6, "1e999"), "lat", "out of range");
    check(&with(7, r#""NaN""#), "baro_altitude", "NaN");
    check(&with(8, "0"), "on_ground", "integer `0`");
    check(&with(9, r#""fast""#), "velocity", "fast");
    check(&with(10, "{}"), "true_track", "map");
    check(&with(11, "false"), "vertical_rate", "boolean");
    check(&with(13, "[1]"), "geo_altitude", "sequence");
    check(&with(14, "1000"), "squawk", "integer");
    check(&with(15, r#""yes""#), "spi", "yes");
    check(&with(16, "70000"), "position_source", "70000");
    check(&with(17, r#""A3""#), "category", "A3");
}

#[test]
fn invalid_utf8_invalidates_only_its_row() {
    let invalid = with(1, r#""DLH#9""#);
    let mut body = answer(&[GOOD, &invalid, GOOD]);
    let at = body.iter().position(|b| *b == b'#').unwrap();
    body[at] = 0xff;
    let snapshot = parse_states(&body).unwrap();
    assert_eq!(snapshot.states.len(), 2);
    assert_eq!(snapshot.bad_rows.iter().next().unwrap().0, "encoding");
}

#[test]
fn key_order_and_unknown_keys_do_not_matter() {
    let body = format!(r#"{{"x":[{{}}],"states":[{GOOD}],"\u0074ime":1458564121,"y":1e999}}"#);
    assert_eq!(parse_states(body.as_bytes()).unwrap(), parse_states(&answer(&[GOOD])).unwrap());
}

#[test]
fn null_or_empty_states_are_an_empty_snapshot() {
    for states in ["null", "[]"] {
        let snapshot = parse_states(format!(r#"{{"time":5,"states":{states}}}"#).as_bytes()).unwrap();
        assert_eq!(snapshot, Snapshot { time: UnixTime(5), ..Snapshot::default() });
    }
}

#[test]
fn any_other_document_is_rejected_with_the_reason() {
    let check = |body: &str, reason: &str| {
        let error = parse_states(body.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(reason), "{body}: {error}");
    };
    check("", "EOF");
    check("<!DOCTYPE html>", "expected value");
    check("null", "an object with `time` and `states`");
    check("[]", "an object with `time` and `states`");
    check("{}", "missing `time`");
    check(r#"{"states":[]}"#, "missing `time`");
    check(r#"{"time":1}"#, "missing `states`");
    check(r#"{"time":null,"states":[]}"#, "`time`");
    check(r#"{"time":"now","states":[]}"#, "`time`");
    check(r#"{"time":1.5,"states":[]}"#, "`time`");
    check(r#"{"time":-1,"states":[]}"#, "-1 is out of range");
    check(r#"{"time":253402300800,"states":[]}"#, "is out of range");
    check(r#"{"time":1,"states":{}}"#, "`states` to be an array");
    check(r#"{"time":1,"states":"none"}"#, "`states` to be an array");
    check(r#"{"time":1,"states":[["3c6444","#, "EOF");
    check(r#"{"time":1,"states":[[NaN]]}"#, "expected value");
    check(r#"{"time":1,"states":[]}{}"#, "trailing");
}

#[test]
fn deep_nesting_does_not_overflow_the_stack() {
    let depth = 1_000_000;
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(depth), close.repeat(depth));
        let snapshot = parse_states(&answer(&[GOOD, &deep, &with(12, &deep)])).unwrap();
        assert_eq!((snapshot.states.len(), snapshot.bad_rows.count()), (2, 1));
        assert!(parse_states(open.repeat(depth).as_bytes()).is_err());
    }
}

#[test]
fn a_response_with_too_many_rows_is_rejected() {
    let rows = |count| answer(&vec!["1"; count]);
    assert_eq!(parse_states(&rows(200_000)).unwrap().bad_rows.count(), 200_000);
    assert!(parse_states(&rows(200_001)).unwrap_err().to_string().contains("more than 200000 rows"));
}

/// Generates a valid response with some bytes changed, dropped or duplicated.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let body = answer(&[GOOD, GOOD, GOOD]);
    let edits = prop::collection::vec((0..body.len(), any::<u8>(), 0..4u8), 1..8);
    edits.prop_map(move |edits| {
        let mut body = body.clone();
        for (at, byte, edit) in edits {
            if body.is_empty() {
                break;
            }
            let at = at.min(body.len() - 1);
            match edit {
                0 => body[at] = byte,
                1 => drop(body.remove(at)),
                2 => body.insert(at, byte),
                _ => body.truncate(at + 1),
            }
        }
        body
    })
}

proptest! {
    #[test]
    fn fuzzed_bytes_cause_no_panic(body: Vec<u8>) {
        let _ = parse_states(&body);
    }

    #[test]
    fn fuzzed_responses_cause_no_panic_and_no_extra_rows(body in mutated()) {
        if let Ok(snapshot) = parse_states(&body) {
            let commas = body.iter().filter(|b| **b == b',').count();
            prop_assert!(snapshot.states.len() + snapshot.bad_rows.count() as usize <= commas + 1);
        }
    }

    #[test]
    fn a_good_row_survives_any_json_neighbour(neighbour in "\"[a-z\\\\\\\\\"]{0,9}\"|-?[0-9]{1,30}(e[0-9]{1,4})?|\\[[0-9,]{0,20}\\]") {
        if serde_json::from_str::<&serde_json::value::RawValue>(&neighbour).is_ok() {
            prop_assert_eq!(parse_states(&answer(&[GOOD, &neighbour, GOOD])).unwrap().states.len(), 2);
        }
    }
}
