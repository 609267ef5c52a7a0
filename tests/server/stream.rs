//! `/api/v1/stream` of a running server, read by a client implemented from `docs/stream.md` alone.

#[path = "../../actors/tests/stream/client.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with the tests of the crate `actors`, which use all of it")]
pub(crate) mod client;
#[path = "../../actors/tests/stream/sky.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with the tests of the crate `actors`, which use all of it")]
mod sky;

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::process::{Child, Command, Stdio};

use actors::domain::StateVector;
use serde_json::Value;
use ureq::http::Request;

use crate::support::{Certificate, Http2, Setup, Sky, SseClient, TEST_TIMEOUT, TestApp, eventually};
use client::{Aircraft, Decoder, StreamClient};

/// A connection to a stream, which decodes the response body.
pub(crate) struct Connection {
    body: Box<dyn Read>,
    decoder: Decoder,
    encoding: String,
}

impl Connection {
    pub(crate) fn open(app: &TestApp, query: &str, headers: &[(&str, &str)]) -> Self {
        let agent =
            ureq::Agent::config_builder().timeout_global(Some(2 * TEST_TIMEOUT)).proxy(None).build().new_agent();
        let mut request = Request::get(format!("http://{}/api/v1/stream{query}", app.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = agent.run(request.body(()).unwrap()).unwrap();
        let header = |name: &str| response.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        assert_eq!(header("content-type"), "text/event-stream");
        assert_eq!(header("cache-control"), "no-store, no-transform");
        assert!(header("vary").to_lowercase().contains("accept-encoding"));
        let encoding = header("content-encoding");
        let decoder = Decoder::new(&encoding);
        Self { body: Box::new(response.into_body().into_reader()), decoder, encoding }
    }

    /// Opens the stream over HTTP/2, from a server with this certificate.
    fn by_http2(app: &TestApp, certificate: &Certificate, query: &str, encoding: &str) -> Self {
        let (_, port) = app.address.rsplit_once(':').unwrap();
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--no-buffer", "--globoff", "--noproxy", "*", "--http2"])
            .args(["--cacert", &certificate.file("cert.pem"), "--header", &format!("Accept-Encoding: {encoding}")])
            .args(["--max-time", &TEST_TIMEOUT.as_secs().to_string()])
            .arg(format!("https://localhost:{port}/api/v1/stream{query}"));
        Self { decoder: Decoder::new(encoding), encoding: encoding.to_owned(), ..Self::of_process(&mut curl) }
    }

    /// Reads the standard output of a program.
    pub(crate) fn of_process(command: &mut Command) -> Self {
        let process = Process(command.stdout(Stdio::piped()).spawn().unwrap());
        Self { body: Box::new(process), decoder: Decoder::new(""), encoding: String::new() }
    }

    /// Reads until the client satisfies a condition.
    pub(crate) fn read_until(&mut self, client: &mut StreamClient, what: &str, is: impl Fn(&StreamClient) -> bool) {
        while !is(client) {
            client.read(&self.next_text(what)).unwrap();
        }
    }

    /// Reads until the text received since this call contains `text`.
    pub(crate) fn read_until_text(&mut self, text: &str) {
        let mut seen = String::new();
        while !seen.contains(text) {
            seen.push_str(&self.next_text(text));
        }
    }

    fn next_text(&mut self, what: &str) -> String {
        let mut part = vec![0; 32 * 1024];
        let length = self.body.read(&mut part).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(length > 0, "{what}: the stream ended");
        self.decoder.decode(&part[..length])
    }
}

/// A program whose output is read. Dropping this kills it.
struct Process(Child);

impl Read for Process {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.stdout.as_mut().unwrap().read(buffer)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails if the program has already exited.
        let _ = self.0.kill();
        self.0.wait().unwrap();
    }
}

pub(crate) fn by_address(client: &StreamClient) -> BTreeMap<String, Aircraft> {
    client.held().into_values().map(|aircraft| (aircraft["icao24"].as_str().unwrap().to_owned(), aircraft)).collect()
}

pub(crate) fn picture(app: &TestApp, query: &str) -> BTreeMap<String, Aircraft> {
    let flights = app.get(&format!("/api/v1/flights{query}")).json();
    let states: Vec<StateVector> = serde_json::from_value(flights["states"].clone()).unwrap();
    sky::all_on_stream(&states)
}

#[test]
fn every_encoding_and_scope_yields_the_same_picture_as_the_api() {
    let sky = Sky::of(1_000);
    let app = Setup::embedded().watching(&sky).start();
    sky.wait_polls(1);
    sky.fail_polls();
    app.wait_shown(&sky);
    let whole = picture(&app, "");
    let some: Vec<_> = whole.keys().take(3).cloned().collect();
    for (accepted, encoding) in
        [("", ""), ("br", ""), ("gzip", "gzip"), ("zstd", "zstd"), ("gzip, deflate, br, zstd", "gzip")]
    {
        for query in ["", "?bbox=30,-10,60,30", "?bbox=-60,120,60,-120", &format!("?icao24={}", some.join(","))] {
            let mut client = StreamClient::default();
            let mut connection = Connection::open(&app, query, &[("Accept-Encoding", accepted)]);
            assert_eq!(connection.encoding, encoding, "{accepted}");
            connection.read_until(&mut client, "the snapshot", |client| client.currents > 0);
            // Whole tiles are sent, so a client with a bounding box also holds aircraft outside of it.
            let (held, expected) = (by_address(&client), picture(&app, query));
            for (icao24, aircraft) in &expected {
                assert_eq!(held.get(icao24), Some(aircraft), "{query} in {encoding:?}");
            }
            assert!(held.iter().all(|(icao24, aircraft)| whole.get(icao24) == Some(aircraft)));
            assert!(query.contains("bbox") || held.len() == expected.len());
        }
    }
}

#[test]
#[ignore = "needs curl: run it by `make test`"]
fn http2_yields_the_same_picture_as_the_api() {
    let (certificate, sky) = (Certificate::new(), Sky::of(1_000));
    let app = certificate.on(Setup::embedded().watching(&sky)).start();
    sky.wait_polls(1);
    sky.fail_polls();
    let newest: BTreeMap<_, _> = sky.served().into_iter().collect();
    let api = Http2::connect(&app.address, &certificate, 1 << 24);
    let states = |query: &str| -> Vec<StateVector> {
        let answer = api.ask(&format!("/api/v1/flights{query}")).unwrap();
        let flights: Value = serde_json::from_slice(&api.read(answer).unwrap()).unwrap();
        serde_json::from_value(flights["states"].clone()).unwrap()
    };
    eventually("the newest states are shown", || {
        let shown: BTreeMap<_, _> = states("").iter().map(|s| (s.icao24.to_string(), s.last_contact.0)).collect();
        (shown == newest).then_some(())
    });
    let box_of_europe = "?bbox=30,-10,60,30";
    for (query, encoding) in [("", ""), ("", "gzip"), ("", "zstd"), (box_of_europe, "gzip"), (box_of_europe, "zstd")] {
        let mut client = StreamClient::default();
        Connection::by_http2(&app, &certificate, query, encoding)
            .read_until(&mut client, "the snapshot", |client| client.currents > 0);
        let (held, expected) = (by_address(&client), sky::all_on_stream(&states(query)));
        assert!(expected.len() > 10, "{query}");
        for (icao24, aircraft) in &expected {
            assert_eq!(held.get(icao24), Some(aircraft), "{query} in {encoding:?}");
        }
        assert!(query.contains("bbox") || held.len() == expected.len());
    }
}

#[test]
fn a_reconnecting_client_resumes_where_it_stopped() {
    let sky = Sky::of(300);
    let app = Setup::embedded().watching(&sky).start();
    app.wait_ready();
    let mut client = StreamClient::default();
    Connection::open(&app, "", &[("Accept-Encoding", "zstd")])
        .read_until(&mut client, "two updates", |client| client.currents > 2 && client.held().len() == 300);
    for (index, by_header) in [true, false].into_iter().enumerate() {
        client.reconnect();
        let (id, before) = (client.last_event_id.clone().unwrap(), client.currents);
        let query = if by_header { "?last_event_id=ignored".to_owned() } else { format!("?last_event_id={id}") };
        let headers = [("Accept-Encoding", "zstd"), ("Last-Event-ID", &id)];
        let mut connection = Connection::open(&app, &query, if by_header { &headers } else { &headers[..1] });
        connection.read_until(&mut client, "the missed updates", |client| client.currents > before);
        assert_eq!(client.snapshots, 1);
        app.wait_actor("sse-hub", "counts the resumption", |hub| hub["observation"]["resumed"] == index + 1);
        if !by_header {
            sky.fail_polls();
            app.wait_shown(&sky);
            connection.read_until(&mut client, "the newest", |client| by_address(client) == picture(&app, ""));
        }
    }
    let mut late = StreamClient::default();
    Connection::open(&app, "?last_event_id=00000000-1-world", &[])
        .read_until(&mut late, "a snapshot", |client| client.currents > 0);
    assert_eq!((late.snapshots, by_address(&late)), (1, picture(&app, "")));
}

#[test]
fn rows_of_any_age_reach_the_clients_of_sse_flights() {
    let sky = Sky::of_rows(&[("4b1814", 5), ("3c6444", 400), ("400a1b", 7_200)]);
    sky.start_failing_polls();
    let app = Setup::embedded().watching(&sky).start();
    let client = app.sse();
    sky.clear_faults();
    let is_sent = |seen: &[(String, i64)], icao24: &str| seen.iter().any(|(address, _)| address == icao24);
    let seen = client.wait("each of the three", |seen| {
        ["4b1814", "3c6444", "400a1b"].iter().all(|icao24| is_sent(&seen.states(), icao24))
    });
    let mut once = seen.states();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), seen.states().len(), "a state was sent twice");
    // The picture drops aircraft without contact for `sse.aircraft_timeout`.
    assert_eq!(picture(&app, "").into_keys().collect::<Vec<_>>(), ["4b1814"]);
}

#[test]
fn browsers_never_get_an_error_that_ends_their_event_source() {
    let sky = Sky::of(5);
    let app = Setup::embedded().watching(&sky).set("SSE_MAX_CLIENTS", "1").start();
    let _first = Connection::open(&app, "", &[]);
    for _ in 0..2 {
        let answer = app.get("/api/v1/stream");
        assert_eq!((answer.status, answer.header("content-type")), (200, "text/event-stream"));
        assert!(answer.text().starts_with("retry: "), "{}", answer.text());
    }
    // An invalid request is rejected, since reconnecting would not help.
    let problem = app.get("/api/v1/stream?bbox=1,2,3").problem(400);
    assert_eq!(problem["parameter"], "bbox");
    app.ask("POST", "/api/v1/stream", &[]).problem(405);
    // HEAD requests do not count towards the client limit.
    for path in ["/api/v1/stream", "/sse/flights"] {
        let head = app.ask("HEAD", path, &[]);
        assert_eq!(
            (head.status, head.header("content-type"), head.body.len()),
            (200, "text/event-stream", 0),
            "{path}"
        );
    }
    assert_eq!(app.metric("sse_clients_refused_total"), 2.0);
}

#[test]
fn a_stream_is_the_last_response_on_its_connection() {
    let sky = Sky::of(20);
    let app = Setup::embedded().watching(&sky).start();
    let mut socket = SseClient::ask(&app.address, &[]);
    // A request pipelined behind a stream is never answered.
    write!(socket, "GET /health/live HTTP/1.1\r\nHost: {}\r\n\r\n", app.address).unwrap();
    let writer = socket.try_clone().unwrap();
    let client = SseClient::read_from(socket);
    let seen = client.wait("states", |seen| seen.events.len() > 40);
    assert!(seen.head.iter().any(|header| header == "connection: close"), "{:?}", seen.head);
    assert!(seen.head.iter().any(|header| header == "transfer-encoding: chunked"), "{:?}", seen.head);
    (&writer).write_all(b"GET / HTTP/1.1\r\n\r\nthis is not HTTP").unwrap();
    client.wait("more states", |later| later.events.len() > seen.events.len() + 40);
    // A client that shuts down its sending side is treated as gone.
    writer.shutdown(Shutdown::Write).unwrap();
    app.wait_actor("sse-hub", "notices the disconnection", |hub| hub["observation"]["clients"] == 0);
}
