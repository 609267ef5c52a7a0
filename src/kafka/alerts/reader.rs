use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::{Duration, Instant};

use actors::batch::Position;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::{Offset, TopicPartitionList};

use super::content::AlertsContent;
use crate::kafka::causes::Causes;
use crate::kafka::cluster::KafkaCluster;
use crate::kafka::latest::position_in;
use crate::kafka::options::REQUEST_TIMEOUT;
use crate::kafka::properties::config_error;

/// A failure to read, with its error if Kafka gave one.
pub(super) struct ReadError {
    pub(super) error: Option<KafkaError>,
    pub(super) reason: String,
}

/// Reading fails if a transaction stays open, or the broker sends nothing, for this long. Kafka aborts the transactions
/// of a killed process after their time-out, and looks for those every ten seconds.
const READ_TIMEOUT: Duration = Duration::from_secs(40);

/// Reads partitions to their ends, including what a transaction that was open at the start has published.
pub(super) fn read(
    cluster: &KafkaCluster,
    topic: &str,
    partitions: &[i32],
) -> Result<BTreeMap<i32, AlertsContent>, ReadError> {
    let consumer = |isolation: &str| -> Result<BaseConsumer<Causes>, ReadError> {
        let mut config = cluster.client_config(&[("queued.max.messages.kbytes", "16384")]);
        // No group is joined; librdkafka requires a name.
        config.set("group.id", format!("{}-detect", cluster.options().group_id));
        config.set("enable.auto.commit", "false").set("enable.partition.eof", "true").set("isolation.level", isolation);
        let created = config.create_with_context(cluster.causes());
        created.map_err(|error| ReadError { error: None, reason: config_error(&error) })
    };
    let (committed, everything) = (consumer("read_committed")?, consumer("read_uncommitted")?);
    let failed = |partition: i32, error: KafkaError| {
        let failure = format!("failed to read topic {topic}, partition {partition}");
        let reason = committed.context().explain_error(&failure, &error);
        ReadError { error: Some(error), reason }
    };
    let deadline = Instant::now() + READ_TIMEOUT;
    for &partition in partitions {
        // The markers that end a transaction are written to its partitions one after the other. So the offsets of the
        // last owner may be committed already, and its alerts not yet.
        let end = |consumer: &BaseConsumer<Causes>| {
            let watermarks = consumer.fetch_watermarks(topic, partition, REQUEST_TIMEOUT);
            watermarks.map(|(_, high)| high).map_err(|error| failed(partition, error))
        };
        let written = end(&everything)?;
        while end(&committed)? < written {
            if Instant::now() > deadline {
                let reason = format!("topic {topic}, partition {partition}: a transaction does not end");
                return Err(ReadError { error: None, reason });
            }
            pause();
        }
    }
    let mut list = TopicPartitionList::with_capacity(partitions.len());
    for &partition in partitions {
        let added = list.add_partition_offset(topic, partition, Offset::Beginning);
        added.map_err(|error| failed(partition, error))?;
    }
    let first = partitions.first().copied().unwrap_or(0);
    committed.assign(&list).map_err(|error| failed(first, error))?;
    let mut contents: BTreeMap<_, _> =
        partitions.iter().map(|&partition| (partition, AlertsContent::default())).collect();
    let mut left: BTreeSet<_> = partitions.iter().copied().collect();
    let mut last_message_at = Instant::now();
    while let Some(&next) = left.first() {
        match committed.poll(Duration::from_secs(1)) {
            None if last_message_at.elapsed() > READ_TIMEOUT => {
                let failure = format!("topic {topic}, partition {next}: no response for {} s", READ_TIMEOUT.as_secs());
                return Err(ReadError { error: None, reason: committed.context().explain(&failure) });
            }
            None => continue,
            // Compaction may have removed the last offsets, so that the end is never reached otherwise.
            Some(Err(KafkaError::PartitionEOF(partition))) => drop(left.remove(&partition)),
            Some(Err(error)) => return Err(failed(next, error)),
            Some(Ok(message)) => {
                if let Some(content) = contents.get_mut(&message.partition()) {
                    add(content, &message);
                }
            }
        }
        last_message_at = Instant::now();
    }
    Ok(contents)
}

fn add(content: &mut AlertsContent, message: &BorrowedMessage<'_>) {
    let partition = message.partition();
    let position = position_in(message);
    let position = position.map(|(next_offset, last_timestamp)| Position { partition, next_offset, last_timestamp });
    let timestamp = message.timestamp().to_millis().unwrap_or_default();
    content.add(message.key(), message.payload(), timestamp, position);
}

#[expect(clippy::disallowed_methods, reason = "runs on a thread for blocking calls")]
fn pause() {
    thread::sleep(Duration::from_millis(20));
}
