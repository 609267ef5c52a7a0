//! Validates the responses of a running server against `openapi.json`.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{ADMIN_TOKEN, HttpResponse, Setup, Sky, TestApp, eventually, request_with};

/// A running server and its API description.
struct Described {
    app: TestApp,
    document: Value,
    /// Methods and paths whose responses have been validated.
    validated: RefCell<BTreeSet<(String, String)>>,
}

impl Described {
    /// Sends a request and validates the response against the description of its path.
    fn check(&self, path: &str, query: &str, headers: &[(&str, &str)], status: u16) -> Value {
        let concrete = path.replace("{icao24}", "4b1814");
        let answer = self.app.ask("GET", &format!("{concrete}{query}"), headers);
        self.validate(&answer, path, "get", status)
    }

    /// Sends a request with these values of the path parameters and validates the response.
    fn check_with(&self, path: &str, values: &[&str], status: u16) {
        let mut values = values.iter().map(|value| value.replace(' ', "%20"));
        let segments = path.split('/').map(|segment| match segment.starts_with('{') {
            true => values.next().unwrap(),
            false => segment.to_owned(),
        });
        let answer = self.app.get(&segments.collect::<Vec<_>>().join("/"));
        self.validate(&answer, path, "get", status);
    }

    /// Validates the response of an operator's action.
    fn check_action(&self, path: &str, headers: &[(&str, &str)], status: u16) {
        let answer = self.app.ask("POST", &path.replace("{name}", "db-writer"), headers);
        self.validate(&answer, path, "post", status);
    }

    /// Requests a token with this form.
    fn check_token(&self, form: &str, status: u16) {
        let path = "/api/auth/token";
        let answer = request_with("POST", &format!("http://{}{path}", self.app.address), &[], form);
        self.validate(&answer, path, "post", status);
    }

    /// Validates all remaining `GET` routes that need no parameter.
    fn check_others(&self, token: &str) {
        for (method, path) in self.untested() {
            if method == "get" && !path.contains('{') {
                self.check(&path, "", &[("Authorization", token)], 200);
            }
        }
    }

    /// Returns the methods and paths not validated yet, without endless streams.
    fn untested(&self) -> Vec<(String, String)> {
        let validated = self.validated.borrow();
        let paths = self.document["paths"].as_object().unwrap();
        let operations = paths.iter().flat_map(|(path, item)| {
            item.as_object().unwrap().iter().map(move |(method, operation)| (method, path, operation))
        });
        operations
            .filter(|(.., operation)| operation["responses"]["200"]["content"]["text/event-stream"].is_null())
            .map(|(method, path, _)| (method.clone(), path.clone()))
            .filter(|operation| !validated.contains(operation))
            .collect()
    }

    fn validate(&self, answer: &HttpResponse, path: &str, method: &str, status: u16) -> Value {
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        self.validated.borrow_mut().insert((method.to_owned(), path.to_owned()));
        let content_type = answer.header("content-type").split(';').next().unwrap();
        let responses = &self.document["paths"][path][method]["responses"];
        let described = Some(&responses[status.to_string()]).filter(|response| !response.is_null());
        let media = &described.unwrap_or(&responses["default"])["content"][content_type];
        assert!(media["schema"].is_object(), "{path}: {status} {content_type} is not described: {responses}");
        if content_type != "application/json" && !content_type.ends_with("+json") {
            return Value::Null;
        }
        let schema =
            json!({ "$ref": "#/schema", "schema": media["schema"], "components": self.document["components"] });
        let body = answer.json();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let errors: Vec<_> = validator.iter_errors(&body).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{path}: {errors:?} in {body}");
        body
    }
}

#[test]
fn every_response_matches_the_description() {
    let sky = Sky::of(30);
    let setup = Setup::embedded().watching(&sky);
    let app = setup.start();
    app.wait_ready();
    sky.wait_polls(3);
    setup.database().wait_more_than(60);
    let document = app.get("/api/v1/openapi.json").json();
    assert_eq!(document["openapi"], "3.1.0");
    let described = Described { app, document, validated: RefCell::default() };
    let token = format!("Bearer {ADMIN_TOKEN}");
    let geojson = &[("Accept", "application/geo+json")][..];

    described.app.wait_aircraft(10);
    let flights = described.check("/api/v1/flights", "", &[], 200);
    described.check("/api/v1/flights", "?bbox=-90,-180,90,180", geojson, 200);
    described.check("/api/v1/flights", "?bbox=1", &[], 400);
    described.check("/api/v1/flights", "?type=A320", &[], 200);
    described.check("/api/v1/aircraft", "", &[], 200);
    described.check("/api/v1/aircraft", "?operator=", &[], 400);
    let aircraft = format!("/api/v1/flights/{}/track", flights["states"][0]["icao24"].as_str().unwrap());
    eventually("the record is stored", || {
        (described.app.get(&aircraft).json()["count"].as_u64() > Some(0)).then_some(())
    });
    let path = "/api/v1/flights/{icao24}/track";
    for query in ["", "?from=2000-01-01T00:00:00Z&limit=1"] {
        described.check(path, query, &[], 200);
        described.check(path, query, geojson, 200);
    }
    described.check(path, "?from=x", &[], 400);
    let hour = flights["time"].as_i64().unwrap() / 3600 * 3600;
    for row in [
        format!(
            "flights (icao24, first_seen, last_seen, distance, states, landed) VALUES ('4b1814', {hour}, {hour}, 1.5, 2, 1)"
        ),
        format!("traffic_by_country VALUES ({hour}, 'Chad', 2, 1)"),
        format!("traffic_by_cell VALUES ({hour}, -45, 170, 2, 1)"),
    ] {
        setup.database().execute(&format!("INSERT INTO {row}"));
    }
    let past = described.check("/api/v1/flights/past", "", &[], 200);
    assert_eq!(past["count"], 1);
    described.check("/api/v1/flights/past", "?limit=0", &[], 400);
    for by in ["hour", "country", "cell"] {
        assert_eq!(described.check("/api/v1/stats", &format!("?by={by}"), &[], 200)["count"], 1);
    }
    described.check("/api/v1/stats", "?by=day", &[], 400);
    eventually("a poll is stored", || {
        let coverage = described.app.get("/api/v1/coverage").json();
        coverage["sources"][0]["spans"].is_array().then_some(())
    });
    described.check("/api/v1/coverage", "?resolution=60", &[], 200);
    described.check("/api/v1/coverage", "?resolution=x", &[], 400);
    described.check("/api/v1/history", "", &[], 200);
    described.check("/api/v1/history", "?fields=lat,lon", &[("Accept", "text/csv")], 200);
    described.check("/api/v1/history", "?fields=x", &[], 400);
    let tracks = described.check("/api/v1/tracks", "?tolerance=0", &[], 200);
    assert!(!tracks["features"].as_array().unwrap().is_empty());
    described.check("/api/v1/tracks", "?bbox=-90,-180,90,180", geojson, 200);
    described.check("/api/v1/tracks", "?tolerance=x", &[], 400);
    described.check("/api/v1/openapi.json", "", &[], 200);
    let address = flights["states"][0]["icao24"].as_str().unwrap();
    for path in ["/api/states/all", "/api/states/own"] {
        described.check(path, "?extended=1", &[], 200);
        described.check(path, "?time=1700000000", &[], 200);
        described.check(path, "?time=x", &[], 400);
    }
    let interval = format!("?icao24=4b1814&begin={hour}&end={}", hour + 7200);
    for path in ["/api/flights/all", "/api/flights/aircraft"] {
        described.check(path, &interval, &[], 200);
        described.check(path, "?icao24=4b1814&begin=1&end=2", &[], 404);
        described.check(path, "", &[], 400);
    }
    for path in ["/api/flights/arrival", "/api/flights/departure"] {
        described.check(path, "?airport=LSZH&begin=1&end=2", &[], 404);
        described.check(path, "", &[], 400);
    }
    described.check("/api/tracks/all", &format!("?icao24={address}"), &[], 200);
    described.check("/api/tracks/all", "?icao24=000000", &[], 404);
    described.check("/api/tracks/all", "", &[], 400);
    described.check_token("grant_type=client_credentials", 200);
    described.check_token("", 400);
    let status = described.check("/api/v1/status", "", &[], 200);
    assert_eq!(status["traffic"], "live");
    described.check("/data/aircraft.json", "", &[], 200);
    let hex = flights["states"][0]["icao24"].as_str().unwrap();
    let placed = flights["states"].as_array().unwrap().iter().find(|state| state["lat"].is_number()).unwrap();
    for (path, values) in [
        ("/api/v1/aircraft/{icao24}", vec![hex]),
        ("/v2/hex/{hex}", vec![hex]),
        ("/v2/icao/{hex}", vec![hex]),
        ("/v2/callsign/{callsign}", vec!["SWR123"]),
        ("/v2/reg/{registration}", vec!["N1"]),
        ("/v2/registration/{registration}", vec!["N1"]),
        ("/v2/type/{type}", vec!["A320"]),
        ("/v2/sqk/{squawk}", vec!["1000"]),
        ("/v2/squawk/{squawk}", vec!["1000"]),
        ("/v2/point/{lat}/{lon}/{radius}", vec![&placed["lat"].to_string(), &placed["lon"].to_string(), "250"]),
        ("/v2/closest/{lat}/{lon}/{radius}", vec![&placed["lat"].to_string(), &placed["lon"].to_string(), "250"]),
        ("/v2/lat/{lat}/lon/{lon}/dist/{radius}", vec!["0", "0", "1"]),
    ] {
        described.check_with(path, &values, 200);
        described.check_with(path, &vec![" "; values.len()], 400);
    }
    described.check("/health/live", "", &[], 200);
    described.check("/health/ready", "", &[], 200);
    described.check("/metrics", "", &[], 200);
    described.check("/admin/actors", "", &[("Authorization", &token)], 200);
    described.check("/admin/actors", "", &[], 401);
    described.check("/admin/events", "", &[], 401);
    described.check("/admin/rules", "", &[("Authorization", &token)], 200);
    described.check("/admin/rules", "", &[], 401);
    let address = format!("http://{}/admin/rules", described.app.address);
    let answer = request_with("PUT", &address, &[("Authorization", &token)], "");
    described.validate(&answer, "/admin/rules", "put", 404);
    for path in ["/admin/polling/pause", "/admin/polling/resume", "/admin/actors/{name}/restart"] {
        described.check_action(path, &[("Authorization", &token)], 202);
        described.check_action(path, &[], 401);
    }
    described.check_action("/admin/notify/{name}/test", &[("Authorization", &token)], 404);
    described.check_action("/admin/notify/{name}/test", &[], 401);
    let seen = described.app.sse().seen();
    assert!(seen.head.iter().any(|line| line == "content-type: text/event-stream"), "{:?}", seen.head);
    assert!(
        described.document["paths"]["/sse/flights"]["get"]["responses"]["200"]["content"]["text/event-stream"]
            .is_object()
    );

    let tag = described.app.get("/api/v1/openapi.json").header("etag").to_owned();
    assert_eq!(described.app.ask("GET", "/api/v1/openapi.json", &[("If-None-Match", &tag)]).status, 304);
    described.check_others(&token);
    described.check_action("/admin/drain", &[("Authorization", &token)], 202);
    assert_eq!(described.untested(), []);
}
