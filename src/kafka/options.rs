use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

/// How long a request to the cluster may take.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How to reach Kafka, and its topics.
#[derive(Clone)]
pub struct KafkaOptions {
    /// `host:port,…`
    pub bootstrap_servers: String,
    /// The topic of the state vectors.
    pub topic_raw: Arc<str>,
    /// The topic of records that cannot be processed.
    pub topic_dead_letter: Arc<str>,
    /// The topic of the alerts, in a process that raises them.
    pub topic_alerts: Option<Arc<str>>,
    /// The number of partitions of a new topic.
    pub partitions: i32,
    /// The replication factor of a new topic.
    pub replication_factor: i32,
    /// The consumer group of the store consumers.
    pub group_id: String,
    /// Passed to librdkafka, such as SASL and TLS settings, which may be secret. See [`check_property`](super::check_property)
    /// for the accepted ones.
    pub properties: BTreeMap<String, String>,
    /// The identity of the embedded broker's log, which differs in every process.
    pub embedded_id: Option<Arc<str>>,
}

impl fmt::Debug for KafkaOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the values of the properties, which may be secret.
        f.debug_struct("KafkaOptions")
            .field("bootstrap_servers", &self.bootstrap_servers)
            .field("topic_raw", &self.topic_raw)
            .field("topic_dead_letter", &self.topic_dead_letter)
            .field("topic_alerts", &self.topic_alerts)
            .field("partitions", &self.partitions)
            .field("replication_factor", &self.replication_factor)
            .field("group_id", &self.group_id)
            .field("properties", &self.properties.keys())
            .field("embedded_id", &self.embedded_id)
            .finish()
    }
}

impl KafkaOptions {
    /// Properties that the clients set, and librdkafka's aliases for them.
    const ALIASES: [(&str, &str); 2] =
        [("linger.ms", "queue.buffering.max.ms"), ("compression.type", "compression.codec")];

    /// The configuration of a client: the common properties, its own, and the operator's, which take precedence.
    pub(super) fn client_config(&self, own: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        if !log::log_enabled!(target: "librdkafka", log::Level::Debug) {
            // librdkafka reports a broker that disconnects, as it does with a client that does not log in, only at this level.
            config.set_log_level(RDKafkaLogLevel::Info);
        }
        config
            .set("bootstrap.servers", &self.bootstrap_servers)
            .set("client.id", "flight-monitor")
            .set("socket.keepalive.enable", "true")
            .set("socket.nagle.disable", "true")
            .set("socket.timeout.ms", "15000")
            // A broker is used again within a second of its return.
            .set("reconnect.backoff.ms", "100")
            .set("reconnect.backoff.max.ms", "1000");
        for &(key, value) in own {
            config.set(key, value);
        }
        for (key, value) in &self.properties {
            // If both names of a property were set, either could take effect.
            if let Some((name, _)) = Self::ALIASES.iter().find(|(_, other)| other == key) {
                config.remove(name);
            }
            config.set(key, value);
        }
        config
    }
}
