//! Rows and lists that are unusual or invalid.

use flight_monitor::sources::readsb::wire::{AircraftList, parse_aircraft};

fn list(rows: &[&str]) -> AircraftList {
    let body = format!(r#"{{"now":1663259853.016,"messages":7,"aircraft":[{}]}}"#, rows.join(","));
    parse_aircraft(body.as_bytes()).unwrap()
}

const GOOD: &str = r#"{"hex":"3c66b0","type":"adsb_icao","flight":"DLH7YA  ","lat":49.2633,"lon":10.614239,"seen_pos":0.4,"seen":0.1}"#;

#[test]
fn an_invalid_row_is_counted_with_its_kind_and_does_not_affect_the_others() {
    let check = |row: &str, kind: &str, says: &str| {
        let list = list(&[GOOD, row, GOOD]);
        let bad: Vec<_> = list.snapshot.bad_rows.iter().collect();
        assert_eq!((list.snapshot.states.len(), bad.len()), (2, 1), "{row}: {bad:?}");
        assert_eq!((bad[0].0, bad[0].1), (kind, 1), "{row}: {bad:?}");
        assert!(bad[0].2.contains(says), "{row}: {bad:?}");
    };
    check(r#"{"seen":0.1}"#, "icao24", "not an ICAO 24-bit address");
    check(r#"{"hex":null,"seen":0.1}"#, "icao24", "");
    check(r#"{"hex":"3c66b","seen":0.1}"#, "icao24", "3c66b");
    check(r#"{"hex":3958448,"seen":0.1}"#, "icao24", "expected a string");
    check(r#"{"hex":"3c66b0"}"#, "last_contact", "3c66b0: no last_contact");
    check(r#"{"hex":"3c66b0","seen":null}"#, "last_contact", "no last_contact");
    check(r#"{"hex":"3c66b0","seen":"now"}"#, "last_contact", "now");
    check(r#"{"hex":"3c66b0","seen":-61}"#, "future", "61 s after");
    check(r#"{"hex":"3c66b0","seen":1,"alt_baro":"high"}"#, "baro_altitude", "ground");
    check(r#"{"hex":"3c66b0","seen":1,"alt_baro":[1]}"#, "baro_altitude", "feet");
    check(r#"{"hex":"3c66b0","seen":1,"alt_geom":1e12}"#, "geo_altitude", "out of range");
    check(r#"{"hex":"3c66b0","seen":1,"gs":"fast"}"#, "velocity", "fast");
    check(r#"{"hex":"3c66b0","seen":1,"gs":1e999}"#, "velocity", "out of range");
    check(r#"{"hex":"3c66b0","seen":1,"lat":95,"lon":8}"#, "lat", "95");
    check(r#"{"hex":"3c66b0","seen":1,"lat":45,"lon":181}"#, "lon", "181");
    check(r#"{"hex":"3c66b0","seen":1,"squawk":"20361"}"#, "squawk", "octal");
    check(r#"{"hex":"3c66b0","seen":1,"squawk":"7800"}"#, "squawk", "octal");
    check(r#"{"hex":"3c66b0","seen":1,"spi":2}"#, "spi", "0, 1 or a boolean");
    check(r#"{"hex":"3c66b0","seen":1,"lastPosition":7}"#, "time_position", "");
    check(r#"["3c66b0",45,8]"#, "row", "an object");
    check("null", "row", "an object");
    check("7", "row", "an object");
}

#[test]
fn unusual_rows_are_accepted() {
    let check = |row: &str| {
        let list = list(&[row]);
        assert_eq!(list.snapshot.bad_rows.count(), 0, "{row}: {:?}", list.snapshot.bad_rows);
        list.snapshot.states.into_iter().next()
    };
    let state = check(r#" {"hex":"3C66B0","seen":0,"squawk":null,"lat":null,"spi":true,"flight":"","new":{"a":[1]}} "#);
    let state = state.unwrap();
    assert_eq!((state.icao24.to_string().as_str(), state.spi, state.callsign), ("3c66b0", Some(true), None));
    assert_eq!(check(r#"{"hex":"3c66b0","seen":1,"flight":"@@@@@@@@"}"#).unwrap().callsign, None);
    assert_eq!(check(r#"{"hex":"3c66b0","seen":1,"lat":45}"#).unwrap().lat, None);
    assert_eq!(check(r#"{"hex":"3c66b0","seen":1,"lat":45,"lon":8}"#).unwrap().time_position, None);
    assert_eq!(check(r#"{"hex":"3c66b0","seen":1,"category":"D7"}"#).unwrap().category, None);
    assert_eq!(check(r#"{"hex":"3c66b0","seen":1,"category":"A0"}"#).unwrap().category, Some(1));
    assert_eq!(check(r#"{"hex":"3c66b0","seen":1,"baro_rate":null,"geom_rate":60}"#).unwrap().vertical_rate, Some(0.3));
    assert_eq!(check(r#"{"hex":"3c66b0","seen":1,"alt_geom":100}"#).unwrap().on_ground, Some(false));
    assert_eq!(check(r#"{"hex":"3c66b0","seen":1}"#).unwrap().on_ground, None);
    assert_eq!(check(r#"{"hex":"3c66b0","seen":60}"#).unwrap().last_contact.0, 1_663_259_793);
    assert_eq!(check(r#"{"hex":"3c66b0","seen":60.1}"#), None);
    assert_eq!(check(r#"{"hex":"3c66b0","seen":1e300}"#), None);
    // The last contact and the position are the same message, though rounded differently.
    let rounded = check(r#"{"hex":"3c66b0","seen":0.1,"lat":45,"lon":8,"seen_pos":0.01}"#).unwrap();
    assert_eq!((rounded.last_contact.0, rounded.time_position.unwrap().0), (1_663_259_852, 1_663_259_852));
    let old = check(r#"{"hex":"3c66b0","seen":1,"lat":45,"lon":8,"seen_pos":300.1}"#).unwrap();
    assert_eq!((old.lat, old.time_position), (None, None));
}

#[test]
fn an_invalid_list_is_an_error() {
    let check = |body: &str, says: &str| {
        let error = parse_aircraft(body.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(says), "{body}: {error}");
    };
    check("", "EOF");
    check("<html>", "expected value");
    check("[]", "an object with `now` and `aircraft`");
    check(r#"{"aircraft":[]}"#, "missing `now`");
    check(r#"{"now":1.0}"#, "missing `aircraft` or `ac`");
    check(r#"{"now":"now","aircraft":[]}"#, "`now`");
    check(r#"{"now":-1,"aircraft":[]}"#, "out of range");
    check(r#"{"now":1e18,"aircraft":[]}"#, "out of range");
    check(r#"{"now":1,"aircraft":{}}"#, "`aircraft` to be an array");
    check(r#"{"now":1,"aircraft":[{"hex":"3c66b0"}"#, "EOF");
    check(r#"{"now":1,"aircraft":[]} {}"#, "trailing characters");
    let rows = vec!["{}"; 200_001].join(",");
    check(&format!(r#"{{"now":1,"aircraft":[{rows}]}}"#), "more than 200000 rows");
}

#[test]
fn an_empty_list_is_valid() {
    for body in
        [r#"{"now":1.5,"aircraft":[]}"#, r#"{"ac":null,"now":1500}"#, r#"{"ac":[],"msg":"No error","now":1500}"#]
    {
        let list = parse_aircraft(body.as_bytes()).unwrap();
        assert_eq!((list.snapshot.states.len(), list.snapshot.bad_rows.count()), (0, 0), "{body}");
    }
}

#[test]
fn bytes_that_are_not_text_affect_only_their_row() {
    let mut body =
        br#"{"now":1663259853,"aircraft":[{"hex":"3c66b0","seen":1,"flight":"A"},{"hex":"3c66b1","seen":1}]}"#.to_vec();
    let at = body.iter().position(|byte| *byte == b'A').unwrap();
    body[at] = 0xff;
    let list = parse_aircraft(&body).unwrap();
    let bad: Vec<_> = list.snapshot.bad_rows.iter().map(|(kind, count, _)| (kind, count)).collect();
    assert_eq!((list.snapshot.states.len(), &bad[..]), (1, &[("encoding", 1)][..]));
}
