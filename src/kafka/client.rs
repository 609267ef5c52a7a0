use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actors::batch::LogId;
use actors::ports::{StartAt, SubscriptionError};
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{Offset, TopicPartitionList};
use tokio::time::{Instant, sleep};

use super::blocking::blocking;
use super::cluster::KafkaCluster;
use super::membership::Membership;
use super::options::REQUEST_TIMEOUT;
use super::properties::config_error;
use super::rebalances::Rebalances;
use super::topics::Reached;

/// A librdkafka consumer and the log that it reads.
pub(super) struct Client {
    pub(super) consumer: StreamConsumer<Rebalances>,
    pub(super) log: LogId,
    embedded: bool,
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that `map_err` expects")]
pub(super) fn subscription_error(error: impl ToString) -> SubscriptionError {
    SubscriptionError(error.to_string())
}

impl Client {
    /// Creates a client of a cluster that was reached. With [`Membership::Group`] it subscribes to the topic as a
    /// member of the consumer group.
    pub(super) fn new(
        cluster: &KafkaCluster,
        reached: &Reached,
        topic: Arc<str>,
        membership: Membership,
    ) -> Result<Self, SubscriptionError> {
        let log = LogId { cluster: reached.id.clone(), topic };
        let mut config = cluster.client_config(&[
            // Kafka answers a fetch as soon as a record arrives, so this only delays the first record of a partition
            // that was just started. The embedded broker holds records back until the fetch is due: there the value
            // trades the load of an idle broker against the delay of each record.
            ("fetch.wait.max.ms", if cluster.is_embedded() { "30" } else { "500" }),
            ("fetch.error.backoff.ms", "100"),
            ("queued.max.messages.kbytes", "16384"),
            // A full queue is drained quickly: with the default of 1 s, a backlog would sit unread most of the time.
            ("fetch.queue.backoff.ms", "10"),
            ("fetch.max.bytes", "4194304"),
            ("topic.metadata.refresh.interval.ms", "10000"),
            // With the default of 45 s, a killed member's partitions would go unread for that long.
            ("session.timeout.ms", "6000"),
            ("heartbeat.interval.ms", "1500"),
        ]);
        config
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("enable.partition.eof", "true")
            .set("auto.offset.reset", "earliest")
            .set("isolation.level", "read_committed");
        let group = &cluster.options().group_id;
        match membership {
            Membership::Group { suffix } => {
                config.set("group.id", format!("{group}{suffix}")).set("partition.assignment.strategy", "range");
            }
            Membership::Everything => {
                // This group is never joined: librdkafka creates its consumer queue only if a group id is set.
                config.set("group.id", format!("{group}-live"));
            }
        }
        let rebalances = Rebalances::new(cluster.causes());
        let consumer: StreamConsumer<Rebalances> =
            config.create_with_context(rebalances).map_err(|error| subscription_error(config_error(&error)))?;
        if membership != Membership::Everything {
            consumer.subscribe(&[&*log.topic]).map_err(subscription_error)?;
        }
        Ok(Self { consumer, log, embedded: cluster.is_embedded() })
    }

    pub(super) fn list(&self, partitions: &[i32]) -> TopicPartitionList {
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for &partition in partitions {
            list.add_partition(&self.log.topic, partition);
        }
        list
    }

    /// Turns a failed request about the topic into an error that names its cause.
    pub(super) fn failed(&self, what: &str, error: &KafkaError) -> SubscriptionError {
        let failure = format!("{what} in topic {}", self.log.topic);
        SubscriptionError(self.consumer.context().causes.explain_error(&failure, error))
    }

    /// Resolves each start position to an offset.
    pub(super) async fn offsets(
        self: &Arc<Self>,
        starts: &[(i32, StartAt)],
    ) -> Result<BTreeMap<i32, Offset>, SubscriptionError> {
        let mut offsets = BTreeMap::new();
        let mut by_time = Vec::new();
        for &(partition, at) in starts {
            let offset = match at {
                StartAt::Time(time) if !self.embedded => {
                    by_time.push((partition, time.0.saturating_mul(1000)));
                    continue;
                }
                // One record earlier, to verify that this is still the same log.
                StartAt::Resume { next_offset, .. } if next_offset > 0 => Offset::Offset(next_offset - 1),
                StartAt::Offset(offset) => Offset::Offset(offset),
                StartAt::Resume { .. } | StartAt::Beginning | StartAt::Time(_) => Offset::Beginning,
            };
            offsets.insert(partition, offset);
        }
        if !by_time.is_empty() {
            let client = self.clone();
            let found = blocking(move || client.offsets_by_time(&by_time)).await;
            offsets.extend(found.map_err(|error| self.failed("failed to find offsets by time", &error))?);
        }
        Ok(offsets)
    }

    fn offsets_by_time(&self, times: &[(i32, i64)]) -> Result<BTreeMap<i32, Offset>, KafkaError> {
        let (consumer, topic) = (&self.consumer, &*self.log.topic);
        let mut ends = BTreeMap::new();
        let mut query = TopicPartitionList::with_capacity(times.len());
        for &(partition, milliseconds) in times {
            // Fetched before the lookup by time: if that finds no record recent enough, reading starts at this end and
            // misses none of the records that arrive in between.
            let (_, end) = consumer.fetch_watermarks(topic, partition, REQUEST_TIMEOUT)?;
            ends.insert(partition, end);
            query.add_partition_offset(topic, partition, Offset::Offset(milliseconds))?;
        }
        let found_offsets = consumer.offsets_for_times(query, REQUEST_TIMEOUT)?;
        let found = |element: &TopicPartitionListElem<'_>| {
            let offset = match element.offset() {
                Offset::Offset(offset) if offset >= 0 => Offset::Offset(offset),
                _ => ends.get(&element.partition()).map_or(Offset::Beginning, |&end| Offset::Offset(end)),
            };
            (element.partition(), offset)
        };
        Ok(found_offsets.elements().iter().map(found).collect())
    }

    /// Seeks to the given offsets, and retries for partitions that were assigned a moment ago and cannot seek yet.
    pub(super) async fn seek(
        self: &Arc<Self>,
        offsets: BTreeMap<i32, Offset>,
        still_owned: impl Fn(i32) -> bool,
    ) -> Result<(), SubscriptionError> {
        let (mut left, deadline) = (offsets, Instant::now() + REQUEST_TIMEOUT);
        loop {
            let mut list = TopicPartitionList::with_capacity(left.len());
            for (&partition, &offset) in &left {
                list.add_partition_offset(&self.log.topic, partition, offset).map_err(subscription_error)?;
            }
            let seeking = self.clone();
            let sought = blocking(move || seeking.consumer.seek_partitions(list, REQUEST_TIMEOUT)).await;
            let result = sought.map_err(|error| self.failed("failed to seek", &error))?;
            let mut last_error = None;
            for element in result.elements() {
                match element.error() {
                    Ok(()) => {
                        left.remove(&element.partition());
                    }
                    Err(error) => last_error = Some(error),
                }
            }
            // Skip the partitions that were revoked in the meantime.
            left.retain(|partition, _| still_owned(*partition));
            match last_error {
                Some(error) if !left.is_empty() => {
                    if Instant::now() > deadline {
                        return Err(self.failed("failed to seek", &error));
                    }
                    sleep(Duration::from_millis(20)).await;
                }
                _ => return Ok(()),
            }
        }
    }
}
