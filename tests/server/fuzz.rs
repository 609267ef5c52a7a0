//! Fuzzed requests: the server responds to each with a 2xx to 4xx status or closes the connection, and keeps running.
//! `make fuzz` sends 100,000 requests, `make test` fewer.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRunner};

use crate::support::{ADMIN_TOKEN, Setup, Sky, TEST_TIMEOUT, TestApp};

const METHODS: [&str; 8] = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "TRACE", "GETT"];
const PATHS: [&str; 19] = [
    "/api/v1/flights",
    "/api/v1/flights/past",
    "/api/v1/alerts",
    "/api/v1/flights/4b1814/track",
    "/api/v1/stats",
    "/api/v1/history",
    "/api/v1/tracks",
    "/api/v1/status",
    "/api/v1/openapi.json",
    "/api/v1/stream",
    "/sse/flights",
    "/health/live",
    "/health/ready",
    "/metrics",
    "/admin/actors",
    "/admin/rules",
    "/assets/../../etc/passwd",
    "//api//v1/flights",
    "*",
];
const PARAMETERS: [&str; 12] = [
    "bbox",
    "icao24",
    "from",
    "to",
    "limit",
    "cursor",
    "format",
    "by",
    "fields",
    "callsign",
    "tolerance",
    "last_event_id",
];
const VALUES: [&str; 16] = [
    "45.8,5.9,47.9,10.6",
    "-90,-180,90,180",
    "NaN,inf,-inf,1e999",
    "4b1814",
    "0",
    "-1",
    "18446744073709551616",
    "9223372036854775807",
    "2026-01-01T00:00:00Z",
    "0000-00-00T99:99:99+99:99",
    "json",
    "geojson",
    "csv",
    "ffffffff-18446744073709551615-world",
    "%00%ff%fe",
    "icao24,last_contact,lat,lat",
];
const HEADERS: [&str; 12] = [
    "Accept",
    "Accept-Encoding",
    "Last-Event-ID",
    "If-None-Match",
    "Authorization",
    "Origin",
    "Host",
    "Range",
    "Content-Length",
    "Transfer-Encoding",
    "Expect",
    "X-Forwarded-For",
];

fn value() -> impl Strategy<Value = String> {
    prop_oneof![3 => prop::sample::select(&VALUES[..]).prop_map(str::to_owned), 2 => "[!-~]{0,30}", 1 => "\\PC{0,12}"]
}

fn query() -> impl Strategy<Value = String> {
    let name = prop_oneof![5 => prop::sample::select(&PARAMETERS[..]).prop_map(str::to_owned), 1 => "[!-~]{0,9}"];
    prop::collection::vec((name, value()), 0..4)
        .prop_map(|pairs| pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&"))
}

fn headers() -> impl Strategy<Value = String> {
    let name = prop_oneof![8 => prop::sample::select(&HEADERS[..]).prop_map(str::to_owned), 1 => "[!-~]{1,9}"];
    let value = prop_oneof![
        2 => value(),
        1 => Just(format!("Bearer {ADMIN_TOKEN}")),
        1 => Just("gzip;q=0.1, zstd;q=NaN, *;q=-1".to_owned()),
        1 => Just("application/geo+json, text/csv;q=2, */*;q=x".to_owned()),
        1 => Just("chunked".to_owned()),
    ];
    prop::collection::vec((name, value), 0..4)
        .prop_map(|pairs| pairs.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect::<String>())
}

/// Generates a request, in some cases with a few bytes changed.
fn request() -> impl Strategy<Value = Vec<u8>> {
    let words = (prop::sample::select(&METHODS[..]), prop::sample::select(&PATHS[..]), query(), headers());
    let edits = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..3), 0..3);
    let edits = prop_oneof![3 => Just(Vec::new()), 1 => edits];
    (words, edits).prop_map(|((method, path, query, headers), edits)| {
        let mut request =
            format!("{method} {path}?{query} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n").into_bytes();
        for (at, byte, edit) in edits {
            if request.is_empty() {
                break;
            }
            let at = at.index(request.len());
            match edit {
                0 => request[at] = byte,
                1 => request.truncate(at),
                _ => request.insert(at, byte),
            }
        }
        request
    })
}

/// Sends a request and returns the start of the response, since a stream never ends.
///
/// The client shuts down its sending side, so that the server does not wait for the rest of an incomplete request.
fn answer(address: &str, request: &[u8]) -> Result<Vec<u8>, TestCaseError> {
    let mut connection = TcpStream::connect(address)?;
    connection.set_read_timeout(Some(TEST_TIMEOUT))?;
    let began = Instant::now();
    // The server may reject the request before all of it is written.
    let _ = connection.write_all(request).and_then(|()| connection.shutdown(Shutdown::Write));
    let mut start = vec![0; 64];
    let mut length = 0;
    while length < start.len() {
        match connection.read(&mut start[length..]) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(error) => return Err(TestCaseError::fail(format!("no answer for {:?}: {error}", began.elapsed()))),
        }
    }
    start.truncate(length);
    Ok(start)
}

fn check(app: &TestApp, request: &[u8]) -> Result<(), TestCaseError> {
    let answer = answer(&app.address, request)?;
    if answer.is_empty() {
        // Closed without a response, as for an unavailable stream or an incomplete request.
        return Ok(());
    }
    let status = std::str::from_utf8(&answer).ok().and_then(|text| text.strip_prefix("HTTP/1.1 ")?.get(..3));
    let status: u16 = status
        .and_then(|status| status.parse().ok())
        .ok_or_else(|| TestCaseError::fail(format!("not an HTTP response: {:?}", String::from_utf8_lossy(&answer))))?;
    prop_assert!((200..500).contains(&status), "answered {status}");
    Ok(())
}

#[test]
fn fuzzed_requests_are_answered_or_refused_and_the_server_keeps_running() {
    let sky = Sky::of(50);
    let app = Setup::embedded().watching(&sky).start();
    app.wait_ready();
    let cases = std::env::var("PROPTEST_CASES").map_or(3_000, |cases| cases.parse().unwrap());
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let began = Instant::now();
    match runner.run(&request(), |request| check(&app, &request)) {
        Ok(()) => {}
        Err(TestError::Fail(reason, request)) => panic!("{reason}: {:?}", String::from_utf8_lossy(&request)),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
    #[expect(clippy::print_stderr, reason = "`make fuzz` shows it")]
    {
        eprintln!("{cases} requests in {:.0} s", Duration::as_secs_f64(&began.elapsed()));
    }
    assert!(app.is_running());
    assert_eq!(app.lines_with("panicked"), 0);
    assert_eq!(app.metric("actor_restarts_total"), 0.0);
    app.wait_ready();
    app.wait_aircraft(1);
    app.end();
}
