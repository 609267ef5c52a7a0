use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actors::batch::Position;
use actors::domain::{Icao24, StateVector, UnixTime};
use actors::ports::PublishError;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{Offset, TopicPartitionList};

use super::causes::Causes;
use super::cluster::KafkaCluster;
use super::codec;
use super::options::REQUEST_TIMEOUT;
use super::producer::KafkaPublisher;
use super::properties::config_error;
use super::record::POSITION_HEADER;

/// The compacted topic with the newest state of each aircraft. It has the partitions of the topic of state vectors, and
/// each record says up to which position of that topic it was made from.
pub struct LatestTopic {
    cluster: KafkaCluster,
    topic: Arc<str>,
    publisher: KafkaPublisher,
}

/// What a partition of the topic contains.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LatestContent {
    /// The last contact of each aircraft that has a state.
    pub aircraft: HashMap<Icao24, UnixTime>,
    /// The position up to which the states were made; `None` in an empty partition.
    pub position: Option<Position>,
}

impl LatestTopic {
    /// Reading fails if the broker sends nothing for this long.
    const READ_TIMEOUT: Duration = Duration::from_secs(30);

    /// Creates a handle, which connects on first use.
    pub fn new(cluster: KafkaCluster, topic: Arc<str>) -> Self {
        Self { publisher: KafkaPublisher::new(cluster.clone()), cluster, topic }
    }

    /// Reads a partition to its end.
    ///
    /// # Errors
    /// A readable reason: the cluster is unreachable, or the topic cannot be read.
    pub async fn read(&self, partition: i32) -> Result<LatestContent, String> {
        self.cluster.reached().await?;
        let (cluster, topic) = (self.cluster.clone(), self.topic.clone());
        let reading = tokio::task::spawn_blocking(move || read_partition(&cluster, &topic, partition));
        reading.await.map_err(|error| error.to_string())?
    }

    /// Publishes the newest states of a partition, or tombstones, made from the records up to a position.
    ///
    /// # Errors
    /// Some records were not acknowledged; publishing all of them again is harmless.
    pub async fn publish(
        &self,
        partition: i32,
        states: &[(Icao24, Option<Arc<StateVector>>)],
        position: Option<Position>,
    ) -> Result<(), PublishError> {
        self.publisher.publish_latest(&self.topic, partition, states, position).await
    }
}

fn read_partition(cluster: &KafkaCluster, topic: &str, partition: i32) -> Result<LatestContent, String> {
    let mut config = cluster.client_config(&[("queued.max.messages.kbytes", "16384")]);
    // No group is joined; librdkafka requires a name.
    config.set("group.id", format!("{}-latest", cluster.options().group_id));
    config.set("enable.auto.commit", "false").set("enable.partition.eof", "true");
    let consumer: BaseConsumer<Causes> =
        config.create_with_context(cluster.causes()).map_err(|error| config_error(&error))?;
    let failed = |error: &KafkaError| {
        consumer.context().explain_error(&format!("failed to read topic {topic}, partition {partition}"), error)
    };
    let (low, end) = consumer.fetch_watermarks(topic, partition, REQUEST_TIMEOUT).map_err(|error| failed(&error))?;
    let mut content = LatestContent::default();
    if low == end {
        return Ok(content);
    }
    let mut list = TopicPartitionList::new();
    let assigned = list.add_partition_offset(topic, partition, Offset::Beginning);
    assigned.and_then(|()| consumer.assign(&list)).map_err(|error| failed(&error))?;
    let mut last_message_at = Instant::now();
    loop {
        match consumer.poll(Duration::from_secs(1)) {
            None if last_message_at.elapsed() > LatestTopic::READ_TIMEOUT => {
                let seconds = LatestTopic::READ_TIMEOUT.as_secs();
                let failure = format!("topic {topic}, partition {partition}: no response within {seconds} s");
                return Err(consumer.context().explain(&failure));
            }
            None => continue,
            // Compaction may have removed the last offsets, so that the end is never reached otherwise.
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(content),
            Some(Err(error)) => return Err(failed(&error)),
            Some(Ok(message)) => content.add(partition, &message),
        }
        last_message_at = Instant::now();
    }
}

impl LatestContent {
    /// Adds a record. Records of other writers are ignored.
    fn add(&mut self, partition: i32, message: &BorrowedMessage<'_>) {
        let key = message.key().and_then(|key| std::str::from_utf8(key).ok());
        let Some(icao24) = key.and_then(|key| key.parse().ok()) else { return };
        match message.payload() {
            None => drop(self.aircraft.remove(&icao24)),
            payload => {
                if let Ok(state) = codec::decode(payload) {
                    self.aircraft.insert(icao24, state.last_contact);
                }
            }
        }
        if let Some((next_offset, last_timestamp)) = position_in(message)
            && self.position.is_none_or(|known| next_offset >= known.next_offset)
        {
            self.position = Some(Position { partition, next_offset, last_timestamp });
        }
    }
}

pub(super) fn position_in(message: &BorrowedMessage<'_>) -> Option<(i64, i64)> {
    let header = message.headers()?.iter().find(|header| header.key == POSITION_HEADER)?;
    let (next_offset, timestamp) = std::str::from_utf8(header.value?).ok()?.split_once(',')?;
    Some((next_offset.parse().ok()?, timestamp.parse().ok()?))
}
