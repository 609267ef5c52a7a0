//! Responses are consistent across HEAD and GET, and across HTTP/1.0 and HTTP/1.1.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::Command;

use crate::support::{ADMIN_TOKEN, Setup, Sky, TEST_TIMEOUT, TestApp, eventually};

/// Starts a server that has stored some polls and receives no more.
fn with_a_history(setup: &Setup, aircraft: usize) -> TestApp {
    let sky = Sky::of(aircraft);
    let app = setup.clone().watching(&sky).start();
    sky.wait_polls(4);
    sky.fail_polls();
    setup.database().wait_rows(&sky.served());
    app
}

/// Sends a request and returns the unread response.
fn ask(app: &TestApp, request: &str, headers: &str) -> BufReader<TcpStream> {
    let mut socket = TcpStream::connect(&app.address).unwrap();
    socket.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
    write!(socket, "{request}\r\nHost: x\r\nAuthorization: Bearer {ADMIN_TOKEN}\r\n{headers}\r\n").unwrap();
    BufReader::new(socket)
}

/// Reads the status line and the headers, by lowercase name.
fn head(stream: &mut BufReader<TcpStream>) -> (String, BTreeMap<String, String>) {
    let (mut status, mut headers) = (String::new(), BTreeMap::<String, Vec<String>>::new());
    stream.read_line(&mut status).unwrap();
    loop {
        let mut line = String::new();
        assert_ne!(stream.read_line(&mut line).unwrap(), 0, "{status} ends within its head");
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        let values = value.split(", ").map(str::to_lowercase);
        headers.entry(name.to_lowercase()).or_default().extend(values);
    }
    let sorted = |mut values: Vec<String>| {
        values.sort();
        values.join(", ")
    };
    (status.trim_end().to_owned(), headers.into_iter().map(|(name, values)| (name, sorted(values))).collect())
}

#[test]
fn head_has_the_headers_of_get_on_every_route() {
    let setup = Setup::embedded();
    let app = with_a_history(&setup, 200);
    app.wait_ready();
    let (icao24, _) = setup.database().rows().into_iter().next().unwrap();
    let track = format!("/api/v1/flights/{icao24}/track");
    let paths = [
        "/",
        "/admin",
        "/health/live",
        "/health/ready",
        "/metrics",
        "/admin/actors",
        "/admin/events",
        "/sse/flights",
        "/api/v1/stream",
        "/api/v1/flights",
        "/api/v1/flights/past",
        "/api/v1/alerts",
        &track,
        "/api/v1/stats",
        "/api/v1/history",
        "/api/v1/history?format=csv",
        "/api/v1/status",
        "/api/v1/openapi.json",
        "/data/aircraft.json",
        "/data/receiver.json",
        "/v2/all",
        "/v2/point/0/0/250",
        "/v2/hex/4b1814",
    ];
    for path in paths {
        for encoding in ["", "Accept-Encoding: gzip\r\n", "Accept-Encoding: zstd\r\n"] {
            let [get, mut of_head] = ["GET", "HEAD"].map(|method| {
                let mut answer = ask(&app, &format!("{method} {path} HTTP/1.1"), encoding);
                let (status, mut headers) = head(&mut answer);
                headers.remove("date");
                // A stream closes its connection, but a HEAD request for it leaves the connection open.
                headers.remove("connection");
                // These may differ between the two requests.
                for name in ["content-length", "etag", "retry-after"] {
                    headers.entry(name.to_owned()).and_modify(|value| {
                        assert!(name != "content-length" || *value != "0", "{method} {path} has no content");
                        "any".clone_into(value);
                    });
                }
                (status, headers)
            });
            // Optional in a response to HEAD (RFC 9112, 6.1).
            if get.1.contains_key("transfer-encoding") {
                of_head.1.insert("transfer-encoding".to_owned(), "chunked".to_owned());
            }
            assert_eq!(of_head, get, "{path} {encoding}");
        }
    }
}

#[test]
#[ignore = "needs curl: run it by `make test`"]
fn http_10_clients_get_unchunked_downloads_that_end_with_the_connection() {
    let app = with_a_history(&Setup::embedded(), 40);
    for (path, headers) in [
        ("/api/v1/history", ""),
        ("/api/v1/history?format=csv", "Accept-Encoding: gzip\r\n"),
        // Not possible for a stream over HTTP/1.0.
        ("/api/v1/history", "Connection: keep-alive\r\n"),
        ("/api/v1/flights", "Accept-Encoding: gzip\r\n"),
    ] {
        let mut old = ask(&app, &format!("GET {path} HTTP/1.0"), headers);
        let (status, head) = head(&mut old);
        assert_eq!(status, "HTTP/1.0 200 OK", "{path}");
        assert!(!head.contains_key("transfer-encoding"), "{path}: {head:?}");
        if !head.contains_key("content-length") {
            assert_ne!(head.get("connection").map(String::as_str), Some("keep-alive"), "{path}");
        }
        let mut body = Vec::new();
        old.read_to_end(&mut body).unwrap();
        if head.get("content-encoding").map(String::as_str) == Some("gzip") {
            let mut text = Vec::new();
            flate2::read::GzDecoder::new(&body[..]).read_to_end(&mut text).unwrap();
            body = text;
        }
        assert!(body == app.get(path).body, "{path}");
    }
    // The same with a real client.
    let url = format!("http://{}/api/v1/history", app.address);
    let curl = Command::new("curl").args(["-sS", "--noproxy", "*", "--http1.0", &url]).output().unwrap();
    assert!(curl.status.success(), "{}", String::from_utf8_lossy(&curl.stderr));
    assert!(curl.stdout == app.get("/api/v1/history").body);
}

#[test]
fn http_10_clients_get_unchunked_event_streams() {
    let sky = Sky::of(20);
    let app = Setup::embedded().watching(&sky).start();
    app.wait_aircraft(20);
    let event_streams = ["/sse/flights", "/api/v1/stream", "/admin/events"].map(|path| {
        let mut stream = ask(&app, &format!("GET {path} HTTP/1.0"), "");
        let (status, head) = head(&mut stream);
        assert_eq!(status, "HTTP/1.0 200 OK", "{path}");
        assert!(!head.contains_key("transfer-encoding"), "{path}: {head:?}");
        (path, stream)
    });
    let ends = event_streams.map(|(path, mut stream)| {
        // Every line of the first events is a line of an event stream.
        for _ in 0..20 {
            let mut line = String::new();
            assert_ne!(stream.read_line(&mut line).unwrap(), 0, "{path} ends");
            let is_known = ["data:", "event:", "id:", "retry:", ":"].iter().any(|field| line.starts_with(field));
            assert!(line == "\n" || is_known, "{path}: {line:?}");
        }
        stream
    });
    app.terminate();
    for mut stream in ends {
        let mut rest = String::new();
        stream.read_to_string(&mut rest).unwrap();
        assert!(rest.ends_with("\n\n"), "{rest:?}");
    }
}

#[test]
fn a_truncated_history_does_not_look_complete_to_http_10_clients() {
    // At least 800 rows, so more than two chunks.
    let app = with_a_history(&Setup::embedded().failpoints("history-breaks=2*off->return"), 200);
    let mut stream = ask(&app, "GET /api/v1/history HTTP/1.0", "");
    let broken = stream.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(broken.kind(), ErrorKind::ConnectionReset);
    eventually("the failure is logged", || (app.lines_with("failed to read history") > 0).then_some(()));
}
