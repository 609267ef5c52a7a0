//! Stored state vectors, read back over HTTP.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpStream;

use actors::domain::FIELDS;
use serde_json::Value;

use crate::support::{
    Certificate, Database, Http2, HttpResponse, Setup, Sky, TEST_TIMEOUT, TestApp, eventually, key, resolve,
};

/// Starts a server that has stored some polls of forty aircraft and receives no more.
fn with_a_history(setup: &Setup) -> TestApp {
    with_a_history_of(40, setup)
}

fn with_a_history_of(aircraft: usize, setup: &Setup) -> TestApp {
    let sky = Sky::of(aircraft);
    let app = setup.clone().watching(&sky).start();
    sky.wait_polls(6);
    sky.fail_polls();
    setup.database().wait_rows(&sky.served());
    app
}

/// Returns the aircraft with the most positions, and the distinct times of those.
fn aircraft_with_most_rows(database: &Database) -> (String, Vec<i64>) {
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
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn a_track_is_read_back_from_postgresql() {
    let setup = Setup::real();
    let app = with_a_history(&setup);
    check_track(&app, &setup.database());
    app.end();
}

fn check_track(app: &TestApp, database: &Database) {
    let (icao24, expected) = aircraft_with_most_rows(database);
    assert!(expected.len() > 2, "{expected:?}");
    let path = format!("/api/v1/flights/{}/track", icao24.to_uppercase());
    let answer = app.get(&path);
    let track = answer.json();
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    assert_eq!(times(&track["states"]), expected);
    assert_eq!((&track["icao24"], track["count"].as_u64()), (&icao24.as_str().into(), Some(expected.len() as u64)));
    assert_eq!((&track["next_cursor"], answer.header("link")), (&Value::Null, ""));
    assert_eq!(track["to"].as_i64().unwrap() - track["from"].as_i64().unwrap(), 86_400);

    // Page by page, following both the cursor and the `Link` header.
    let (mut next, mut parts) = (format!("{path}?limit=2"), Vec::new());
    while !next.is_empty() {
        let answer = app.get(&next);
        let part = answer.json();
        parts.extend(times(&part["states"]));
        let link = answer.header("link");
        assert_eq!(part["next_cursor"].is_null(), link.is_empty());
        let link = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\""));
        next = link.map_or_else(String::new, |link| resolve(&next, link));
    }
    assert_eq!(parts, expected);

    // The response for a fixed period has a stable ETag.
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

/// Parses the lines of an NDJSON response.
fn lines(answer: &HttpResponse) -> Vec<Value> {
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/x-ndjson"), "{}", answer.text());
    answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_history_is_streamed_from_sqlite() {
    let setup = Setup::embedded();
    let app = with_a_history(&setup);
    check_history(&app, &setup.database());
    app.end();
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn the_history_is_streamed_from_postgresql() {
    let setup = Setup::real();
    let app = with_a_history(&setup);
    check_history(&app, &setup.database());
    app.end();
}

fn check_history(app: &TestApp, database: &Database) {
    let rows = lines(&app.get("/api/v1/history"));
    let keys: Vec<_> = rows.iter().map(key).collect();
    assert!(keys.is_sorted_by_key(|(icao24, time)| (*time, icao24.clone())), "{keys:?}");
    assert_eq!(keys.into_iter().collect::<BTreeSet<_>>(), database.rows());
    // Every state vector of the live picture is one of the lines.
    let picture = app.get("/api/v1/flights").json();
    for state in picture["states"].as_array().unwrap() {
        assert!(rows.contains(state), "{state}");
    }

    // The same as CSV, and a selection of it.
    let csv = app.ask("GET", "/api/v1/history", &[("Accept", "text/csv")]);
    assert_eq!((csv.status, csv.header("content-type")), (200, "text/csv; charset=utf-8"));
    let text = csv.text();
    let table: Vec<Vec<_>> = text.split_terminator("\r\n").map(|line| line.split(',').collect()).collect();
    assert_eq!((table.len(), table[0].len(), table[0][0]), (rows.len() + 1, FIELDS.len(), "icao24"));
    for (line, row) in table[1..].iter().zip(&rows) {
        for (name, value) in table[0].iter().zip(line) {
            let expected = match &row[name] {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            assert_eq!(*value, expected, "{name} of {row}");
        }
    }
    let (icao24, last) = key(rows.last().unwrap());
    let own = lines(&app.get(&format!("/api/v1/history?icao24={icao24}&fields=lat,last_contact")));
    assert_eq!(own.len(), rows.iter().filter(|row| row["icao24"] == *icao24).count());
    assert!(own.iter().all(|row| row.as_object().unwrap().len() == 2));
    // The simulated aircraft have squawk codes, none of which is an emergency.
    let judged = lines(&app.get(&format!("/api/v1/history?icao24={icao24}&fields=lat,last_contact&alerts=true")));
    assert_eq!(judged.len(), own.len());
    assert!(judged.iter().zip(&own).all(|(judged, row)| judged["lat"] == row["lat"] && judged["alerts"].is_array()));
    let newest = lines(&app.get(&format!("/api/v1/history?from={last}&to={last}")));
    assert_eq!(newest, rows.iter().filter(|row| row["last_contact"] == last).cloned().collect::<Vec<_>>());
    let callsign = rows.iter().find_map(|row| row["callsign"].as_str()).unwrap();
    let called = lines(&app.get(&format!("/api/v1/history?callsign={}", callsign.replace(' ', "%20"))));
    assert!(!called.is_empty() && called.iter().all(|row| row["callsign"] == callsign));
    let lower = callsign.to_lowercase().replace(' ', "%20");
    assert_eq!(lines(&app.get(&format!("/api/v1/history?callsign={lower}"))), called);
    let north = lines(&app.get("/api/v1/history?bbox=0,-180,90,180"));
    assert_eq!(north.len(), rows.iter().filter(|row| row["lat"].as_f64() >= Some(0.0)).count());
    assert_eq!(lines(&app.get("/api/v1/history?from=2000-01-01T00:00:00Z&to=2000-01-02T00:00:00Z")), [Value::Null; 0]);

    let head = app.ask("HEAD", "/api/v1/history", &[]);
    assert_eq!((head.status, head.header("content-type"), head.body.len()), (200, "application/x-ndjson", 0));
    let zipped = app.ask("GET", "/api/v1/history?format=csv", &[("Accept-Encoding", "gzip")]);
    let mut unzipped = String::new();
    flate2::read::GzDecoder::new(&zipped.body[..]).read_to_string(&mut unzipped).unwrap();
    assert_eq!(unzipped, text);
    for (query, parameter) in [
        ("from=1&to=0", "from"),
        ("to=soon", "to"),
        ("bbox=1,2,3", "bbox"),
        ("icao24=x", "icao24"),
        ("callsign=", "callsign"),
        ("callsign=12345678901234567", "callsign"),
        ("fields=", "fields"),
        ("fields=lat,lat", "fields"),
        ("fields=latitude", "fields"),
        ("alerts=yes", "alerts"),
        ("alerts=true&format=csv", "alerts"),
        ("format=parquet", "format"),
    ] {
        assert_eq!(app.get(&format!("/api/v1/history?{query}")).problem(400)["parameter"], parameter, "{query}");
    }
    app.get("/api/v1/history?limit=1").problem(400);
    app.ask("GET", "/api/v1/history", &[("Accept", "application/json")]).problem(406);
}

/// Sends a request and returns the raw response.
fn raw(app: &TestApp, path: &str) -> String {
    let mut socket = TcpStream::connect(&app.address).unwrap();
    socket.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
    write!(socket, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    // Fails if the server resets the connection.
    let _ = socket.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

#[test]
fn a_truncated_history_does_not_look_complete() {
    let setup = Setup::embedded().failpoints("history-breaks=2*off->return");
    // At least 1,000 rows, so more than two chunks.
    let app = with_a_history_of(200, &setup);
    let broken = raw(&app, "/api/v1/history?format=csv");
    // A reset may discard data that arrived before it.
    assert!(broken.is_empty() || broken.starts_with("HTTP/1.1 200"), "{broken}");
    assert!(!broken.ends_with("0\r\n\r\n"), "looks complete: {broken}");
    eventually("the failure is logged", || (app.lines_with("failed to read history") > 0).then_some(()));

    let whole = Setup::embedded();
    let app = with_a_history(&whole);
    assert!(raw(&app, "/api/v1/history?format=csv").ends_with("0\r\n\r\n"));
}

/// Requests a history of 30 MB.
const LONG: &str = "/api/v1/history?from=1000000000&to=1000000000";

/// Requests one aircraft of that history, which is a short response.
const SHORT: &str = "/api/v1/history?from=1000000000&to=1000000000&icao24=000001";

fn insert_a_long_history(database: &Database) {
    let fill = "INSERT INTO state_vectors_scaled (icao24, last_contact, origin_country)
        SELECT lpad(to_hex(i), 6, '0'), to_timestamp(1000000000), repeat('x', 400) FROM generate_series(1, 60000) AS i";
    database.execute(fill);
}

/// Extends the retention, so that the long history, which is old, is not deleted.
fn with_a_long_history(setup: Setup) -> Setup {
    setup.set("DATABASE_RETENTION", "36500d")
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn excess_concurrent_histories_are_refused_with_retry_after() {
    let setup = with_a_long_history(Setup::real()).set("HTTP_TRUSTED_PROXIES", "127.0.0.1");
    let app = with_a_history(&setup);
    insert_a_long_history(&setup.database());
    // Each client requests the whole history and reads only the status line.
    let wait = |from: &str| {
        let mut socket = TcpStream::connect(&app.address).unwrap();
        write!(socket, "GET {LONG} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {from}\r\n\r\n").unwrap();
        let mut start = [0; 12];
        socket.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
        socket.read_exact(&mut start).unwrap();
        assert_eq!(&start, b"HTTP/1.1 200");
        socket
    };
    let ask = |from: &str| app.ask("GET", SHORT, &[("X-Forwarded-For", from)]);
    let waiting: Vec<_> = (1..=8).map(|host| wait(&format!("2001:db8::{host}"))).collect();
    let refused = ask("2001:db8::9");
    refused.problem(503);
    assert_eq!(refused.header("retry-after"), "5");
    assert_eq!(app.sample("http_refused_total{kind=\"histories\"}"), Some(1.0));
    assert_eq!(ask("192.0.2.1").status, 200);
    let others: Vec<_> = (1..=8).map(|host| wait(&format!("192.0.2.{host}"))).collect();
    ask("192.0.2.9").problem(503);
    // Closing the connections returns the permits and ends the queries.
    drop(others);
    eventually("there is capacity again", || (ask("192.0.2.9").status == 200).then_some(()));
    drop(waiting);
    eventually("there is capacity for the first address, too", || (ask("2001:db8::9").status == 200).then_some(()));
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn a_history_for_a_stalled_client_is_aborted() {
    let certificate = Certificate::new();
    let setup = with_a_long_history(certificate.on(Setup::real())).set("SSE_CLIENT_TIMEOUT", "2s");
    let app = with_a_history(&setup);
    insert_a_long_history(&setup.database());
    let waiting = Http2::connect(&app.address, &certificate, 0);
    let taken = [LONG; 8].map(|path| waiting.ask(path).unwrap());
    assert_eq!(taken.each_ref().map(|answer| answer.status), [200; 8]);
    let reading = Http2::connect(&app.address, &certificate, 1 << 20);
    let answer = eventually("there is capacity again", || {
        let answer = reading.ask(SHORT).unwrap();
        assert!(answer.status == 200 || answer.retry_after.as_deref() == Some("5"), "{}", answer.status);
        (answer.status == 200).then_some(answer)
    });
    assert!(reading.read(answer).unwrap().ends_with(b"\n"));
    // Logged by the reader thread or by the stall guard of the connection, whichever is first.
    let is_logged =
        ["history response aborted", "the client accepted no data of a response"].map(|text| app.lines_with(text) > 0);
    assert!(is_logged.contains(&true));
    for answer in taken {
        assert!(waiting.read(answer).is_err(), "looks complete");
    }
}

/// Makes the database hang for the first eight histories, after their response heads.
const HANGING: &str = "history-hangs=8*return";

#[test]
fn an_aborted_history_returns_its_permit_while_the_database_hangs() {
    let setup = Setup::embedded().failpoints(HANGING);
    let app = with_a_history(&setup);
    let hanging: Vec<_> = (0..8)
        .map(|_| {
            let mut socket = TcpStream::connect(&app.address).unwrap();
            write!(socket, "GET /api/v1/history HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
            let mut start = [0; 12];
            socket.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
            socket.read_exact(&mut start).unwrap();
            assert_eq!(&start, b"HTTP/1.1 200");
            socket
        })
        .collect();
    let refused = app.get("/api/v1/history");
    refused.problem(503);
    assert_eq!(refused.header("retry-after"), "5");
    drop(hanging);
    eventually("the permits are returned", || (app.get("/api/v1/history").status == 200).then_some(()));
}

#[test]
fn a_history_aborted_over_http2_returns_its_permit_while_the_database_hangs() {
    let certificate = Certificate::new();
    let setup = certificate.on(Setup::embedded()).failpoints(HANGING);
    let app = with_a_history(&setup);
    // Only the streams are reset; the connection stays open.
    let client = Http2::connect(&app.address, &certificate, 1 << 20);
    let hanging = [(); 8].map(|()| client.ask("/api/v1/history").unwrap());
    assert_eq!(hanging.each_ref().map(|answer| answer.status), [200; 8]);
    assert_eq!(client.ask("/api/v1/history").unwrap().status, 503);
    drop(hanging);
    let read = eventually("the permits are returned", || {
        let answer = client.ask("/api/v1/history").unwrap();
        (answer.status == 200).then(|| client.read(answer).unwrap())
    });
    assert!(read.ends_with(b"\n"));
}
