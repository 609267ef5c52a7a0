//! Topics are created where they are missing, never changed.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::{Client, DefaultClientContext};
use rdkafka::error::KafkaError;
use rdkafka::producer::{Producer, ThreadedProducer};
use rdkafka::types::RDKafkaErrorCode;

use super::causes::Causes;
use super::client::blocking;
use super::cluster::{KafkaCluster, KafkaOptions, Reached};
use super::properties::refusal;

/// Kafka's own default of `max.message.bytes`.
pub(super) const DEFAULT_MAX_MESSAGE: usize = 1_048_588;

/// What the headers of a dead letter, and a larger batch around it, may take.
const DEAD_LETTER_ROOM: usize = 64 * 1024;

/// Warnings about the topics, each logged once: the cluster is looked at again after every outage.
#[derive(Debug, Default)]
pub(super) struct Hints(Mutex<BTreeSet<String>>);

impl Hints {
    fn warn(&self, text: String) {
        let mut given = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !given.contains(&text) {
            log::warn!("{text}");
            given.insert(text);
        }
    }
}

/// The clients that prepare the topics.
struct Preparation<'a> {
    options: &'a KafkaOptions,
    hints: &'a Hints,
    admin: AdminClient<DefaultClientContext>,
    /// Asks beside the admin client, whose errors rdkafka hands to nobody.
    probe: Arc<ThreadedProducer<Causes>>,
    causes: Causes,
}

/// Creates the missing topics and asks for the cluster's id.
pub(super) async fn prepare(cluster: &KafkaCluster, hints: &Hints) -> Result<Reached, String> {
    let options = cluster.options();
    let causes = cluster.causes();
    // Connects to every broker that the first one names, so that a name that cannot be resolved is reported.
    let probe = cluster.client_config(&[("enable.sparse.connections", "false")]);
    let probe = Arc::new(probe.create_with_context(causes.clone()).map_err(|error| refusal(&error))?);
    let id = {
        let probe: Arc<ThreadedProducer<Causes>> = Arc::clone(&probe);
        tokio::task::spawn_blocking(move || probe.client().fetch_cluster_id(KafkaCluster::TIMEOUT))
            .await
            .map_err(|error| error.to_string())?
            .ok_or_else(|| causes.explain(&format!("no answer from {}", options.bootstrap_servers)))?
    };
    let admin = cluster.client_config(&[]).create().map_err(|error| refusal(&error))?;
    let preparation = Preparation { options, hints, admin, probe, causes };
    let prepared = preparation.run().await;
    // Ending clients waits for their threads.
    let Preparation { admin, probe, .. } = preparation;
    drop(tokio::task::spawn_blocking(move || drop((admin, probe))));
    let max_dead_letter = prepared?;
    log::info!(cluster = id.as_str(), topic:% = options.topic_raw; "Kafka reached");
    Ok(Reached { id: id.into(), max_dead_letter })
}

impl Preparation<'_> {
    /// The largest dead letter, in bytes.
    async fn run(&self) -> Result<usize, String> {
        let options = self.options;
        self.create(&options.topic_raw, None).await?;
        let max_message = self.setting(&options.topic_raw, "max.message.bytes").await.unwrap_or(DEFAULT_MAX_MESSAGE);
        let max_dead_letter = max_message + DEAD_LETTER_ROOM;
        self.create(&options.topic_dead_letter, Some(max_dead_letter)).await?;
        if let Some(topic_alerts) = &options.topic_alerts {
            self.create(topic_alerts, None).await?;
        }
        Ok(max_dead_letter)
    }

    async fn create(&self, topic: &Arc<str>, max_message: Option<usize>) -> Result<(), String> {
        let max_message = max_message.map(|bytes| bytes.to_string());
        let new_topic = new_topic(self.options, topic, max_message.as_deref());
        let failure = || format!("failed to create topic {topic}");
        let results = self.admin.create_topics([&new_topic], &admin_options()).await;
        let results = results.map_err(|error| self.causes.explain_error(&failure(), &error))?;
        for result in results {
            match result {
                Ok(topic) => log::info!(topic = topic.as_str(), partitions = self.options.partitions; "topic created"),
                Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                // Without the right to create it, it may still be there.
                Err((_, RDKafkaErrorCode::TopicAuthorizationFailed | RDKafkaErrorCode::ClusterAuthorizationFailed)) => {
                    self.check_existence(topic).await;
                }
                Err((_, code)) => return Err(self.causes.explain_code(&failure(), code)),
            }
        }
        Ok(())
    }

    /// Whoever needs a topic that is not there, or may not be used, says so again; not every role needs each of them.
    async fn check_existence(&self, topic: &Arc<str>) {
        if let Err(error) = self.partitions(topic).await {
            let failure = format!("topic {topic} is not usable, and there is no permission to create it");
            self.hints.warn(self.causes.explain_error(&failure, &error));
        }
    }

    /// The number of replicas of each partition.
    async fn partitions(&self, topic: &Arc<str>) -> Result<Vec<usize>, KafkaError> {
        let (probe, topic) = (Arc::clone(&self.probe), Arc::clone(topic));
        blocking(move || partitions_of(probe.client(), &topic, KafkaCluster::TIMEOUT)).await
    }

    /// A number among the topic's settings; `None` without the right to read them.
    async fn setting(&self, topic: &str, name: &str) -> Option<usize> {
        let described = self.admin.describe_configs([&ResourceSpecifier::Topic(topic)], &admin_options()).await;
        let resource = described.ok()?.into_iter().next()?.ok()?;
        resource.get(name)?.value.as_ref()?.parse().ok()
    }
}

/// A topic as this program creates it.
fn new_topic<'a>(options: &KafkaOptions, name: &'a str, max_message: Option<&'a str>) -> NewTopic<'a> {
    let replication = TopicReplication::Fixed(options.replication_factor);
    let mut topic = NewTopic::new(name, options.partitions, replication);
    if let Some(bytes) = max_message {
        topic = topic.set("max.message.bytes", bytes);
    }
    topic
}

/// The number of replicas of each partition of a topic.
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
    AdminOptions::new().request_timeout(Some(KafkaCluster::TIMEOUT)).operation_timeout(Some(KafkaCluster::TIMEOUT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_given_once() {
        let hints = Hints::default();
        hints.warn("topic raw".to_owned());
        hints.warn("topic raw".to_owned());
        assert_eq!(hints.0.into_inner().unwrap().len(), 1);
    }
}
