//! Access control, TLS, security headers and hostile input.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::support::{ADMIN_TOKEN, Certificate, Setup, Sky, SseClient, TEST_TIMEOUT, eventually};

fn operator(token: &str, from: &str) -> [(&'static str, String); 2] {
    [("Authorization", format!("Bearer {token}")), ("X-Forwarded-For", from.to_owned())]
}

#[test]
fn login_throttle_blocks_only_the_guessing_address() {
    let sky = Sky::of(5);
    let app = Setup::embedded().watching(&sky).set("HTTP_TRUSTED_PROXIES", "127.0.0.0/8").start();
    let ask = |token: &str, from: &str| {
        let headers = operator(token, from);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        app.ask("GET", "/admin/actors", &headers)
    };
    for number in 0..10 {
        ask(&format!("guess-{number}"), "198.51.100.1").problem(401);
    }
    for token in ["guess-10", ADMIN_TOKEN] {
        let refused = ask(token, "203.0.113.5, 198.51.100.1");
        refused.problem(429);
        assert_eq!(refused.header("retry-after"), "60");
    }
    assert_eq!(ask(ADMIN_TOKEN, "198.51.100.2").status, 200);
    // Addresses in front of the one that the proxy appended are ignored, since the client can forge them.
    ask("guess-11", "198.51.100.2, 198.51.100.1").problem(429);
}

#[test]
fn clients_behind_a_trusted_proxy_are_counted_by_their_own_address() {
    let sky = Sky::of(5);
    let setup = Setup::embedded().watching(&sky).set("SSE_MAX_CLIENTS_PER_ADDRESS", "1");
    let trusting = setup.clone().set("HTTP_TRUSTED_PROXIES", "127.0.0.1").start();
    let connect = |address: &str, from: &str| SseClient::connect(address, &[("X-Forwarded-For", from)]);
    let clients = ["198.51.100.1", "198.51.100.2"].map(|from| connect(&trusting.address, from));
    clients.iter().for_each(|client| drop(client.wait("the acknowledgement", |seen| !seen.events.is_empty())));
    let second = connect(&trusting.address, "198.51.100.1");
    assert!(second.wait("the end", |seen| seen.closed || seen.ended).events.is_empty());
    // Addresses of the same /64 count as one client, since one host may use all of them.
    let client = connect(&trusting.address, "2001:db8:1:2::1");
    client.wait("the acknowledgement", |seen| !seen.events.is_empty());
    let second = connect(&trusting.address, "2001:db8:1:2:3:4:5:6");
    assert!(second.wait("the end", |seen| seen.closed || seen.ended).events.is_empty());
    let neighbour = connect(&trusting.address, "2001:db8:1:3::1");
    neighbour.wait("the acknowledgement", |seen| !seen.events.is_empty());

    let wary = setup.start();
    let _first = wary.sse();
    let second = connect(&wary.address, "198.51.100.2");
    assert!(second.wait("the end", |seen| seen.closed || seen.ended).events.is_empty());
}

#[test]
#[ignore = "needs curl: run it by `make test`"]
fn tls_works_over_http1_and_http2() {
    let sky = Sky::of(20);
    let certificate = Certificate::new();
    let file = |name: &str| certificate.file(name);
    let setup = certificate.on(Setup::embedded().watching(&sky));
    let app = setup.start();
    let port = app.address.rsplit_once(':').unwrap().1.to_owned();
    let curl = |version: &str, path: &str, more: &[&str]| {
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--noproxy", "*", "--cacert", &file("cert.pem"), version])
            .args(["--max-time", "60", "--write-out", "\n%{http_version} %{http_code}"])
            .args(more)
            .arg(format!("https://localhost:{port}{path}"))
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    eventually("the picture is filled", || {
        let text = curl("--http2", "/api/v1/flights", &[]);
        let (body, status) = text.rsplit_once('\n').unwrap();
        assert_eq!(status, "2 200");
        let flights: serde_json::Value = serde_json::from_str(body).unwrap();
        (flights["count"].as_u64() > Some(0)).then_some(())
    });
    assert!(curl("--http1.1", "/health/live", &[]).ends_with("1.1 200"));
    assert!(curl("--http2", "/health/live", &["--include"]).contains("strict-transport-security: max-age=31536000"));
    for version in ["--http1.1", "--http2"] {
        let mut streaming = Command::new("curl")
            .args([
                "--silent",
                "--no-buffer",
                "--noproxy",
                "*",
                "--cacert",
                &file("cert.pem"),
                version,
                "--max-time",
                "60",
            ])
            .arg(format!("https://localhost:{port}/sse/flights"))
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut events = std::io::BufRead::lines(std::io::BufReader::new(streaming.stdout.take().unwrap()))
            .map_while(Result::ok)
            .filter(|line| line.starts_with("data: "));
        assert!(events.next().is_some_and(|first| first.contains("connection_ack")), "{version}");
        assert!(events.next().is_some_and(|second| second.contains("icao24")), "{version}");
        streaming.kill().unwrap();
        streaming.wait().unwrap();
    }
    // A plaintext request to the TLS port gets no plaintext response.
    let mut plain = TcpStream::connect(&app.address).unwrap();
    plain.write_all(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    plain.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/"), "{answer:?}");

    assert_eq!(setup.clone().set("HTTP_PORT", &port).arguments(["health"]).run().code, Some(0));
    let broken = setup.set("HTTP_TLS_KEY", &file("cert.pem")).run();
    assert_eq!(broken.code, Some(2));
    assert!(broken.log.iter().any(|line| line.contains("http.tls_key")), "{:?}", broken.log);
}

#[test]
fn every_response_has_security_headers() {
    let sky = Sky::of(5);
    let app = Setup::embedded().watching(&sky).start();
    for path in ["/", "/api/v1/flights", "/health/live", "/metrics", "/admin/actors", "/nothing/here"] {
        let answer = app.get(path);
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert_eq!(answer.header("strict-transport-security"), "", "not without TLS: {path}");
    }
}

/// Asserts that the server closes the connection, and returns what it sent before.
fn closes(mut stream: TcpStream) -> Vec<u8> {
    stream.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{answer:?}"),
    }
    answer
}

#[test]
fn an_unfinished_request_times_out() {
    let sky = Sky::of(5);
    let app = Setup::embedded().watching(&sky).start();
    let started: Vec<_> = ["", "GET /health", "GET / HTTP/1.1\r\nHost: a\r\nX: "]
        .iter()
        .map(|start| {
            let mut stream = TcpStream::connect(&app.address).unwrap();
            stream.write_all(start.as_bytes()).unwrap();
            stream
        })
        .collect();
    for stream in started {
        let answer = closes(stream);
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&answer));
    }
    assert_eq!(app.get("/health/live").status, 200);
}

#[test]
fn oversized_and_malformed_requests_affect_only_their_connection() {
    let sky = Sky::of(5);
    let app = Setup::embedded().watching(&sky).start();
    let send = |bytes: &[u8]| {
        let mut stream = TcpStream::connect(&app.address).unwrap();
        // The server may close the connection before everything is written.
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        closes(stream)
    };
    let long = "x".repeat(1 << 20);
    for request in [
        format!("GET / HTTP/1.1\r\nHost: a\r\nX-Long: {long}\r\n\r\n"),
        format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "A: b\r\n".repeat(50_000)),
    ] {
        let answer = send(request.as_bytes());
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&answer));
    }
    let mut random = StdRng::seed_from_u64(20_261_124);
    let pieces: [&[u8]; 12] = [
        b"GET ",
        b"POST ",
        b"/api/v1/flights?bbox=",
        b"/sse/flights",
        b" HTTP/1.1\r\n",
        b"Host: a\r\n",
        b"\r\n\r\n",
        b"Content-Length: 99999999999\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"%00%ff",
        b"\xff\xfe\x00",
        b"Connection: close\r\n",
    ];
    for _ in 0..300 {
        let mut request = Vec::new();
        for _ in 0..random.random_range(1..12) {
            request.extend_from_slice(pieces[random.random_range(0..pieces.len())]);
        }
        let mut stream = TcpStream::connect(&app.address).unwrap();
        let _ = stream.write_all(&request);
        stream.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        let mut start = [0; 16];
        if stream.read(&mut start).is_ok_and(|read| read >= 12) {
            assert_ne!(start[9], b'5', "{}: {}", String::from_utf8_lossy(&start), String::from_utf8_lossy(&request));
        }
    }
    assert_eq!(app.get("/health/live").status, 200);
    assert_eq!(app.lines_with("panicked"), 0);
}
