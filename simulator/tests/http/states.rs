use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;
use simulator::{Changes, Options};

use crate::{NOON, Sky};

#[test]
fn rows_have_17_columns_and_18_when_extended() {
    let sky = Sky::of(300);
    for (query, columns) in [("", 17), ("?extended=1", 18), ("?extended=0", 17)] {
        let rows = sky.states(query).rows();
        assert!(rows.len() > 250, "{}", rows.len());
        for row in &rows {
            let row = row.as_array().unwrap();
            assert_eq!(row.len(), columns);
            assert!(row[0].as_str().is_some_and(|address| address.len() == 6));
            assert!(matches!(row[1].as_str().map(str::len), Some(0 | 8)), "{row:?}");
            assert!(row[2].is_string() && row[4].is_i64() && row[8].is_boolean() && row[12].is_null());
            assert!(row[15].is_boolean() && row[16].is_i64());
            assert!(row[14].is_null() || row[14].as_str().is_some_and(|squawk| squawk.len() == 4), "{row:?}");
        }
    }
}

#[test]
fn the_time_resolution_is_ten_seconds_for_anonymous_clients_and_one_for_accounts() {
    let sky = Sky::of(5);
    assert_eq!(sky.states("").json()["time"], NOON - 7);
    assert_eq!(sky.states_with(&sky.token(), "").json()["time"], NOON);
}

#[test]
fn only_accounts_can_query_the_past_hour() {
    let sky = Sky::of(300);
    let token = sky.token();
    let then = sky.states_with(&token, &format!("?time={}", NOON - 600)).body;
    assert_eq!(sky.states_with(&token, &format!("?time={}", NOON - 3_601)).status, 400);
    assert_eq!(sky.states_with(&token, &format!("?time={}", NOON + 1)).status, 400);
    assert_eq!(sky.states_with(&token, "?time=noon").status, 400);
    assert_eq!(sky.states("?time=5").json()["time"], NOON - 7);
    // A query for the past returns the same states as one made at that time.
    sky.clock.set(NOON - 602);
    assert_eq!(sky.states_with(&token, "").body, then);
}

#[test]
fn a_bounding_box_selects_the_positions_inside_it() {
    let sky = Sky::of(3_000);
    let inside = |row: &Value| {
        row[5].as_f64().is_some_and(|lon| (-5.0..=15.0).contains(&lon))
            && row[6].as_f64().is_some_and(|lat| (40.0..=55.0).contains(&lat))
    };
    let world = sky.states("").rows();
    let expected: Vec<&Value> = world.iter().filter(|row| inside(row)).collect();
    let found = sky.states("?lamin=40&lomin=-5&lamax=55&lomax=15").rows();
    assert!(found.len() > 100 && found.len() < world.len() / 2, "{}", found.len());
    assert_eq!(found.iter().collect::<Vec<_>>(), expected);
}

#[test]
fn a_response_without_aircraft_has_null_states() {
    let sky = Sky::of(50);
    for query in ["?lamin=-89&lomin=0&lamax=-88&lomax=1", "?icao24=ffffff", "?icao24=nonsense"] {
        assert!(sky.states(query).json()["states"].is_null(), "{query}");
    }
}

#[test]
fn invalid_bounding_boxes_are_rejected() {
    let sky = Sky::of(5);
    for query in [
        "?lamin=1&lomin=1&lamax=2",
        "?lamin=45&lomin=170&lamax=50&lomax=-170",
        "?lamin=50&lomin=1&lamax=45&lomax=2",
        "?lamin=1&lomin=1&lamax=95&lomax=2",
        "?lamin=a&lomin=1&lamax=2&lomax=2",
    ] {
        assert_eq!(sky.states(query).status, 400, "{query}");
    }
}

#[test]
fn aircraft_can_be_requested_by_address() {
    let sky = Sky::of(100);
    let world = sky.states("").rows();
    let (one, other) = (world[3][0].as_str().unwrap(), world[40][0].as_str().unwrap());
    let found = sky.states(&format!("?icao24={one}&icao24={}", other.to_uppercase())).rows();
    assert_eq!(found, [world[3].clone(), world[40].clone()]);
}

#[test]
fn responses_are_compressed_if_the_client_accepts_it() {
    let sky = Sky::of(500);
    let ask = |encoding: &str| {
        let mut stream = TcpStream::connect(sky.simulator.address()).unwrap();
        write!(
            stream,
            "GET /api/states/all HTTP/1.1\r\nHost: x\r\nAccept-Encoding: {encoding}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut received = Vec::new();
        stream.read_to_end(&mut received).unwrap();
        let is_gzip = String::from_utf8_lossy(&received).to_lowercase().contains("content-encoding: gzip\r\n");
        (is_gzip, received.len())
    };
    let ((packed, packed_length), (plain, plain_length)) = (ask("gzip"), ask("identity"));
    assert!(packed && !plain && packed_length < plain_length / 2, "{packed_length} and {plain_length}");
}

#[test]
fn ten_thousand_aircraft_have_distinct_addresses() {
    let sky = Sky::of(10_000);
    let rows = sky.states("?extended=1").rows();
    let addresses: HashSet<&str> = rows.iter().filter_map(|row| row[0].as_str()).collect();
    assert!((9_700..10_300).contains(&rows.len()), "{}", rows.len());
    assert_eq!(addresses.len(), rows.len());
}

#[test]
fn equal_seeds_give_equal_responses() {
    let (one, same) = (Sky::of(200), Sky::of(200));
    assert_eq!(one.states("?extended=1").body, same.states("?extended=1").body);
    let other = Sky::start(Options { aircraft: 200, seed: 2, ..Options::default() });
    assert_ne!(one.states("").body, other.states("").body);
}

/// Counts the aircraft whose last contact differs between two responses.
fn changed(before: &[Value], after: &[Value]) -> usize {
    let before: HashSet<(&str, i64)> =
        before.iter().map(|row| (row[0].as_str().unwrap(), row[4].as_i64().unwrap())).collect();
    after.iter().filter(|row| !before.contains(&(row[0].as_str().unwrap(), row[4].as_i64().unwrap()))).count()
}

#[test]
fn all_aircraft_change_at_every_poll_if_configured() {
    let sky = Sky::start(Options { aircraft: 100, changes: Changes::All, ..Options::default() });
    let mut before = sky.states("").rows();
    // Polls within the same second also count.
    for _ in 0..3 {
        let now = sky.states("").rows();
        assert_eq!((now.len(), changed(&before, &now)), (100, 100));
        before = now;
    }
    sky.clock.advance(100);
    assert_eq!(sky.states("").json()["time"], NOON + 100);
}

#[test]
fn exactly_the_configured_number_of_aircraft_change() {
    let sky = Sky::start(Options { aircraft: 100, changes: Changes::Exactly(7), ..Options::default() });
    let mut before = sky.states("").rows();
    for _ in 0..30 {
        sky.clock.advance(5);
        let now = sky.states("").rows();
        assert_eq!((now.len(), changed(&before, &now)), (100, 7));
        before = now;
    }
}

#[test]
fn only_some_aircraft_change_at_each_poll() {
    let sky = Sky::of(1_000);
    let token = sky.token();
    let before = sky.states_with(&token, "").rows();
    sky.clock.advance(5);
    let now = sky.states_with(&token, "").rows();
    let share = changed(&before, &now) as f64 / now.len() as f64;
    assert!((0.6..0.95).contains(&share), "{share}");
}

#[test]
fn served_states_are_recorded_if_enabled() {
    let sky = Sky::start(Options { aircraft: 100, remember_served: Some(10_000), ..Options::default() });
    let mut expected = HashSet::new();
    for _ in 0..3 {
        for row in sky.states("").rows() {
            let address = u32::from_str_radix(row[0].as_str().unwrap(), 16).unwrap();
            expected.insert((address, row[4].as_i64().unwrap()));
        }
        sky.clock.advance(20);
    }
    let served = sky.simulator.served();
    assert_eq!((served.states.iter().copied().collect::<HashSet<_>>(), served.forgotten), (expected, 0));

    let url = format!("http://{}/_served", sky.simulator.address());
    let lines = sky.agent.get(url).call().unwrap().into_body().read_to_string().unwrap();
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(lines.lines().count(), served.states.len());
    assert_eq!(first["icao24"], format!("{:06x}", served.states[0].0));
    assert_eq!(first["last_contact"], served.states[0].1);
}

#[test]
fn served_states_are_not_recorded_by_default() {
    let sky = Sky::of(10);
    sky.states("");
    assert!(sky.simulator.served().states.is_empty());
    assert_eq!(sky.agent.get(format!("http://{}/_served", sky.simulator.address())).call().unwrap().status(), 404);
}
