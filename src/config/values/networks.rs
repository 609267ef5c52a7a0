use std::net::IpAddr;

use ipnet::IpNet;

use crate::config::value::{InvalidValue, SettingValue, Shape};

/// IP addresses and networks. A single address is a network with one host.
impl SettingValue for Vec<IpNet> {
    type Limits = ();

    const SHAPE: Shape = Shape::List;
    const PLACEHOLDER: &'static str = "NETWORK,…";
    const EXPECTED: &'static str = "addresses or networks, such as 10.0.0.0/8,192.0.2.7";

    fn parse(text: &str, (): &()) -> Result<Self, InvalidValue> {
        let parse = |part: &str| {
            let single = part.parse::<IpAddr>().map(IpNet::from);
            let invalid = |_| InvalidValue::because(format_args!("{part:?} is neither an address nor a network"));
            single.or_else(|_| part.parse()).map_err(invalid)
        };
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(parse).collect()
    }

    fn display(&self) -> String {
        let display = |network: &IpNet| {
            let single = network.prefix_len() == network.max_prefix_len();
            if single { network.addr().to_string() } else { network.to_string() }
        };
        self.iter().map(display).collect::<Vec<_>>().join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_networks_are_parsed_and_displayed() {
        let networks = Vec::<IpNet>::parse("10.0.0.0/8, 192.0.2.7,fd00::/8,::1", &()).unwrap();
        assert_eq!(networks.display(), "10.0.0.0/8,192.0.2.7,fd00::/8,::1");
        let holds = |address: &str| networks.iter().any(|net| net.contains(&address.parse::<IpAddr>().unwrap()));
        assert!(holds("10.200.0.1") && holds("192.0.2.7") && holds("fd12::1") && !holds("192.0.2.8"));
        for bad in ["proxy", "10.0.0.0/33", "10.0.0", "10.0.0.1:80"] {
            assert!(Vec::<IpNet>::parse(bad, &()).is_err(), "{bad}");
        }
    }
}
