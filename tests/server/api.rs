//! The HTTP routes other than the stream.

use std::collections::HashMap;
use std::io::Read;

use flate2::read::GzDecoder;
use serde_json::Value;
use simulator::{Fault, FaultKind, Target};

use crate::support::{ADMIN_TOKEN, Setup, Sky, TestApp, eventually, now, resolve};

/// Starts a server whose picture of 300 aircraft no longer changes. The caller keeps the sky alive.
fn with_a_still_picture() -> (TestApp, Sky) {
    let sky = Sky::of(300);
    let app = Setup::embedded().watching(&sky).start();
    sky.wait_polls(1);
    sky.fail_polls();
    app.wait_shown(&sky);
    (app, sky)
}

#[test]
fn the_picture_is_served_in_both_formats_and_can_be_filtered() {
    let (app, _sky) = with_a_still_picture();
    let answer = app.get("/api/v1/flights");
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    let flights = answer.json();
    let states = flights["states"].as_array().unwrap();
    assert_eq!((flights["count"].as_u64(), states.len()), (Some(300), 300));
    assert!(flights["time"].is_i64());

    let geojson = ["application/geo+json", "application/geo+json, application/json;q=0.1"];
    let mut answers: Vec<_> = geojson.map(|accept| app.ask("GET", "/api/v1/flights", &[("Accept", accept)])).into();
    answers.push(app.get("/api/v1/flights?format=geojson"));
    for answer in answers {
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/geo+json"));
        assert!(answer.header("vary").to_lowercase().contains("accept"));
        let collection = answer.json();
        assert_eq!(collection["type"], "FeatureCollection");
        let features = collection["features"].as_array().unwrap();
        let placed: Vec<_> = states.iter().filter(|state| state["lat"].is_number()).collect();
        assert_eq!(features.len(), placed.len());
        for (feature, state) in features.iter().zip(placed) {
            assert_eq!((&feature["type"], &feature["geometry"]["type"]), (&"Feature".into(), &"Point".into()));
            let coordinates = &feature["geometry"]["coordinates"];
            assert_eq!((&coordinates[0], &coordinates[1]), (&state["lon"], &state["lat"]));
            assert_eq!((&feature["id"], &feature["properties"]), (&state["icao24"], state));
        }
    }

    let within = |path: &str| -> Vec<String> {
        let flights = app.get(path).json();
        flights["states"].as_array().unwrap().iter().map(|s| s["icao24"].as_str().unwrap().to_owned()).collect()
    };
    let by_hand = |fits: &dyn Fn(f64, f64) -> bool| -> Vec<String> {
        let fits = |s: &&Value| s["lat"].as_f64().zip(s["lon"].as_f64()).is_some_and(|(lat, lon)| fits(lat, lon));
        states.iter().filter(fits).map(|s| s["icao24"].as_str().unwrap().to_owned()).collect()
    };
    let europe = by_hand(&|lat, lon| (30.0..=60.0).contains(&lat) && (-10.0..=30.0).contains(&lon));
    assert!(!europe.is_empty() && europe.len() < 300, "{} in Europe", europe.len());
    assert_eq!(within("/api/v1/flights?bbox=30,-10,60,30"), europe);
    let pacific = by_hand(&|lat, lon| (-60.0..=60.0).contains(&lat) && !(-120.0..120.0).contains(&lon));
    assert_eq!(within("/api/v1/flights?bbox=-60,120,60,-120"), pacific, "over the antimeridian");
    let some = [&states[3], &states[7]].map(|s| s["icao24"].as_str().unwrap().to_owned());
    assert_eq!(within(&format!("/api/v1/flights?icao24={},{},000000", some[0].to_uppercase(), some[1])), some);
}

#[test]
fn an_invalid_request_gets_a_problem_document() {
    let sky = Sky::of(5);
    let app = Setup::embedded().watching(&sky).start();
    for (query, parameter) in [
        ("bbox=1,2,3", "bbox"),
        ("bbox=50,0,40,10", "bbox"),
        ("bbox=a,b,c,d", "bbox"),
        ("icao24=xyz", "icao24"),
        ("format=kml", "format"),
        ("bbox=1,2,3,4&bbox=1,2,3,4", "bbox"),
    ] {
        let problem = app.get(&format!("/api/v1/flights?{query}")).problem(400);
        assert_eq!(problem["parameter"], parameter, "{query}");
        assert!(problem["detail"].as_str().unwrap().starts_with(&format!("{parameter}: ")), "{problem}");
    }
    let problem = app.get("/api/v1/flights?box=1").problem(400);
    assert!(problem["detail"].as_str().unwrap().contains("\"box\""), "{problem}");
    app.get("/api/v1/nothing").problem(404);
    app.get("/nothing").problem(404);
    app.ask("GET", "/api/v1/flights", &[("Accept", "text/csv")]).problem(406);
    for path in ["/api/v1/flights", "/sse/flights", "/health/live", "/metrics", "/admin/actors", "/"] {
        for method in ["DELETE", "PUT", "POST"] {
            let answer = app.ask(method, path, &[]);
            answer.problem(405);
            assert_eq!(answer.header("allow"), "GET, HEAD", "{method} {path}");
        }
    }
}

#[test]
#[ignore = "needs the built page: run it by `make test`"]
fn head_omits_the_body_and_gzip_compresses_it() {
    let (app, _sky) = with_a_still_picture();
    let plain = app.get("/api/v1/flights");
    assert_eq!(plain.header("content-encoding"), "");
    for path in ["/", "/api/v1/status", "/health/live", "/health/ready", "/metrics", "/api/v1/flights"] {
        let (head, get) = (app.ask("HEAD", path, &[]), app.get(path));
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
    }
    let zipped = app.ask("GET", "/api/v1/flights", &[("Accept-Encoding", "gzip")]);
    assert_eq!(zipped.header("content-encoding"), "gzip");
    assert!(zipped.body.len() < plain.body.len() / 2);
    let mut text = String::new();
    GzDecoder::new(&zipped.body[..]).read_to_string(&mut text).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), plain.json());
}

#[test]
fn a_matching_etag_gets_304() {
    let (app, _sky) = with_a_still_picture();
    let tag = app.get("/api/v1/flights").header("etag").to_owned();
    assert!(!tag.is_empty());
    for known in [tag.clone(), format!("\"other\", {tag}")] {
        let again = app.ask("GET", "/api/v1/flights", &[("If-None-Match", &known)]);
        assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, &*tag), "{known}");
    }
    // Another representation or another ETag does not match.
    for (path, known) in [("/api/v1/flights?format=geojson", &*tag), ("/api/v1/flights", "\"other\"")] {
        let other = app.ask("GET", path, &[("If-None-Match", known)]);
        assert_eq!(other.status, 200, "{path}, {known}");
        assert_ne!(other.body.len(), 0, "{path}, {known}");
    }
}

#[test]
fn only_the_operator_sees_the_actors() {
    let sky = Sky::of(5);
    let app = Setup::embedded().watching(&sky).start();
    let with = |value: &str| app.ask("GET", "/admin/actors", &[("Authorization", value)]);
    let basic = format!("Basic {ADMIN_TOKEN}");
    let short = format!("Bearer {}", &ADMIN_TOKEN[..ADMIN_TOKEN.len() - 1]);
    for refused in [app.get("/admin/actors"), with("Bearer wrong"), with("Bearer "), with(&basic), with(&short)] {
        refused.problem(401);
        assert_eq!(refused.header("www-authenticate"), "Bearer");
        assert!(!refused.text().contains("poller"));
    }
    let answer = with(&format!("Bearer {ADMIN_TOKEN}"));
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    let actors = answer.json()["actors"].as_array().unwrap().clone();
    let mut names: Vec<_> = actors.iter().map(|actor| actor["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    let expected = [
        "db-writer",
        "detector",
        "kafka-consumer-alert-history",
        "kafka-consumer-alerts",
        "kafka-consumer-live",
        "kafka-consumer-polls",
        "kafka-consumer-store",
        "kafka-producer",
        "merger",
        "poller",
        "sse-hub",
    ];
    assert_eq!(names, expected);
    for actor in &actors {
        let mut keys: Vec<_> = actor.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["last_error", "last_progress", "name", "observation", "phase", "restarts", "since"]);
        assert!(actor["since"].is_f64() && actor["phase"].is_string() && actor["observation"].is_object(), "{actor}");
    }
}

#[test]
fn every_metric_has_help_a_type_and_our_prefix() {
    let (app, _sky) = with_a_still_picture();
    let text = app.ask("GET", "/metrics", &[("Accept", "application/openmetrics-text;version=1.0.0")]).text();
    assert!(text.ends_with("# EOF\n"));
    let (mut kinds, mut helps) = (HashMap::new(), Vec::new());
    for line in text.lines() {
        match line.splitn(4, ' ').collect::<Vec<_>>()[..] {
            ["#", "TYPE", name, kind] => assert_eq!(kinds.insert(name, kind), None, "{name} twice"),
            ["#", "HELP", name, help] => {
                assert!(!help.is_empty());
                helps.push(name);
            }
            ["#", ..] => {}
            _ => {
                let (sample, value) = line.rsplit_once(' ').unwrap();
                value.parse::<f64>().unwrap();
                let name = sample.split('{').next().unwrap();
                assert!(name.starts_with("flight_monitor_"), "{line}");
                let suffixes = ["", "_total", "_bucket", "_sum", "_count"];
                let family = suffixes.iter().filter_map(|s| name.strip_suffix(s)).find(|f| kinds.contains_key(f));
                let family = family.unwrap_or_else(|| panic!("no metric family: {line}"));
                assert!(helps.contains(&family), "no help: {line}");
                assert_eq!(kinds[family] == "counter", name.ends_with("_total"), "{line}");
            }
        }
    }
    assert!(kinds.len() > 20 && kinds.len() == helps.len(), "{} and {}", kinds.len(), helps.len());
    for name in ["polls_total", "states_received_total", "published_total", "rows_total", "aircraft"] {
        eventually(name, || (app.metric(name) > 0.0).then_some(()));
    }
}

/// Returns the paths of the assets that the page at `/` references.
fn assets(page: &str) -> Vec<String> {
    let names = page.split('"').filter(|part| part.starts_with("./assets/"));
    let names: Vec<_> = names.map(|name| resolve("/", name)).collect();
    assert!(names.len() >= 3, "the page is not built, run `make web`: {page}");
    names
}

#[test]
#[ignore = "needs the built page: run it by `make test`"]
fn the_page_has_a_security_policy_and_its_assets_are_served() {
    let sky = Sky::of(5);
    let app = Setup::embedded().watching(&sky).start();
    let page = app.get("/");
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert_eq!(page.header("cache-control"), "no-cache");
    let text = page.text();
    assert!(text.contains("<title>Flight monitor</title>") && !text.contains("style=") && !text.contains("onclick"));
    for path in assets(&text) {
        let asset = app.get(&path);
        let kind = match path.rsplit('.').next().unwrap() {
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            other => panic!("unexpected asset type .{other}"),
        };
        assert_eq!((asset.status, asset.header("content-type")), (200, kind), "{path}");
        assert_eq!(asset.header("cache-control"), "public, max-age=31536000, immutable");
        for answer in [&page, &asset] {
            let policy = answer.header("content-security-policy");
            assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
            assert!(!policy.contains("unsafe"), "{policy}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            assert_eq!(answer.header("referrer-policy"), "no-referrer");
        }
    }
    app.get("/assets/nothing.js").problem(404);
    app.get("/assets/..%2f..%2f..%2fCargo.toml").problem(404);
    assert_eq!(app.get("/health/live").json()["status"], "live");
    app.wait_ready();
}

#[test]
#[ignore = "needs the built page: run it by `make test`"]
fn page_assets_are_compressed_and_cacheable() {
    let sky = Sky::of(5);
    let app = Setup::embedded().watching(&sky).start();
    let path = assets(&app.get("/").text()).into_iter().find(|path| path.ends_with(".js")).unwrap();
    let plain = app.get(&path);
    assert_eq!((plain.header("content-encoding"), plain.header("vary")), ("", "Accept-Encoding"));
    let zipped = app.ask("GET", &path, &[("Accept-Encoding", "gzip")]);
    assert_eq!(zipped.header("content-encoding"), "gzip");
    let mut unzipped = Vec::new();
    GzDecoder::new(&zipped.body[..]).read_to_end(&mut unzipped).unwrap();
    assert_eq!(unzipped, plain.body);
    let brotli = app.ask("GET", &path, &[("Accept-Encoding", "gzip, deflate, br, zstd")]);
    assert_eq!(brotli.header("content-encoding"), "br");
    assert!(brotli.body.len() < zipped.body.len());
    let tags = [&plain, &zipped, &brotli].map(|answer| answer.header("etag").to_owned());
    assert!(tags[0] != tags[1] && tags[1] != tags[2], "{tags:?}");
    let known = app.ask("GET", &path, &[("If-None-Match", &format!("\"other\", {}", tags[0]))]);
    assert_eq!((known.status, known.body.len(), known.header("etag")), (304, 0, &*tags[0]));
}

#[test]
fn the_status_reports_the_state_of_the_source() {
    let sky = Sky::of(5);
    let app = Setup::embedded().watching(&sky).start();
    let source = |is: &dyn Fn(&Value) -> bool| {
        eventually("the expected status", || Some(app.get("/api/v1/status").json()).filter(|status| is(status)))
    };
    let live = source(&|status| status["source"]["state"] == "live");
    assert_eq!((&live["demonstration"], &live["source"]["reason"]), (&Value::Bool(false), &Value::Null));
    assert_eq!((&live["traffic"], &live["recorded_at"]), (&"live".into(), &Value::Null));
    assert!(live["source"]["credits_left"].is_u64(), "{live}");
    assert!(live["source"]["next_poll_at"].as_i64() >= live["source"]["response_time"].as_i64(), "{live}");
    sky.fail_polls();
    let lost = source(&|status| status["source"]["state"] == "unavailable");
    assert!(lost["source"]["reason"].is_string() && lost["source"]["since"].is_u64(), "{lost}");
}

#[test]
fn an_empty_response_is_distinguished_from_an_unavailable_source() {
    let sky = Sky::of(5);
    let app = Setup::embedded().watching(&sky).start();
    let source = |what: &str, is: &dyn Fn(&Value) -> bool| {
        eventually(what, || Some(app.get("/api/v1/status").json()["source"].clone()).filter(is))
    };
    let live = source("the source is live", &|source| source["last_answer"]["states"] == 5);
    assert_eq!(live["last_states_at"], live["last_answer"]["at"]);
    assert!(live["since"].as_i64() <= live["last_answer"]["at"].as_i64(), "{live}");

    sky.fault(Fault::new(Target::States, FaultKind::NullStates));
    let empty = source("the source responds without states", &|source| {
        source["last_answer"]["states"] == 0 && source["last_answer"]["at"].as_i64() > source["last_states_at"].as_i64()
    });
    assert_eq!((&empty["state"], &empty["reason"]), (&"quiet".into(), &Value::Null));
    assert!(empty["since"].as_i64() >= live["since"].as_i64(), "{empty}");
    let metric = |name: &str| app.metric(name) as i64;
    assert_eq!(metric("states_in_answer"), 0);
    assert!(metric("last_answer_timestamp_seconds") > metric("last_states_timestamp_seconds"));
    assert!(Some(metric("last_states_timestamp_seconds")) >= empty["last_states_at"].as_i64());

    sky.clear_faults();
    sky.fail_polls();
    let silent = source("the source fails", &|source| source["state"] == "unavailable");
    assert_eq!(silent["last_answer"]["states"], app.actor("poller")["observation"]["states"]);
    assert!(silent["since"].as_i64() >= silent["last_answer"]["at"].as_i64(), "{silent}");
}

#[test]
fn visitors_get_a_short_reason_and_the_operator_the_details() {
    let sky = Sky::of(5);
    let app = Setup::embedded().watching(&sky).start();
    let check = |fault: Fault, state: &str, reason: &str, detail: &str| {
        sky.clear_faults();
        sky.fault(fault);
        let status = eventually("the status shows the fault", || {
            Some(app.get("/api/v1/status").json()).filter(|status| status["source"]["state"] == state)
        });
        assert_eq!(status["source"]["reason"], reason);
        let parts = app.get("/health/ready").json()["parts"].as_array().unwrap().clone();
        let part = parts.iter().find(|part| part["part"] == "poller").unwrap();
        assert_eq!(part["reason"], reason);
        let error = app.actor("poller")["last_error"]["message"].as_str().unwrap().to_owned();
        assert!(error.contains(detail), "{error}");
        status["source"]["since"].as_i64().unwrap()
    };
    let failed = check(
        Fault::new(Target::States, FaultKind::Html).status(502),
        "unavailable",
        "the source did not respond or reported an error",
        "responded with 502 Bad Gateway: <",
    );
    // `since` has a resolution of one second, so wait for the next one.
    eventually("the next second", || (now() > failed).then_some(()));
    let garbled = check(
        Fault::new(Target::States, FaultKind::Html),
        "malformed",
        "the source sent an invalid response",
        &sky.simulator.base_url(),
    );
    assert!(garbled > failed, "since {garbled}, not after the earlier fault");
    check(
        Fault::new(Target::States, FaultKind::Status).status(403),
        "refused",
        "the source refused the request",
        "403",
    );
    let limited =
        Fault::new(Target::States, FaultKind::Status).status(429).header("X-Rate-Limit-Retry-After-Seconds", "60");
    check(limited, "rate_limited", "rate limited for 60 s", "60 s");
}

#[test]
fn a_demonstration_identifies_itself() {
    let app = Setup::embedded().arguments(["serve", "--demo", "--demo-aircraft", "150"]).start();
    let status = app.get("/api/v1/status").json();
    assert_eq!(status["demonstration"], true);
    assert_eq!((&status["traffic"], &status["recorded_at"]), (&"simulated".into(), &Value::Null));
    app.wait_aircraft(50);
    assert_eq!(app.lines_with("DEMONSTRATION: 150 simulated aircraft"), 1);
    app.end();
}
