//! The fields and formats that front ends of the original version rely on.

use std::collections::BTreeSet;

use actors::domain::FIELDS;
use serde_json::{Value, json};

use crate::support::{Setup, Sky, now};

/// The fields of the first version, sorted.
const FIRST_FIELDS: [&str; 18] = [
    "baro_altitude",
    "callsign",
    "category",
    "geo_altitude",
    "icao24",
    "last_contact",
    "lat",
    "lon",
    "observed_at",
    "on_ground",
    "origin_country",
    "position_source",
    "spi",
    "squawk",
    "time_position",
    "true_track",
    "velocity",
    "vertical_rate",
];

fn fields(value: &Value) -> Vec<&str> {
    let mut names: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

/// Asserts that `made` has every field of `message` with an equal value.
fn assert_carries(message: &Value, made: &Value) {
    for (name, value) in message.as_object().unwrap() {
        let same = if value.is_number() { made[name].as_f64() == value.as_f64() } else { made[name] == *value };
        assert!(same, "{name}: {value} in {made}");
    }
}

fn assert_is_telemetry(value: &Value) {
    let mut declared: Vec<_> = FIELDS.iter().map(|field| field.name).collect();
    declared.sort_unstable();
    assert_eq!(fields(value), declared);
    for name in FIRST_FIELDS {
        let value = &value[name];
        let fits = match name {
            "icao24" => value.as_str().is_some_and(|text| text.len() == 6),
            "last_contact" => value.is_i64(),
            "origin_country" | "callsign" | "squawk" => value.is_null() || value.is_string(),
            "on_ground" | "spi" => value.is_null() || value.is_boolean(),
            "time_position" | "observed_at" | "position_source" | "category" => value.is_null() || value.is_i64(),
            _ => value.is_null() || value.is_number(),
        };
        assert!(fits && declared.contains(&name), "{name}: {value}");
    }
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn kafka_and_the_stream_carry_every_field_under_its_name() {
    let sky = Sky::of(200);
    let setup = Setup::real().watching(&sky);
    let app = setup.start();
    app.wait_ready();
    let client = app.sse();
    client.wait_states(400);
    sky.fail_polls();
    let seen = client.seen();
    let ack = &seen.events[0];
    assert_eq!(fields(ack), ["message", "status", "timestamp", "type"]);
    assert_eq!((&ack["status"], &ack["type"]), (&"connected".into(), &"connection_ack".into()));
    assert!((ack["timestamp"].as_i64().unwrap() - now()).abs() < 30 && ack["message"].is_string());
    seen.events[1..].iter().for_each(assert_is_telemetry);
    assert!(seen.head[0].starts_with("http/1.1 200"));
    for header in [
        "content-type: text/event-stream",
        "cache-control: no-store, no-transform",
        "x-accel-buffering: no",
        "vary: accept-encoding",
    ] {
        assert!(seen.head.iter().any(|line| line.starts_with(header)), "{header}: {:?}", seen.head);
    }

    let records = setup.topic().records();
    for record in &records {
        let value = record.json();
        assert_is_telemetry(&value);
        assert_eq!(record.key.as_deref(), value["icao24"].as_str().map(str::as_bytes));
    }
    let unknown = records.iter().filter(|record| record.json()["geo_altitude"].is_null()).count();
    assert!(unknown > 0, "aircraft on the ground have no geometric altitude");
    let partitions: BTreeSet<_> = records.iter().map(|record| record.partition).collect();
    assert_eq!(partitions.len(), 3);
    app.end();
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn messages_with_nine_fields_are_stored_and_streamed_with_the_rest_unknown() {
    let setup = Setup::real().arguments(["--roles", "store,live"]);
    let app = setup.start();
    app.wait_ready();
    let earlier = now() - 20;
    let message = |icao24: &str, last_contact: i64| {
        json!({
            "icao24": icao24, "origin_country": "Switzerland", "lat": 47.45, "lon": 8.55, "velocity": 0.0,
            "time_position": last_contact - 3, "baro_altitude": null, "geo_altitude": 450.5, "last_contact": last_contact,
        })
    };
    let record = |last_contact| (Some("4b1814"), Some(message("4b1814", last_contact).to_string().into_bytes()));
    setup.topic().write(None, &[record(earlier)]);
    crate::support::eventually("the aircraft is in the picture", || {
        (app.get("/api/v1/flights").json()["count"] == 1).then_some(())
    });
    // A new client gets no earlier states, and neither duplicates nor older states are sent.
    let client = app.sse();
    setup.topic().write(None, &[record(earlier), record(earlier - 5), record(earlier + 5)]);
    let expected = [("4b1814".to_owned(), earlier + 5)];
    assert_eq!(client.wait_states(1), expected);
    let event = client.seen().events[1].clone();
    assert_is_telemetry(&event);
    let newest = message("4b1814", earlier + 5);
    assert_carries(&newest, &event);
    for unknown in FIELDS.iter().map(|field| field.name).filter(|name| newest.get(name).is_none()) {
        assert!(event[unknown].is_null(), "{unknown}: {event}");
    }
    let keys = [earlier - 5, earlier, earlier + 5].map(|at| ("4b1814".to_owned(), at));
    setup.database().wait_rows(&keys.into_iter().collect());
    let rows = "SELECT row_to_json(row)::text, last_contact FROM (SELECT icao24, origin_country, lat, lon, velocity,
        extract(epoch FROM time_position)::bigint AS time_position, baro_altitude, geo_altitude,
        extract(epoch FROM last_contact)::bigint AS last_contact FROM state_vectors) AS row ORDER BY last_contact";
    let rows = setup.database().pairs("", rows);
    assert_eq!(rows.len(), 3);
    for (row, last_contact) in rows {
        assert_carries(&message("4b1814", last_contact), &serde_json::from_str(&row).unwrap());
    }
    let unknown = FIELDS.iter().map(|field| field.name).filter(|name| newest.get(name).is_none());
    let unknown: Vec<_> = unknown.map(|name| format!("{name} IS NULL")).collect();
    assert!(unknown.len() >= 9, "{unknown:?}");
    let unknown =
        format!("SELECT icao24, count(*)::bigint FROM state_vectors WHERE {} GROUP BY icao24", unknown.join(" AND "));
    assert_eq!(setup.database().pairs("", &unknown), [("4b1814".to_owned(), 3)]);
    assert_eq!(client.seen().states(), expected);
    app.end();
}

#[test]
fn pages_of_allowed_origins_may_read_the_streams() {
    let sky = Sky::of(5);
    let setup = Setup::embedded().watching(&sky);
    let one = setup.clone().set("SSE_ALLOWED_ORIGINS", "https://map.example,http://localhost:3000").start();
    let all = Setup::embedded().watching(&sky).set("SSE_ALLOWED_ORIGINS", "*").start();
    let stream = |app: &crate::support::TestApp, origin: &str| {
        let client = crate::support::SseClient::connect(&app.address, &[("Origin", origin)]);
        let head = client.wait("the head", |seen| !seen.events.is_empty() || seen.closed).head;
        let allowed = head.iter().find_map(|line| line.strip_prefix("access-control-allow-origin: "));
        (head[0].split(' ').nth(1).unwrap().to_owned(), allowed.map(str::to_owned))
    };
    let allowed = |origin: &str| ("200".to_owned(), Some(origin.to_owned()));
    assert_eq!(stream(&one, "https://map.example"), allowed("https://map.example"));
    assert_eq!(stream(&one, "http://localhost:3000"), allowed("http://localhost:3000"));
    assert_eq!(stream(&all, "https://anybody.example"), allowed("*"));

    for path in ["/sse/flights", "/api/v1/flights"] {
        let preflight = |app: &crate::support::TestApp, origin: &str| {
            let headers = [
                ("Origin", origin),
                ("Access-Control-Request-Method", "GET"),
                ("Access-Control-Request-Headers", "last-event-id"),
            ];
            app.ask("OPTIONS", path, &headers)
        };
        let answer = preflight(&one, "https://map.example");
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, "https://map.example"));
        assert!(answer.header("access-control-allow-headers").to_lowercase().contains("last-event-id"));
        assert!(answer.header("access-control-allow-methods").contains("GET"));
        let refused = preflight(&one, "https://evil.example");
        assert_eq!((refused.status, refused.header("access-control-allow-origin")), (403, ""));
        refused.problem(403);
        assert_eq!(preflight(&all, "https://anybody.example").header("access-control-allow-origin"), "*");
    }
    let refused = one.ask("GET", "/api/v1/flights", &[("Origin", "https://evil.example")]);
    assert_eq!(refused.header("access-control-allow-origin"), "");
    // A request without `Origin` is not subject to CORS.
    assert_eq!(one.get("/api/v1/flights").status, 200);
}

#[test]
fn preflights_of_common_clients_are_allowed_and_refusals_are_problem_documents() {
    let sky = Sky::of(5);
    let origin = "https://map.example";
    for allowed in [origin, "*"] {
        let app = Setup::embedded().watching(&sky).set("SSE_ALLOWED_ORIGINS", allowed).start();
        let ask = |path: &str, method: &str, headers: &str| {
            let headers = [
                ("Origin", origin),
                ("Access-Control-Request-Method", method),
                ("Access-Control-Request-Headers", headers),
            ];
            app.ask("OPTIONS", path, &headers)
        };
        for path in ["/sse/flights", "/api/v1/stream", "/api/v1/flights", "/api/v1/history", "/api/v1/status"] {
            for header in [
                "accept",
                "cache-control",
                "content-type",
                "if-none-match",
                "last-event-id",
                "pragma",
                "range",
                "traceparent",
                "x-requested-with",
                "cache-control,last-event-id,x-requested-with",
            ] {
                let answer = ask(path, "GET", header);
                assert_eq!(answer.status, 200, "{path}, {header}: {}", answer.text());
                assert_eq!(answer.header("access-control-allow-headers"), header, "{path}");
                assert_eq!(answer.header("access-control-allow-origin"), allowed, "{path}, {header}");
            }
            let refused = ask(path, "DELETE", "accept");
            refused.problem(405);
            assert_eq!((refused.header("allow"), refused.header("access-control-allow-origin")), ("GET, HEAD", ""));
        }
        // The operator's routes do not support CORS.
        ask("/admin/actors", "GET", "authorization").problem(405);
    }
}
