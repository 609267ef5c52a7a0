//! Determines the client address of a request.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use actix_web::http::header::{HeaderMap, X_FORWARDED_FOR};
use actors::domain::AddressBlock;
use ipnet::IpNet;

/// Returns the peer of the connection or, behind trusted proxies, the last address in `X-Forwarded-For` that is not a
/// trusted proxy. Clients can forge the entries before it.
pub(crate) fn client_address(peer: Option<SocketAddr>, headers: &HeaderMap, proxies: &[IpNet]) -> AddressBlock {
    let peer = peer.map_or(Ipv4Addr::UNSPECIFIED.into(), |address| address.ip());
    let forwarded: Vec<_> = headers.get_all(X_FORWARDED_FOR).filter_map(|value| value.to_str().ok()).collect();
    behind_proxies(peer, &forwarded.join(","), proxies).into()
}

fn behind_proxies(peer: IpAddr, forwarded: &str, proxies: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| proxies.iter().any(|proxy| proxy.contains(address));
    let mut address = peer.to_canonical();
    for hop in forwarded.rsplit(',') {
        if !is_trusted(&address) {
            break;
        }
        let Some(before) = parse_hop(hop.trim()) else { break };
        address = before;
    }
    address
}

/// Parses an entry of `X-Forwarded-For`. Some proxies append the port.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let bracketed = || hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || hop.parse::<SocketAddr>().ok().map(|address| address.ip());
    hop.parse().ok().or_else(with_port).or_else(bracketed).map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forwarded_addresses_are_used_only_from_trusted_proxies() {
        let check = |peer: &str, forwarded: &str, proxies: &[&str], expected: &str| {
            let proxies: Vec<IpNet> = proxies.iter().map(|proxy| proxy.parse().unwrap()).collect();
            let address = behind_proxies(peer.parse().unwrap(), forwarded, &proxies);
            assert_eq!(address, expected.parse::<IpAddr>().unwrap(), "{peer}, {forwarded:?}");
        };
        let proxies = ["10.0.0.0/8", "fd00::/8"];
        check("192.0.2.1", "", &[], "192.0.2.1");
        check("192.0.2.1", "198.51.100.7", &[], "192.0.2.1");
        check("192.0.2.1", "198.51.100.7", &proxies, "192.0.2.1");
        check("10.0.0.1", "198.51.100.7", &proxies, "198.51.100.7");
        check("10.0.0.1", "203.0.113.9, 198.51.100.7", &proxies, "198.51.100.7");
        check("10.0.0.1", "203.0.113.9, 198.51.100.7, 10.0.0.2", &proxies, "198.51.100.7");
        check("10.0.0.1", "10.0.0.3, 10.0.0.2", &proxies, "10.0.0.3");
        check("10.0.0.1", "198.51.100.7:4711", &proxies, "198.51.100.7");
        check("10.0.0.1", "[2001:db8::1]:80", &proxies, "2001:db8::1");
        check("10.0.0.1", "[2001:db8::1]", &proxies, "2001:db8::1");
        check("::ffff:10.0.0.1", "2001:db8::1", &proxies, "2001:db8::1");
        check("fd00::1", "::ffff:198.51.100.7", &proxies, "198.51.100.7");
        check("10.0.0.1", "unknown", &proxies, "10.0.0.1");
        check("10.0.0.1", "", &proxies, "10.0.0.1");
    }
}
