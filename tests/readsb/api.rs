//! The APIs of aggregators, and of one's own readsb.

use std::time::Duration;

use actors::domain::{Point, UnixTime};
use actors::ports::{CadenceReason, SourceError};
use flight_monitor::sources::{PollInterval, SourceSettings};

use crate::recorded::bytes;
use crate::scripted_server::{Reply, Server, reply};
use crate::source::{connect, failure, key, open, settings};

/// Returns a response of an aggregator with aircraft at 0°N and these degrees east.
fn response(now: i64, aircraft: &[(&str, f64)]) -> Reply {
    let aircraft: Vec<_> = aircraft
        .iter()
        .map(|(hex, lon)| format!(r#"{{"hex":"{hex}","lat":0.0,"lon":{lon},"seen_pos":0.2,"seen":0.1}}"#))
        .collect();
    let body = format!(r#"{{"ac":[{}],"msg":"No error","now":{now}000,"total":1}}"#, aircraft.join(","));
    reply(200, &[], body)
}

fn area(url: &str, bounding_box: &str) -> SourceSettings {
    SourceSettings {
        bounding_box: Some(bounding_box.parse().unwrap()),
        poll_interval: PollInterval::Auto,
        ..settings(url)
    }
}

#[actix_web::test]
async fn the_circle_around_the_location_is_requested_with_the_key() {
    let server = Server::play(vec![
        reply(200, &[("ETag", "1")], bytes("adsbexchange-v2-2022-06-21-462.json")),
        Reply::Close(Vec::new()),
    ]);
    let settings = SourceSettings {
        location: Some(Point { lat: 33.94, lon: -118.4 }),
        api_key: key(),
        poll_interval: PollInterval::Auto,
        ..settings(&server.url("/v2"))
    };
    let source = connect("readsb-api", &settings);
    let fetched = source.fetch().await.unwrap();
    assert_eq!((fetched.snapshot.time, fetched.snapshot.states.len()), (UnixTime(1_655_847_666), 360));
    assert_eq!((fetched.aircraft, fetched.non_icao), (Some(360), 102));
    assert_eq!(server.lines(), ["GET /v2/point/33.94/-118.4/250"]);
    let head = &server.requests()[0].head;
    assert!(head.contains("api-auth: hunter2\r\n") && head.contains("user-agent: flight-monitor/"), "{head}");
    let cadence = source.cadence();
    assert_eq!((cadence.pause, cadence.reason), (Duration::from_secs(1), CadenceReason::Resolution));
    assert!(!failure(&*source).await.1.contains("circle"));
}

#[actix_web::test]
async fn each_poll_requests_the_next_circle_of_the_area() {
    let server = Server::play(vec![
        response(1_700_000_100, &[("4b1814", 1.0), ("4b1815", 5.0)]),
        // The second aircraft is in this circle, too, and another one beside the area.
        response(1_700_000_101, &[("4b1815", 5.1), ("4b1816", 9.0), ("4b1817", 10.5)]),
        response(1_700_000_102, &[("4b1814", 1.1)]),
    ]);
    let source = connect("readsb-api", &area(&server.url("/v2"), "-1,0,1,10"));
    let mut found = Vec::new();
    for _ in 0..3 {
        let fetched = source.fetch().await.unwrap();
        found.push((fetched.snapshot.time.0, fetched.snapshot.states.len(), fetched.aircraft));
    }
    assert_eq!(
        found,
        [(100, 2, Some(2)), (101, 2, Some(4)), (102, 1, Some(3))].map(|(at, states, all)| (
            1_700_000_000 + at,
            states,
            all
        ))
    );
    let lines = server.lines();
    assert_eq!(lines, ["GET /v2/point/0/2.5/163", "GET /v2/point/0/7.5/163", "GET /v2/point/0/2.5/163"]);
}

#[actix_web::test]
async fn a_failing_circle_is_named_and_does_not_stop_the_others() {
    let server = Server::play(vec![
        reply(503, &[], "<h1>maintenance</h1>"),
        response(1_700_000_101, &[("4b1816", 9.0)]),
        reply(200, &[], "<html>"),
        response(1_700_000_103, &[]),
    ]);
    let source = connect("readsb-api", &area(&server.url("/v2"), "-1,0,1,10"));
    let (kind, text) = failure(&*source).await;
    assert!(kind == "unavailable" && text.contains("circle 1 of 2") && text.contains("503"), "{kind}: {text}");
    assert_eq!(source.fetch().await.unwrap().aircraft, Some(1));
    let (kind, text) = failure(&*source).await;
    assert!(kind == "malformed" && text.contains("circle 1 of 2") && text.contains("<html>"), "{kind}: {text}");
    // An empty list is an answer: the sky there is quiet.
    assert_eq!(source.fetch().await.unwrap().aircraft, Some(0));
    assert!(server.lines()[3].contains("/7.5/"));
}

#[actix_web::test]
async fn a_refused_or_limited_request_is_repeated() {
    let limited = |headers: &[_]| reply(429, headers, "");
    let server = Server::play(vec![
        limited(&[("Retry-After", "9")]),
        limited(&[]),
        reply(403, &[], "no right for hunter2"),
        response(1_700_000_100, &[]),
    ]);
    let source = connect("readsb-api", &SourceSettings { api_key: key(), ..area(&server.url("/v2"), "-1,0,1,10") });
    for seconds in [Some(9), None] {
        let expected = SourceError::RateLimited { retry_after: seconds.map(Duration::from_secs) };
        assert_eq!(source.fetch().await, Err(expected));
    }
    let (kind, text) = failure(&*source).await;
    assert!(kind == "refused" && text.ends_with("no right for ***"), "{kind}: {text}");
    source.fetch().await.unwrap();
    assert!(server.lines().iter().all(|line| line.contains("/2.5/")), "{:?}", server.lines());
}

#[actix_web::test]
async fn an_own_readsb_is_asked_for_the_box_or_for_everything() {
    let list = || reply(200, &[], bytes("readsb.json"));
    let server = Server::play(vec![list(), list(), list()]);
    let url = server.url("/re-api/");
    let boxed = connect("readsb-api", &area(&url, "47.4,8.5,47.5,8.6")).fetch().await.unwrap();
    assert_eq!(boxed.snapshot.states.len(), 2);
    let everything = connect("readsb-api", &settings(&url));
    assert_eq!(everything.fetch().await.unwrap().snapshot.states.len(), 7);
    // The same answer is unchanged.
    let unchanged = everything.fetch().await.unwrap();
    assert_eq!((unchanged.snapshot.states.len(), unchanged.aircraft), (0, Some(7)));
    assert_eq!(server.lines()[..2], ["GET /re-api/?box=47.4,47.5,8.5,8.6", "GET /re-api/?all"]);
}

#[test]
fn the_area_is_checked_at_the_start() {
    let error = |settings: &SourceSettings| format!("{:#}", open("readsb-api", settings).err().unwrap());
    let missing = error(&settings("https://api.adsb.lol/v2"));
    assert!(missing.contains("bounding_box, or location"), "{missing}");
    let large = error(&area("https://api.adsb.lol/v2", "-90,-180,90,180"));
    assert!(large.contains("takes more than 60 requests"), "{large}");
    let info = open("readsb-api", &area("https://api.adsb.lol/v2", "41.3,-5.2,51.1,9.6")).unwrap().info;
    assert_eq!((info.kind, info.expected_interval), ("readsb-api", Duration::from_secs(4)));
    assert!(info.description.contains("every 4s in 4 requests"), "{}", info.description);
}
