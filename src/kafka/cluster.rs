use std::sync::Arc;
use std::time::Instant;

use actors::throttle::Throttle;
use rdkafka::ClientConfig;
use tokio::sync::Mutex;

use super::causes::Causes;
use super::options::KafkaOptions;
use super::topics::{self, Reached, WarnOnce};

/// A Kafka cluster that is connected to on first use: the program starts without it, and waits for it.
#[derive(Clone, Debug)]
pub struct KafkaCluster(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: KafkaOptions,
    /// Locked during an attempt, so that there is only one at a time.
    reached: Mutex<ConnectionState>,
    warnings: WarnOnce,
    /// Throttles the log of all clients of this cluster.
    log: Arc<Throttle>,
}

#[derive(Debug)]
enum ConnectionState {
    Unconnected,
    Connected(Reached),
    Failed { at: Instant, reason: String },
}

impl KafkaCluster {
    /// Creates a cluster without connecting to it.
    pub fn new(options: KafkaOptions) -> Self {
        let log = Arc::new(Throttle::new(Causes::LOG_PERIOD));
        Self(Arc::new(Inner {
            options,
            reached: Mutex::new(ConnectionState::Unconnected),
            warnings: WarnOnce::default(),
            log,
        }))
    }

    /// Returns the options that the cluster was created with.
    pub fn options(&self) -> &KafkaOptions {
        &self.0.options
    }

    /// Returns whether this is the broker embedded in this process.
    pub fn is_embedded(&self) -> bool {
        self.0.options.embedded_id.is_some()
    }

    /// Connects to the cluster and creates the missing topics, once. A failed attempt is repeated by the next call.
    ///
    /// # Errors
    /// A readable reason: the cluster is unreachable, permissions are missing, or the topic settings are invalid.
    pub(super) async fn reached(&self) -> Result<Reached, String> {
        let requested_at = Instant::now();
        let mut known = self.0.reached.lock().await;
        match &*known {
            ConnectionState::Connected(reached) => return Ok(reached.clone()),
            // That attempt ran while this caller waited for the lock. An attempt takes seconds and several actors call
            // this, so they share its failure.
            ConnectionState::Failed { at, reason } if *at > requested_at => return Err(reason.clone()),
            ConnectionState::Failed { .. } | ConnectionState::Unconnected => {}
        }
        let reached = match &self.0.options.embedded_id {
            // The mock cluster has no admin API; its topics were created when it was started.
            Some(id) => Ok(Reached { id: id.clone(), max_dead_letter: topics::DEFAULT_MAX_MESSAGE }),
            None => topics::prepare(&self.0.options, self.causes(), &self.0.warnings).await,
        };
        *known = match &reached {
            Ok(reached) => ConnectionState::Connected(reached.clone()),
            Err(reason) => ConnectionState::Failed { at: Instant::now(), reason: reason.clone() },
        };
        reached
    }

    /// Returns a record of causes for a new client.
    pub(super) fn causes(&self) -> Causes {
        Causes::new(self.0.log.clone())
    }

    /// Makes the next call of [`reached`](Self::reached) look for the topics again and create the missing ones: they
    /// have changed.
    pub(super) async fn recheck_topics(&self) {
        *self.0.reached.lock().await = ConnectionState::Unconnected;
    }

    /// Returns the configuration of a client; see [`KafkaOptions::client_config`].
    pub(super) fn client_config(&self, own: &[(&str, &str)]) -> ClientConfig {
        self.0.options.client_config(own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configured_properties_take_precedence() {
        let properties = [("linger.ms", "7"), ("reconnect.backoff.ms", "500"), ("compression.codec", "zstd")];
        let cluster = KafkaCluster::new(KafkaOptions {
            bootstrap_servers: "kafka:9092".to_owned(),
            properties: properties.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            ..KafkaOptions::default()
        });
        let config =
            cluster.client_config(&[("linger.ms", "1"), ("compression.type", "lz4"), ("session.timeout.ms", "6000")]);
        for (key, value) in properties.into_iter().chain([("session.timeout.ms", "6000")]) {
            assert_eq!(config.get(key), Some(value), "{key}");
        }
        assert_eq!((config.get("bootstrap.servers"), config.get("compression.type")), (Some("kafka:9092"), None));
    }
}
