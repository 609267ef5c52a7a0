use std::net::IpAddr;

use ipnet::IpNet;

use super::{FromText, Unfit};
use crate::config::kind::Kind;

/// Addresses and networks of machines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Each of them; a single address is a network of its own.
    pub fn as_slice(&self) -> &[IpNet] {
        &self.0
    }

    pub(crate) fn show(&self) -> Vec<String> {
        let show = |network: &IpNet| {
            let single = network.prefix_len() == network.max_prefix_len();
            if single { network.addr().to_string() } else { network.to_string() }
        };
        self.0.iter().map(show).collect()
    }
}

impl FromText for Networks {
    fn from_text(text: &str, _: Kind) -> Result<Self, Unfit> {
        let parse = |part: &str| {
            let single = part.parse::<IpAddr>().map(IpNet::from);
            single.or_else(|_| part.parse()).map_err(|_| Unfit(format!("{part:?} is neither an address nor a network")))
        };
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(parse).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_networks_are_read_and_shown() {
        let networks = Networks::from_text("10.0.0.0/8, 192.0.2.7,fd00::/8,::1", Kind::Networks).unwrap();
        assert_eq!(networks.show(), ["10.0.0.0/8", "192.0.2.7", "fd00::/8", "::1"]);
        let holds =
            |address: &str| networks.as_slice().iter().any(|net| net.contains(&address.parse::<IpAddr>().unwrap()));
        assert!(holds("10.200.0.1") && holds("192.0.2.7") && holds("fd12::1") && !holds("192.0.2.8"));
        for bad in ["proxy", "10.0.0.0/33", "10.0.0", "10.0.0.1:80"] {
            assert!(Networks::from_text(bad, Kind::Networks).is_err(), "{bad}");
        }
    }
}
