//! Responses recorded from OpenSky; `tests/data/opensky/SOURCES.md` lists where they come from.

use actors::domain::Snapshot;
use flight_monitor::sources::opensky::wire::parse_states;

fn recorded(name: &str) -> Snapshot {
    let path = format!("{}/tests/data/opensky/{name}.json", env!("CARGO_MANIFEST_DIR"));
    parse_states(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_recorded_response_loses_only_rows_from_the_future() {
    let snapshot = recorded("extended-handpicked-2022-06-09-56");
    assert_eq!((snapshot.time.0, snapshot.states.len()), (1654817546, 54));
    let bad: Vec<_> =
        snapshot.bad_rows.iter().map(|(kind, count, example)| (kind, count, example.to_owned())).collect();
    let example = "4859f1: last_contact 2147483647 is 492666101 s after the response's time";
    assert_eq!(bad, [("future", 2, example.to_owned())]);
    let first = &snapshot.states[0];
    assert_eq!(first.icao24.to_string(), "ab1644");
    assert_eq!(first.callsign.as_deref(), Some("UAL228"));
    assert_eq!((first.lon, first.lat), (Some(-93.8189), Some(30.7191)));
    assert_eq!((first.baro_altitude, first.geo_altitude), (Some(3764.28), Some(3954.78)));
    assert_eq!((first.time_position.unwrap().0, first.last_contact.0), (1654816860, 1654817451));
    assert_eq!((first.squawk.as_deref(), first.category), (Some("7213"), Some(4)));
    assert!(snapshot.states.iter().all(|state| state.observed_at == Some(snapshot.time)));
}

#[test]
fn time_may_come_last_and_categories_may_be_unknown() {
    let snapshot = recorded("extended-fixture-2023-05-07-4");
    assert_eq!((snapshot.time.0, snapshot.bad_rows.count()), (1683488744, 0));
    let categories: Vec<_> = snapshot.states.iter().map(|state| state.category).collect();
    assert_eq!(categories, [Some(4), Some(1), Some(1), Some(-1)]);
    assert_eq!(snapshot.states[0].vertical_rate, Some(13.0));
    assert_eq!(snapshot.states[1].baro_altitude, None);
    assert_eq!(snapshot.states[2].observed_at, Some(snapshot.time));
}

#[test]
fn null_states_are_an_empty_snapshot() {
    for (name, time) in [("states-null-2018-11-11", 1541978120), ("states-null-2023-05-07", 1683488744)] {
        let snapshot = recorded(name);
        assert_eq!((snapshot.time.0, snapshot.states.len(), snapshot.bad_rows.count()), (time, 0, 0), "{name}");
    }
}
