//! Outgoing requests through a proxy, with CONNECT and with the absolute form.

use std::io::Write as _;
use std::net::TcpListener;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use actors::ports::{SourceError, StateSource as _};
use flight_monitor::proxy::Proxies;
use flight_monitor::sources::http::Network;
use flight_monitor::sources::opensky::{Credentials, OpenSkyClient, OpenSkyOptions};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::server::{Reply, Server, answer, reply, token};

const STATES: &str = r#"{"time":1458564121,"states":null}"#;

fn proxies(proxy: &str) -> Proxies {
    Proxies::read(|name| (name == "ALL_PROXY").then_some(proxy)).unwrap()
}

/// Creates a client of `sky.test`, a name that does not resolve, behind this proxy.
fn client(scheme: &str, proxy: &Server, authorities: Vec<CertificateDer<'static>>) -> OpenSkyClient {
    let address = proxy.url("").replace("http://", "http://me:p%40ss@");
    OpenSkyClient::new(OpenSkyOptions {
        base_url: format!("{scheme}://sky.test/api").parse().unwrap(),
        auth_url: format!("{scheme}://auth.sky.test/token").parse().unwrap(),
        credentials: Some(Credentials::new("me", "hunter2").unwrap()),
        network: Network { proxies: proxies(&address), authorities },
        ..proxy.options()
    })
}

/// Basic authentication as `me:p@ss`, in lower case as the server records it.
const AUTHORIZATION: &str = "proxy-authorization: basic bwu6cebzcw==";

#[actix_rt::test]
async fn http_requests_go_through_the_proxy_in_absolute_form() {
    let proxy = Server::play(vec![token("t", 1800), reply(200, &[], STATES)]);
    client("http", &proxy, Vec::new()).fetch().await.unwrap();
    let requests = proxy.requests();
    assert_eq!(proxy.lines(), ["POST http://auth.sky.test/token", "GET http://sky.test/api/states/all?extended=1"]);
    for (request, host) in requests.iter().zip(["auth.sky.test", "sky.test"]) {
        assert!(request.head.contains(&format!("\r\nhost: {host}\r\n")), "{}", request.head);
        assert!(request.head.contains(AUTHORIZATION), "{}", request.head);
    }
    assert!(requests[1].head.contains("authorization: bearer t"), "{}", requests[1].head);
}

#[actix_rt::test]
async fn a_proxy_that_refuses_to_connect_is_named_in_the_error() {
    let check = async |scheme: &str, script: Vec<Reply>, expected: &str| {
        let proxy = Server::play(script);
        let error = client(scheme, &proxy, Vec::new()).fetch().await.unwrap_err().to_string();
        let expected = expected.replace("PROXY", proxy.url("").trim_start_matches("http://"));
        assert!(error.contains(&expected) && !error.contains("p@ss") && !error.contains("p%40ss"), "{error}");
        (error, proxy)
    };
    let (error, proxy) = check(
        "https",
        vec![Reply::Close(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n".to_vec())],
        "proxy PROXY refused CONNECT to auth.sky.test:443: 407 Proxy Authentication Required",
    )
    .await;
    assert!(error.starts_with("refused: https://auth.sky.test/token: ") && error.contains("ALL_PROXY"), "{error}");
    assert_eq!(proxy.lines(), ["CONNECT auth.sky.test:443"]);
    assert!(proxy.requests()[0].head.contains(AUTHORIZATION), "{}", proxy.requests()[0].head);

    let bad_gateway = Reply::Close(b"HTTP/1.0 502 Bad Gateway\r\n\r\n".to_vec());
    let (error, _) = check("https", vec![bad_gateway], "refused CONNECT to auth.sky.test:443: 502 Bad Gateway").await;
    assert!(error.starts_with("unavailable: "), "{error}");
    check("https", vec![Reply::Close(b"SSH-2.0-x\r\n\r\n".to_vec())], "proxy PROXY sent no HTTP response").await;
    let endless = [b"HTTP/1.1 200 OK\r\n".to_vec(), b"X: y\r\n".repeat(5_000)].concat();
    check("https", vec![Reply::Close(endless)], "more than 16384 bytes of headers").await;
    check(
        "https",
        vec![Reply::Close(Vec::new())],
        "proxy PROXY closed the connection during CONNECT to auth.sky.test:443",
    )
    .await;
    // The proxy no longer accepts connections.
    check("https", Vec::new(), "proxy PROXY").await;

    check("http", vec![reply(407, &[], "")], "proxy PROXY refused the request: 407 Proxy").await;
    check("http", vec![reply(503, &[], "no route")], "503 Service Unavailable (through proxy PROXY): no route").await;
}

#[actix_rt::test]
async fn a_stalled_proxy_times_out() {
    let proxy = Server::play(vec![Reply::Hold(Vec::new())]);
    let client = OpenSkyClient::new(OpenSkyOptions {
        base_url: "https://sky.test/api".parse().unwrap(),
        network: Network { proxies: proxies(&proxy.url("")), ..Network::default() },
        request_timeout: Duration::from_millis(200),
        ..proxy.options()
    });
    let error = client.fetch().await.unwrap_err();
    assert!(matches!(&error, SourceError::Unavailable(text) if text.contains("proxy 127.0.0.1:")), "{error}");
}

#[actix_rt::test]
async fn loopback_addresses_bypass_the_proxy() {
    let server = Server::play(vec![reply(200, &[], STATES)]);
    let network = Network { proxies: proxies("http://nowhere.test:3128"), ..Network::default() };
    let options = OpenSkyOptions { network, ..server.options() };
    OpenSkyClient::new(options).fetch().await.unwrap();
}

#[actix_rt::test]
async fn https_requests_go_through_a_tunnel() {
    let made = rcgen::generate_simple_self_signed(["sky.test".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (seen, requests) = mpsc::channel();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        seen.send(head(&mut stream)).unwrap();
        stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
        let mut tls = StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), stream);
        seen.send(head(&mut tls)).unwrap();
        tls.write_all(&answer(200, &[], STATES)).unwrap();
        tls.conn.send_close_notify();
        let _ = tls.flush();
    });
    let server = Server::play(Vec::new());
    let client = OpenSkyClient::new(OpenSkyOptions {
        base_url: "https://sky.test/api".parse().unwrap(),
        network: Network { proxies: proxies(&format!("http://{address}")), authorities: vec![certificate] },
        ..server.options()
    });
    client.fetch().await.unwrap();
    let connect = requests.recv().unwrap();
    assert!(connect.starts_with("CONNECT sky.test:443 HTTP/1.1\r\nHost: sky.test:443\r\n"), "{connect}");
    let request = requests.recv().unwrap();
    assert!(request.starts_with("GET /api/states/all?extended=1 HTTP/1.1\r\n"), "{request}");
    assert!(!request.to_lowercase().contains("proxy-"), "{request}");
}

fn head(stream: &mut impl std::io::Read) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        bytes.push(byte[0]);
    }
    String::from_utf8(bytes).unwrap()
}
