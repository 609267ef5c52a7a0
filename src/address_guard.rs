//! Decides which addresses outgoing connections may use. It checks the address that is connected to, after the name was
//! resolved, so that a name cannot change its address between the check and the connection.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use thiserror::Error;
use tokio::net::{TcpStream, lookup_host};

/// The addresses to which connections are opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AddressGuard {
    /// All addresses.
    Any,
    /// Only addresses of the public Internet.
    PublicOnly,
}

/// All addresses of a host are refused.
#[derive(Debug, Error)]
#[error("{host} has the address {address}, which is {range}; set allow_private: true if that is intended")]
pub(crate) struct BlockedAddress {
    host: String,
    address: IpAddr,
    range: &'static str,
}

impl AddressGuard {
    /// Returns why an address is refused.
    pub(crate) fn refusal(self, address: IpAddr) -> Option<&'static str> {
        match self {
            Self::Any => None,
            Self::PublicOnly => special_range(address),
        }
    }

    /// Resolves a name and connects to the first of its addresses that is admitted and accepts the connection. The
    /// caller limits the time.
    ///
    /// # Errors
    /// The name does not resolve, none of its addresses is admitted ([`BlockedAddress`]), or none can be reached.
    pub(crate) async fn connect(self, host: &str, port: u16) -> io::Result<TcpStream> {
        self.connect_to(host, lookup_host((host, port)).await?).await
    }

    /// Connects to the addresses that were checked. The name is not resolved again.
    async fn connect_to(self, host: &str, resolved: impl Iterator<Item = SocketAddr>) -> io::Result<TcpStream> {
        let (mut blocked, mut failed) = (None, None);
        for address in resolved {
            if let Some(range) = self.refusal(address.ip()) {
                blocked = Some(BlockedAddress { host: host.to_owned(), address: address.ip(), range });
                continue;
            }
            match connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => failed = Some(error),
            }
        }
        let none = || io::Error::new(io::ErrorKind::NotFound, format!("{host} has no address"));
        Err(failed.or_else(|| blocked.map(io::Error::other)).unwrap_or_else(none))
    }
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Names the special range that contains an address; `None` for an address of the public Internet. The ranges are those
/// of IANA's registries of special-purpose addresses.
fn special_range(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => special_v4(address),
        IpAddr::V6(address) => special_v6(address),
    }
}

fn special_v4(address: Ipv4Addr) -> Option<&'static str> {
    Some(match address.octets() {
        [0, ..] => "\"this network\"",
        [127, ..] => "loopback",
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => "private",
        [100, 64..=127, ..] => "shared (carrier-grade NAT)",
        [169, 254, ..] => "link-local",
        [192, 0, 0, _] => "reserved for protocols",
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => "reserved for documentation",
        [192, 88, 99, _] => "a former 6to4 relay",
        [198, 18 | 19, ..] => "reserved for benchmarks",
        [224..=239, ..] => "multicast",
        [255, 255, 255, 255] => "broadcast",
        [240..=255, ..] => "reserved",
        _ => return None,
    })
}

fn special_v6(address: Ipv6Addr) -> Option<&'static str> {
    let segments = address.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        special_v4(Ipv4Addr::new(a, b, c, d))
    };
    Some(match segments {
        [0, 0, 0, 0, 0, 0, 0, 0] => "unspecified",
        [0, 0, 0, 0, 0, 0, 0, 1] => "loopback",
        // IPv4-mapped, and the prefix of NAT64: what counts is the address of the other protocol.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => return embedded(high, low),
        [0, 0, 0, 0, ..] => "reserved (IPv4-compatible or translated)",
        [0x64, 0xff9b, 1, ..] => "private (local NAT64)",
        [0x100, 0, 0, ..] => "discarded",
        // 6to4 contains the address to which the packets are sent.
        [0x2002, high, low, ..] => return embedded(high, low).or(Some("6to4")),
        [0x2001, 0..=0x1ff, ..] => "reserved for protocols",
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => "reserved for documentation",
        [0x5f00, ..] => "reserved for segment routing",
        [0xfc00..=0xfdff, ..] => "private (unique local)",
        [0xfe80..=0xfebf, ..] => "link-local",
        [0xfec0..=0xfeff, ..] => "private (site-local)",
        [0xff00..=0xffff, ..] => "multicast",
        // Only this range is allocated to the public Internet.
        [0x2000..=0x3fff, ..] => return None,
        _ => "reserved",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_ranges_are_refused_from_their_first_to_their_last_address() {
        for (range, addresses) in [
            ("\"this network\"", &["0.0.0.0", "0.255.255.255"][..]),
            ("loopback", &["127.0.0.1", "127.255.255.255", "::1"]),
            (
                "private",
                &["10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255"],
            ),
            ("private (unique local)", &["fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]),
            ("private (site-local)", &["fec0::1"]),
            ("shared (carrier-grade NAT)", &["100.64.0.0", "100.127.255.255"]),
            ("link-local", &["169.254.0.0", "169.254.169.254", "169.254.255.255", "fe80::1", "febf::1"]),
            ("multicast", &["224.0.0.1", "239.255.255.255", "ff02::1"]),
            ("reserved for documentation", &["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"]),
            ("reserved for benchmarks", &["198.18.0.0", "198.19.255.255"]),
            ("reserved for protocols", &["192.0.0.8", "2001::1", "2001:1ff::"]),
            ("reserved", &["240.0.0.1", "255.255.255.254", "4000::1", "1000::1"]),
            ("broadcast", &["255.255.255.255"]),
            ("unspecified", &["::"]),
            ("discarded", &["100::1"]),
            ("reserved (IPv4-compatible or translated)", &["::127.0.0.1", "::ffff:0:10.0.0.1"]),
            ("private (local NAT64)", &["64:ff9b:1::1"]),
        ] {
            for address in addresses {
                assert_eq!(special_range(address.parse().unwrap()), Some(range), "{address}");
            }
        }
    }

    #[test]
    fn an_embedded_ipv4_address_counts() {
        for (address, range) in [
            ("::ffff:127.0.0.1", Some("loopback")),
            ("::ffff:10.1.2.3", Some("private")),
            ("::ffff:169.254.169.254", Some("link-local")),
            ("64:ff9b::192.168.1.1", Some("private")),
            ("2002:7f00:1::", Some("loopback")),
            ("2002:808:808::", Some("6to4")),
            ("::ffff:8.8.8.8", None),
            ("64:ff9b::8.8.8.8", None),
        ] {
            assert_eq!(special_range(address.parse().unwrap()), range, "{address}");
        }
    }

    #[test]
    fn addresses_of_the_public_internet_are_admitted() {
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:200::",
            "2606:4700::1111",
            "2a00::1",
        ] {
            assert_eq!(AddressGuard::PublicOnly.refusal(address.parse().unwrap()), None, "{address}");
        }
        assert_eq!(AddressGuard::Any.refusal("127.0.0.1".parse().unwrap()), None);
    }

    #[tokio::test]
    async fn a_name_that_resolves_to_loopback_is_refused_before_connecting() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for host in ["localhost", "127.0.0.1"] {
            let error = AddressGuard::PublicOnly.connect(host, port).await.unwrap_err();
            let blocked = error.get_ref().unwrap().downcast_ref::<BlockedAddress>().unwrap().to_string();
            assert!(blocked.contains("which is loopback; set allow_private: true"), "{blocked}");
        }
        // Each address of a name is checked, and not only the first one.
        let resolved = ["10.1.2.3:1".parse().unwrap(), listener.local_addr().unwrap()];
        let error = AddressGuard::PublicOnly.connect_to("rebound.example.org", resolved.into_iter()).await.unwrap_err();
        assert!(error.to_string().starts_with("rebound.example.org has the address 127.0.0.1"), "{error}");
        assert!(AddressGuard::Any.connect("127.0.0.1", port).await.is_ok());
        let accepted = tokio::time::timeout(std::time::Duration::from_millis(50), async {
            listener.accept().await.unwrap();
            listener.accept().await.unwrap();
        });
        assert!(accepted.await.is_err(), "only the last connection was opened");
    }
}
