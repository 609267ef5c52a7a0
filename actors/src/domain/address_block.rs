use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// The addresses that count as one client for limits per address: a single IPv4 address, or an IPv6 /64, all of which
/// may belong to one host (RFC 6177, RFC 8981).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AddressBlock(IpAddr);

impl AddressBlock {
    /// The prefix length of an IPv6 block.
    const PREFIX: u32 = 64;
}

impl From<IpAddr> for AddressBlock {
    /// Returns the block of an address. An IPv4-mapped IPv6 address (`::ffff:192.0.2.1`) counts as IPv4.
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => {
                let prefix = u128::MAX << (128 - Self::PREFIX);
                Ipv6Addr::from_bits(address.to_bits() & prefix).into()
            }
        })
    }
}

impl fmt::Display for AddressBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => write!(f, "{address}"),
            IpAddr::V6(address) => write!(f, "{address}/{}", Self::PREFIX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(address: &str) -> AddressBlock {
        address.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn the_addresses_of_one_host_are_one_block() {
        let check = |one: &str, other: &str, same: bool| {
            assert_eq!(block(one) == block(other), same, "{one}, {other}");
        };
        check("192.0.2.1", "192.0.2.1", true);
        check("192.0.2.1", "192.0.2.2", false);
        check("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true);
        check("2001:db8:1:2::1", "2001:db8:1:3::1", false);
        check("::ffff:192.0.2.1", "192.0.2.1", true);
        check("::ffff:192.0.2.1", "::ffff:192.0.2.2", false);
        check("::1", "127.0.0.1", false);
    }

    #[test]
    fn a_block_is_displayed_as_an_address_or_a_network() {
        assert_eq!(block("::ffff:192.0.2.1").to_string(), "192.0.2.1");
        assert_eq!(block("2001:db8:1:2:3:4:5:6").to_string(), "2001:db8:1:2::/64");
    }
}
