use proptest::prelude::*;

use super::*;

fn read(text: &[u8]) -> (Recorded, Option<String>) {
    let mut trace = Trace::new(text);
    let mut recorded = Recorded::default();
    loop {
        match trace.read(&mut recorded) {
            Ok(true) => {}
            Ok(false) => return (recorded, None),
            Err(reason) => return (recorded, Some(reason)),
        }
    }
}

fn states(text: &str) -> Vec<Arc<StateVector>> {
    let (recorded, failure) = read(text.as_bytes());
    assert_eq!((recorded.bad, failure), (vec![], None));
    recorded.states.into_iter().map(|(_, state)| state).collect()
}

fn trace(points: &str) -> String {
    format!(r#"{{"icao":"0D8300","r":"YV3382","timestamp": 1609275898.619,"trace":[{points}]}}"#)
}

#[test]
fn a_point_is_converted_to_si_units() {
    let states = states(&trace(
        r#"[0.381,30.404617,-86.476566,-300,10.0,359.9,1,-640,
            {"type":"adsb_icao","flight":"YV3382  ","alt_geom":-75,"squawk":"1604","category":"A1","spi":1},
            "adsb_icao",-50,64,null,0.0],
           [1.5,30.4,-86.4,"ground",null,null,0,null,null,"mlat",null,null,null,null],
           [2.5,30.4,-86.4,1000,null,null,12,64,null],
           [3.5,30.4,-86.4,null,null,null,0,null]"#,
    ));
    let [first, second, third, fourth] = &*states else { panic!("{states:?}") };
    assert_eq!((first.icao24.to_string().as_str(), first.last_contact.0), ("0d8300", 1_609_275_899));
    assert_eq!((first.time_position.unwrap().0, first.observed_at), (1_609_275_899, None));
    assert_eq!((first.lat, first.lon), (Some(30.404617), Some(-86.476566)));
    assert_eq!((first.baro_altitude, first.geo_altitude), (Some(-91.44), Some(-15.24)));
    assert_eq!((first.velocity, first.true_track, first.vertical_rate), (Some(5.14), Some(359.9), Some(-3.25)));
    assert_eq!((first.callsign.as_deref(), first.squawk.as_deref()), (Some("YV3382"), Some("1604")));
    assert_eq!((first.category, first.spi, first.position_source), (Some(2), Some(true), Some(0)));
    assert_eq!((first.on_ground, second.on_ground, third.on_ground), (Some(false), Some(true), Some(false)));
    assert_eq!((second.baro_altitude, second.velocity, second.position_source), (None, None, Some(2)));
    // A geometric altitude is not a barometric one.
    assert_eq!((third.baro_altitude, third.geo_altitude), (None, Some(304.8)));
    assert_eq!((fourth.on_ground, fourth.baro_altitude, fourth.geo_altitude, fourth.spi), (None, None, None, None));
}

#[test]
fn details_are_kept_for_a_minute_and_not_for_the_next_flight() {
    let point = |seconds: f64, flags: u8, details: &str| format!("[{seconds},1,2,3,4,5,{flags},6,{details}]");
    let points = [
        point(0.0, 0, r#"{"flight":"ONE","squawk":"1000","category":"A3"}"#),
        point(30.0, 0, r#"{"flight":"        ","squawk":"2000"}"#),
        point(60.0, 0, "null"),
        point(61.0, 0, "null"),
        point(90.5, 0, "null"),
        point(91.0, 0, r#"{"flight":"TWO"}"#),
        point(92.0, 2, r#"{"squawk":"3000"}"#),
    ];
    let details: Vec<_> = states(&trace(&points.join(",")))
        .iter()
        .map(|state| {
            let text = |text: &Option<_>| text.as_deref().unwrap_or("-").to_owned();
            format!("{} {} {}", text(&state.callsign), text(&state.squawk), state.category.unwrap_or(-9))
        })
        .collect();
    assert_eq!(details, ["ONE 1000 4", "ONE 2000 4", "ONE 2000 4", "- 2000 -9", "- - -9", "TWO - -9", "- 3000 -9"]);
}

#[test]
fn bad_points_are_reported_and_others_are_read() {
    let (recorded, failure) =
        read(trace(r#"[0,1,2,"up",4,5,0,6],[1,2],{},[2,91,2,3,4,5,0,6],[3,1,2,3,4,5,0,6]"#).as_bytes());
    let reasons: Vec<_> = recorded.bad.iter().map(|bad| &*bad.reason).collect();
    let [altitude, short, object, range] = &*reasons else { panic!("{reasons:?}") };
    assert!(altitude.starts_with("point 1: altitude: invalid value: string \"up\""), "{altitude}");
    assert!(short.starts_with("point 2: invalid length 2, expected an array of at least 8"), "{short}");
    assert!(object.starts_with("point 3: invalid type: map"), "{object}");
    assert_eq!(*range, "point 4: 0d8300: lat 91 is out of range (-90..=90)");
    assert_eq!((recorded.next, recorded.states.len(), failure), (5, 1, None));
}

#[test]
fn points_before_the_end_of_an_incomplete_trace_are_read() {
    let whole = trace("[0,1,2,3,4,5,0,6],[1,1,2,3,4,5,0,6],[2,1,2,3,4,5,0,6]");
    let (recorded, failure) = read(&whole.as_bytes()[..whole.len() - 8]);
    assert_eq!(recorded.states.len(), 2);
    assert!(failure.unwrap().starts_with("invalid trace: EOF"));
    for (text, reason) in [
        (r#"{"icao":"4b1814","trace":[]}"#, "must come before"),
        (r#"{"icao":"4b1814","timestamp":1}"#, "missing `trace`"),
        (r#"{"icao":"4b1814","timestamp":1,"trace":[]} x"#, "trailing"),
        ("[]", "invalid type"),
    ] {
        let failure = read(text.as_bytes()).1.unwrap();
        assert!(failure.contains(reason), "{text}: {failure}");
    }
}

#[test]
fn points_of_other_addresses_are_skipped() {
    let (recorded, failure) = read(trace("[0],[1]").replace("0D8300", "~2f0a31").as_bytes());
    assert_eq!((recorded.next, recorded.skipped, failure), (2, vec![0, 1], None));
    assert!(recorded.states.is_empty() && recorded.bad.is_empty());
}

/// From the package `traffic` 2.13, MIT licence; see `tests/data/import/SOURCES.md`.
#[test]
fn a_real_trace_is_read() {
    let text = include_bytes!("../../../tests/data/import/readsb/trace_full_ac671b.json");
    let (recorded, failure) = read(text);
    assert_eq!((recorded.bad, failure, recorded.states.len()), (vec![], None, 2_500));
    let on_ground = recorded.states.iter().filter(|(_, state)| state.on_ground == Some(true)).count();
    assert_eq!(on_ground, 394);
    let (_, first) = &recorded.states[0];
    assert_eq!((first.last_contact.0, first.lat, first.baro_altitude), (1_738_703_622, Some(16.777359), Some(9753.6)));
    assert_eq!((first.velocity, first.vertical_rate, first.geo_altitude), (Some(246.21), Some(0.0), Some(10_309.86)));
    assert_eq!((first.callsign.as_deref(), recorded.states[4].1.callsign.as_deref()), (None, Some("DAL1812")));
}

/// A trace that is valid, or has a few bytes changed.
fn any_trace() -> impl Strategy<Value = Vec<u8>> {
    let element = prop_oneof![
        6 => (-200_000_i32..200_000).prop_map(|number| format!("{}", f64::from(number) / 100.0)),
        2 => Just("null".to_owned()),
        1 => Just("\"ground\"".to_owned()),
        1 => "[ -~]{0,8}".prop_map(|text| format!("{text:?}")),
        1 => Just(r#"{"flight":"A B","squawk":"7700","category":"B2","spi":0,"alt_geom":1e5}"#.to_owned()),
        1 => Just("1e999".to_owned()),
    ];
    let flags = (0_u8..32).prop_map(|flags| flags.to_string());
    let point = (prop::collection::vec(element.clone(), 6), flags, prop::collection::vec(element, 0..8))
        .prop_map(|(before, flags, after)| format!("[{},{flags},{}]", before.join(","), after.join(",")));
    let address = prop_oneof![4 => "[0-9a-f]{6}", 1 => "~[0-9a-f]{6}", 1 => "[ -~]{0,7}"];
    let text = (address, any::<i64>(), prop::collection::vec(point, 0..4)).prop_map(|(address, time, points)| {
        let points = points.join(",\n").replace(",]", "]");
        format!("{{\"icao\":{address:?},\n\"timestamp\": {time},\"trace\":[{points}]\n}}").into_bytes()
    });
    let edits = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..3), 0..3);
    (text, edits).prop_map(|(mut text, edits)| {
        for (at, byte, edit) in edits {
            let at = at.index(text.len().max(1));
            match edit {
                _ if text.is_empty() => {}
                0 => text[at] = byte,
                1 => text.truncate(at),
                _ => text.insert(at, byte),
            }
        }
        text
    })
}

proptest! {
    #[test]
    fn fuzzed_traces_are_read_or_refused_and_invent_no_aircraft(text in any_trace()) {
        let (recorded, _) = read(&text);
        let written = String::from_utf8_lossy(&text).to_ascii_lowercase();
        for (_, state) in &recorded.states {
            prop_assert!(written.contains(&state.icao24.to_string()), "{}: {written}", state.icao24);
        }
        prop_assert_eq!(recorded.next as usize, recorded.states.len() + recorded.bad.len() + recorded.skipped.len());
    }
}
