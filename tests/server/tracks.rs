//! The tracks of all flights of a period, read over HTTP.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::support::{HttpResponse, Setup, Sky, TEST_TIMEOUT, TestApp, eventually, now};

const HOUR: i64 = 3600;

/// A row to import: address, time, callsign, latitude and longitude, barometric altitude, and whether on the ground.
type Row = (&'static str, i64, &'static str, Option<(f64, f64)>, f64, bool);

/// Returns the rows of some flights that started at or after this time.
fn flights(start: i64) -> Vec<Row> {
    let mut rows = Vec::new();
    // East for half an hour, north for half an hour, and a landing.
    for minute in 0..=60_i32 {
        let (east, north) = (f64::from(minute.min(30)), f64::from((minute - 30).max(0)));
        let place = Some((47.0 + 0.05 * north, 8.0 + 0.1 * east));
        rows.push(("4b1814", start + i64::from(minute) * 60, "SWR1", place, 9000.0, minute == 60));
    }
    // The same aircraft an hour later, west with a detour to the north, and with a different callsign.
    for minute in 0..20_i32 {
        let lat = if (8..12).contains(&minute) { 48.8 } else { 48.5 };
        let place = Some((lat, 11.0 - 0.1 * f64::from(minute)));
        rows.push(("4b1814", start + 2 * HOUR + i64::from(minute) * 60, "SWR2", place, 5000.0, false));
    }
    // Across the antimeridian.
    for minute in 0..10_i32 {
        let lon = 179.5 + 0.2 * f64::from(minute);
        let lon = if lon > 180.0 { lon - 360.0 } else { lon };
        let lon = (lon * 1e6).round() / 1e6;
        rows.push(("c81234", start + i64::from(minute) * 60, "ANZ5", Some((-17.0, lon)), 11_000.0, false));
    }
    // A single position, and none.
    rows.push(("3c6444", start + 60, "DLH9", Some((50.0, 8.5)), 1000.0, false));
    rows.push(("3c0001", start + 60, "DLH8", None, 1000.0, false));
    rows
}

fn ndjson(rows: &[Row]) -> String {
    let line = |(icao24, at, callsign, place, altitude, on_ground): &Row| {
        let (lat, lon) = place.unzip();
        let row = json!({
            "icao24": icao24, "last_contact": at, "callsign": callsign, "lat": lat, "lon": lon,
            "baro_altitude": altitude, "geo_altitude": lon.map(|_| altitude + 50.25), "on_ground": on_ground,
        });
        format!("{row}\n")
    };
    rows.iter().map(line).collect()
}

/// Imports rows and starts a server that stores current ones.
fn with_rows(setup: &Setup, rows: &[Row], sky: &Sky) -> TestApp {
    let file = setup.directory().join("rows.ndjson");
    std::fs::write(&file, ndjson(rows)).unwrap();
    let import = setup.clone().arguments(["import", file.to_str().unwrap()]).run();
    assert_eq!(import.code, Some(0), "{:?}", import.log);
    setup.clone().watching(sky).failpoints("maintenance-pause=return(500)").start()
}

fn features(answer: &HttpResponse) -> Vec<Value> {
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/geo+json"), "{}", answer.text());
    let collection = answer.json();
    assert_eq!(collection["type"], "FeatureCollection");
    collection["features"].as_array().unwrap().clone()
}

/// Returns the feature of the flight with this callsign.
fn flight<'a>(features: &'a [Value], callsign: &str) -> &'a Value {
    features.iter().find(|feature| feature["properties"]["callsign"] == callsign).unwrap()
}

fn check(app: &TestApp, start: i64, rows: &[Row]) {
    let until = start + 4 * HOUR;
    let get = |query: &str| features(&app.get(&format!("/api/v1/tracks?to={until}&{query}")));
    let all = get("");

    // The flights are the past flights that have a position.
    let names = ["icao24", "callsign", "first_seen", "last_seen", "highest_altitude", "states", "landed"];
    let selected = |flight: &Value| names.map(|name| flight[name].to_string()).join(" ");
    let mut found: Vec<_> = all.iter().map(|feature| selected(&feature["properties"])).collect();
    found.sort();
    eventually("the flights are the past flights", || {
        let past = app.get(&format!("/api/v1/flights/past?to={until}")).json();
        let past = past["flights"].as_array().unwrap().iter().filter(|flight| !flight["first_lat"].is_null());
        let mut past: Vec<_> = past.map(selected).collect();
        past.sort();
        (past == found).then_some(())
    });
    assert_eq!(flight(&all, "SWR1")["id"], format!("4b1814-{start}"));

    // Simplified to the turn, with the geometric altitude.
    let corners = json!([[8.0, 47.0, 9050.25], [11.0, 47.0, 9050.25], [11.0, 48.5, 9050.25]]);
    assert_eq!(flight(&all, "SWR1")["geometry"], json!({ "type": "LineString", "coordinates": corners }));
    assert_eq!(flight(&all, "SWR1")["properties"]["part"], 1);
    let point = json!({ "type": "Point", "coordinates": [8.5, 50.0, 1050.25] });
    assert_eq!(flight(&all, "DLH9")["geometry"], point);
    let cut = json!({ "type": "MultiLineString", "coordinates": [
        [[179.5, -17.0, 11050.25], [180.0, -17.0, 11050.25]], [[-180.0, -17.0, 11050.25], [-178.7, -17.0, 11050.25]],
    ] });
    assert_eq!(flight(&all, "ANZ5")["geometry"], cut);

    // Without tolerance, all positions.
    let exact = get("tolerance=0&icao24=4B1814");
    for callsign in ["SWR1", "SWR2"] {
        let positions = rows.iter().filter(|row| row.2 == callsign).filter_map(|row| row.3);
        let found: Vec<_> = flight(&exact, callsign)["geometry"]["coordinates"].as_array().unwrap().clone();
        let found = found.iter().map(|place| (place[1].as_f64().unwrap(), place[0].as_f64().unwrap()));
        assert!(found.eq(positions), "{callsign}");
    }
    assert_eq!(exact.len(), 2);

    // In a box, the parts of the flights in it.
    let parts = get("bbox=46.95,8.45,47.32,11.05&tolerance=0");
    assert_eq!(parts.len(), 1);
    let first = &parts[0]["geometry"]["coordinates"][0];
    assert_eq!((first, &parts[0]["properties"]["states"]), (&json!([8.5, 47.0, 9050.25]), &json!(32)));
    let (seen, last) = (&parts[0]["properties"]["first_seen"], &parts[0]["properties"]["last_seen"]);
    assert_eq!((seen, last), (&json!(start + 5 * 60), &json!(start + 36 * 60)));
    let visits = get("bbox=48.4,8,48.6,10.95&icao24=4b1814");
    let expected = [[[10.9, 48.5, 5050.25], [10.3, 48.5, 5050.25]], [[9.8, 48.5, 5050.25], [9.1, 48.5, 5050.25]]];
    assert_eq!(flight(&visits, "SWR2")["geometry"], json!({ "type": "MultiLineString", "coordinates": expected }));
    // Only the part of a flight in the period.
    let late = get(&format!("from={}&icao24=4b1814", start + 2 * HOUR + 600));
    assert_eq!((late.len(), &late[0]["properties"]["first_seen"]), (1, &json!(start + 2 * HOUR + 600)));
    let before = app.get(&format!("/api/v1/tracks?from={}&to={}", start - HOUR, start - 1));
    assert_eq!(features(&before), [json!(null); 0]);

    check_protocol(app);
}

fn check_protocol(app: &TestApp) {
    let path = "/api/v1/tracks";
    let plain = app.ask("GET", &format!("{path}?to={}", now() - HOUR), &[("Accept", "application/geo+json")]);
    let head = app.ask("HEAD", path, &[]);
    assert_eq!((head.status, head.header("content-type"), head.body.len()), (200, "application/geo+json", 0));
    let zipped = app.ask("GET", &format!("{path}?to={}", now() - HOUR), &[("Accept-Encoding", "gzip")]);
    let mut unzipped = Vec::new();
    flate2::read::GzDecoder::new(&zipped.body[..]).read_to_end(&mut unzipped).unwrap();
    let unzipped: Value = serde_json::from_slice(&unzipped).unwrap();
    assert_eq!(unzipped["features"], plain.json()["features"]);
    assert_eq!((plain.header("cache-control"), &plain.json()["tolerance"]), ("no-store", &json!(100)));
    for (query, parameter) in [
        ("from=1&to=0", "from"),
        ("to=soon", "to"),
        ("from=0&to=604801", "from"),
        ("icao24=4b1814&from=0&to=31622401", "from"),
        ("bbox=1,2,3", "bbox"),
        ("icao24=x", "icao24"),
        ("tolerance=-1", "tolerance"),
        ("tolerance=1e3", "tolerance"),
        ("tolerance=100001", "tolerance"),
        ("format=json", "format"),
    ] {
        assert_eq!(app.get(&format!("{path}?{query}")).problem(400)["parameter"], parameter, "{query}");
    }
    assert_eq!(features(&app.get(&format!("{path}?icao24=4b1814&from=0&to=31622400"))), [json!(null); 0]);
    app.get(&format!("{path}?limit=1")).problem(400);
    app.ask("GET", path, &[("Accept", "application/json")]).problem(406);
    app.ask("DELETE", path, &[]).problem(405);
}

#[test]
fn the_tracks_of_a_period_are_streamed_from_sqlite() {
    let start = now() - 5 * HOUR;
    let (setup, rows) = (Setup::embedded(), flights(start));
    let sky = Sky::of(1);
    let app = with_rows(&setup, &rows, &sky);
    check(&app, start, &rows);
    app.end();
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn the_tracks_of_a_period_are_streamed_from_postgresql() {
    let start = now() - 5 * HOUR;
    let (setup, rows) = (Setup::real(), flights(start));
    let sky = Sky::of(1);
    let app = with_rows(&setup, &rows, &sky);
    check(&app, start, &rows);
    app.end();
}

#[test]
fn the_tracks_of_a_simulated_sky_pass_its_positions() {
    let sky = Sky::of(60);
    let setup = Setup::embedded();
    let app = setup.clone().watching(&sky).start();
    sky.wait_polls(6);
    sky.fail_polls();
    setup.database().wait_rows(&sky.served());
    // The positions of each aircraft in the air, in chronological order, without repetitions.
    let mut positions: BTreeMap<String, Vec<[f64; 2]>> = BTreeMap::new();
    for row in app.get("/api/v1/history").text().lines() {
        let row: Value = serde_json::from_str(row).unwrap();
        if let (Some(lon), Some(lat)) = (row["lon"].as_f64(), row["lat"].as_f64())
            && row["on_ground"] == false
        {
            positions.entry(row["icao24"].as_str().unwrap().to_owned()).or_default().push([lon, lat]);
        }
    }
    positions.values_mut().for_each(Vec::dedup);
    let place = |place: &Value| [place[0].as_f64().unwrap(), place[1].as_f64().unwrap()];
    let mut found: BTreeMap<String, Vec<[f64; 2]>> = BTreeMap::new();
    for feature in features(&app.get("/api/v1/tracks?tolerance=0")) {
        let (kind, places) = (feature["geometry"]["type"].clone(), feature["geometry"]["coordinates"].clone());
        let places = match kind.as_str().unwrap() {
            "Point" => vec![place(&places)],
            "LineString" => places.as_array().unwrap().iter().map(place).collect(),
            kind => panic!("{kind}: no simulated aircraft is near the antimeridian"),
        };
        found.entry(feature["properties"]["icao24"].as_str().unwrap().to_owned()).or_default().extend(places);
    }
    assert!(found.values().any(|places| places.len() > 2), "{found:?}");
    assert_eq!(found, positions);
    app.end();
}

#[test]
fn truncated_tracks_do_not_look_complete() {
    let rows = flights(now() - 5 * HOUR);
    let setup = Setup::embedded().failpoints("history-breaks=1*off->return");
    let sky = Sky::of(1);
    let app = with_rows(&setup, &rows, &sky);
    let mut socket = TcpStream::connect(&app.address).unwrap();
    socket.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
    write!(socket, "GET /api/v1/tracks HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    // Fails if the server resets the connection.
    let _ = socket.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(!answer.ends_with("0\r\n\r\n"), "looks complete: {answer}");
    eventually("the failure is logged", || (app.lines_with("failed to read history") > 0).then_some(()));
}
