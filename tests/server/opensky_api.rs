//! OpenSky's REST API, served by this server.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{HttpResponse, Setup, Sky, TestApp, eventually, now, request_with};

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

/// The fields of a state vector in the order of OpenSky's columns; `sensors` is not a field.
const COLUMNS: &str = "icao24 callsign origin_country time_position last_contact lon lat baro_altitude on_ground velocity \
                       true_track vertical_rate sensors geo_altitude squawk spi position_source category";

/// Returns the value that OpenSky's API has for a value of `/api/v1`.
fn opensky_value(state: &Value, column: &str) -> Value {
    match (column, &state[column]) {
        ("callsign", Value::String(callsign)) => format!("{callsign:<8}").into(),
        ("origin_country", Value::Null) => "".into(),
        ("on_ground" | "spi", Value::Null) => false.into(),
        ("position_source" | "category", Value::Null) => 0.into(),
        (_, value) => value.clone(),
    }
}

/// Asserts that the rows are those of these state vectors. Integers and floats are compared by value.
fn assert_rows(states: &Value, expected: &[Value], columns: usize) {
    let rows = states["states"].as_array().unwrap();
    assert_eq!(rows.len(), expected.len());
    for (row, state) in rows.iter().zip(expected) {
        let row = row.as_array().unwrap();
        assert_eq!(row.len(), columns);
        for (value, column) in row.iter().zip(COLUMNS.split(' ')) {
            let expected = opensky_value(state, column);
            let is_equal =
                *value == expected || value.as_f64().zip(expected.as_f64()).is_some_and(|(one, other)| one == other);
            assert!(is_equal, "{column}: {value} in {row:?} of {state}");
        }
    }
}

/// Starts a server whose picture no longer changes, and whose states are stored. The caller keeps the sky alive.
fn with_a_still_picture(setup: &Setup) -> (TestApp, Sky) {
    let sky = Sky::of(200);
    let app = setup.clone().watching(&sky).start();
    sky.wait_polls(5);
    sky.fail_polls();
    app.wait_shown(&sky);
    setup.database().wait_rows(&sky.served());
    (app, sky)
}

/// Returns the states of `/api/v1/flights`.
fn picture(app: &TestApp, query: &str) -> Vec<Value> {
    app.get(&format!("/api/v1/flights{query}")).json()["states"].as_array().unwrap().clone()
}

fn post(app: &TestApp, path: &str, form: &str) -> HttpResponse {
    request_with("POST", &format!("http://{}{path}", app.address), &[FORM], form)
}

/// Asserts that this is an error in OpenSky's form, and returns the reason.
fn reason(answer: &HttpResponse) -> String {
    assert_eq!((answer.status, answer.header("content-type")), (400, "application/json;charset=utf-8"));
    let reasons = answer.json();
    assert_eq!(reasons.as_array().unwrap().len(), 1, "{reasons}");
    reasons[0].as_str().unwrap().to_owned()
}

#[test]
fn states_have_the_columns_of_opensky_and_the_values_of_the_api() {
    let (app, _sky) = with_a_still_picture(&Setup::embedded());
    let flights = app.get("/api/v1/flights").json();
    let expected = flights["states"].as_array().unwrap();
    for (query, columns) in [
        ("", 17),
        ("?time=0&extended=0", 17),
        ("?time=0&extended=true", 18),
        ("?time=0&extended=True", 18),
        ("?extended=1&_=1700000000", 18),
    ] {
        for (path, columns) in [("/api/states/all", columns), ("/api/states/own", 18)] {
            let answer = app.get(&format!("{path}{query}"));
            assert_eq!((answer.status, answer.header("content-type")), (200, "application/json;charset=utf-8"));
            assert_eq!(answer.header("x-rate-limit-remaining"), "14400");
            let states = answer.json();
            assert_eq!(states["time"], flights["time"], "{query}");
            assert_rows(&states, expected, columns);
        }
    }
    // A time that the picture has reached is now.
    let time = flights["time"].as_i64().unwrap();
    for time in [time, time + 5, now() + 100] {
        let states = app.get(&format!("/api/states/all?time={time}&extended=1")).json();
        assert_eq!(states["time"], flights["time"]);
        assert_rows(&states, expected, 18);
    }
}

#[test]
fn states_are_selected_by_address_and_box() {
    let (app, _sky) = with_a_still_picture(&Setup::embedded());
    let all = picture(&app, "");
    let check = |query: &str, own: &str| {
        let expected = picture(&app, own);
        assert_rows(&app.get(&format!("/api/states/all?{query}")).json(), &expected, 17);
        expected.len()
    };
    let europe = check("lamin=30&lomin=-10&lamax=60&lomax=30", "?bbox=30,-10,60,30");
    let pacific = check("lamin=-60&lomin=120&lamax=60&lomax=-120", "?bbox=-60,120,60,-120");
    assert!((1..all.len()).contains(&europe) && (1..all.len()).contains(&pacific), "{europe} and {pacific}");
    let [one, other] = [&all[3], &all[7]].map(|state| state["icao24"].as_str().unwrap());
    assert_eq!(check(&format!("icao24={one}&icao24={}", other.to_uppercase()), &format!("?icao24={one},{other}")), 2);
    assert_eq!(check(&format!("icao24={one},{other}"), &format!("?icao24={one},{other}")), 2);
    let own = |serials: &str| app.get(&format!("/api/states/own?{serials}")).json();
    assert_rows(&own("serials=roof&serials=opensky"), &all, 18);
    assert_rows(&own("serials=123456"), &[], 18);
    // Nothing found is an empty list, which some clients distinguish from `null`.
    let none = app.get("/api/states/all?icao24=000000").text();
    assert!(none.ends_with(",\"states\":[]}"), "{none}");
}

#[test]
fn an_unchanged_picture_is_not_sent_again() {
    let (app, _sky) = with_a_still_picture(&Setup::embedded());
    for path in ["/api/states/all", "/api/states/all?extended=1", "/api/states/all?lamin=0&lomin=0&lamax=80&lomax=170"]
    {
        let tag = app.get(path).header("etag").to_owned();
        let again = app.ask("GET", path, &[("If-None-Match", &tag)]);
        assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, &*tag), "{path}");
        let other = app.ask("GET", "/api/states/own?icao24=000000", &[("If-None-Match", &tag)]);
        assert_eq!(other.status, 200);
    }
    for _ in 0..20 {
        let compressed = app.ask("GET", "/api/states/all", &[("Accept-Encoding", "gzip, deflate")]);
        assert_eq!(compressed.header("content-encoding"), "gzip");
    }
    for format in ["opensky", "opensky-extended"] {
        assert_eq!(app.sample(&format!("picture_renderings_total{{format=\"{format}\"}}")), Some(1.0));
    }
    let head = app.ask("HEAD", "/api/states/all", &[]);
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[test]
fn states_are_never_null() {
    let sky = Sky::of(5);
    sky.start_failing_polls();
    let app = Setup::embedded().watching(&sky).start();
    for path in ["/api/states/all", "/api/states/own?extended=1", "/api/states/all?time=1700000000"] {
        // Until the schema exists, there is no history.
        let states = eventually(path, || Some(app.get(path)).filter(|answer| answer.status == 200)).json();
        assert_eq!((&states["states"], states["time"].is_i64()), (&json!([]), true), "{path}");
    }
}

#[test]
fn states_at_an_earlier_time_are_the_newest_of_that_time_in_sqlite() {
    check_states_at_earlier_times(&Setup::embedded());
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn states_at_an_earlier_time_are_the_newest_of_that_time_in_postgresql() {
    check_states_at_earlier_times(&Setup::real());
}

fn check_states_at_earlier_times(setup: &Setup) {
    let (app, _sky) = with_a_still_picture(setup);
    let history = app.get("/api/v1/history?from=0").text();
    let rows: Vec<Value> = history.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let contact = |row: &Value| row["last_contact"].as_i64().unwrap();
    let newest = app.get("/api/v1/flights").json()["time"].as_i64().unwrap();
    let mut counts = Vec::new();
    for time in [newest - 400, newest - 3, newest - 2, newest - 1] {
        let mut expected = BTreeMap::new();
        for row in rows.iter().filter(|row| (time - 300..=time).contains(&contact(row))) {
            expected.insert(row["icao24"].as_str().unwrap(), row.clone());
        }
        let expected: Vec<_> = expected.into_values().collect();
        let states = app.get(&format!("/api/states/all?time={time}&extended=true")).json();
        assert_eq!(states["time"], time);
        assert_rows(&states, &expected, 18);
        let in_north = |state: &&Value| state["lat"].as_f64().is_some_and(|lat| (0.0..=90.0).contains(&lat));
        let north: Vec<_> = expected.iter().filter(in_north).cloned().collect();
        let query = format!("/api/states/own?time={time}&lamin=0&lomin=-180&lamax=90&lomax=180");
        assert_rows(&app.get(&query).json(), &north, 18);
        if let Some(one) = expected.last() {
            let query = format!("/api/states/all?time={time}&icao24={}", one["icao24"].as_str().unwrap());
            assert_rows(&app.get(&query).json(), std::slice::from_ref(one), 17);
        }
        counts.push(expected.len());
    }
    assert!(counts[0] < counts[3] && counts[3] > 0, "{counts:?}");
    app.end();
}

#[test]
fn the_track_of_a_flight_in_progress_has_waypoints() {
    let (app, _sky) = with_a_still_picture(&Setup::embedded());
    let airborne: Vec<_> = picture(&app, "").into_iter().filter(|state| state["on_ground"] == false).collect();
    let icao24 = airborne.iter().find(|state| state["lat"].is_f64()).unwrap()["icao24"].as_str().unwrap().to_owned();
    let own = app.get(&format!("/api/v1/flights/{icao24}/track")).json();
    let states = own["states"].as_array().unwrap();
    let mut tracks = Vec::new();
    for query in ["all?icao24=", "?icao24=", "all?time=0&icao24="] {
        tracks.push(app.get(&format!("/api/tracks/{query}{icao24}")).json());
    }
    tracks.push(app.get(&format!("/api/tracks?icao24={}&time=0", icao24.to_uppercase())).json());
    tracks.push(app.get(&format!("/api/tracks/all?icao24={icao24}&time={}", states[1]["last_contact"])).json());
    for track in &tracks {
        assert_eq!(track, &tracks[0]);
    }
    let track = &tracks[0];
    assert_eq!(track["icao24"], icao24);
    assert_eq!(track["callsign"], opensky_value(&states[0], "callsign"));
    let path = track["path"].as_array().unwrap();
    assert!(path.len() >= 2, "{track}");
    assert_eq!((&track["startTime"], &track["endTime"]), (&path[0][0], &path[path.len() - 1][0]));
    for waypoint in path {
        let state = states.iter().find(|state| state["time_position"] == waypoint[0]).unwrap();
        let fields = ["lat", "lon", "baro_altitude", "true_track"].map(|field| state[field].as_f64());
        assert_eq!([1, 2, 3, 4].map(|column| waypoint[column].as_f64()), fields);
        assert_eq!(waypoint[5], state["on_ground"]);
    }
    let problem = app.get("/api/tracks/all?icao24=000000&time=0").problem(404);
    assert_eq!(problem["detail"], "000000 has no flight in progress");
    let problem = app.get(&format!("/api/tracks/all?icao24={icao24}&time=1700000000")).problem(404);
    assert_eq!(problem["detail"], format!("{icao24} has no flight at 1700000000"));
}

#[test]
fn an_invalid_request_gets_the_reason_in_an_array() {
    let sky = Sky::of(5);
    let app = Setup::embedded().watching(&sky).start();
    for (path, expected) in [
        ("states/all?lamin=45&lomin=5", "lamin, lomin, lamax, lomax are required together"),
        ("states/all?lamin=45&lomin=5&lamax=91&lomax=7", "lamax 91 is out of range"),
        ("states/all?icao24=xyz", "icao24: "),
        ("states/own?time=yesterday", "time: expected Unix seconds, not \"yesterday\""),
        ("states/all?extended=maybe", "extended: expected 1 or true, not \"maybe\""),
        ("flights/all?begin=1", "end: required"),
        ("flights/all?begin=1&end=7202", "end: more than 2 hours after begin"),
        ("flights/aircraft?begin=1&end=2", "icao24: required"),
        ("flights/aircraft?icao24=4b1814&begin=1&end=2592002", "end: more than 720 hours after begin"),
        ("flights/arrival?begin=1&end=2", "airport: required"),
        ("tracks/all", "icao24: required"),
        ("tracks/all?icao24=4b1814&time=-1", "time: expected Unix seconds"),
    ] {
        let reason = reason(&app.get(&format!("/api/{path}")));
        assert!(reason.starts_with(expected), "{path}: {reason}");
    }
    app.get("/api/flights/nowhere?airport=LSZH&begin=1&end=2").problem(404);
    for path in ["/api/states/all", "/api/tracks/", "/api/flights/all"] {
        app.ask("POST", path, &[]).problem(405);
    }
}

#[test]
fn any_client_gets_a_token() {
    let sky = Sky::of(5);
    let app = Setup::embedded().watching(&sky).start();
    for path in ["/api/auth/token", "/auth/realms/opensky-network/protocol/openid-connect/token"] {
        let answer = post(&app, path, "grant_type=client_credentials&client_id=me&client_secret=wrong");
        assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
        let token = answer.json();
        assert_eq!((&token["token_type"], &token["expires_in"]), (&"Bearer".into(), &1800.into()));
        let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
        for authorization in [&*bearer, "Bearer another", "Basic bWU6aHVzaA=="] {
            assert_eq!(app.ask("GET", "/api/states/own", &[("Authorization", authorization)]).status, 200);
        }
        for (form, error) in [
            ("grant_type=password&username=me&password=hush".to_owned(), "unsupported_grant_type"),
            (String::new(), "invalid_request"),
            (format!("grant_type=client_credentials&client_id={}", "x".repeat(20_000)), "invalid_request"),
        ] {
            let answer = post(&app, path, &form);
            assert_eq!((answer.status, &answer.json()["error"]), (400, &error.into()), "{path}");
        }
        app.get(path).problem(405);
    }
}

/// The requests of OpenSky's Python client, which is not on PyPI, as it sends them.
#[test]
fn every_request_of_the_official_client_is_answered() {
    let (app, _sky) = with_a_still_picture(&Setup::embedded());
    let states = picture(&app, "");
    let flying = states.iter().find(|state| state["on_ground"] == false && state["lat"].is_f64()).unwrap();
    let (icao24, now) = (flying["icao24"].as_str().unwrap(), now());
    let token = post(
        &app,
        "/auth/realms/opensky-network/protocol/openid-connect/token",
        "grant_type=client_credentials&client_id=me&client_secret=hush",
    );
    let bearer = format!("Bearer {}", token.json()["access_token"].as_str().unwrap());
    let headers = [("Accept", "*/*"), ("Authorization", bearer.as_str()), ("Connection", "keep-alive")];
    for (path, status) in [
        ("states/all?time=0&extended=True".to_owned(), 200),
        (format!("states/all?time=0&icao24={icao24}&icao24=3c6444&extended=True"), 200),
        ("states/all?time=0&extended=True&lamin=45.8389&lamax=47.8229&lomin=5.9962&lomax=10.5226".to_owned(), 200),
        (format!("states/all?time={}&extended=True", now - 60), 200),
        (format!("states/own?time=0&icao24={icao24}&serials=123456&serials=98765&extended=True"), 200),
        // It reads this status as an empty list.
        (format!("flights/all?begin={}&end={now}", now - 7_200), 404),
        (format!("flights/aircraft?icao24={icao24}&begin={}&end={now}", now - 172_800), 404),
        (format!("flights/arrival?airport=EDDF&begin={}&end={now}", now - 3_600), 404),
        (format!("flights/departure?airport=EDDF&begin={}&end={now}", now - 3_600), 404),
        (format!("tracks/all?icao24={icao24}&time=0"), 200),
    ] {
        let answer = app.ask("GET", &format!("/api/{path}"), &headers);
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        if path.starts_with("states/") {
            assert!(answer.json()["states"].as_array().unwrap().iter().all(|row| row.as_array().unwrap().len() == 18));
        }
    }
}

#[test]
fn the_api_can_be_switched_off() {
    let sky = Sky::of(5);
    let app = Setup::embedded().watching(&sky).set("HTTP_OPENSKY_API", "false").start();
    for path in ["/api/states/all", "/api/tracks/", "/api/flights/all?begin=1&end=2", "/api/auth/token"] {
        app.get(path).problem(404);
    }
    let document = app.get("/api/v1/openapi.json").json();
    let is_own = |path: &&String| path.starts_with("/api/") && !path.starts_with("/api/v1/");
    assert_eq!(document["paths"].as_object().unwrap().keys().filter(is_own).count(), 0);
}

#[test]
fn pages_of_allowed_origins_may_read_the_credits() {
    let sky = Sky::of(5);
    let app = Setup::embedded().watching(&sky).set("SSE_ALLOWED_ORIGINS", "https://a.example").start();
    let answer = app.ask("GET", "/api/states/all", &[("Origin", "https://a.example")]);
    assert_eq!(answer.header("access-control-allow-origin"), "https://a.example");
    assert!(answer.header("access-control-expose-headers").to_lowercase().contains("x-rate-limit-remaining"));
    let answer = app.ask("GET", "/api/states/all", &[("Origin", "https://b.example")]);
    assert_eq!(answer.header("access-control-allow-origin"), "");
}

/// The collector's own client, with its token, credits and retries, accepts this server as its OpenSky.
#[test]
fn another_server_can_poll_this_one() {
    let (app, sky) = with_a_still_picture(&Setup::embedded());
    let second = Setup::embedded()
        .watching(&sky)
        .set("OPENSKY_BASE_URL", &format!("http://{}/api", app.address))
        .set("OPENSKY_AUTH_URL", &format!("http://{}/api/auth/token", app.address))
        .start();
    eventually("both pictures are the same", || {
        let (expected, states) = (picture(&app, ""), picture(&second, ""));
        (states.len() == expected.len()).then(|| assert_eq!(states, expected))
    });
    let status = second.get("/api/v1/status").json();
    assert_eq!(status["source"]["credits_left"], 14_400, "{status}");
}
