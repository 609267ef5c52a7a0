//! Requests to the source through an HTTP proxy.

use url::Url;

use crate::support::{Proxy, Setup, Sky};

/// Returns the setup of a server that polls this sky under a host name that only the proxy can resolve.
fn behind_a_proxy(sky: &Sky, proxy: &str) -> Setup {
    let renamed = |address: &str| {
        let mut url = Url::parse(address).unwrap();
        url.set_host(Some("opensky.invalid")).unwrap();
        url.set_port(None).unwrap();
        url.to_string()
    };
    Setup::embedded()
        .watching(sky)
        .set("OPENSKY_BASE_URL", &renamed(&sky.simulator.base_url()))
        .set("OPENSKY_AUTH_URL", &renamed(&sky.simulator.auth_url()))
        .set("HTTP_PROXY", proxy)
}

#[test]
fn the_api_and_the_token_endpoint_are_reached_through_the_proxy_of_the_environment() {
    let sky = Sky::of(5);
    let server = Url::parse(&sky.simulator.base_url()).unwrap();
    // The simulator accepts absolute request targets, so a relay in front of it acts as a proxy for plain HTTP.
    let relay = Proxy::in_front_of(&format!("{}:{}", server.host_str().unwrap(), server.port().unwrap()));
    let proxy = format!("127.0.0.1:{}", relay.port);
    let app = behind_a_proxy(&sky, &format!("http://user:a-secret@{proxy}")).start();
    app.wait_aircraft(5);
    assert!(app.lines_with(&proxy) > 0, "the start does not say which proxy is used");
    assert_eq!(app.lines_with("a-secret"), 0);
    app.end();
}

#[test]
fn an_unreachable_proxy_is_named_by_the_poller() {
    let sky = Sky::of(5);
    let unreachable = Proxy::without_server();
    let proxy = format!("127.0.0.1:{}", unreachable.port);
    let app = behind_a_proxy(&sky, &format!("http://{proxy}")).start();
    app.wait_actor("poller", "names the proxy", |actor| actor["last_error"].to_string().contains(&proxy));
}

#[test]
fn a_ca_file_without_a_certificate_stops_the_start_with_the_reason() {
    let sky = Sky::of(5);
    let setup = Setup::embedded().watching(&sky);
    let file = setup.directory().join("authorities.pem");
    std::fs::write(&file, "not a certificate\n").unwrap();
    let ended = setup.set("SSL_CERT_FILE", file.to_str().unwrap()).run();
    assert_ne!(ended.code, Some(0));
    assert!(ended.last_line().contains("SSL_CERT_FILE") && ended.last_line().contains("authorities.pem"), "{ended:?}");
}
