//! The client's requests, and how it parses valid responses.

use std::io::Write as _;

use actors::domain::UnixTime;
use actors::ports::{SourceError, StateSource as _};
use flate2::Compression;
use flate2::write::GzEncoder;
use flight_monitor::sources::opensky::{OpenSkyClient, OpenSkyOptions};

use crate::server::{Reply, Server, reply, token};

pub(crate) const STATES: &str = r#"{"time":1458564121,"states":[["3c6444","DLH9LF  ","Germany",1458564118,1458564120,6.1546,50.1964,9639.3,false,232.88,98.26,4.55,null,9547.86,"1000",false,0,6]]}"#;

fn states() -> Reply {
    reply(200, &[], STATES)
}

pub(crate) fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn options_can_be_shared_between_threads() {
    fn check<T: Send + Sync + Clone>() {}
    check::<OpenSkyOptions>();
}

#[actix_web::test]
async fn without_credentials_no_token_is_requested() {
    let server = Server::play(vec![reply(200, &[("X-Rate-Limit-Remaining", "396")], STATES)]);
    let fetched = server.anonymous().fetch().await.unwrap();
    assert_eq!(fetched.credits_left, Some(396));
    assert_eq!(fetched.snapshot.time, UnixTime(1458564121));
    assert_eq!(fetched.snapshot.states[0].icao24.to_string(), "3c6444");
    let request = &server.requests()[0];
    assert_eq!(request.line, "GET /api/states/all?extended=1");
    assert!(!request.head.contains("authorization"), "{}", request.head);
    assert!(request.head.contains("accept-encoding: ") && request.head.contains("gzip"), "{}", request.head);
    assert!(request.head.contains("user-agent: flight-monitor/"), "{}", request.head);
}

#[actix_web::test]
async fn a_bounding_box_is_sent_as_its_edges() {
    let server = Server::play(vec![states(), states()]);
    let bounding_box = Some("45.8,-5.9,47.9,10.6".parse().unwrap());
    OpenSkyClient::new(OpenSkyOptions { bounding_box, ..server.options() }).fetch().await.unwrap();
    let options = OpenSkyOptions { extended: false, base_url: server.url("/").parse().unwrap(), ..server.options() };
    OpenSkyClient::new(options).fetch().await.unwrap();
    let expected = ["GET /api/states/all?extended=1&lamin=45.8&lomin=-5.9&lamax=47.9&lomax=10.6", "GET /states/all"];
    assert_eq!(server.lines(), expected);
}

#[actix_web::test]
async fn a_bounding_box_across_the_antimeridian_is_refused_without_a_request() {
    let server = Server::play(vec![states()]);
    let bounding_box = Some("-20,175,-15,-175".parse().unwrap());
    let client = OpenSkyClient::new(OpenSkyOptions { bounding_box, ..server.options() });
    assert!(matches!(client.fetch().await, Err(SourceError::Refused(_))));
    assert!(server.lines().is_empty());
}

#[actix_web::test]
async fn a_token_is_requested_once_and_reused() {
    let server = Server::play(vec![token("tok-1", 1800), states(), states()]);
    let client = server.account();
    client.fetch().await.unwrap();
    client.fetch().await.unwrap();
    let requests = server.requests();
    assert_eq!(server.lines(), ["POST /token", "GET /api/states/all?extended=1", "GET /api/states/all?extended=1"]);
    assert!(requests[0].head.contains("content-type: application/x-www-form-urlencoded"));
    assert_eq!(requests[0].body, "grant_type=client_credentials&client_id=me&client_secret=hunter2+%26+co");
    assert!(requests[1..].iter().all(|request| request.head.contains("authorization: bearer tok-1\r\n")));
}

#[actix_web::test]
async fn an_expired_token_is_renewed_before_the_request() {
    let server = Server::play(vec![token("tok-1", 0), states(), token("tok-2", 1800), states(), states()]);
    let client = server.account();
    for _ in 0..3 {
        client.fetch().await.unwrap();
    }
    let bearers: Vec<_> = server.requests().iter().map(|request| request.head.contains("bearer tok-2")).collect();
    assert_eq!(bearers, [false, false, false, true, true]);
}

#[actix_web::test]
async fn an_unauthorised_request_is_retried_with_a_new_token() {
    let server = Server::play(vec![
        token("tok-1", 1800),
        states(),
        reply(401, &[], ""),
        token("tok-2", 1800),
        states(),
        states(),
    ]);
    let client = server.account();
    for _ in 0..3 {
        assert_eq!(client.fetch().await.unwrap().snapshot.states.len(), 1);
    }
    let requests = server.requests();
    assert!(requests[2].head.contains("bearer tok-1") && requests[4].head.contains("bearer tok-2"));
    assert!(requests[5].head.contains("bearer tok-2"), "the new token was not reused");
}

#[actix_web::test]
async fn a_second_unauthorised_response_is_a_refusal_and_the_next_poll_gets_a_new_token() {
    let unauthorised = || reply(401, &[], "bad token tok-2");
    let server = Server::play(vec![
        token("tok-1", 1800),
        unauthorised(),
        token("tok-2", 1800),
        unauthorised(),
        token("tok-3", 1800),
        states(),
    ]);
    let client = server.account();
    let Err(SourceError::Refused(reason)) = client.fetch().await else { panic!("not refused") };
    assert!(reason.contains("401") && reason.ends_with("bad token ***"), "{reason}");
    client.fetch().await.unwrap();
    assert!(server.requests()[5].head.contains("bearer tok-3"));
}

#[actix_web::test]
async fn compressed_and_chunked_responses_are_read() {
    let chunked = |body: &[u8]| {
        let mut bytes =
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
                .to_vec();
        for chunk in body.chunks(50) {
            write!(bytes, "{:x}\r\n", chunk.len()).unwrap();
            bytes.extend_from_slice(chunk);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n\r\n");
        bytes
    };
    let rows = STATES.split_once("[[").unwrap().1.trim_end_matches("]]}");
    let many = format!(r#"{{"time":1458564121,"states":[[{rows}]{}]}}"#, format!(",[{rows}]").repeat(9_999));
    let server = Server::play(vec![
        reply(200, &[("Content-Encoding", "gzip")], gzip(STATES.as_bytes())),
        Reply::Close(chunked(&gzip(STATES.as_bytes()))),
        reply(200, &[("Content-Encoding", "gzip")], gzip(many.as_bytes())),
        // With neither a length nor chunks, the end of the connection ends the response.
        Reply::Close([b"HTTP/1.0 200 OK\r\n\r\n", STATES.as_bytes()].concat()),
    ]);
    let client = server.anonymous();
    for expected in [1, 1, 10_000, 1] {
        let snapshot = client.fetch().await.unwrap().snapshot;
        assert_eq!((snapshot.states.len(), snapshot.bad_rows.count()), (expected, 0));
    }
}

#[actix_web::test]
async fn credits_left_are_reported_if_the_response_has_them() {
    for (value, expected) in [("3999", Some(3_999)), ("0", Some(0)), ("-4", Some(0)), ("lots", None)] {
        let server = Server::play(vec![reply(200, &[("X-Rate-Limit-Remaining", value)], STATES)]);
        assert_eq!(server.anonymous().fetch().await.unwrap().credits_left, expected, "{value}");
    }
    let server = Server::play(vec![states()]);
    assert_eq!(server.anonymous().fetch().await.unwrap().credits_left, None);
}
