use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

/// The timeout of one request to the cluster.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// The connection settings, topics and consumer group.
#[derive(Clone)]
pub struct KafkaOptions {
    /// A comma-separated list of `host:port`.
    pub bootstrap_servers: String,
    /// The topic for state vectors.
    pub topic_raw: Arc<str>,
    /// The topic for records that cannot be processed.
    pub topic_dead_letter: Arc<str>,
    /// The topic for alerts, if this process raises them.
    pub topic_alerts: Option<Arc<str>>,
    /// The topic for records of polls, if this process publishes or stores them.
    pub topic_polls: Option<Arc<str>>,
    /// The compacted topic with the newest state of each aircraft, if this process publishes to it.
    pub topic_latest: Option<Arc<str>>,
    /// The topic for enriched state vectors, if this process publishes them.
    pub topic_enriched: Option<Arc<str>>,
    /// The number of partitions of topics that this program creates.
    pub partitions: i32,
    /// The replication factor of topics that this program creates.
    pub replication_factor: i32,
    /// The consumer group of the store consumers.
    pub group_id: String,
    /// Additional librdkafka properties, such as SASL and TLS settings. Values may be secret.
    /// [`check_property`](super::check_property) decides which are accepted.
    pub properties: BTreeMap<String, String>,
    /// Identifies the embedded broker's log, which is a different one in every process; `None` for a real cluster.
    pub embedded_id: Option<Arc<str>>,
}

/// The topics and the group of the default settings, and none of the topics that not every process needs.
impl Default for KafkaOptions {
    fn default() -> Self {
        Self {
            bootstrap_servers: String::new(),
            topic_raw: "telemetry.raw".into(),
            topic_dead_letter: "telemetry.dead-letter".into(),
            topic_alerts: None,
            topic_polls: None,
            topic_latest: None,
            topic_enriched: None,
            partitions: 6,
            replication_factor: 1,
            group_id: "opensky-processor".to_owned(),
            properties: BTreeMap::new(),
            embedded_id: None,
        }
    }
}

impl fmt::Debug for KafkaOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Property values may be secret, so only their names are shown.
        f.debug_struct("KafkaOptions")
            .field("bootstrap_servers", &self.bootstrap_servers)
            .field("topic_raw", &self.topic_raw)
            .field("topic_dead_letter", &self.topic_dead_letter)
            .field("topic_alerts", &self.topic_alerts)
            .field("topic_polls", &self.topic_polls)
            .field("topic_latest", &self.topic_latest)
            .field("topic_enriched", &self.topic_enriched)
            .field("partitions", &self.partitions)
            .field("replication_factor", &self.replication_factor)
            .field("group_id", &self.group_id)
            .field("properties", &self.properties.keys())
            .field("embedded_id", &self.embedded_id)
            .finish()
    }
}

impl KafkaOptions {
    /// Properties that the clients set, each with librdkafka's alias for it.
    const ALIASES: [(&str, &str); 2] =
        [("linger.ms", "queue.buffering.max.ms"), ("compression.type", "compression.codec")];

    /// Builds the configuration of a client from the common properties, the client's own, and the operator's, in
    /// ascending precedence.
    pub(super) fn client_config(&self, own: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        if !log::log_enabled!(target: "librdkafka", log::Level::Debug) {
            // librdkafka logs only at this level that a broker disconnects, which is how brokers treat clients that do
            // not authenticate.
            config.set_log_level(RDKafkaLogLevel::Info);
        }
        config
            .set("bootstrap.servers", &self.bootstrap_servers)
            .set("client.id", "flight-monitor")
            .set("socket.keepalive.enable", "true")
            .set("socket.nagle.disable", "true")
            .set("socket.timeout.ms", "15000")
            // Reconnects within a second after a broker is back.
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
