//! Summaries of the stored rows (flights and statistics), read back over HTTP.

use serde_json::{Value, json};

use crate::support::{Database, Setup, Sky, TestApp, now, resolve};

/// Inserts three flights of two aircraft and two hours of statistics. Returns the start of the second hour.
fn fill(database: &Database) -> i64 {
    let hour = now() / 3600 * 3600 - 3600;
    let time = |seconds: i64| match database {
        Database::Sqlite(_) => seconds.to_string(),
        Database::Postgres(_) => format!("to_timestamp({seconds})"),
    };
    for (icao24, first, last, callsign, lat) in [
        ("4b1814", hour, hour + 600, "'SWR1'", "47.5"),
        ("4b1814", hour + 1200, hour + 1800, "'SWR2'", "NULL"),
        ("3c6444", hour, hour + 900, "NULL", "NULL"),
    ] {
        database.execute(&format!(
            "INSERT INTO flights (icao24, first_seen, last_seen, first_lat, first_lon, distance, states, landed, callsign)
             VALUES ('{icao24}', {}, {}, {lat}, {lat}, 1234.5, 7, {}, {callsign})",
            time(first),
            time(last),
            callsign == "NULL"
        ));
    }
    for (hour, country, states) in [(hour - 3600, "NULL", 5), (hour, "'Chad'", 6), (hour, "NULL", 7)] {
        database.execute(&format!("INSERT INTO traffic_by_country VALUES ({}, {country}, {states}, 2)", time(hour)));
    }
    database.execute(&format!("INSERT INTO traffic_by_cell VALUES ({}, -45, 170, 9, 3)", time(hour)));
    hour
}

fn names(flights: &Value) -> Vec<(String, i64)> {
    let name = |flight: &Value| (flight["icao24"].as_str().unwrap().to_owned(), flight["first_seen"].as_i64().unwrap());
    flights["flights"].as_array().unwrap().iter().map(name).collect()
}

fn check(app: &TestApp, hour: i64) {
    let get = |path: &str| {
        let answer = app.get(path);
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"), "{}", answer.text());
        answer.json()
    };
    let all = [("3c6444", hour), ("4b1814", hour), ("4b1814", hour + 1200)].map(|(name, at)| (name.to_owned(), at));
    let flights = get("/api/v1/flights/past");
    assert_eq!((names(&flights), &flights["count"], &flights["next_cursor"]), (all.to_vec(), &json!(3), &Value::Null));
    let expected = json!({
        "icao24": "4b1814", "callsign": "SWR1", "first_seen": hour, "last_seen": hour + 600, "first_lat": 47.5,
        "first_lon": 47.5, "last_lat": null, "last_lon": null, "distance": 1234.5, "highest_altitude": null,
        "states": 7, "landed": false, "departure": null, "arrival": null,
    });
    assert_eq!(flights["flights"][1], expected);
    for (query, wanted) in [
        ("icao24=3C6444".to_owned(), &all[..1]),
        ("callsign=%20SWR2%20".to_owned(), &all[2..]),
        ("callsign=swr2".to_owned(), &all[2..]),
        (format!("from={}", hour + 601), &[all[0].clone(), all[2].clone()][..]),
        (format!("to={}&from={}", hour + 1199, hour - 1), &all[..2]),
        (format!("to={}&from=0", hour - 1), &[]),
    ] {
        assert_eq!(names(&get(&format!("/api/v1/flights/past?{query}"))), wanted, "{query}");
    }
    let (mut next, mut pages) = ("/api/v1/flights/past?limit=1".to_owned(), Vec::new());
    while !next.is_empty() {
        let answer = app.get(&next);
        pages.extend(names(&answer.json()));
        let link = answer.header("link");
        let link = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\""));
        next = link.map_or_else(String::new, |link| resolve(&next, link));
    }
    assert_eq!(pages, all);

    let by_hour = json!([
        { "hour": hour - 3600, "states": 5, "aircraft": 2 }, { "hour": hour, "states": 13, "aircraft": 4 },
    ]);
    let stats = get("/api/v1/stats");
    assert_eq!((&stats["rows"], &stats["by"], &stats["count"]), (&by_hour, &json!("hour"), &json!(2)));
    let countries = get(&format!("/api/v1/stats?by=country&from={}", hour + 1800));
    assert_eq!(countries["rows"].as_array().unwrap().len(), 2);
    assert!(
        countries["rows"]
            .as_array()
            .unwrap()
            .contains(&json!({ "hour": hour, "origin_country": "Chad", "states": 6, "aircraft": 2 }))
    );
    let cells = get("/api/v1/stats?by=cell");
    assert_eq!(cells["rows"], json!([{ "hour": hour, "lat": -45, "lon": 170, "states": 9, "aircraft": 3 }]));

    let fixed = format!("/api/v1/stats?from={}&to={hour}", hour - 3600);
    let tag = app.get(&fixed).header("etag").to_owned();
    assert_eq!(app.ask("GET", &fixed, &[("If-None-Match", &tag)]).status, 304);
    for (path, parameter) in [
        ("stats?by=day", "by"),
        ("stats?from=0", "from"),
        ("stats?by=cell&from=0&to=172801", "from"),
        ("stats?to=soon", "to"),
        ("stats?format=csv", "format"),
        ("flights/past?limit=10001", "limit"),
        ("flights/past?limit=0", "limit"),
        ("flights/past?cursor=4b1814", "cursor"),
        ("flights/past?callsign=%20", "callsign"),
        ("flights/past?callsign=A&callsign=B", "callsign"),
        ("flights/past?icao24=x", "icao24"),
        ("flights/past?from=2&to=1", "from"),
        ("alerts?from=2&to=1", "from"),
        ("alerts?limit=1001", "limit"),
        ("alerts?cursor=1/4b1814", "cursor"),
        ("alerts?rule=", "rule"),
        ("alerts?active=maybe", "active"),
        ("alerts?bbox=1,2,3", "bbox"),
    ] {
        let answer = app.get(&format!("/api/v1/{path}"));
        assert_eq!((answer.status, answer.header("content-type")), (400, "application/problem+json"), "{path}");
        assert_eq!(answer.json()["parameter"], parameter, "{path}");
    }
    assert_eq!(app.get("/api/v1/stats?from=0&to=172800&by=cell").status, 200);
}

/// Starts a server whose source has no aircraft, and waits until the database schema exists.
fn with_empty_sky(setup: &Setup) -> TestApp {
    let sky = Sky::of(0);
    let app = setup.clone().watching(&sky).start();
    app.log.wait("the schema", |line| line.contains("schema is up to date").then_some(()));
    app
}

#[test]
fn flights_and_statistics_are_read_back_from_sqlite() {
    let setup = Setup::embedded();
    let app = with_empty_sky(&setup);
    check(&app, fill(&setup.database()));
    app.end();
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn flights_and_statistics_are_read_back_from_postgresql() {
    let setup = Setup::real();
    let app = with_empty_sky(&setup);
    check(&app, fill(&setup.database()));
    app.end();
}
