use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actors::batch::DeadLetter;
use bytes::Bytes;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::mpsc;

use super::blocking::blocking;
use super::causes::Causes;
use super::cluster::KafkaCluster;
use super::options::REQUEST_TIMEOUT;
use super::properties::config_error;
use super::topics::partitions_of;

/// Reads the dead-letter topic. The group `…-dead-letters`, separate from the store's own group, commits how far its
/// letters were resent.
#[derive(Clone)]
pub struct DeadLetterReader {
    consumer: Arc<BaseConsumer<Causes>>,
    topic: Arc<str>,
    group: Arc<str>,
}

/// A dead letter, and its position in the dead-letter topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundLetter {
    /// The partition of the dead-letter topic that holds the letter.
    pub partition: i32,
    /// The letter's offset in that partition.
    pub offset: i64,
    /// The letter, which includes the position of the original record.
    pub letter: DeadLetter,
}

/// Where to start reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadFrom {
    /// At the oldest letter that is still in the topic.
    Beginning,
    /// After the last letter that was resent.
    Resent,
}

/// The offsets to read of one partition.
#[derive(Clone, Copy, Debug)]
struct OffsetRange {
    from: Offset,
    end: i64,
}

impl DeadLetterReader {
    /// Reading fails if the broker sends nothing for this long.
    const READ_TIMEOUT: Duration = Duration::from_secs(30);
    /// How many letters are read ahead of the receiver. Each is at most as large as the topic's maximum message size.
    const READ_AHEAD: usize = 16;

    /// Connects to the cluster and creates the consumer.
    ///
    /// # Errors
    /// The cluster is unreachable, or librdkafka rejects the configuration.
    pub async fn open(cluster: &KafkaCluster) -> Result<Self, String> {
        cluster.reached().await?;
        let group: Arc<str> = format!("{}-dead-letters", cluster.options().group_id).into();
        let mut config = cluster.client_config(&[("queued.max.messages.kbytes", "16384")]);
        config.set("group.id", &*group).set("enable.auto.commit", "false").set("enable.partition.eof", "true");
        let consumer = config.create_with_context(cluster.causes()).map_err(|error| config_error(&error))?;
        Ok(Self { consumer: Arc::new(consumer), topic: cluster.options().topic_dead_letter.clone(), group })
    }

    /// Reads the letters that are in the topic now, in order within each partition. An error ends the stream.
    pub fn read(&self, from: ReadFrom) -> mpsc::Receiver<Result<FoundLetter, String>> {
        let (sender, receiver) = mpsc::channel(Self::READ_AHEAD);
        let this = self.clone();
        tokio::task::spawn_blocking(move || {
            if let Err(error) = this.read_into(from, &sender) {
                // The receiver may be gone already.
                let _ = sender.blocking_send(Err(error));
            }
        });
        receiver
    }

    /// Commits that all letters before these offsets were resent.
    ///
    /// # Errors
    /// The broker did not accept the commit.
    pub async fn commit(&self, next_offsets: &BTreeMap<i32, i64>) -> Result<(), String> {
        let mut list = TopicPartitionList::new();
        for (&partition, &offset) in next_offsets {
            list.add_partition_offset(&self.topic, partition, Offset::Offset(offset))
                .map_err(|error| error.to_string())?;
        }
        let consumer = self.consumer.clone();
        let committed = blocking(move || consumer.commit(&list, CommitMode::Sync)).await;
        committed.map_err(|error| self.failed("failed to commit the offsets of resent dead letters", &error))
    }

    fn read_into(&self, from: ReadFrom, sender: &mpsc::Sender<Result<FoundLetter, String>>) -> Result<(), String> {
        let mut left = self.ranges(from).map_err(|error| self.failed("failed to find the dead letters", &error))?;
        self.assign(&left).map_err(|error| self.failed("failed to read", &error))?;
        let mut last_message_at = Instant::now();
        while !left.is_empty() {
            match self.consumer.poll(Duration::from_secs(1)) {
                None if last_message_at.elapsed() > Self::READ_TIMEOUT => {
                    let failure =
                        format!("topic {}: no response within {} s", self.topic, Self::READ_TIMEOUT.as_secs());
                    return Err(self.consumer.context().explain(&failure));
                }
                None => continue,
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    left.remove(&partition);
                }
                Some(Err(error)) => return Err(self.failed("failed to read", &error)),
                Some(Ok(message)) => {
                    let Some(range) = left.get(&message.partition()) else { continue };
                    let (partition, next, end) = (message.partition(), message.offset() + 1, range.end);
                    // Letters after `end` arrived since reading started, and may be records resent by this run that
                    // failed again.
                    if next <= end && sender.blocking_send(Ok(found(&message))).is_err() {
                        return Ok(());
                    }
                    if next >= end {
                        left.remove(&partition);
                    }
                }
            }
            last_message_at = Instant::now();
        }
        Ok(())
    }

    fn failed(&self, what: &str, error: &KafkaError) -> String {
        let failure = format!("{what} in topic {} as group {}", self.topic, self.group);
        self.consumer.context().explain_error(&failure, error)
    }

    /// Returns the partitions that have letters to read.
    fn ranges(&self, from: ReadFrom) -> Result<BTreeMap<i32, OffsetRange>, KafkaError> {
        let timeout = REQUEST_TIMEOUT;
        let partitions = match partitions_of(self.consumer.client(), &self.topic, timeout) {
            Ok(partitions) => partitions.len(),
            // The topic was created a moment ago, or does not exist.
            Err(KafkaError::MetadataFetch(RDKafkaErrorCode::UnknownTopicOrPartition)) => 0,
            Err(error) => return Err(error),
        };
        let mut list = TopicPartitionList::new();
        let mut ranges = BTreeMap::new();
        for partition in 0..i32::try_from(partitions).unwrap_or(i32::MAX) {
            let (low, end) = self.consumer.fetch_watermarks(&self.topic, partition, timeout)?;
            if low < end {
                list.add_partition(&self.topic, partition);
                ranges.insert(partition, OffsetRange { from: Offset::Beginning, end });
            }
        }
        if from == ReadFrom::Resent && !ranges.is_empty() {
            for element in self.consumer.committed_offsets(list, timeout)?.elements() {
                if let (Offset::Offset(offset), Some(range)) = (element.offset(), ranges.get_mut(&element.partition()))
                {
                    range.from = Offset::Offset(offset);
                }
            }
            // If the topic was recreated, its end may be before the committed offset: such a partition is read from the
            // beginning.
            ranges.values_mut().filter(|range| range.is_beyond()).for_each(|s| s.from = Offset::Beginning);
            ranges.retain(|_, range| range.from != Offset::Offset(range.end));
        }
        Ok(ranges)
    }

    fn assign(&self, ranges: &BTreeMap<i32, OffsetRange>) -> Result<(), KafkaError> {
        let mut list = TopicPartitionList::new();
        for (&partition, range) in ranges {
            list.add_partition_offset(&self.topic, partition, range.from)?;
        }
        self.consumer.assign(&list)
    }
}

impl OffsetRange {
    fn is_beyond(&self) -> bool {
        matches!(self.from, Offset::Offset(offset) if offset > self.end)
    }
}

/// Decodes a letter as written by [`KafkaPublisher`](super::KafkaPublisher). Letters of other writers may lack some
/// headers.
fn found(message: &BorrowedMessage<'_>) -> FoundLetter {
    let header = |name: &str| {
        let headers = message.headers()?;
        let value = headers.iter().find(|header| header.key == name)?.value?;
        Some(String::from_utf8_lossy(value).into_owned())
    };
    let number = |name: &str| header(name).and_then(|text| text.parse().ok());
    FoundLetter {
        partition: message.partition(),
        offset: message.offset(),
        letter: DeadLetter {
            topic: header("source.topic").unwrap_or_default().into(),
            partition: number("source.partition").and_then(|number: i64| number.try_into().ok()).unwrap_or(-1),
            offset: number("source.offset").unwrap_or(-1),
            timestamp: message.timestamp().to_millis().unwrap_or(-1),
            key: message.key().map(Bytes::copy_from_slice),
            value: message.payload().map(Bytes::copy_from_slice),
            reason: header("reason").unwrap_or_default(),
        },
    }
}
