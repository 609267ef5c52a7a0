//! How a list behind a URL is read from slow, missing and confused servers.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use actors::ports::SourceError;
use flight_monitor::sources::SourceSettings;

use crate::recorded::bytes;
use crate::scripted_server::{Reply, Server, answer, reply};
use crate::source::{connect, failure, key, settings};
use crate::url::list;

/// Asserts how a response is classified, and that the next poll succeeds.
async fn check(response: Reply, kind: &str, says: &str) {
    let server = Server::play(vec![response, list()]);
    let request_timeout = Duration::from_secs(5);
    let source = connect("readsb", &SourceSettings { api_key: key(), request_timeout, ..settings(&server.url("/")) });
    let (found, text) = failure(&*source).await;
    assert_eq!((found, text.contains(says)), (kind, true), "expected {kind}: {says:?}, not {found}: {text:?}");
    assert!(text.contains("/data/aircraft.json"), "{text}");
    assert_eq!(source.fetch().await.unwrap().snapshot.states.len(), 7);
}

#[actix_web::test]
async fn each_status_is_classified_by_who_can_act() {
    for (status, kind) in [
        (204, "malformed"),
        (304, "refused"),
        (401, "refused"),
        (403, "refused"),
        (404, "refused"),
        (408, "unavailable"),
        (500, "unavailable"),
        (502, "unavailable"),
        (503, "unavailable"),
    ] {
        check(reply(status, &[], ""), kind, &status.to_string()).await;
    }
    check(reply(403, &[], "no right for hunter2"), "refused", "no right for ***").await;
    check(reply(301, &[("Location", "https://roof/tar1090/")], ""), "refused", "redirects to https://roof").await;
}

#[actix_web::test]
async fn a_rate_limit_reports_the_wait_if_the_response_has_it() {
    for (headers, seconds) in [(&[][..], None), (&[("Retry-After", "7")][..], Some(7))] {
        let server = Server::play(vec![reply(429, headers, "slow down")]);
        let expected = SourceError::RateLimited { retry_after: seconds.map(Duration::from_secs) };
        assert_eq!(connect("readsb", &settings(&server.url("/"))).fetch().await, Err(expected));
    }
}

#[actix_web::test]
async fn a_response_that_is_no_list_is_quoted_in_the_error() {
    check(reply(200, &[], ""), "malformed", "an empty response").await;
    check(reply(200, &[], "<html>captive portal</html>"), "malformed", "starts with <html>captive portal").await;
    check(reply(200, &[], "{}"), "malformed", "missing `now`").await;
    check(reply(200, &[], r#"{"states":null,"time":1}"#), "malformed", "missing `now`").await;
    let whole = bytes("readsb.json");
    check(reply(200, &[], &whole[..1_000]), "malformed", "EOF").await;
    let whole = answer(200, &[], whole);
    check(Reply::Close(whole[..whole.len() - 10].to_vec()), "malformed", "EOF").await;
    check(Reply::Reset(whole[..500].to_vec()), "unavailable", "").await;
    check(Reply::Close(Vec::new()), "unavailable", "closed before a response").await;
    check(Reply::Close(b"MSG,3,1,1,4B1814\r\n\r\n".to_vec()), "malformed", "not an HTTP response").await;
}

#[actix_web::test]
async fn a_huge_response_is_rejected() {
    check(reply(200, &[], vec![b' '; (64 << 20) + 1]), "malformed", "larger than 67108864 bytes").await;
}

#[actix_web::test]
async fn no_request_outlasts_the_timeout() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n".to_vec();
    for response in [Reply::Hold(Vec::new()), Reply::Hold(head.clone()), Reply::Drip(head)] {
        let server = Server::play(vec![response]);
        let request_timeout = Duration::from_millis(150);
        let source = connect("readsb", &SourceSettings { request_timeout, ..settings(&server.url("/")) });
        let started = Instant::now();
        let (kind, text) = failure(&*source).await;
        assert!(kind == "unavailable" && text.contains("within 150ms"), "{kind}: {text}");
        assert!(started.elapsed() < source.max_fetch_time() + Duration::from_secs(3), "{:?}", started.elapsed());
    }
}

#[actix_web::test]
async fn an_unreachable_server_is_unavailable() {
    let unreachable = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for url in [format!("http://{unreachable}/"), "http://a.invalid/".to_owned()] {
        let (kind, text) = failure(&*connect("readsb", &settings(&url))).await;
        assert_eq!(kind, "unavailable", "{url}: {text}");
    }
}
