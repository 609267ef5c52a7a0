//! A list behind a URL.

use std::time::Duration;

use actors::domain::UnixTime;
use actors::ports::CadenceReason;
use flight_monitor::sources::{PollInterval, SourceSettings};

use crate::recorded::bytes;
use crate::scripted_server::{Reply, Server, reply};
use crate::source::{connect, key, open, settings};

pub(crate) fn list() -> Reply {
    reply(200, &[], bytes("readsb.json"))
}

#[actix_web::test]
async fn the_list_is_requested_from_the_page_and_read() {
    let server = Server::play(vec![list()]);
    let fetched = connect("readsb", &settings(&server.url("/tar1090/"))).fetch().await.unwrap();
    assert_eq!((fetched.snapshot.time, fetched.snapshot.states.len()), (UnixTime(1_788_594_893), 7));
    assert_eq!((fetched.non_icao, fetched.aircraft, fetched.credits_left), (1, None, None));
    assert_eq!(server.lines(), ["GET /tar1090/data/aircraft.json"]);
    let head = &server.requests()[0].head;
    assert!(head.contains("user-agent: flight-monitor/") && head.contains("gzip"), "{head}");
    assert!(!head.contains("api-auth"), "{head}");
}

#[actix_web::test]
async fn a_key_is_sent_in_the_configured_header() {
    let server = Server::play(vec![list()]);
    let settings = SourceSettings { api_key: key(), ..settings(&server.url("/all.json")) };
    connect("readsb", &settings).fetch().await.unwrap();
    assert!(server.requests()[0].head.contains("api-auth: hunter2\r\n"));
    assert_eq!(server.lines(), ["GET /all.json"]);
}

#[test]
fn a_key_that_cannot_be_sent_is_an_error_without_the_key() {
    for (header, key, says) in [("api auth", "hunter2", "api_key_header"), ("x", "hunter2\n", "api_key has characters")]
    {
        let api_key = Some(flight_monitor::sources::ApiKey { header: header.to_owned(), key: key.to_owned() });
        let error = open("readsb", &SourceSettings { api_key, ..settings("http://roof/") }).err().unwrap();
        let error = format!("{error:#}");
        assert!(error.contains(says) && !error.contains("hunter2"), "{error}");
    }
}

#[actix_web::test]
async fn an_unchanged_list_is_neither_sent_again_nor_empty() {
    let server = Server::play(vec![
        reply(200, &[("ETag", "\"1\""), ("Last-Modified", "Sat, 05 Sep 2026 07:54:53 GMT")], bytes("readsb.json")),
        reply(304, &[], ""),
        reply(200, &[("Last-Modified", "Sat, 05 Sep 2026 07:54:54 GMT")], bytes("adsbfi-2024-02-24-21.json")),
        reply(304, &[], ""),
        list(),
        list(),
    ]);
    let source = connect("readsb", &settings(&server.url("/")));
    let mut found = Vec::new();
    for _ in 0..6 {
        let fetched = source.fetch().await.unwrap();
        found.push((fetched.snapshot.states.len(), fetched.aircraft));
    }
    assert_eq!(found, [(7, None), (0, Some(7)), (21, None), (0, Some(21)), (7, None), (0, Some(7))]);
    let heads: Vec<_> = server.requests().into_iter().map(|request| request.head).collect();
    let sent = |i: usize, header: &str| heads[i].contains(header);
    assert!(!sent(0, "if-none-match") && !sent(0, "if-modified-since"));
    assert!(sent(1, "if-none-match: \"1\"\r\n") && !sent(1, "if-modified-since") && sent(2, "if-none-match"));
    assert!(sent(3, "if-modified-since: sat, 05 sep 2026 07:54:54 gmt\r\n") && sent(4, "if-modified-since"));
    assert!(!sent(5, "if-none-match") && !sent(5, "if-modified-since"));
}

#[actix_web::test]
async fn without_an_interval_a_poll_waits_for_the_next_list() {
    let server = Server::play(vec![list(), list(), reply(200, &[], bytes("adsbfi-2024-02-24-21.json"))]);
    let settings = SourceSettings { poll_interval: PollInterval::Auto, ..settings(&server.url("/")) };
    let source = connect("readsb", &settings);
    assert_eq!(source.fetch().await.unwrap().snapshot.states.len(), 7);
    let cadence = source.cadence();
    assert_eq!((cadence.reason, cadence.resolution), (CadenceReason::Resolution, Duration::from_secs(1)));
    assert_eq!(source.fetch().await.unwrap().snapshot.states.len(), 21);
    assert_eq!(server.lines().len(), 3);
}

#[actix_web::test]
async fn only_aircraft_in_the_area_are_returned() {
    let server = Server::play(vec![list()]);
    let bounding_box = Some("47.4,8.5,47.5,8.6".parse().unwrap());
    let source = connect("readsb", &SourceSettings { bounding_box, ..settings(&server.url("/")) });
    let states = source.fetch().await.unwrap().snapshot.states;
    let found: Vec<_> = states.iter().map(|state| state.icao24.to_string()).collect();
    assert_eq!(found, ["4b1815", "4b1819"]);
}
