//! The flights of OpenSky's REST API, served by this server.

use serde_json::Value;

use crate::support::{HttpResponse, Setup, Sky, now};

#[test]
fn flights_are_those_of_the_api() {
    let (setup, sky) = (Setup::embedded(), Sky::of(5));
    let app = setup.clone().watching(&sky).start();
    setup.database().wait_more_than(0);
    let begin = now() / 3600 * 3600 - 86_400;
    for (icao24, callsign, first_seen, last_seen) in [
        ("4b1814", "'SWR123'", begin + 600, begin + 4_000),
        ("4b1814", "NULL", begin + 7_000, begin + 9_000),
        ("3c6444", "'DLH1'", begin + 3_600, begin + 4_600),
    ] {
        setup.database().execute(&format!(
            "INSERT INTO flights (icao24, callsign, first_seen, last_seen, distance, states, landed) \
             VALUES ('{icao24}', {callsign}, {first_seen}, {last_seen}, 1.5, 2, 1)"
        ));
    }
    let seen = |answer: &HttpResponse| -> Vec<(String, i64)> {
        let flights = answer.json();
        let flight = |flight: &Value| {
            assert_eq!(flight.as_object().unwrap().len(), 12, "{flight}");
            (flight["icao24"].as_str().unwrap().to_owned(), flight["firstSeen"].as_i64().unwrap() - begin)
        };
        flights.as_array().unwrap().iter().map(flight).collect()
    };
    let check = |path: &str, from: i64, to: i64, expected: &[(&str, i64)]| {
        let answer = app.get(&format!("{path}begin={}&end={}", begin + from, begin + to));
        let expected: Vec<_> = expected.iter().map(|(icao24, first)| ((*icao24).to_owned(), *first)).collect();
        let status = if expected.is_empty() { 404 } else { 200 };
        assert_eq!((answer.status, answer.header("content-type")), (status, "application/json;charset=utf-8"));
        assert_eq!(seen(&answer), expected, "{path} {from} {to}");
        assert_eq!(answer.header("x-rate-limit-remaining"), "14400");
    };
    check("/api/flights/all?", 0, 7_200, &[("4b1814", 600), ("3c6444", 3_600), ("4b1814", 7_000)]);
    check("/api/flights/all?", 4_300, 5_000, &[("3c6444", 3_600)]);
    check("/api/flights/all?", 5_000, 6_000, &[]);
    check("/api/flights/aircraft?icao24=4b1814&", 0, 86_400, &[("4b1814", 600), ("4b1814", 7_000)]);
    // Only flights that started and ended within the interval.
    check("/api/flights/aircraft?icao24=4B1814&", 0, 8_000, &[("4b1814", 600)]);
    check("/api/flights/aircraft?icao24=aaaaaa&", 0, 86_400, &[]);
    let flights = app.get(&format!("/api/flights/aircraft?icao24=4b1814&begin={begin}&end={}", begin + 86_400)).json();
    assert_eq!((&flights[0]["callsign"], &flights[1]["callsign"]), (&"SWR123  ".into(), &Value::Null));
    assert_eq!((&flights[0]["lastSeen"], &flights[0]["estArrivalAirport"]), (&(begin + 4_000).into(), &Value::Null));
    app.end();
}

#[test]
fn flights_have_the_airports_near_their_ends() {
    let (setup, sky) = (Setup::embedded(), Sky::of(5));
    let app = setup.clone().watching(&sky).start();
    setup.database().wait_more_than(0);
    let begin = now() / 3600 * 3600 - 86_400;
    // From Zurich to Geneva, and a flight that was only seen in cruise.
    for (icao24, first, last, altitudes, landed) in [
        ("4b1814", "47.45, 8.55", "46.24, 6.11", "500, 10000, NULL", 1),
        ("3c6444", "47.45, 8.55", "46.24, 6.11", "10000, 10000, 10000", 0),
    ] {
        setup.database().execute(&format!(
            "INSERT INTO flights (icao24, first_seen, last_seen, first_lat, first_lon, last_lat, last_lon, \
             first_altitude, highest_altitude, last_altitude, distance, states, landed) \
             VALUES ('{icao24}', {begin}, {}, {first}, {last}, {altitudes}, 1.5, 2, {landed})",
            begin + 3_000
        ));
    }
    let flight = |icao24: &str| {
        let path = format!("/api/flights/aircraft?icao24={icao24}&begin={begin}&end={}", begin + 7_200);
        app.get(&path).json()[0].clone()
    };
    let (swiss, other) = (flight("4b1814"), flight("3c6444"));
    assert_eq!((&swiss["estDepartureAirport"], &swiss["estArrivalAirport"]), (&"LSZH".into(), &"LSGG".into()));
    assert!((1_000..2_500).contains(&swiss["estDepartureAirportHorizDistance"].as_i64().unwrap()), "{swiss}");
    assert_eq!(
        (&swiss["estDepartureAirportVertDistance"], &swiss["estArrivalAirportVertDistance"]),
        (&68.into(), &Value::Null)
    );
    assert!(swiss["departureAirportCandidatesCount"].as_u64() >= Some(1));
    assert_eq!((&other["estDepartureAirport"], &other["estArrivalAirport"]), (&Value::Null, &Value::Null));
    let past = app.get(&format!("/api/v1/flights/past?icao24=4b1814&from={begin}")).json()["flights"][0].clone();
    assert_eq!((&past["departure"]["icao"], &past["departure"]["source"]), (&"LSZH".into(), &"airports".into()));
    assert_eq!((&past["arrival"]["iata"], &past["arrival"]["height"]), (&"GVA".into(), &Value::Null));
    for (path, status) in [
        (format!("departure?airport=LSZH&begin={begin}&end={}", begin + 60), 200),
        (format!("arrival?airport=lsgg&begin={}&end={}", begin + 2_900, begin + 3_000), 200),
        (format!("arrival?airport=LSGG&begin={begin}&end={}", begin + 2_900), 404),
        (format!("departure?airport=LSGG&begin={begin}&end={}", begin + 7_200), 404),
        (format!("departure?airport=LSGG&begin={begin}&end={}", begin + 2 * 86_400 + 1), 400),
        (format!("departure?begin={begin}&end={begin}"), 400),
        (format!("departure?airport=Z/&begin={begin}&end={begin}"), 400),
    ] {
        let answer = app.get(&format!("/api/flights/{path}"));
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        if status == 200 {
            assert_eq!((answer.json().as_array().unwrap().len(), &answer.json()[0]["icao24"]), (1, &"4b1814".into()));
        }
    }
    app.end();
}
