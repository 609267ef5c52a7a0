//! How the client handles rejections, slow or missing servers, and garbage.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use actors::ports::{SourceError, StateSource as _};
use flate2::{Compress, Compression, FlushCompress};
use flight_monitor::sources::opensky::{OpenSkyClient, OpenSkyOptions};

use crate::client::{STATES, gzip};
use crate::server::{Reply, Server, answer, reply, token};

const TOKEN: &str = "tok-1";

/// Returns the kind and text of the failure. Asserts that neither its display nor its debug form contains a secret.
async fn failure(client: &OpenSkyClient) -> (&'static str, String) {
    let error = client.fetch().await.unwrap_err();
    for shown in [error.to_string(), format!("{error:?}")] {
        assert!(!shown.contains("hunter2") && !shown.contains(TOKEN), "a secret leaks: {shown}");
    }
    let kind = match error {
        SourceError::Refused(_) => "refused",
        SourceError::RateLimited { .. } => "limited",
        SourceError::Unavailable(_) => "unavailable",
        SourceError::Malformed(_) => "malformed",
    };
    (kind, error.to_string())
}

/// Asserts how a client with an account classifies a response to its request for states.
async fn check(states: Reply, kind: &str, says: &str) {
    let server = Server::play(vec![token(TOKEN, 1800), states]);
    let (found, text) = failure(&server.account()).await;
    assert_eq!((found, text.contains(says)), (kind, true), "expected {kind}: {says:?}, not {found}: {text:?}");
    assert!(found == "limited" || text.contains("/api/states/all"), "{text}");
}

/// Asserts how it classifies a response to its request for a token.
async fn check_token(answer: Reply, kind: &str, says: &str) {
    let server = Server::play(vec![answer]);
    let (found, text) = failure(&server.account()).await;
    assert_eq!((found, text.contains(says)), (kind, true), "expected {kind}: {says:?}, not {found}: {text:?}");
    assert!(found == "limited" || text.contains("/token"), "{text}");
}

#[actix_web::test]
async fn each_status_is_classified_by_who_can_act() {
    for (status, kind) in [
        (204, "malformed"),
        (206, "malformed"),
        (400, "refused"),
        (403, "refused"),
        (404, "refused"),
        (408, "unavailable"),
        (451, "refused"),
        (500, "unavailable"),
        (502, "unavailable"),
        (503, "unavailable"),
        (599, "unavailable"),
    ] {
        check(reply(status, &[], ""), kind, &status.to_string()).await;
    }
    check(reply(503, &[], "<h1>maintenance</h1>"), "unavailable", "503 Service Unavailable: <h1>maintenance</h1>")
        .await;
}

#[actix_web::test]
async fn an_anonymous_client_can_be_refused() {
    for status in [401, 403] {
        let server = Server::play(vec![reply(status, &[], "who are you?")]);
        assert_eq!(failure(&server.anonymous()).await.0, "refused");
    }
}

#[actix_web::test]
async fn a_rate_limit_reports_the_wait_if_the_response_has_it() {
    type Headers = &'static [(&'static str, &'static str)];
    let variants: [(Headers, Option<u64>); 6] = [
        (&[], None),
        (&[("X-Rate-Limit-Retry-After-Seconds", "22688")], Some(22_688)),
        (&[("Retry-After", "120")], Some(120)),
        (&[("Retry-After", "120"), ("X-Rate-Limit-Retry-After-Seconds", "60")], Some(60)),
        (&[("X-Rate-Limit-Retry-After-Seconds", "tomorrow")], None),
        (&[("Retry-After", "-5")], None),
    ];
    for (headers, seconds) in variants {
        let expected = Err(SourceError::RateLimited { retry_after: seconds.map(Duration::from_secs) });
        let server = Server::play(vec![reply(429, headers, ""), reply(429, headers, "")]);
        assert_eq!(server.anonymous().fetch().await, expected, "{headers:?}");
        assert_eq!(server.account().fetch().await, expected, "token endpoint, {headers:?}");
    }
}

#[actix_web::test]
async fn an_error_with_an_endless_body_is_still_reported() {
    let endless = b"HTTP/1.1 429 X\r\nRetry-After: 7\r\nContent-Length: 9999\r\n\r\nslow".to_vec();
    let server = Server::play(vec![Reply::Hold(endless)]);
    let client = OpenSkyClient::new(OpenSkyOptions { request_timeout: Duration::from_millis(200), ..server.options() });
    let expected = SourceError::RateLimited { retry_after: Some(Duration::from_secs(7)) };
    assert_eq!(client.fetch().await, Err(expected));
    check(reply(500, &[], "x".repeat(1 << 20)), "unavailable", "xxx…").await;
}

#[actix_web::test]
async fn a_refusal_by_the_token_endpoint_is_reported_without_the_secret() {
    let invalid = r#"{"error":"invalid_client","error_description":"Invalid client or Invalid client credentials"}"#;
    for status in [400, 401, 403] {
        let says = "invalid_client: Invalid client or Invalid client credentials";
        check_token(reply(status, &[], invalid), "refused", says).await;
    }
    let echo = r#"{"error":"no_hunter2 & co","error_description":"client_secret=hunter2+%26+co"}"#;
    check_token(reply(401, &[], echo), "refused", "no_***: client_secret=***").await;
    check_token(reply(403, &[], "<html>hunter2 & co"), "refused", "<html>***").await;
    check_token(reply(404, &[], ""), "refused", "404").await;
    check_token(reply(302, &[("Location", "/login")], ""), "refused", "redirects to /login").await;
}

#[actix_web::test]
async fn failures_of_the_token_endpoint_are_classified() {
    check_token(reply(503, &[], ""), "unavailable", "503").await;
    check_token(reply(408, &[], ""), "unavailable", "408").await;
    check_token(Reply::Close(Vec::new()), "unavailable", "closed before a response").await;
    check_token(Reply::Reset(Vec::new()), "unavailable", "").await;
    check_token(reply(200, &[], "<html>"), "malformed", "not a JSON object").await;
    check_token(reply(200, &[], r#"{"access_token":"tok-1","#), "malformed", "not a JSON object").await;
    check_token(reply(200, &[], r#"{"access_token":["tok-1"]}"#), "malformed", "access_token").await;
    check_token(reply(200, &[], r#"{"access_token":"tok-1","expires_in":{}}"#), "malformed", "expires_in").await;
    check_token(reply(200, &[], " ".repeat(70_000)), "malformed", "larger than 65536 bytes").await;
    check_token(reply(201, &[], ""), "malformed", "201").await;
}

#[actix_web::test]
async fn a_failed_token_request_is_repeated_at_the_next_poll() {
    let server = Server::play(vec![reply(500, &[], ""), token(TOKEN, 1800), reply(200, &[], STATES)]);
    let client = server.account();
    assert_eq!(failure(&client).await.0, "unavailable");
    client.fetch().await.unwrap();
}

#[actix_web::test]
async fn a_secret_echoed_by_the_server_is_masked() {
    check(reply(403, &[], r#"no right for "tok-1" of hunter2 & co"#), "refused", r#"no right for "***" of ***"#).await;
    check(reply(200, &[], "tok-1"), "malformed", "starts with ***").await;
    check(reply(200, &[], r#"{"time":"tok-1"}"#), "malformed", "***").await;
    check(reply(307, &[("Location", "http://x.invalid/tok-1?t=1")], ""), "refused", "http://x.invalid/***").await;
}

#[actix_web::test]
async fn redirects_are_not_followed() {
    let elsewhere = Server::play(vec![reply(200, &[], STATES)]);
    for status in [301, 302, 303, 307, 308] {
        let location = elsewhere.url("/api/states/all?session=1");
        let says = format!("redirects to {}", elsewhere.url("/api/states/all"));
        check(reply(status, &[("Location", &location)], ""), "refused", &says).await;
    }
    assert!(elsewhere.lines().is_empty(), "a redirect was followed");
}

#[actix_web::test]
async fn an_unreadable_response_is_quoted_in_the_error() {
    let html = "<!DOCTYPE html>\n<html><body>Checking your browser</body></html>";
    check(reply(200, &[], html), "malformed", r"starts with <!DOCTYPE html>\n<html><body>Checking").await;
    check(reply(200, &[], ""), "malformed", "an empty response").await;
    check(reply(200, &[], r#"{"states":[]}"#), "malformed", "missing `time`").await;
    check(reply(200, &[], r#"{"time":1,"states":7}"#), "malformed", "`states` to be an array").await;
    check(reply(200, &[], r#"["time","states"]"#), "malformed", "an object with `time`").await;
    check(reply(200, &[], &STATES[..100]), "malformed", "EOF").await;
    check(reply(200, &[], "x".repeat(500)), "malformed", &format!("{}…", "x".repeat(120))).await;
    check(Reply::Close(b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec()), "malformed", "not an HTTP response").await;
}

#[actix_web::test]
async fn a_truncated_response_is_an_error() {
    let whole = answer(200, &[], STATES);
    check(Reply::Close(whole[..whole.len() - 10].to_vec()), "malformed", "EOF").await;
    let zipped = [("Content-Encoding", "gzip")];
    let short = &gzip(STATES.as_bytes())[..60];
    check(reply(200, &zipped, short), "malformed", "").await;
    check(reply(200, &zipped, STATES), "malformed", "").await;
    let chunk = b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\n{\"time\":1".to_vec();
    check(Reply::Close(chunk), "malformed", "").await;
    let no_chunk = b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".to_vec();
    check(Reply::Close(no_chunk), "malformed", "").await;
    check(Reply::Reset(whole[..whole.len() - 10].to_vec()), "unavailable", "").await;
    check(Reply::Reset(b"HTTP/1.1 2".to_vec()), "unavailable", "").await;
    check(Reply::Close(b"HTTP/1.1 2".to_vec()), "unavailable", "").await;
    check(Reply::Close(Vec::new()), "unavailable", "closed before a response").await;
}

#[actix_web::test]
async fn a_decompression_bomb_is_rejected() {
    // A deflate block of one megabyte of blanks. The full flush ends it at a byte boundary, so it can be repeated.
    let mut block = Vec::with_capacity(64 * 1024);
    Compress::new(Compression::fast(), false).compress_vec(&[b' '; 1 << 20], &mut block, FlushCompress::Full).unwrap();
    let bomb = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255][..], &block.repeat(80)].concat();
    assert!(bomb.len() < 1 << 20, "{}", bomb.len());
    check(reply(200, &[("Content-Encoding", "gzip")], bomb), "malformed", "larger than 67108864 bytes").await;
}

#[actix_web::test]
async fn no_request_outlasts_the_timeout() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n".to_vec();
    let slow: [fn(&[u8]) -> Reply; 6] = [
        |_| Reply::Hold(Vec::new()),
        |_| Reply::Hold(b"HTTP/1.1 200 OK\r\n".to_vec()),
        |head| Reply::Hold(head.to_vec()),
        |head| Reply::Drip(head.to_vec()),
        |_| Reply::Drip(b"HTTP/1.1 200 OK\r\nX-Long: ".to_vec()),
        |_| Reply::Drip(b"HTTP/1.1 503 X\r\nContent-Length: 1000000\r\n\r\n".to_vec()),
    ];
    for (i, reply) in slow.into_iter().enumerate() {
        for before in [None, Some(token(TOKEN, 1800))] {
            let server = Server::play(before.into_iter().chain([reply(&head)]).collect());
            let credentials = Some(flight_monitor::sources::opensky::Credentials::new("me", "hunter2").unwrap());
            let request_timeout = Duration::from_millis(150);
            let options = OpenSkyOptions { credentials, request_timeout, ..server.options() };
            let started = Instant::now();
            let (kind, text) = failure(&OpenSkyClient::new(options)).await;
            assert_eq!(kind, "unavailable", "{i}: {text}");
            assert!(text.contains("within 150ms") || text.contains("503"), "{i}: {text}");
            assert!(started.elapsed() < Duration::from_secs(5), "{i}: {:?}", started.elapsed());
        }
    }
}

#[actix_web::test]
async fn an_unreachable_server_is_unavailable() {
    let unreachable = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let no_tls = Server::play(vec![reply(400, &[], "this is plain HTTP")]);
    for url in
        [format!("http://{unreachable}/"), no_tls.url("/").replace("http:", "https:"), "http://a.invalid/".to_owned()]
    {
        let base_url = url.parse().unwrap();
        let request_timeout = Duration::from_secs(3);
        let client = OpenSkyClient::new(OpenSkyOptions { base_url, request_timeout, ..no_tls.options() });
        let (kind, text) = failure(&client).await;
        assert_eq!(kind, "unavailable", "{url}: {text}");
    }
}
