//! Connection limits, and slow clients.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use crate::support::{Certificate, Http2, PATIENCE, Setup, Sky, SseClient, eventually, key, knock_from};

/// One poll per second. With 8,000 aircraft each is three megabytes, which is enough load for a test machine.
const EACH_SECOND: &str = "poll-pause=return(1000)";

#[test]
fn one_client_too_many_is_asked_to_come_back() {
    let sky = Sky::of(10);
    let check = |variable: &str, reason: &str| {
        let app = Setup::embedded().watching(&sky).set(variable, "2").start();
        let clients = [app.sse(), app.sse()];
        let turned_away = SseClient::connect(&app.address, &[]);
        let seen = turned_away.wait("the end", |seen| seen.closed || seen.ended);
        // A browser's EventSource never reconnects after an error status.
        assert!(seen.head[0].contains(" 200 ") && seen.events.is_empty(), "{seen:?}");
        assert!(seen.retry.is_some_and(|millis| (5_000..30_000).contains(&millis)), "{seen:?}");
        let refused = format!("flight_monitor_sse_clients_refused_total{{kind=\"{reason}\"}} 1");
        assert!(app.get("/metrics").text().contains(&refused), "{reason}");
        let [stays, goes] = clients;
        drop(goes);
        eventually("there is room again", || (app.metric("sse_clients") < 2.0).then_some(()));
        app.sse().wait_states(5);
        stays.wait_states(5);
    };
    check("SSE_MAX_CLIENTS", "clients");
    check("SSE_MAX_CLIENTS_PER_ADDRESS", "address");
}

/// Limit of open files, 200 of which the server reserves for purposes other than client connections.
const FILES: u32 = 500;

#[test]
fn there_are_no_more_connections_than_files_allow() {
    let sky = Sky::of(5);
    let app = Setup::embedded().watching(&sky).open_files(FILES).start();
    app.wait_ready();
    let before = app.sockets();
    let knocking: Vec<_> = (0..450_u16).map(|number| knock_from(2 + (number % 30) as u8, &app.address)).collect();
    let most = before + 300;
    let sockets = eventually("it is full", || Some(app.sockets()).filter(|sockets| *sockets >= most - 20));
    // Some sockets belong to connections to the source and to Kafka.
    assert!(sockets <= most + 20, "{sockets} sockets, and {before} before");
    drop(knocking);
    eventually("there is room again", || (app.sockets() < before + 100).then_some(()));
    assert_eq!(app.get("/health/live").status, 200);
    assert_eq!(app.lines_with("Too many open files"), 0);
}

#[test]
fn one_address_has_only_so_many_connections_and_others_have_theirs() {
    let sky = Sky::of(5);
    let setup = Setup::embedded().watching(&sky).open_files(FILES);
    let app = setup.start();
    // Of the 300 available connections, one address may hold at most nine tenths.
    let knocking: Vec<_> = (0..400).map(|_| knock_from(9, &app.address)).collect();
    let refused = || app.sample("http_refused_total{kind=\"connections\"}");
    eventually("some are refused, and who asks for that is not", || refused().filter(|count| *count > 0.0));
    let is_closed = |stream: &TcpStream| {
        stream.set_nonblocking(true).unwrap();
        !matches!(stream.peek(&mut [0]), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
    };
    eventually("they are closed", || knocking.iter().any(is_closed).then_some(()));
    drop(knocking);
    let served = || {
        let mut stream = knock_from(9, &app.address);
        let _ = stream.write_all(b"Host: a\r\n\r\n");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut start = [0; 12];
        (stream.read_exact(&mut start).is_ok() && &start == b"HTTP/1.1 200").then_some(())
    };
    eventually("there is room again", served);

    let app = setup.set("HTTP_TRUSTED_PROXIES", "127.0.0.9").start();
    let before = app.sockets();
    let _knocking: Vec<_> = (0..290).map(|_| knock_from(9, &app.address)).collect();
    eventually("all of a proxy's are served", || (app.sockets() >= before + 285).then_some(()));
    assert_eq!(app.metric("http_refused_total"), 0.0);
}

#[test]
fn a_client_that_stops_reading_is_evicted_and_the_others_go_on() {
    let sky = Sky::of(8_000);
    let app =
        Setup::embedded().watching_patiently(&sky).failpoints(EACH_SECOND).set("SSE_CLIENT_TIMEOUT", "30s").start();
    app.wait_ready();
    let quick = app.sse();
    let stuck = SseClient::ask(&app.address, &[]);
    app.wait_actor("sse-hub", "has both", |hub| hub["observation"]["clients"] == 2);
    // It falls behind at the second poll that it does not read, long before its timeout.
    app.wait_actor("sse-hub", "sees it behind", |hub| hub["observation"]["clients_behind"] == 1);
    // Evicted by the hub or, at the same time limit, by the kernel, whichever checks first.
    app.wait_actor("sse-hub", "gives it up", |hub| hub["observation"]["clients"] == 1);
    let states = quick.seen().states().len();
    quick.wait_states(states + 16_000);
    let mut once = quick.seen().states();
    let all = once.len();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), all, "a client got a state twice");
    assert!(!quick.seen().closed);
    assert_eq!(app.metric("sse_clients"), 1.0);
    drop(stuck);
}

#[test]
fn who_takes_nothing_over_http2_loses_its_connection_and_others_do_not() {
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
fn one_connection_has_only_so_many_requests_at_once() {
    let certificate = Certificate::new();
    let sky = Sky::of(5);
    let app = certificate.on(Setup::embedded().watching(&sky)).set("SSE_CLIENT_TIMEOUT", "1h").start();
    let waiting = Http2::connect(&app.address, &certificate, 0);
    let answers: Vec<_> = (0..130).map(|_| waiting.ask("/health/live").unwrap()).collect();
    assert!(answers[..128].iter().all(|answer| answer.status == 200));
    for answer in &answers[128..] {
        assert_eq!((answer.status, answer.retry_after.as_deref()), (503, Some("5")));
        assert!(answer.body.is_end_stream(), "a body has to wait like the others");
    }
    let other = Http2::connect(&app.address, &certificate, 1 << 20);
    let metrics = other.ask("/metrics").unwrap();
    let metrics = String::from_utf8(other.read(metrics).unwrap()).unwrap();
    assert!(metrics.contains("flight_monitor_http_refused_total{kind=\"requests\"} 2\n"), "{metrics}");
    drop(answers);
    eventually("there is room again", || (waiting.ask("/health/live").unwrap().status == 200).then_some(()));
}

#[test]
fn long_answers_wait_for_one_address_up_to_a_bound() {
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
    sky.fall_silent();
    // About 120 such responses reach the limit of 64 MiB, and one connection may have 128 requests in flight.
    assert!(length > 550_000, "{length}");
    let waiting = [(); 2].map(|()| Http2::connect(&app.address, &certificate, 0));
    let answers: Vec<_> =
        waiting.iter().flat_map(|client| (0..120).map(|_| client.ask("/api/v1/flights").unwrap())).collect();
    let (taken, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    let most = (64 << 20) / length;
    assert!((most / 2..=most * 2).contains(&taken.len()), "{} of {length} bytes", taken.len());
    assert!(refused.iter().all(|answer| (answer.status, answer.retry_after.as_deref()) == (503, Some("5"))));
    assert_eq!(read("/health/live").0, 200);
    let (_, metrics) = read("/metrics");
    let counted = format!("flight_monitor_http_refused_total{{kind=\"answers\"}} {}\n", refused.len());
    assert!(metrics.contains(&counted), "{metrics}");
    // Dropping the responses frees the memory they held.
    drop((answers, waiting));
    eventually("there is room again", || (read("/api/v1/flights").0 == 200).then_some(()));
}

#[test]
fn a_client_that_reads_too_late_is_brought_up_to_date_and_not_through_everything() {
    let sky = Sky::of(8_000);
    let app =
        Setup::embedded().watching_patiently(&sky).failpoints(EACH_SECOND).set("SSE_CLIENT_TIMEOUT", "5m").start();
    app.wait_ready();
    let late = SseClient::ask(&app.address, &[]);
    app.wait_actor("sse-hub", "notices that it is behind", |hub| hub["observation"]["clients_behind"] == 1);
    sky.wait_polls(4);
    sky.fall_silent();
    app.wait_shown(&sky);
    let newest: BTreeMap<_, _> = sky.served().into_iter().collect();
    let late = SseClient::read_from(late);
    let seen = late.wait("the newest state of each aircraft", |seen| {
        let got: BTreeMap<_, _> = seen.events.iter().skip(1).map(key).collect();
        got == newest
    });
    assert!(seen.events.len() < sky.served().len(), "nothing was left out");
    let mut once = seen.states();
    let all = once.len();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), all, "it got a state twice");
    app.wait_actor("sse-hub", "has no client behind", |hub| hub["observation"]["clients_behind"] == 0);
    assert!(app.metric("sse_states_skipped_total") > 0.0);
    assert!(!late.seen().closed);
}
