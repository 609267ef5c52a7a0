//! The files of readsb and the `/v2` API, compared with the project's own API.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::support::{Setup, Sky, TestApp, eventually, now};

/// Starts a server whose picture of 300 aircraft no longer changes. The caller keeps the sky alive.
fn with_a_still_picture() -> (TestApp, Sky) {
    let sky = Sky::of(300);
    let app = Setup::embedded().watching(&sky).start();
    sky.wait_polls(1);
    sky.fail_polls();
    app.wait_shown(&sky);
    (app, sky)
}

/// Returns the aircraft in a member of a response, by address.
fn by_address(response: &Value, member: &str) -> BTreeMap<String, Value> {
    let aircraft = response[member].as_array().unwrap().iter();
    aircraft.map(|aircraft| (aircraft["hex"].as_str().unwrap().to_owned(), aircraft.clone())).collect()
}

fn states(app: &TestApp) -> Vec<Value> {
    app.get("/api/v1/flights").json()["states"].as_array().unwrap().clone()
}

fn address(state: &Value) -> String {
    state["icao24"].as_str().unwrap().to_owned()
}

/// Checks a number that was converted from another unit against the original.
fn assert_converts(name: &str, converted: &Value, factor: f64, original: &Value, step: f64) {
    match (converted.as_f64(), original.as_f64()) {
        (Some(converted), Some(original)) => {
            assert!((converted * factor - original).abs() <= step * factor, "{name}: {converted} from {original}");
        }
        (None, None) => {}
        _ => panic!("{name}: {converted} from {original}"),
    }
}

#[test]
fn aircraft_json_has_every_aircraft_with_the_values_of_the_api() {
    let (app, _sky) = with_a_still_picture();
    let answer = app.get("/data/aircraft.json");
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    let (file, states) = (answer.json(), states(&app));
    let at = file["now"].as_f64().unwrap();
    assert!((at - now() as f64).abs() < 30.0, "{at}");
    assert!(file["messages"].as_u64() >= Some(300), "{}", file["messages"]);
    let mut aircraft = by_address(&file, "aircraft");
    let mut kinds = BTreeSet::new();
    assert_eq!(aircraft.len(), 300);
    for state in &states {
        let of_aircraft = aircraft.remove(&address(state)).unwrap();
        let name = of_aircraft.to_string();
        let flight = state["callsign"].as_str().map(|callsign| format!("{callsign:<8}"));
        assert_eq!(of_aircraft["flight"].as_str().map(str::to_owned), flight, "{name}");
        if state["on_ground"] == true {
            assert_eq!(of_aircraft["alt_baro"], "ground", "{name}");
        } else {
            assert_converts(&name, &of_aircraft["alt_baro"], 0.3048, &state["baro_altitude"], 0.51);
        }
        assert_converts(&name, &of_aircraft["alt_geom"], 0.3048, &state["geo_altitude"], 0.51);
        assert_converts(&name, &of_aircraft["gs"], 1852.0 / 3600.0, &state["velocity"], 0.051);
        assert_converts(&name, &of_aircraft["track"], 1.0, &state["true_track"], 0.0);
        assert_converts(&name, &of_aircraft["baro_rate"], 0.3048 / 60.0, &state["vertical_rate"], 1.01);
        assert_eq!(of_aircraft["squawk"], state["squawk"], "{name}");
        assert_eq!(of_aircraft["spi"].as_u64(), state["spi"].as_bool().map(u64::from), "{name}");
        let seen = at - state["last_contact"].as_f64().unwrap();
        assert!((of_aircraft["seen"].as_f64().unwrap() - seen.max(0.0)).abs() < 0.051, "{name}");
        let place = if of_aircraft["lastPosition"].is_null() { &of_aircraft } else { &of_aircraft["lastPosition"] };
        assert_eq!((&place["lat"], &place["lon"]), (&state["lat"], &state["lon"]), "{name}");
        if let Some(time_position) = state["time_position"].as_f64().filter(|_| state["lat"].is_number()) {
            let age = (at - time_position).max(0.0);
            assert!((place["seen_pos"].as_f64().unwrap() - age).abs() < 0.001, "{name}");
            assert_eq!(of_aircraft["lastPosition"].is_null(), age <= 60.0, "{name}");
        }
        kinds.insert(of_aircraft["type"].as_str().unwrap().to_owned());
    }
    assert!(aircraft.is_empty(), "{aircraft:?}");
    assert!(kinds.contains("adsb_icao"), "{kinds:?}");
    let receiver = app.get("/data/receiver.json").json();
    assert_eq!((&receiver["refresh"], &receiver["history"]), (&json!(1000), &json!(0)));
}

#[test]
fn grounded_stale_and_unplaced_aircraft_are_marked() {
    const TIME: i64 = 1_700_000_000;
    #[rustfmt::skip]
    let rows = json!([
        ["aaaaa1", "GROUND  ", "A", TIME - 2, TIME - 2, 8.5, 47.5, null, true, 5.0, 90.0, null, null, null, null, false, 0, 17],
        ["aaaaa2", "STALE   ", "A", TIME - 90, TIME - 3, 8.6, 47.6, 3048.0, false, 200.0, 90.0, -9.75, null, 3100.0, "7700", false, 2, 4],
        ["aaaaa3", null, "A", null, TIME - 1, null, null, 3048.0, false, null, null, null, null, null, "7000", true, 0, 0],
        ["aaaaa4", "FLARM   ", "A", TIME - 5, TIME - 5, 8.7, 47.7, 914.4, false, 40.0, 180.0, 0.0, null, null, null, false, 3, 9],
    ]);
    let sky = Sky::of_answer(&json!({ "time": TIME, "states": rows }));
    let app = Setup::embedded().watching(&sky).start();
    app.wait_aircraft(4);
    let aircraft = by_address(&app.get("/data/aircraft.json").json(), "aircraft");
    let [grounded, stale, unplaced, glider] = ["aaaaa1", "aaaaa2", "aaaaa3", "aaaaa4"].map(|hex| &aircraft[hex]);
    assert_eq!((&grounded["alt_baro"], &grounded["category"]), (&json!("ground"), &json!("C2")));
    assert_eq!((&grounded["lat"], &grounded["flight"]), (&json!(47.5), &json!("GROUND  ")));
    assert!(stale["lat"].is_null() && stale["seen_pos"].is_null());
    assert_eq!((&stale["lastPosition"]["lat"], &stale["lastPosition"]["lon"]), (&json!(47.6), &json!(8.6)));
    assert!(stale["lastPosition"]["seen_pos"].as_f64() > Some(60.0));
    assert_eq!((&stale["type"], &stale["emergency"]), (&json!("mlat"), &json!("general")));
    assert_eq!((&stale["alt_baro"], &stale["baro_rate"]), (&json!(10_000), &json!(-1920)));
    for absent in
        ["lat", "lon", "seen_pos", "lastPosition", "flight", "gs", "track", "baro_rate", "category", "emergency"]
    {
        assert!(unplaced.get(absent).is_none(), "{absent}: {unplaced}");
    }
    assert_eq!((&unplaced["type"], &unplaced["spi"]), (&json!("mode_s"), &json!(1)));
    assert_eq!(
        (&glider["type"], &glider["category"], &glider["alt_baro"]),
        (&json!("other"), &json!("B1"), &json!(3000))
    );

    // Only current positions are found around a point.
    let around = by_address(&app.get("/v2/point/47.55/8.55/50").json(), "ac");
    assert_eq!(around.into_keys().collect::<Vec<_>>(), ["aaaaa1", "aaaaa4"]);
}

#[test]
fn the_v2_api_finds_aircraft_by_address_callsign_and_squawk() {
    let (app, _sky) = with_a_still_picture();
    let states = states(&app);
    let found = |path: &str| {
        let list = app.get(path).json();
        assert_eq!(
            (&list["msg"], list["total"].as_u64()),
            (&json!("No error"), list["ac"].as_array().map(|ac| ac.len() as u64))
        );
        assert!((list["now"].as_i64().unwrap() / 1000 - now()).abs() < 30 && list["ctime"] == list["now"], "{path}");
        by_address(&list, "ac").into_keys().collect::<BTreeSet<_>>()
    };
    let expected =
        |is: &dyn Fn(&Value) -> bool| states.iter().filter(|state| is(state)).map(address).collect::<BTreeSet<_>>();

    assert_eq!(found("/v2/all"), expected(&|_| true));
    let two = [address(&states[3]), address(&states[7])];
    for name in ["hex", "icao"] {
        let path = format!("/v2/{name}/{},{},000000,~{}", two[0].to_uppercase(), two[1], address(&states[5]));
        assert_eq!(found(&path), BTreeSet::from(two.clone()));
    }
    let callsign = states.iter().find_map(|state| state["callsign"].as_str()).unwrap();
    let by_callsign = expected(&|state| state["callsign"] == callsign);
    assert_eq!(found(&format!("/v2/callsign/{},NOBODY", callsign.to_lowercase())), by_callsign);
    let squawk = states.iter().find_map(|state| state["squawk"].as_str()).unwrap();
    for name in ["sqk", "squawk"] {
        assert_eq!(found(&format!("/v2/{name}/{squawk}")), expected(&|state| state["squawk"] == squawk));
    }
    assert_eq!(found("/v2/callsign/NOBODY"), BTreeSet::new());
}

/// Returns the angle between two positions in degrees, by vectors: another formula than the server's.
fn angle(from: (f64, f64), to: (f64, f64)) -> f64 {
    let vector = |(lat, lon): (f64, f64)| {
        let (lat, lon) = (lat.to_radians(), lon.to_radians());
        [lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()]
    };
    let (a, b) = (vector(from), vector(to));
    let dot: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
    let cross = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
    cross.iter().map(|part| part * part).sum::<f64>().sqrt().atan2(dot).to_degrees()
}

#[test]
fn a_circle_contains_exactly_the_aircraft_within_its_radius() {
    let (app, _sky) = with_a_still_picture();
    let states = states(&app);
    let placed: Vec<_> = states
        .iter()
        .filter(|state| state["time_position"].as_i64().is_some_and(|at| now() - at < 30))
        .filter_map(|state| Some((address(state), (state["lat"].as_f64()?, state["lon"].as_f64()?))))
        .collect();
    assert!(placed.len() > 200, "{}", placed.len());
    let mut aircraft_found = 0;
    let centres = [(50.0, 8.5), (-89.5, 0.0), (0.0, 179.9), (40.0, -75.0)];
    for (centre, radius) in
        centres.into_iter().chain(placed.iter().step_by(40).map(|(_, at)| *at)).zip([250.0, 100.0].into_iter().cycle())
    {
        // A minute of arc is 1.0007 nautical miles on the server's sphere.
        let miles = |at| angle(centre, at) * 6_371_008.8_f64.to_radians() / 1852.0;
        let mut expected: Vec<_> = placed.iter().map(|(address, at)| (miles(*at), address.clone())).collect();
        expected.retain(|(distance, _)| *distance <= radius);
        expected.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (lat, lon) = centre;
        let list = app.get(&format!("/v2/point/{lat}/{lon}/{radius}")).json();
        let found = by_address(&list, "ac");
        let addresses: BTreeSet<_> = expected.iter().map(|(_, address)| address.clone()).collect();
        assert_eq!(found.keys().cloned().collect::<BTreeSet<_>>(), addresses, "{centre:?} {radius}");
        for (distance, address) in &expected {
            let dst = found[address]["dst"].as_f64().unwrap();
            assert!((dst - distance).abs() < 0.001, "{address}: {dst} {distance}");
            assert!((0.0..360.0).contains(&found[address]["dir"].as_f64().unwrap()));
        }
        let closest = app.get(&format!("/v2/closest/{lat}/{lon}/{radius}")).json();
        let closest: Vec<_> =
            by_address(&closest, "ac").into_values().map(|aircraft| aircraft["dst"].clone()).collect();
        assert_eq!(closest.len(), expected.len().min(1), "{centre:?} {radius}");
        assert!(
            closest.iter().zip(&expected).all(|(dst, (distance, _))| (dst.as_f64().unwrap() - distance).abs() < 0.001)
        );
        let other = app.get(&format!("/v2/lat/{lat}/lon/{lon}/dist/{radius}")).json();
        assert_eq!(by_address(&other, "ac").len(), found.len());
        aircraft_found += found.len();
    }
    assert!(aircraft_found > 10, "{aircraft_found}");
    let [most, more] =
        ["250", "2500"].map(|radius| app.get(&format!("/v2/point/50/8.5/{radius}")).json()["total"].clone());
    assert_eq!(most, more, "a larger radius counts as 250 nautical miles");
}

#[test]
fn an_invalid_search_gets_a_problem_document() {
    let app = Setup::embedded().watching(&Sky::of(5)).start();
    for (path, parameter) in [
        ("/v2/point/91/0/10", "lat"),
        ("/v2/point/x/0/10", "lat"),
        ("/v2/point/0/181/10", "lon"),
        ("/v2/point/0/0/-1", "radius"),
        ("/v2/point/0/0/NaN", "radius"),
        ("/v2/closest/0/0/x", "radius"),
        ("/v2/lat/0/lon/x/dist/10", "lon"),
        ("/v2/hex/xyz", "hex"),
        ("/v2/icao/4b1814,", "hex"),
        ("/v2/callsign/%20", "callsign"),
        ("/v2/reg/%20", "registration"),
        ("/v2/type/A320,,B738", "type"),
        ("/v2/sqk/12345", "squawk"),
        ("/v2/squawk/1289", "squawk"),
    ] {
        let problem = app.get(path).problem(400);
        assert_eq!(problem["parameter"], parameter, "{path}: {problem}");
    }
    for path in ["/v2", "/v2/point/1/2", "/v2/pia", "/data/", "/data/history_0.json"] {
        app.get(path).problem(404);
    }
    app.ask("POST", "/data/aircraft.json", &[]).problem(405);
}

#[test]
fn the_readsb_api_can_be_turned_off_and_is_readable_by_other_pages() {
    let sky = Sky::of(5);
    let app = Setup::embedded().watching(&sky).set("SSE_ALLOWED_ORIGINS", "*").start();
    let answer = app.ask("GET", "/data/aircraft.json", &[("Origin", "https://map.example")]);
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, "*"));
    // A parameter that keeps caches from responding is ignored.
    assert_eq!(app.get("/data/aircraft.json?_=1795472380").status, 200);
    let off = Setup::embedded().watching(&sky).set("HTTP_READSB_API", "false").start();
    assert!(app.get("/data/receiver.json").json().get("lat").is_none());
    for path in ["/data/aircraft.json", "/data/receiver.json", "/v2/all", "/v2/point/0/0/1"] {
        off.get(path).problem(404);
    }
    assert!(off.get("/api/v1/openapi.json").json()["paths"].get("/data/aircraft.json").is_none());
}

#[test]
fn the_picture_is_rendered_and_compressed_once_for_all_clients() {
    let (app, _sky) = with_a_still_picture();
    std::thread::scope(|scope| {
        for number in 0..60 {
            let encoding = ["gzip", "zstd", "identity"][number % 3];
            let app = &app;
            scope.spawn(move || {
                let answer = app.ask("GET", "/api/v1/flights?format=geojson", &[("Accept-Encoding", encoding)]);
                assert_eq!(answer.status, 200);
            });
        }
    });
    let sample = |name: &str| app.sample(name).unwrap_or(0.0);
    assert_eq!(sample("picture_renderings_total{format=\"geojson\"}"), 1.0);
    for encoding in ["gzip", "zstd"] {
        let name = format!("picture_compressions_total{{format=\"geojson\",encoding=\"{encoding}\"}}");
        assert_eq!(sample(&name), 1.0, "{encoding}");
    }
}

#[test]
fn the_age_of_an_aircraft_grows_while_the_picture_stands_still() {
    let (app, _sky) = with_a_still_picture();
    let newest = || {
        let answer = app.get("/data/aircraft.json");
        (answer.header("etag").to_owned(), answer.json())
    };
    let (tag, first) = newest();
    eventually("a known file gets 304", || {
        let known = newest().0;
        (app.ask("GET", "/data/aircraft.json", &[("If-None-Match", &known)]).status == 304).then_some(())
    });
    let (_, later) = eventually("the file is rendered again", || Some(newest()).filter(|(other, _)| *other != tag));
    let elapsed = later["now"].as_f64().unwrap() - first["now"].as_f64().unwrap();
    assert!(elapsed >= 1.0, "{elapsed}");
    for (hex, aircraft) in by_address(&first, "aircraft") {
        let older = &by_address(&later, "aircraft")[&hex];
        let grown = older["seen"].as_f64().unwrap() - aircraft["seen"].as_f64().unwrap();
        assert!((grown - elapsed).abs() < 0.11 || aircraft["seen"] == 0.0, "{hex}: {grown} {elapsed}");
    }
}

#[test]
fn the_location_of_a_receiver_is_rounded() {
    let sky = Sky::of(5);
    let app = Setup::embedded()
        .watching(&sky)
        .set("SOURCES_ROOF_KIND", "opensky")
        .set("SOURCES_ROOF_URL", &sky.simulator.base_url())
        .set("SOURCES_ROOF_LOCATION", "47.45678,-8.56312")
        .start();
    let receiver = app.get("/data/receiver.json").json();
    assert_eq!((&receiver["lat"], &receiver["lon"]), (&json!(47.46), &json!(-8.56)));
}
