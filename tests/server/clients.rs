//! Connection limits, and slow clients.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use crate::support::{Certificate, Http2, Setup, Sky, SseClient, TEST_TIMEOUT, eventually, key, open_connection_from};

/// One poll per second. With 8,000 aircraft each is three megabytes, which is enough load for a test machine.
const EACH_SECOND: &str = "poll-pause=return(1000)";

#[test]
fn a_client_beyond_the_limit_is_told_to_retry_later() {
    let sky = Sky::of(10);
    let check = |variable: &str, reason: &str| {
        let app = Setup::embedded().watching(&sky).set(variable, "2").start();
        let clients = [app.sse(), app.sse()];
        let refused_client = SseClient::connect(&app.address, &[]);
        let seen = refused_client.wait("the end", |seen| seen.closed || seen.ended);
        // A browser's EventSource never reconnects after an error status.
        assert!(seen.head[0].contains(" 200 ") && seen.events.is_empty(), "{seen:?}");
        assert!(seen.retry.is_some_and(|millis| (5_000..30_000).contains(&millis)), "{seen:?}");
        let refused = format!("flight_monitor_sse_clients_refused_total{{kind=\"{reason}\"}} 1");
        assert!(app.get("/metrics").text().contains(&refused), "{reason}");
        let [remaining, leaving] = clients;
        drop(leaving);
        eventually("there is capacity again", || (app.metric("sse_clients") < 2.0).then_some(()));
        app.sse().wait_states(5);
        remaining.wait_states(5);
    };
    check("SSE_MAX_CLIENTS", "clients");
    check("SSE_MAX_CLIENTS_PER_ADDRESS", "address");
}

/// Limit of open files, 200 of which the server reserves for purposes other than client connections.
const FILES: u32 = 500;

#[test]
fn connections_are_limited_by_the_open_file_limit() {
    let sky = Sky::of(5);
    let app = Setup::embedded().watching(&sky).open_files(FILES).start();
    app.wait_ready();
    let before = app.sockets();
    let connections: Vec<_> =
        (0..450_u16).map(|number| open_connection_from(2 + (number % 30) as u8, &app.address)).collect();
    let limit = before + 300;
    let sockets =
        eventually("the connection limit is reached", || Some(app.sockets()).filter(|sockets| *sockets >= limit - 20));
    // Some sockets belong to connections to the source and to Kafka.
    assert!(sockets <= limit + 20, "{sockets} sockets, {before} before");
    drop(connections);
    eventually("there is capacity again", || (app.sockets() < before + 100).then_some(()));
    assert_eq!(app.get("/health/live").status, 200);
    assert_eq!(app.lines_with("Too many open files"), 0);
}

#[test]
fn connections_are_limited_per_address_except_for_trusted_proxies() {
    let sky = Sky::of(5);
    let setup = Setup::embedded().watching(&sky).open_files(FILES);
    let app = setup.start();
    // Of the 300 available connections, one address may hold at most nine tenths.
    let connections: Vec<_> = (0..400).map(|_| open_connection_from(9, &app.address)).collect();
    let refused = || app.sample("http_refused_total{kind=\"connections\"}");
    eventually("some connections are refused, and /metrics is still served", || refused().filter(|count| *count > 0.0));
    let is_closed = |stream: &TcpStream| {
        stream.set_nonblocking(true).unwrap();
        !matches!(stream.peek(&mut [0]), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
    };
    eventually("connections are closed", || connections.iter().any(is_closed).then_some(()));
    drop(connections);
    let served = || {
        let mut stream = open_connection_from(9, &app.address);
        let _ = stream.write_all(b"Host: a\r\n\r\n");
        stream.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
        let mut start = [0; 12];
        (stream.read_exact(&mut start).is_ok() && &start == b"HTTP/1.1 200").then_some(())
    };
    eventually("there is capacity again", served);

    let app = setup.set("HTTP_TRUSTED_PROXIES", "127.0.0.9").start();
    let before = app.sockets();
    let _knocking: Vec<_> = (0..290).map(|_| open_connection_from(9, &app.address)).collect();
    eventually("every connection from the proxy is accepted", || (app.sockets() >= before + 285).then_some(()));
    assert_eq!(app.metric("http_refused_total"), 0.0);
}

#[test]
fn a_stalled_client_is_evicted_and_the_others_continue() {
    let sky = Sky::of(8_000);
    let app = Setup::embedded()
        .polling_at_the_usual_pace(&sky)
        .failpoints(EACH_SECOND)
        .set("SSE_CLIENT_TIMEOUT", "30s")
        .start();
    app.wait_ready();
    let quick = app.sse();
    let stuck = SseClient::ask(&app.address, &[]);
    app.wait_actor("sse-hub", "has both clients", |hub| hub["observation"]["clients"] == 2);
    // It falls behind at the second poll that it does not read, long before its timeout.
    app.wait_actor("sse-hub", "notices the slow client", |hub| hub["observation"]["clients_behind"] == 1);
    // Evicted by the hub or, at the same time limit, by the kernel, whichever checks first.
    app.wait_actor("sse-hub", "evicts the slow client", |hub| hub["observation"]["clients"] == 1);
    let states = quick.seen().states().len();
    quick.wait_states(states + 16_000);
    let mut once = quick.seen().states();
    let all = once.len();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), all, "a client received a state twice");
    assert!(!quick.seen().closed);
    assert_eq!(app.metric("sse_clients"), 1.0);
    drop(stuck);
}

#[test]
fn a_stalled_http2_client_loses_only_its_own_connection() {
    let certificate = Certificate::new();
    let sky = Sky::of(50);
    let app = certificate.on(Setup::embedded().watching(&sky)).set("SSE_CLIENT_TIMEOUT", "1s").start();
    let reading = Http2::connect(&app.address, &certificate, 1 << 20);
    for path in ["/api/v1/openapi.json", "/health/live", "/sse/flights"] {
        let waiting = Http2::connect(&app.address, &certificate, 0);
        let answer = waiting.ask(path).unwrap();
        assert_eq!(answer.status, 200);
        assert!(waiting.read(answer).is_err(), "{path}");
        assert!(waiting.ask("/health/live").is_err(), "{path}");
    }
    let answer = reading.ask("/health/live").unwrap();
    assert_eq!(reading.read(answer).unwrap(), br#"{"status":"live"}"#);
}

#[test]
fn requests_in_flight_are_limited_per_connection() {
    let certificate = Certificate::new();
    let sky = Sky::of(5);
    let app = certificate.on(Setup::embedded().watching(&sky)).set("SSE_CLIENT_TIMEOUT", "1h").start();
    let waiting = Http2::connect(&app.address, &certificate, 0);
    let answers: Vec<_> = (0..130).map(|_| waiting.ask("/health/live").unwrap()).collect();
    assert!(answers[..128].iter().all(|answer| answer.status == 200));
    for answer in &answers[128..] {
        assert_eq!((answer.status, answer.retry_after.as_deref()), (503, Some("5")));
        assert!(answer.body.is_end_stream(), "the refusal has a body, which would wait like the others");
    }
    let other = Http2::connect(&app.address, &certificate, 1 << 20);
    let metrics = other.ask("/metrics").unwrap();
    let metrics = String::from_utf8(other.read(metrics).unwrap()).unwrap();
    assert!(metrics.contains("flight_monitor_http_refused_total{kind=\"requests\"} 2\n"), "{metrics}");
    drop(answers);
    eventually("there is capacity again", || (waiting.ask("/health/live").unwrap().status == 200).then_some(()));
}

#[test]
fn memory_of_unread_responses_is_limited_per_address() {
    let certificate = Certificate::new();
    let sky = Sky::of(2_000);
    let app = certificate.on(Setup::embedded().watching(&sky)).set("SSE_CLIENT_TIMEOUT", "1h").start();
    let reading = Http2::connect(&app.address, &certificate, 1 << 20);
    let read = |path: &str| {
        let answer = reading.ask(path).unwrap();
        (answer.status, String::from_utf8(reading.read(answer).unwrap()).unwrap())
    };
    let length = eventually("the picture is filled", || {
        let (_, text) = read("/api/v1/flights");
        let flights: serde_json::Value = serde_json::from_str(&text).unwrap();
        (flights["count"].as_u64() >= Some(1_900)).then_some(text.len())
    });
    sky.fail_polls();
    // About 120 such responses reach the limit of 64 MiB, and one connection may have 128 requests in flight.
    assert!(length > 550_000, "{length}");
    let waiting = [(); 2].map(|()| Http2::connect(&app.address, &certificate, 0));
    let answers: Vec<_> =
        waiting.iter().flat_map(|client| (0..120).map(|_| client.ask("/api/v1/flights").unwrap())).collect();
    let (taken, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    let limit = (64 << 20) / length;
    assert!((limit / 2..=limit * 2).contains(&taken.len()), "{} of {length} bytes", taken.len());
    assert!(refused.iter().all(|answer| (answer.status, answer.retry_after.as_deref()) == (503, Some("5"))));
    assert_eq!(read("/health/live").0, 200);
    let (_, metrics) = read("/metrics");
    let counted = format!("flight_monitor_http_refused_total{{kind=\"answers\"}} {}\n", refused.len());
    assert!(metrics.contains(&counted), "{metrics}");
    // Dropping the responses frees the memory they held.
    drop((answers, waiting));
    eventually("there is capacity again", || (read("/api/v1/flights").0 == 200).then_some(()));
}

#[test]
fn states_are_coalesced_for_a_slow_client() {
    let sky = Sky::of(8_000);
    let app = Setup::embedded()
        .polling_at_the_usual_pace(&sky)
        .failpoints(EACH_SECOND)
        .set("SSE_CLIENT_TIMEOUT", "5m")
        .start();
    app.wait_ready();
    let late = SseClient::ask(&app.address, &[]);
    app.wait_actor("sse-hub", "notices the slow client", |hub| hub["observation"]["clients_behind"] == 1);
    sky.wait_polls(4);
    sky.fail_polls();
    app.wait_shown(&sky);
    let newest: BTreeMap<_, _> = sky.served().into_iter().collect();
    let late = SseClient::read_from(late);
    let seen = late.wait("the newest state of each aircraft", |seen| {
        let got: BTreeMap<_, _> = seen.events.iter().skip(1).map(key).collect();
        got == newest
    });
    assert!(seen.events.len() < sky.served().len(), "no state was coalesced");
    let mut once = seen.states();
    let all = once.len();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), all, "the client received a state twice");
    app.wait_actor("sse-hub", "has no slow client", |hub| hub["observation"]["clients_behind"] == 0);
    assert!(app.metric("sse_states_skipped_total") > 0.0);
    assert!(!late.seen().closed);
}
