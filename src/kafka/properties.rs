//! librdkafka's own properties: which of them an operator may set, and why one is not taken.

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::producer::BaseProducer;
use rdkafka::types::RDKafkaConfRes;

/// What delivery, order and completeness rest on, with librdkafka's other names for it.
const OURS: [&str; 15] = [
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

/// Whether an operator may set a property, and librdkafka takes it.
///
/// # Errors
/// Why not, without the value.
pub fn check_property(name: &str, value: &str) -> Result<(), String> {
    if OURS.contains(&name) {
        return Err("what is promised rests on the program's own value of it".to_owned());
    }
    ClientConfig::new().set(name, value).create_native_config().map(drop).map_err(|error| refusal(&error))
}

/// Whether librdkafka makes a client with all of these properties: it checks files, such as `ssl.ca.location`, and
/// combinations only then. The client knows no broker, so it connects to nothing.
///
/// # Errors
/// Why not, without a value.
pub fn check_properties<'a>(properties: impl Iterator<Item = (&'a str, &'a str)>) -> Result<(), String> {
    let mut config = ClientConfig::new();
    properties.for_each(|(name, value)| {
        config.set(name, value);
    });
    // It says why on its log alone where it is not told otherwise.
    config.set_log_level(RDKafkaLogLevel::Emerg);
    config.create::<BaseProducer>().map(drop).map_err(|error| refusal(&error))
}

/// Why librdkafka makes no client of a configuration, in its words as far as they do not repeat a property's value,
/// which may be a secret.
pub(super) fn refusal(error: &KafkaError) -> String {
    let KafkaError::ClientConfig(result, words, name, value) = error else { return error.to_string() };
    // It quotes a value as a whole or, of a list, one part of it.
    let parts = || value.split(',').map(|part| part.trim().trim_start_matches(['+', '-']));
    let quotes_it = parts().any(|part| !part.is_empty() && part.parse::<f64>().is_err() && words.contains(part));
    match result {
        RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN => format!("librdkafka has no property {name}"),
        _ if quotes_it => format!("librdkafka takes no such value of {name}"),
        _ => format!("librdkafka refuses {name}: {}", words.trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_librdkafka_knows_is_taken() {
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
    fn what_is_refused_is_named_without_its_value() {
        let check = |name: &str, value: &str, reason: &str| {
            let error = check_property(name, value).unwrap_err();
            assert!(error.contains(reason), "{error}");
            assert!(!error.contains("hush"), "{error}");
        };
        check("sasl.pasword", "hush", "librdkafka has no property sasl.pasword");
        check("sasl.jaas.config", "… password=\"hush\";", "Java JAAS configuration is not supported");
        check("ssl.truststore.password", "hush", "");
        check("security.protocol", "hush", "takes no such value of security.protocol");
        check("sasl.mechanism", "hush hush", "takes no such value");
        check("debug", "broker, +hush", "takes no such value of debug");
        check("socket.timeout.ms", "hush", "socket.timeout.ms");
        check("socket.timeout.ms", "1", "outside allowed range 10..");
        check("enable.ssl.certificate.verification", "hush", "true or false");
    }

    #[test]
    fn what_the_promises_rest_on_is_refused() {
        for name in OURS {
            assert!(check_property(name, "1").unwrap_err().contains("the program's own value"), "{name}");
        }
    }
}
