//! `aircraft.json` and the community's API.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;
use simulator::{Community, Options, Receiver, Target};

use crate::{Answer, NOON, Sky};

const FOOT: f64 = 0.3048;
const KNOT: f64 = 1_852.0 / 3_600.0;

fn many() -> Options {
    Options { aircraft: 5_000, remember_served: Some(100_000), ..Options::default() }
}

impl Sky {
    fn get(&self, path: &str) -> Answer {
        Answer::read(self.agent.get(format!("http://{}{path}", self.simulator.address())).call().unwrap()).unwrap()
    }

    fn aircraft_json(&self) -> Value {
        self.get("/data/aircraft.json").json()
    }

    /// Returns OpenSky's rows by address.
    fn world(&self) -> HashMap<String, Value> {
        let rows = self.states_with(&self.token(), "?extended=1").rows();
        rows.into_iter().map(|row| (row[0].as_str().unwrap().to_owned(), row)).collect()
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is not a number"))
}

/// Returns the metres between two positions that are not far apart.
fn metres(a: (f64, f64), b: (f64, f64)) -> f64 {
    let east = (a.1 - b.1) * a.0.to_radians().cos();
    (a.0 - b.0).hypot(east) * 111_195.0
}

#[test]
fn aircraft_json_has_readsbs_keys() {
    let sky = Sky::start(many());
    let json = sky.aircraft_json();
    assert_eq!(json["now"], NOON as f64);
    assert!(json["messages"].as_u64().is_some_and(|messages| messages > 0));
    let aircraft = json["aircraft"].as_array().unwrap();
    assert!((60..1_000).contains(&aircraft.len()), "{}", aircraft.len());
    for entry in aircraft {
        let object = entry.as_object().unwrap();
        assert!(!object.values().any(Value::is_null), "{entry}");
        let hex = entry["hex"].as_str().unwrap();
        assert_eq!(hex.trim_start_matches('~').len(), 6);
        assert_eq!(hex.starts_with('~'), entry["type"] == "tisb_trackfile", "{entry}");
        assert!(number(&entry["seen"]) >= 0.0 && number(&entry["rssi"]) < 0.0);
        assert!(entry["mlat"].is_array() && entry["tisb"].is_array());
        assert!(object.get("flight").is_none_or(|flight| flight.as_str().unwrap().len() == 8), "{entry}");
        assert!(object.get("squawk").is_none_or(|squawk| squawk.as_str().unwrap().len() == 4), "{entry}");
        match &entry["alt_baro"] {
            Value::String(text) => assert_eq!(text, "ground"),
            Value::Number(feet) => assert_eq!(feet.as_i64().unwrap() % 25, 0),
            other => assert!(other.is_null()),
        }
        assert_eq!(object.contains_key("lat"), object.contains_key("seen_pos"));
    }
    for (name, holds) in [
        ("adsb_icao", (|entry| entry["type"] == "adsb_icao") as fn(&Value) -> bool),
        ("mlat", |entry| entry["type"] == "mlat" && entry["mlat"].as_array().unwrap().len() > 3),
        ("mode_s", |entry| entry["type"] == "mode_s"),
        ("tisb", |entry| entry["type"] == "tisb_trackfile" && !entry["tisb"].as_array().unwrap().is_empty()),
        ("ground", |entry| entry["alt_baro"] == "ground"),
        ("category", |entry| entry["category"].is_string()),
        ("alt_geom", |entry| entry["alt_geom"].is_i64()),
        ("baro_rate", |entry| entry["baro_rate"].is_i64()),
    ] {
        assert!(aircraft.iter().any(holds), "no aircraft with {name}");
    }
}

#[test]
fn a_receiver_hears_the_same_sky_within_its_range() {
    let sky = Sky::start(many());
    let mut compared = 0;
    for step in 0..3 {
        sky.clock.set(NOON + step * 37);
        let mut worlds = HashMap::new();
        let json = sky.aircraft_json();
        let now = number(&json["now"]);
        for entry in json["aircraft"].as_array().unwrap() {
            let hex = entry["hex"].as_str().unwrap();
            let Some(lat) = entry.get("lat").map(number).filter(|_| !hex.starts_with('~')) else { continue };
            let position = (lat, number(&entry["lon"]));
            let heard_at = now - number(&entry["seen_pos"]);
            let away = metres((50.05, 8.6), position);
            assert!(away < 275_000.0, "{away} m: {entry}");
            // Asking for that second, /states/all gives the position at its start.
            let world = worlds.entry(heard_at.floor() as i64).or_insert_with_key(|second| {
                sky.clock.set(*second);
                sky.world()
            });
            let Some(row) = world.get(hex).filter(|row| row[3].as_f64() == Some(heard_at.floor())) else { continue };
            let (then, speed) = ((number(&row[6]), number(&row[5])), number(&row[9]));
            let moved = metres(then, position);
            // Four decimals are up to 8 m.
            let expected = speed * (heard_at - heard_at.floor());
            assert!((moved - expected).abs() < 10.0 + 0.05 * expected, "{moved} m, {expected}: {entry} {row}");
            if let (Some(feet), Some(altitude)) = (entry["alt_baro"].as_f64(), row[7].as_f64()) {
                assert!((feet * FOOT - altitude).abs() < 40.0, "{entry} {row}");
            }
            assert!((number(&entry["gs"]) * KNOT - speed).abs() < 5.0, "{entry} {row}");
            if let Some(flight) = entry["flight"].as_str() {
                assert_eq!(flight, row[1]);
            }
            if let Some(squawk) = entry["squawk"].as_str() {
                assert_eq!(squawk, row[14]);
            }
            compared += 1;
        }
    }
    assert!(compared >= 200, "{compared}");
}

#[test]
fn an_aircraft_is_listed_until_60_s_after_its_last_position() {
    let sky = Sky::start(many());
    let mut oldest = 0f64;
    for step in 0..10 {
        sky.clock.set(NOON + step * 30);
        for entry in sky.aircraft_json()["aircraft"].as_array().unwrap() {
            let seen = number(&entry["seen"]);
            oldest = oldest.max(seen);
            assert!(seen < 60.0, "{entry}");
        }
    }
    assert!(oldest > 20.0, "{oldest}");
}

#[test]
fn receiver_json_gives_the_position() {
    let receiver = Receiver { lat: 47.0, lon: 8.0, ..Receiver::default() };
    let json = Sky::start(Options { receiver, ..many() }).get("/data/receiver.json").json();
    assert_eq!((number(&json["lat"]), number(&json["lon"])), (47.0, 8.0));
    assert!(json["version"].is_string() && json["refresh"] == 1_000 && json["history"] == 0);
}

#[test]
fn a_receiver_without_a_range_hears_every_aircraft() {
    let receiver = Receiver { range_km: None, ..Receiver::default() };
    let options = Options { aircraft: 300, changes: simulator::Changes::All, receiver, ..Options::default() };
    let aircraft = Sky::start(options).aircraft_json()["aircraft"].as_array().unwrap().len();
    assert!((290..=315).contains(&aircraft), "{aircraft}");
}

#[test]
fn the_record_has_each_aircraft_and_the_second_of_its_last_message() {
    let sky = Sky::start(many());
    let json = sky.aircraft_json();
    let now = number(&json["now"]);
    let mut expected: Vec<(u32, i64)> = json["aircraft"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|entry| {
            let address = u32::from_str_radix(entry["hex"].as_str().unwrap(), 16).ok()?;
            Some((address, (now - number(&entry["seen"])).floor() as i64))
        })
        .collect();
    expected.sort_unstable();
    assert_eq!(sky.simulator.sent(Target::AircraftJson).states, expected);
    let lines = sky.get("/_served?target=aircraft_json").body;
    assert_eq!(lines.lines().count(), expected.len());
}

#[test]
fn recorded_states_have_no_receiver() {
    let file = format!("{}/tests/data/odd-rows.json", env!("CARGO_MANIFEST_DIR"));
    let source = simulator::SkySource::Recorded {
        files: vec![file.into()],
        shift_times: true,
        after_last: simulator::AfterLast::Cycle,
    };
    let sky = Sky::start(Options { source, ..Options::default() });
    assert_eq!((sky.get("/data/aircraft.json").status, sky.get("/v2/hex/3c6444").status), (404, 404));
}

#[test]
fn the_community_hears_circles_and_addresses() {
    let community = Community { interval: None, ..Community::default() };
    let sky = Sky::start(Options { community, ..many() });
    let json = sky.get("/v2/point/40.6/-73.8/200").json();
    let aircraft = json["ac"].as_array().unwrap();
    assert!(aircraft.len() > 20, "{}", aircraft.len());
    assert_eq!(json["now"], NOON * 1_000);
    assert_eq!((&json["msg"], json["ctime"].is_i64(), json["ptime"].is_i64()), (&"No error".into(), true, true));
    assert!(json["total"].as_u64().unwrap() as usize <= aircraft.len());
    for entry in aircraft {
        let away = metres((40.6, -73.8), (number(&entry["lat"]), number(&entry["lon"]))) / 1_852.0;
        assert!(away < 206.0 && (number(&entry["dst"]) - away).abs() < 10.0, "{away}: {entry}");
        assert!((0.0..=360.0).contains(&number(&entry["dir"])));
    }
    assert_eq!(sky.get("/v2/lat/40.6/lon/-73.8/dist/200").json(), json);
    let hex = aircraft.iter().find_map(|entry| entry["hex"].as_str().filter(|hex| !hex.starts_with('~'))).unwrap();
    let one = sky.get(&format!("/v2/hex/{hex},000000")).json();
    assert_eq!((&one["ac"][0]["hex"], &one["total"]), (&hex.into(), &1.into()));
    for path in ["/v2/point/40/-73/251", "/v2/point/91/0/100", "/v2/point/north/0/1", "/v2/point/4/NaN/1"] {
        assert_eq!(sky.get(path).status, 422, "{path}");
    }
}

#[test]
fn the_community_limits_requests_and_may_require_a_key() {
    let sky = Sky::of(200);
    let path = "/v2/point/50/8/100";
    assert_eq!(sky.get(path).status, 200);
    let refused = sky.get(path);
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("1")));
    sky.clock.advance(1);
    assert_eq!(sky.get(path).status, 200);

    let community =
        Community { interval: Some(Duration::from_secs(30)), retry_after: false, api_key: Some("secret".to_owned()) };
    let sky = Sky::start(Options { aircraft: 10, community, ..Options::default() });
    assert_eq!(sky.get(path).status, 403);
    let with_key = |key: &str| {
        let url = format!("{}/point/50/8/100", sky.simulator.community_url());
        Answer::read(sky.agent.get(url).header("api-auth", key).call().unwrap()).unwrap()
    };
    assert_eq!((with_key("guess").status, with_key("secret").status), (403, 200));
    let refused = with_key("secret");
    assert_eq!((refused.status, refused.header("retry-after")), (429, None));
    assert_eq!(sky.simulator.requests().v2, 4);
}
