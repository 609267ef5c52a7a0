//! The librdkafka properties that an operator may set, and why others are rejected.

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::producer::BaseProducer;
use rdkafka::types::RDKafkaConfRes;

/// Properties that delivery, ordering and completeness depend on, including librdkafka's aliases for them.
const RESERVED: [&str; 15] = [
    "acks",
    "request.required.acks",
    "enable.idempotence",
    "transactional.id",
    "message.timeout.ms",
    "delivery.timeout.ms",
    "message.max.bytes",
    "enable.auto.commit",
    "auto.commit.enable",
    "enable.auto.offset.store",
    "auto.offset.reset",
    "enable.partition.eof",
    "isolation.level",
    "group.protocol",
    "partition.assignment.strategy",
];

/// Checks that an operator may set this property, and that librdkafka accepts its value.
///
/// # Errors
/// The reason, which does not contain the value.
pub fn check_property(name: &str, value: &str) -> Result<(), String> {
    if RESERVED.contains(&name) {
        return Err("cannot be changed, because the delivery guarantees depend on the program's own value".to_owned());
    }
    ClientConfig::new().set(name, value).create_native_config().map(drop).map_err(|error| config_error(&error))
}

/// Checks that librdkafka can create a client with all of these properties. Only then does it check combinations, and
/// files such as `ssl.ca.location`. The client is given no broker, so it does not connect.
///
/// # Errors
/// The reason, which does not contain any value.
pub fn check_properties<'a>(properties: impl Iterator<Item = (&'a str, &'a str)>) -> Result<(), String> {
    let mut config = ClientConfig::new();
    properties.for_each(|(name, value)| {
        config.set(name, value);
    });
    // By default librdkafka also writes the reason to its log, but the returned error already contains it.
    config.set_log_level(RDKafkaLogLevel::Emerg);
    config.create::<BaseProducer>().map(drop).map_err(|error| config_error(&error))
}

/// Explains why librdkafka rejects a configuration. librdkafka's text is included unless it quotes the property's
/// value, which may be a secret.
pub(super) fn config_error(error: &KafkaError) -> String {
    let KafkaError::ClientConfig(result, words, name, value) = error else { return error.to_string() };
    // librdkafka quotes either the whole value or, for a list, one of its items.
    let parts = || value.split(',').map(|part| part.trim().trim_start_matches(['+', '-']));
    let quotes_it = parts().any(|part| !part.is_empty() && part.parse::<f64>().is_err() && words.contains(part));
    match result {
        RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN => format!("librdkafka has no property {name}"),
        _ if quotes_it => format!("librdkafka rejects the value of {name}"),
        _ => format!("librdkafka rejects {name}: {}", words.trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_properties_are_accepted() {
        for (name, value) in [
            ("security.protocol", "SASL_SSL"),
            ("sasl.password", "hush"),
            ("session.timeout.ms", "10000"),
            ("compression.type", "gzip"),
            ("debug", "broker,security"),
            ("ssl.endpoint.identification.algorithm", "none"),
        ] {
            assert_eq!(check_property(name, value), Ok(()), "{name}");
        }
    }

    #[test]
    fn a_rejected_property_is_named_without_its_value() {
        let check = |name: &str, value: &str, reason: &str| {
            let error = check_property(name, value).unwrap_err();
            assert!(error.contains(reason), "{error}");
            assert!(!error.contains("hush"), "{error}");
        };
        check("sasl.pasword", "hush", "librdkafka has no property sasl.pasword");
        check("sasl.jaas.config", "… password=\"hush\";", "Java JAAS configuration is not supported");
        check("ssl.truststore.password", "hush", "");
        check("security.protocol", "hush", "rejects the value of security.protocol");
        check("sasl.mechanism", "hush hush", "rejects the value of sasl.mechanism");
        check("debug", "broker, +hush", "rejects the value of debug");
        check("socket.timeout.ms", "hush", "socket.timeout.ms");
        check("socket.timeout.ms", "1", "outside allowed range 10..");
        check("enable.ssl.certificate.verification", "hush", "true or false");
    }

    #[test]
    fn properties_that_the_guarantees_depend_on_are_rejected() {
        for name in RESERVED {
            assert!(check_property(name, "1").unwrap_err().contains("the program's own value"), "{name}");
        }
    }
}
