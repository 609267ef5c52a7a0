use std::sync::Arc;
use std::time::Instant;

use actors::throttle::Throttle;
use rdkafka::ClientConfig;
use tokio::sync::Mutex;

use super::causes::Causes;
use super::options::KafkaOptions;
use super::topics::{self, Hints, Reached};

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

impl KafkaCluster {
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
            None => topics::prepare(&self.0.options, self.causes(), &self.0.hints).await,
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

    /// The configuration of a client; see [`KafkaOptions::client_config`].
    pub(super) fn client_config(&self, own: &[(&str, &str)]) -> ClientConfig {
        self.0.options.client_config(own)
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
