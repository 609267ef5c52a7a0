//! What was stored, read back over HTTP.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::{Database, Setup, Sky, TestApp};

/// A server with some polls of forty aircraft in its database, and no more to come.
fn with_a_history(setup: &Setup) -> TestApp {
    let sky = Sky::of(40);
    let app = setup.clone().watching(&sky).start();
    sky.wait_polls(6);
    sky.fall_silent();
    setup.database().wait_rows(&sky.served());
    app
}

/// An aircraft and the distinct times of its positions, for the one that has most of them.
fn most_moved(database: &Database) -> (String, Vec<i64>) {
    let sqlite = "SELECT icao24 AS text, time_position AS number FROM state_vectors WHERE lat IS NOT NULL";
    let postgres = "SELECT icao24, extract(epoch FROM time_position)::bigint FROM state_vectors WHERE lat IS NOT NULL";
    let mut times: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for (icao24, time) in database.pairs(sqlite, postgres) {
        times.entry(icao24).or_default().push(time);
    }
    for times in times.values_mut() {
        times.sort_unstable();
        times.dedup();
    }
    times.into_iter().max_by_key(|(_, times)| times.len()).unwrap()
}

fn times(states: &Value) -> Vec<i64> {
    states.as_array().unwrap().iter().map(|state| state["time_position"].as_i64().unwrap()).collect()
}

#[test]
fn a_track_is_read_back_from_sqlite() {
    let setup = Setup::embedded();
    let app = with_a_history(&setup);
    check_track(&app, &setup.database());
    app.end();
}

#[test]
fn a_track_is_read_back_from_postgresql() {
    let setup = Setup::real();
    let app = with_a_history(&setup);
    check_track(&app, &setup.database());
    app.end();
}

fn check_track(app: &TestApp, database: &Database) {
    let (icao24, expected) = most_moved(database);
    assert!(expected.len() > 2, "{expected:?}");
    let path = format!("/api/v1/flights/{}/track", icao24.to_uppercase());
    let answer = app.get(&path);
    let track = answer.json();
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    assert_eq!(times(&track["states"]), expected);
    assert_eq!((&track["icao24"], track["count"].as_u64()), (&icao24.as_str().into(), Some(expected.len() as u64)));
    assert_eq!((&track["next_cursor"], answer.header("link")), (&Value::Null, ""));
    assert_eq!(track["to"].as_i64().unwrap() - track["from"].as_i64().unwrap(), 86_400);

    // In parts, by the cursor and by the link.
    let (mut next, mut parts) = (format!("{path}?limit=2"), Vec::new());
    while !next.is_empty() {
        let answer = app.get(&next);
        let part = answer.json();
        parts.extend(times(&part["states"]));
        let link = answer.header("link");
        assert_eq!(part["next_cursor"].is_null(), link.is_empty());
        next = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")).unwrap_or("").to_owned();
    }
    assert_eq!(parts, expected);

    // A period that is fixed has an answer that is known.
    let fixed = format!("{path}?from={}&to={}", track["from"], track["to"]);
    let tag = app.get(&fixed).header("etag").to_owned();
    let again = app.ask("GET", &fixed, &[("If-None-Match", &tag)]);
    assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, &*tag));
    let other = app.ask("GET", &format!("{fixed}&limit=1"), &[("If-None-Match", &tag)]);
    assert_eq!(other.status, 200);
    assert!(answer.header("vary").to_lowercase().contains("accept"));

    let geojson = app.ask("GET", &fixed, &[("Accept", "application/geo+json")]);
    assert_eq!((geojson.status, geojson.header("content-type")), (200, "application/geo+json"));
    let collection = geojson.json();
    let features = collection["features"].as_array().unwrap();
    let states = track["states"].as_array().unwrap();
    assert_eq!((features.len(), &features[0]["geometry"]["type"]), (states.len() + 1, &"LineString".into()));
    for (i, state) in states.iter().enumerate() {
        let (feature, on_line) = (&features[i + 1], &features[0]["geometry"]["coordinates"][i]);
        assert_eq!((&feature["properties"], &feature["geometry"]["coordinates"]), (state, on_line));
        assert_eq!((&on_line[0], &on_line[1]), (&state["lon"], &state["lat"]));
    }

    let unseen = app.get("/api/v1/flights/000000/track?format=geojson").json();
    assert_eq!(unseen["features"], serde_json::json!([]));
    for (query, parameter) in [
        ("from=yesterday", "from"),
        ("from=2&to=1", "from"),
        ("to=2026-13-01T00:00:00Z", "to"),
        ("limit=0", "limit"),
        ("limit=20001", "limit"),
        ("cursor=there", "cursor"),
        ("format=kml", "format"),
    ] {
        assert_eq!(app.get(&format!("{path}?{query}")).problem(400)["parameter"], parameter, "{query}");
    }
    app.get(&format!("{path}?bbox=1,2,3,4")).problem(400);
    assert_eq!(app.get("/api/v1/flights/4b18/track").problem(400)["parameter"], "icao24");
    app.ask("GET", &path, &[("Accept", "text/csv")]).problem(406);
    app.ask("DELETE", &path, &[]).problem(405);
}
