use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actors::throttle::Throttle;
use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use tokio::sync::Mutex;

use super::causes::Causes;
use super::topics::{self, Hints};

/// How to reach Kafka and what to find there.
#[derive(Clone)]
pub struct KafkaOptions {
    /// `host:port,…`
    pub bootstrap_servers: String,
    /// Where state vectors go.
    pub topic_raw: Arc<str>,
    /// Where records go that nobody can use.
    pub topic_dead_letter: Arc<str>,
    /// Where alerts go, in a process that raises them.
    pub topic_alerts: Option<Arc<str>>,
    /// Partitions of a topic that has to be made.
    pub partitions: i32,
    /// Replicas of a topic that has to be made.
    pub replication_factor: i32,
    /// The consumer group of the store consumers.
    pub group_id: String,
    /// Passed to librdkafka as they are: SASL, TLS. They may hold secrets. [`check_property`](super::check_property) says
    /// which it takes.
    pub properties: BTreeMap<String, String>,
    /// For the embedded broker: the identity of its log, since every process has a new one.
    pub embedded_id: Option<Arc<str>>,
}

impl fmt::Debug for KafkaOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the properties' values.
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

/// A Kafka cluster that is reached when it is first needed: the program starts, and waits, without it.
#[derive(Clone, Debug)]
pub struct KafkaCluster(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: KafkaOptions,
    /// Held while it is found out, so that it is asked once.
    reached: Mutex<Reaching>,
    hints: Hints,
    /// Of all its clients.
    log: Arc<Throttle>,
}

#[derive(Debug)]
enum Reaching {
    NotYet,
    Done(Reached),
    Failed { at: Instant, reason: String },
}

/// What is known of a cluster once it was reached and has the topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reached {
    /// Kafka's cluster id.
    pub(super) id: Arc<str>,
    /// The largest message that the dead-letter topic takes, in bytes.
    pub(super) max_dead_letter: usize,
}

impl KafkaCluster {
    /// How long one question to the cluster may take.
    pub(super) const TIMEOUT: Duration = Duration::from_secs(10);

    /// Properties that clients set, and librdkafka's other names for them.
    const OTHER_NAMES: [(&str, &str); 2] =
        [("linger.ms", "queue.buffering.max.ms"), ("compression.type", "compression.codec")];

    /// A cluster that is not reached yet.
    pub fn new(options: KafkaOptions) -> Self {
        let log = Arc::new(Throttle::new(Causes::LOG_PERIOD));
        Self(Arc::new(Inner { options, reached: Mutex::new(Reaching::NotYet), hints: Hints::default(), log }))
    }

    /// What it was made with.
    pub fn options(&self) -> &KafkaOptions {
        &self.0.options
    }

    /// Whether it is the one inside this process.
    pub fn is_embedded(&self) -> bool {
        self.0.options.embedded_id.is_some()
    }

    /// Reaches the cluster and makes the topics that are missing, once; a failure is tried again at the next call.
    ///
    /// # Errors
    /// In words: not reachable, not allowed, impossible topic settings.
    pub(super) async fn reached(&self) -> Result<Reached, String> {
        let asked = Instant::now();
        let mut known = self.0.reached.lock().await;
        match &*known {
            Reaching::Done(reached) => return Ok(reached.clone()),
            // Tried while this caller waited for it: each attempt takes seconds, and several actors ask.
            Reaching::Failed { at, reason } if *at > asked => return Err(reason.clone()),
            Reaching::Failed { .. } | Reaching::NotYet => {}
        }
        let reached = match &self.0.options.embedded_id {
            // The mock cluster has no admin API; its topics were made with it.
            Some(id) => Ok(Reached { id: id.clone(), max_dead_letter: topics::DEFAULT_MAX_MESSAGE }),
            None => topics::prepare(self, &self.0.hints).await,
        };
        *known = match &reached {
            Ok(reached) => Reaching::Done(reached.clone()),
            Err(reason) => Reaching::Failed { at: Instant::now(), reason: reason.clone() },
        };
        reached
    }

    /// For a new client, to keep what it reports.
    pub(super) fn causes(&self) -> Causes {
        Causes::new(self.0.log.clone())
    }

    /// The topics are not what they were: they are looked for again, and made where missing, at the next call.
    pub(super) async fn look_again(&self) {
        *self.0.reached.lock().await = Reaching::NotYet;
    }

    /// The settings of a client: those that all of them share, its own, and the operator's properties, which win.
    pub(super) fn client_config(&self, own: &[(&str, &str)]) -> ClientConfig {
        let options = &self.0.options;
        let mut config = ClientConfig::new();
        if !log::log_enabled!(target: "librdkafka", log::Level::Debug) {
            // A broker that hangs up, which is how it answers a client that does not log in, is told at this level only.
            config.set_log_level(RDKafkaLogLevel::Info);
        }
        config
            .set("bootstrap.servers", &options.bootstrap_servers)
            .set("client.id", "flight-monitor")
            .set("socket.keepalive.enable", "true")
            .set("socket.nagle.disable", "true")
            .set("socket.timeout.ms", "15000")
            // A broker that is back is used again within a second.
            .set("reconnect.backoff.ms", "100")
            .set("reconnect.backoff.max.ms", "1000");
        for &(key, value) in own {
            config.set(key, value);
        }
        for (key, value) in &options.properties {
            // Of two names for one property, either could win.
            if let Some((name, _)) = Self::OTHER_NAMES.iter().find(|(_, other)| other == key) {
                config.remove(name);
            }
            config.set(key, value);
        }
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operator_s_properties_win() {
        let properties = [("linger.ms", "7"), ("reconnect.backoff.ms", "500"), ("compression.codec", "zstd")];
        let cluster = KafkaCluster::new(KafkaOptions {
            bootstrap_servers: "kafka:9092".to_owned(),
            topic_raw: "raw".into(),
            topic_dead_letter: "dead".into(),
            topic_alerts: None,
            partitions: 1,
            replication_factor: 1,
            group_id: "group".to_owned(),
            properties: properties.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            embedded_id: None,
        });
        let config =
            cluster.client_config(&[("linger.ms", "1"), ("compression.type", "lz4"), ("session.timeout.ms", "6000")]);
        for (key, value) in properties.into_iter().chain([("session.timeout.ms", "6000")]) {
            assert_eq!(config.get(key), Some(value), "{key}");
        }
        assert_eq!((config.get("bootstrap.servers"), config.get("compression.type")), (Some("kafka:9092"), None));
    }
}
