use std::net::SocketAddr;

use crate::config::{ADMIN_TOKEN_FILE, Brokers, Role, Settings};
use crate::sources::Sources;

/// Logs the sources, Kafka and the database in use, and the URLs to open.
pub(super) fn show(settings: &Settings, sources: &Sources, sinks: &[&str], addresses: &[SocketAddr]) {
    let has = |role| settings.server.roles.has(role);
    let kafka = match &settings.kafka.bootstrap_servers {
        Brokers::Embedded => {
            "embedded: in memory, about 5 MiB per partition; records that are not stored before the exit are lost"
                .to_owned()
        }
        Brokers::At(servers) => format!("{servers}, topic {}", settings.kafka.topic_raw),
    };
    log::info!(target: "flight_monitor", "flight-monitor {}", env!("CARGO_PKG_VERSION"));
    if has(Role::Collect) {
        for source in sources.iter() {
            log::info!(target: "flight_monitor", "  source    {}: {}", source.name, source.description);
            for proxy in &source.proxies {
                log::info!(target: "flight_monitor", "  proxy     {proxy}");
            }
        }
    }
    log::info!(target: "flight_monitor", "  Kafka     {kafka}");
    if has(Role::Store) {
        let embedded = if settings.database.url.is_shared() { "" } else { "embedded: " };
        log::info!(target: "flight_monitor", "  database  {embedded}{}", settings.database.url);
    }
    for sink in sinks {
        log::info!(target: "flight_monitor", "  sink      {sink}");
    }
    if let Some(url) = &settings.archive.url {
        let note = if has(Role::Archive) { "" } else { ", not written: server.roles does not contain archive" };
        log::info!(target: "flight_monitor", "  archive   {url}{note}");
    }
    if !settings.server.roles.are_default() {
        log::info!(target: "flight_monitor", "  roles     {}", settings.server.roles);
    }
    let scheme = if settings.http.tls_certificate.is_some() { "https" } else { "http" };
    for address in addresses.iter().map(reachable) {
        log::info!(target: "flight_monitor", "  open      {scheme}://{address}/");
        if has(Role::Live) {
            log::info!(target: "flight_monitor", "  stream    curl -N {scheme}://{address}/sse/flights");
        }
        let token =
            if settings.admin.token.is_some() { "$TOKEN".to_owned() } else { format!("$(cat {ADMIN_TOKEN_FILE})") };
        log::info!(target: "flight_monitor", "  admin     curl -H \"Authorization: Bearer {token}\" {scheme}://{address}/admin/actors");
    }
}

/// Replaces an unspecified address (0.0.0.0, ::) by the loopback address.
fn reachable(address: &SocketAddr) -> SocketAddr {
    let mut address = *address;
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() {
            std::net::Ipv4Addr::LOCALHOST.into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        });
    }
    address
}
