use std::fmt;
use std::str::FromStr;

use super::address::check_name;
use crate::config::value::{InvalidValue, mask_user_info, setting_value};

/// The Kafka brokers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Brokers {
    /// The broker in this process, whose messages do not survive a restart.
    Embedded,
    /// A Kafka cluster, as `host:port,host:port`.
    At(String),
}

impl fmt::Display for Brokers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded => Ok(()),
            Self::At(servers) => f.write_str(servers),
        }
    }
}

impl FromStr for Brokers {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let servers: Vec<_> = text.split(',').map(str::trim).filter(|server| !server.is_empty()).collect();
        if servers.is_empty() {
            return Ok(Self::Embedded);
        }
        servers.iter().try_for_each(|server| check(server))?;
        Ok(Self::At(servers.join(",")))
    }
}

setting_value!(Brokers: Texts, "HOST:PORT,…", "brokers as host:port,host:port");

/// Checks that a broker is a `host`, `host:port` or `[address]:port`. librdkafka itself would only log the mistake and
/// retry forever.
fn check(server: &str) -> Result<(), InvalidValue> {
    let reject = |reason: &str| Err(InvalidValue::because(format_args!("{:?}: {reason}", mask_user_info(server))));
    if server.contains("://") {
        return reject("a broker has no scheme; security.protocol belongs to kafka.properties");
    }
    let (host, port) = match server.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
        _ => (server, None),
    };
    if port.is_some_and(|port| port.parse::<u16>().map_or(true, |port| port == 0)) {
        return reject("invalid port");
    }
    match url::Host::parse(host) {
        Ok(url::Host::Domain(name)) => check_name(&name).or_else(|invalid| reject(&invalid.to_string())),
        Ok(_) => Ok(()),
        Err(_) => reject("invalid host"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brokers_are_checked_one_by_one() {
        let check = |text: &str, expected: &str| {
            assert_eq!(text.parse::<Brokers>().unwrap().to_string(), expected, "{text}");
        };
        check("", "");
        check("kafka:9092", "kafka:9092");
        check(" a:9092 , b ,", "a:9092,b");
        check("[::1]:9092,10.0.0.1:9093", "[::1]:9092,10.0.0.1:9093");
        for text in [
            "kafka:port",
            "kafka:0",
            "kafka:99999",
            "SASL_SSL://kafka:9092",
            ":9092",
            "a b:9092",
            "::1",
            "\"kafka\"",
            "'a':9092",
        ] {
            assert!(text.parse::<Brokers>().is_err(), "{text}");
        }
    }
}
