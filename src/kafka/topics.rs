//! Topics are made where they are missing, never changed.

use std::sync::Arc;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::types::RDKafkaErrorCode;

use super::cluster::{KafkaCluster, KafkaOptions, Reached};
use super::properties::refusal;

/// Kafka's own default of `max.message.bytes`.
pub(super) const DEFAULT_MAX_MESSAGE: usize = 1_048_588;

/// What the headers of a dead letter, and a larger batch around it, may take.
const DEAD_LETTER_ROOM: usize = 64 * 1024;

/// Makes the missing topics and asks who the cluster is.
pub(super) async fn prepare(config: &ClientConfig, options: &KafkaOptions) -> Result<Reached, String> {
    let admin: Arc<AdminClient<DefaultClientContext>> = Arc::new(config.create().map_err(|error| refusal(&error))?);
    let id = {
        let admin = admin.clone();
        tokio::task::spawn_blocking(move || admin.inner().fetch_cluster_id(KafkaCluster::TIMEOUT))
            .await
            .map_err(|error| error.to_string())?
            .ok_or_else(|| format!("no answer from {}", options.bootstrap_servers))?
    };
    create(&admin, options, &options.topic_raw, None).await?;
    let max_dead_letter = max_message(&admin, &options.topic_raw).await + DEAD_LETTER_ROOM;
    create(&admin, options, &options.topic_dead_letter, Some(max_dead_letter)).await?;
    if let Some(topic_alerts) = &options.topic_alerts {
        create(&admin, options, topic_alerts, None).await?;
    }
    log::info!(cluster = id.as_str(), topic:% = options.topic_raw; "Kafka reached");
    Ok(Reached { id: id.into(), max_dead_letter })
}

async fn create(
    admin: &AdminClient<DefaultClientContext>,
    options: &KafkaOptions,
    topic: &str,
    max_message: Option<usize>,
) -> Result<(), String> {
    let max_message = max_message.map(|bytes| bytes.to_string());
    let mut new_topic = NewTopic::new(topic, options.partitions, TopicReplication::Fixed(options.replication_factor));
    if let Some(bytes) = &max_message {
        new_topic = new_topic.set("max.message.bytes", bytes);
    }
    let results = admin.create_topics([&new_topic], &admin_options()).await.map_err(|error| error.to_string())?;
    for result in results {
        match result {
            Ok(topic) => log::info!(topic = topic.as_str(), partitions = options.partitions; "topic made"),
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            // Without the right to make it, it may still be there.
            Err((topic, RDKafkaErrorCode::TopicAuthorizationFailed | RDKafkaErrorCode::ClusterAuthorizationFailed)) => {
                log::warn!(topic = topic.as_str(); "not allowed to make topics; it must exist");
            }
            Err((topic, error)) => return Err(format!("topic {topic} could not be made: {error}")),
        }
    }
    Ok(())
}

/// The topic's `max.message.bytes`; Kafka's default when it may not be asked.
async fn max_message(admin: &AdminClient<DefaultClientContext>, topic: &str) -> usize {
    let described = admin.describe_configs([&ResourceSpecifier::Topic(topic)], &admin_options()).await;
    let value = described.ok().and_then(|resources| {
        let resource = resources.into_iter().next()?.ok()?;
        resource.get("max.message.bytes")?.value.as_ref()?.parse().ok()
    });
    value.unwrap_or(DEFAULT_MAX_MESSAGE)
}

fn admin_options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(KafkaCluster::TIMEOUT)).operation_timeout(Some(KafkaCluster::TIMEOUT))
}
