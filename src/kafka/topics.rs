//! Creates missing topics. Existing topics are never changed.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::{Client, DefaultClientContext};
use rdkafka::error::KafkaError;
use rdkafka::producer::{Producer, ThreadedProducer};
use rdkafka::types::RDKafkaErrorCode;

use super::blocking::blocking;
use super::causes::Causes;
use super::options::{KafkaOptions, REQUEST_TIMEOUT};
use super::properties::config_error;

/// Kafka's own default of `max.message.bytes`.
pub(super) const DEFAULT_MAX_MESSAGE: usize = 1_048_588;

/// Room for a dead letter's headers, and for the larger batch around it, in bytes.
const DEAD_LETTER_ROOM: usize = 64 * 1024;

/// With this many replicas, one broker can be unavailable while two others still acknowledge.
const REPLICAS_FOR_TWO_ACKS: usize = 3;

/// The number of brokers that must have stored a message before it is acknowledged, if there are enough replicas. With
/// Kafka's default of 1, losing a single broker can lose acknowledged messages.
const ACKS: usize = 2;

/// The settings of a topic with only the newest record of each key. Records without a successor are deleted after a day,
/// should nobody publish their tombstones.
const COMPACTED: [(&str, &str); 5] = [
    ("cleanup.policy", "compact,delete"),
    ("retention.ms", "86400000"),
    ("delete.retention.ms", "3600000"),
    ("segment.ms", "600000"),
    ("min.cleanable.dirty.ratio", "0.1"),
];

/// The settings of the topic of the alerts. The newest record of each key is kept: an active alert must not be forgotten
/// however long it lasts. The others are kept for a day, for readers that were not running.
const ALERTS: [(&str, &str); 4] = [
    ("cleanup.policy", "compact"),
    ("min.compaction.lag.ms", "86400000"),
    ("segment.ms", "86400000"),
    ("min.cleanable.dirty.ratio", "0.1"),
];

/// Logs each warning about the topics only once: the topics are checked again after every outage.
#[derive(Debug, Default)]
pub(super) struct WarnOnce(Mutex<BTreeSet<String>>);

impl WarnOnce {
    pub(super) fn warn(&self, text: String) {
        let mut logged = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !logged.contains(&text) {
            log::warn!("{text}");
            logged.insert(text);
        }
    }
}

/// A cluster that was reached and has all topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reached {
    /// Kafka's cluster id.
    pub(super) id: Arc<str>,
    /// The maximum message size of the dead-letter topic in bytes.
    pub(super) max_dead_letter: usize,
}

/// The clients used to prepare the topics.
struct Preparation<'a> {
    options: &'a KafkaOptions,
    warnings: &'a WarnOnce,
    admin: AdminClient<DefaultClientContext>,
    /// Sends requests that report their errors: rdkafka does not forward those of the admin client.
    probe: Arc<ThreadedProducer<Causes>>,
    causes: Causes,
}

/// How well a topic is protected against the loss of brokers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Durability {
    replicas: usize,
    min_in_sync: Option<usize>,
}

/// Creates the missing topics and fetches the cluster id.
pub(super) async fn prepare(options: &KafkaOptions, causes: Causes, warnings: &WarnOnce) -> Result<Reached, String> {
    // Connects to every broker that the bootstrap server names, so that a host name that does not resolve is reported.
    let probe = options.client_config(&[("enable.sparse.connections", "false")]);
    let probe = Arc::new(probe.create_with_context(causes.clone()).map_err(|error| config_error(&error))?);
    let id = {
        let probe: Arc<ThreadedProducer<Causes>> = Arc::clone(&probe);
        tokio::task::spawn_blocking(move || probe.client().fetch_cluster_id(REQUEST_TIMEOUT))
            .await
            .map_err(|error| error.to_string())?
            .ok_or_else(|| causes.explain(&format!("no response from {}", options.bootstrap_servers)))?
    };
    let admin = options.client_config(&[]).create().map_err(|error| config_error(&error))?;
    let preparation = Preparation { options, warnings, admin, probe, causes };
    let prepared = preparation.run().await;
    // Dropping the clients blocks until their threads have ended.
    let Preparation { admin, probe, .. } = preparation;
    drop(tokio::task::spawn_blocking(move || drop((admin, probe))));
    let max_dead_letter = prepared?;
    log::info!(cluster = id.as_str(), topic:% = options.topic_raw; "connected to Kafka");
    Ok(Reached { id: id.into(), max_dead_letter })
}

impl Preparation<'_> {
    /// Returns the maximum size of a dead letter in bytes.
    async fn run(&self) -> Result<usize, String> {
        let options = self.options;
        let partitions = options.partitions;
        self.create(&options.topic_raw, partitions, &[]).await?;
        let max_message = self.setting(&options.topic_raw, "max.message.bytes").await.unwrap_or(DEFAULT_MAX_MESSAGE);
        let max_dead_letter = max_message + DEAD_LETTER_ROOM;
        let size = max_dead_letter.to_string();
        self.create(&options.topic_dead_letter, partitions, &[("max.message.bytes", &size)]).await?;
        // Each partition of these has the records made from the same partition of the topic of state vectors.
        let read = self.partitions(&options.topic_raw).await.ok().and_then(|found| found.len().try_into().ok());
        let same_partitions = read.unwrap_or(partitions);
        if let Some(topic_alerts) = &options.topic_alerts {
            self.create(topic_alerts, same_partitions, &ALERTS).await?;
            self.check_compaction(topic_alerts).await;
        }
        if let Some(topic_polls) = &options.topic_polls {
            // There are too few records for more than one partition.
            self.create(topic_polls, 1, &[]).await?;
        }
        if let Some(topic_latest) = &options.topic_latest {
            self.create(topic_latest, same_partitions, &COMPACTED).await?;
        }
        if let Some(topic_enriched) = &options.topic_enriched {
            self.create(topic_enriched, same_partitions, &[]).await?;
        }
        Ok(max_dead_letter)
    }

    async fn create(&self, topic: &Arc<str>, partitions: i32, settings: &[(&str, &str)]) -> Result<(), String> {
        let new_topic = new_topic(self.options, topic, partitions, settings);
        let failure = || format!("failed to create topic {topic}");
        let results = self.admin.create_topics([&new_topic], &admin_options()).await;
        let results = results.map_err(|error| self.causes.explain_error(&failure(), &error))?;
        for result in results {
            match result {
                Ok(topic) => log::info!(topic = topic.as_str(), partitions; "topic created"),
                Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => self.check_durability(topic).await,
                // The topic may exist, even though there is no permission to create it.
                Err((_, RDKafkaErrorCode::TopicAuthorizationFailed | RDKafkaErrorCode::ClusterAuthorizationFailed)) => {
                    self.check_existence(topic).await;
                    self.check_durability(topic).await;
                }
                Err((_, code)) => return Err(self.causes.explain_code(&failure(), code)),
            }
        }
        Ok(())
    }

    /// Warns if the topic cannot be used. This is not an error, because not every role needs every topic; a component
    /// that does need it fails later with an error of its own.
    async fn check_existence(&self, topic: &Arc<str>) {
        if let Err(error) = self.partitions(topic).await {
            let failure = format!("topic {topic} is not usable, and there is no permission to create it");
            self.warnings.warn(self.causes.explain_error(&failure, &error));
        }
    }

    /// Warns if a topic is less durable than it would be if this program had created it.
    async fn check_durability(&self, topic: &Arc<str>) {
        let Ok(partitions) = self.partitions(topic).await else { return };
        let Some(replicas) = partitions.into_iter().min() else { return };
        let min_in_sync = self.setting(topic, "min.insync.replicas").await;
        let wanted = usize::try_from(self.options.replication_factor).unwrap_or_default();
        for warning in (Durability { replicas, min_in_sync }).warnings(topic, wanted) {
            self.warnings.warn(warning);
        }
    }

    /// Returns the number of replicas of each partition.
    async fn partitions(&self, topic: &Arc<str>) -> Result<Vec<usize>, KafkaError> {
        let (probe, topic) = (Arc::clone(&self.probe), Arc::clone(topic));
        blocking(move || partitions_of(probe.client(), &topic, REQUEST_TIMEOUT)).await
    }

    /// Warns if Kafka would delete an alert that is active for a long time.
    async fn check_compaction(&self, topic: &Arc<str>) {
        let policy = self.text_setting(topic, "cleanup.policy").await;
        if policy.is_some_and(|policy| policy != "compact") {
            self.warnings.warn(format!(
                "topic {topic} is not compacted, so an alert that is active for longer than the topic's retention begins \
                 again; set it with kafka-configs.sh --alter --entity-type topics --entity-name {topic} --add-config \
                 cleanup.policy=compact"
            ));
        }
    }

    /// Returns a numeric setting of the topic, or `None` without permission to read it.
    async fn setting(&self, topic: &str, name: &str) -> Option<usize> {
        self.text_setting(topic, name).await?.parse().ok()
    }

    async fn text_setting(&self, topic: &str, name: &str) -> Option<String> {
        let described = self.admin.describe_configs([&ResourceSpecifier::Topic(topic)], &admin_options()).await;
        let resource = described.ok()?.into_iter().next()?.ok()?;
        resource.get(name)?.value.clone()
    }
}

/// Returns the definition of a topic as this program creates it.
fn new_topic<'a>(
    options: &KafkaOptions,
    name: &'a str,
    partitions: i32,
    settings: &[(&'a str, &'a str)],
) -> NewTopic<'a> {
    let replication = TopicReplication::Fixed(options.replication_factor);
    let mut topic = NewTopic::new(name, partitions, replication);
    for (key, value) in settings {
        topic = topic.set(key, value);
    }
    if usize::try_from(options.replication_factor).is_ok_and(|factor| factor >= REPLICAS_FOR_TWO_ACKS) {
        topic = topic.set("min.insync.replicas", "2");
    }
    topic
}

impl Durability {
    /// Returns the warnings for the operator of an existing topic.
    fn warnings(self, topic: &str, wanted_replicas: usize) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.replicas < wanted_replicas {
            warnings.push(format!(
                "topic {topic} has a replication factor of {}, not kafka.replication_factor {wanted_replicas}, \
                 which applies only to topics that the server creates",
                self.replicas
            ));
        }
        if let Some(min) = self.min_in_sync.filter(|&min| self.replicas >= REPLICAS_FOR_TWO_ACKS && min < ACKS) {
            warnings.push(format!(
                "topic {topic} has {} replicas, but min.insync.replicas is {min}: an acknowledged message can be lost with \
                 one broker; set it to {ACKS} with kafka-configs.sh --alter --entity-type topics --entity-name {topic} \
                 --add-config min.insync.replicas={ACKS}",
                self.replicas
            ));
        }
        warnings
    }
}

/// Returns the number of replicas of each partition of a topic.
///
/// # Errors
/// Kafka does not answer, the topic does not exist, or there is no permission to describe it.
pub(super) fn partitions_of<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    timeout: Duration,
) -> Result<Vec<usize>, KafkaError> {
    let metadata = client.fetch_metadata(Some(topic), timeout)?;
    let unknown = KafkaError::MetadataFetch(RDKafkaErrorCode::UnknownTopicOrPartition);
    let Some(found) = metadata.topics().first() else { return Err(unknown) };
    if let Some(error) = found.error() {
        return Err(KafkaError::MetadataFetch(error.into()));
    }
    if found.partitions().is_empty() {
        return Err(unknown);
    }
    Ok(found.partitions().iter().map(|partition| partition.replicas().len()).collect())
}

fn admin_options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(REQUEST_TIMEOUT)).operation_timeout(Some(REQUEST_TIMEOUT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_with_three_replicas_needs_two_brokers_to_acknowledge() {
        for (factor, min_in_sync) in [(1, None), (2, None), (3, Some("2")), (5, Some("2"))] {
            let options = KafkaOptions { replication_factor: factor, ..KafkaOptions::default() };
            let topic = new_topic(&options, "raw", 6, &[("max.message.bytes", "2000000")]);
            let setting = |name: &str| topic.config.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
            assert_eq!(setting("min.insync.replicas"), min_in_sync, "{factor} replicas");
            assert_eq!(setting("max.message.bytes"), Some("2000000"));
        }
    }

    #[test]
    fn a_topic_acknowledged_by_a_single_broker_raises_a_warning() {
        let warnings = |replicas, min_in_sync, wanted| Durability { replicas, min_in_sync }.warnings("raw", wanted);
        for (replicas, min_in_sync, wanted) in [(1, Some(1), 1), (2, Some(1), 2), (3, Some(2), 3), (3, None, 1)] {
            let none: Vec<String> = Vec::new();
            assert_eq!(warnings(replicas, min_in_sync, wanted), none, "{replicas}, {min_in_sync:?}, {wanted}");
        }
        let lossy = warnings(3, Some(1), 1);
        assert!(lossy.len() == 1 && lossy[0].contains("min.insync.replicas is 1"), "{lossy:?}");
        let single = warnings(1, Some(1), 3);
        assert!(single.len() == 1 && single[0].contains("replication factor of 1"), "{single:?}");
    }

    #[test]
    fn a_warning_is_logged_once() {
        let warnings = WarnOnce::default();
        warnings.warn("topic raw".to_owned());
        warnings.warn("topic raw".to_owned());
        assert_eq!(warnings.0.into_inner().unwrap().len(), 1);
    }
}
