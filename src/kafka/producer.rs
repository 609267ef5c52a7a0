use std::slice;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actors::batch::{DeadLetter, Position};
use actors::domain::{Icao24, PollRecord, StateVector, UnixTime};
use actors::ports::{DetectPart, PublishError, Publisher};
use bytes::Bytes;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::metadata::MetadataTopic;
use rdkafka::producer::{BaseRecord, Producer, PurgeConfig, ThreadedProducer};
use tokio::time::timeout;

use super::blocking::blocking;
use super::cluster::KafkaCluster;
use super::codec;
use super::delivery_reports::{BatchReports, DeliveryReports, MessagePlace, Undelivered};
use super::delivery_watchdog::DeliveryWatchdog;
use super::properties::config_error;
use super::record::{self, AlertRecord};

/// Publishes with an idempotent producer that waits for all in-sync replicas.
pub struct KafkaPublisher {
    cluster: KafkaCluster,
    /// Created on first use, and recreated after a fatal error.
    producer: Mutex<Option<Arc<ThreadedProducer<DeliveryReports>>>>,
}

impl KafkaPublisher {
    /// How long librdkafka tries to deliver a message. The actor retries failed messages, so this limits a single
    /// attempt only.
    const DELIVERY_TIMEOUT: Duration = Duration::from_secs(30);
    /// A safety net: librdkafka should report every message within its delivery timeout.
    const REPORT_TIMEOUT: Duration = Duration::from_secs(45);
    /// How long to wait for reports before probing Kafka, and the timeout of the probe.
    const PROBE_AFTER: Duration = Duration::from_secs(2);

    /// Creates a publisher, which connects with the first batch.
    pub fn new(cluster: KafkaCluster) -> Self {
        Self { cluster, producer: Mutex::new(None) }
    }

    fn held(&self) -> MutexGuard<'_, Option<Arc<ThreadedProducer<DeliveryReports>>>> {
        // The lock is held for an assignment only.
        self.producer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn producer(&self) -> Result<Arc<ThreadedProducer<DeliveryReports>>, String> {
        let reached = self.cluster.reached().await?;
        // An idempotent producer never recovers from a fatal error, such as a deleted topic or an unknown producer id.
        let usable = |producer: &Arc<ThreadedProducer<DeliveryReports>>| producer.client().fatal_error().is_none();
        if let Some(producer) = self.held().as_ref().filter(|producer| usable(producer)) {
            return Ok(producer.clone());
        }
        let mut config = self.cluster.client_config(&[
            ("compression.type", "lz4"),
            ("linger.ms", "1"),
            // The default of five minutes would leave added partitions unused long after the consumers have found them.
            ("topic.metadata.refresh.interval.ms", "10000"),
            ("queue.buffering.max.messages", "100000"),
            ("queue.buffering.max.kbytes", "65536"),
        ]);
        config
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("message.max.bytes", reached.max_dead_letter.to_string())
            .set("message.timeout.ms", Self::DELIVERY_TIMEOUT.as_millis().to_string());
        let producer: ThreadedProducer<DeliveryReports> =
            config.create_with_context(DeliveryReports(self.cluster.causes())).map_err(|error| config_error(&error))?;
        let producer = Arc::new(producer);
        *self.held() = Some(producer.clone());
        Ok(producer)
    }

    /// Waits for all reports of a batch. If none arrives for a while, Kafka is probed, which also makes librdkafka
    /// notice immediately that a leader is back. If Kafka keeps responding but nothing is delivered, the producer is
    /// dropped and its messages are purged. Their reports then say so, and the next attempt creates a new producer.
    async fn watch(&self, producer: &Arc<ThreadedProducer<DeliveryReports>>, topic: &str, batch: &BatchReports) {
        let mut watchdog = DeliveryWatchdog::new(batch.outstanding());
        loop {
            tokio::select! {
                biased;
                () = batch.wait() => return,
                () = tokio::time::sleep(Self::PROBE_AFTER) => {}
            }
            let left = batch.outstanding();
            if watchdog.has_progress(left) {
                continue;
            }
            let (handle, topic) = (producer.clone(), topic.to_owned());
            let responded = blocking(move || {
                let metadata = handle.client().fetch_metadata(Some(&topic), Self::PROBE_AFTER)?;
                let led = |topic: &MetadataTopic| {
                    !topic.partitions().is_empty() && topic.partitions().iter().all(|partition| partition.leader() >= 0)
                };
                Ok(metadata.topics().first().is_some_and(led))
            });
            if !watchdog.is_stuck(responded.await.is_ok_and(|led| led)) {
                continue;
            }
            log::warn!(messages = left; "Kafka responds, but librdkafka delivers no messages; replacing the producer");
            self.held().take();
            producer.purge(PurgeConfig::default().queue().inflight());
            watchdog = DeliveryWatchdog::new(left);
        }
    }

    /// Sends `count` messages to `topic`, each with a call of `send`, and waits for their reports.
    async fn deliver(
        &self,
        topic: &str,
        count: usize,
        mut send: impl FnMut(&ThreadedProducer<DeliveryReports>, usize, Box<MessagePlace>) -> Result<(), KafkaError>,
    ) -> Result<(), Undelivered> {
        let everything = |reason: String| Undelivered::all(count, reason);
        let producer = self.producer().await.map_err(everything)?;
        let batch = Arc::new(BatchReports::expecting(count));
        for index in 0..count {
            loop {
                match send(&producer, index, Box::new(MessagePlace { index, batch: batch.clone() })) {
                    Ok(()) => break,
                    // Reports make room in the queue, and librdkafka's delivery timeout limits how long that takes.
                    Err(KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)) => {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                    Err(error) => {
                        batch.report(index, Some(error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail)));
                        break;
                    }
                }
            }
        }
        batch.all_sent();
        if timeout(Self::REPORT_TIMEOUT, self.watch(&producer, topic, &batch)).await.is_err() {
            // It is unknown which messages were delivered, so all are retried.
            let failure = format!("topic {topic}: no delivery reports within {} s", Self::REPORT_TIMEOUT.as_secs());
            return Err(everything(producer.context().0.explain(&failure)));
        }
        if batch.misses_topic() {
            self.cluster.recheck_topics().await;
        }
        let explain = |code| producer.context().0.explain_code(&format!("topic {topic}"), code);
        let outcome = batch.outcome(explain);
        crate::fault::point("publish-delivered");
        outcome
    }
}

impl KafkaPublisher {
    /// Publishes the original records of dead letters to this topic again, unchanged, and waits for all delivery
    /// reports.
    ///
    /// # Errors
    /// Lists the letters that were not acknowledged; all others were.
    pub async fn republish(&self, topic: &str, letters: &[DeadLetter]) -> Result<(), PublishError> {
        self.deliver(topic, letters.len(), |producer, index, place| {
            let DeadLetter { key, value, .. } = &letters[index];
            let mut record = BaseRecord::with_opaque_to(topic, place);
            record.key = key.as_deref();
            record.payload = value.as_deref();
            producer.send(record).map_err(|(error, _)| error)
        })
        .await
        .map_err(Into::into)
    }

    /// Publishes the alerts of one partition, and waits for all delivery reports.
    pub(super) async fn publish_alerts(&self, part: &DetectPart) -> Result<(), PublishError> {
        let Some(topic) = self.cluster.options().topic_alerts.clone() else {
            let reason = "this process has no topic of alerts".to_owned();
            return Err(Undelivered::all(part.changes.len(), reason).into());
        };
        let now = UnixTime::now();
        self.deliver(&topic, part.changes.len(), |producer, index, place| {
            let message = AlertRecord::new(&part.changes[index], &part.position, now);
            let record = message.fill(BaseRecord::with_opaque_to(&topic, place).partition(part.partition));
            producer.send(record).map_err(|(error, _)| error)
        })
        .await
        .map_err(Into::into)
    }

    /// Publishes states, or tombstones, to a partition of the compacted topic; see
    /// `LatestTopic`.
    pub(super) async fn publish_latest(
        &self,
        topic: &str,
        partition: i32,
        states: &[(Icao24, Option<Arc<StateVector>>)],
        position: Option<Position>,
    ) -> Result<(), PublishError> {
        let (now, mut value) = (UnixTime::now(), Vec::with_capacity(512));
        let position = position.map(|position| format!("{},{}", position.next_offset, position.last_timestamp));
        self.deliver(topic, states.len(), |producer, index, place| {
            let (icao24, state) = &states[index];
            let key = icao24.to_ascii();
            let mut headers = if state.is_some() { record::headers() } else { OwnedHeaders::new() };
            if let Some(position) = &position {
                headers = headers.insert(Header { key: record::POSITION_HEADER, value: Some(position) });
            }
            let mut message =
                BaseRecord::with_opaque_to(topic, place).key(&key[..]).partition(partition).headers(headers);
            if let Some(state) = state {
                value.clear();
                codec::encode(state, &mut value);
                message = message.payload(&value[..]).timestamp(record::timestamp(state, now));
            }
            producer.send(message).map_err(|(error, _)| error)
        })
        .await
        .map_err(Into::into)
    }

    /// Publishes a dead letter that was rejected as too large: the dead-letter topic may have a lower limit than the
    /// topic that the record was read from. Kafka rejects a whole request because of one message, so the letter is
    /// first retried alone and then truncated. A letter that keeps being rejected would block everything behind it.
    async fn publish_truncated(&self, letter: &DeadLetter) -> Option<RDKafkaErrorCode> {
        let mut failed = self.publish_dead_letter_batch(slice::from_ref(letter)).await.err()?.code();
        if failed == RDKafkaErrorCode::MessageSizeTooLarge {
            failed = self.publish_dead_letter_batch(&[truncated(letter)]).await.err()?.code();
        }
        Some(failed)
    }

    async fn publish_dead_letter_batch(&self, letters: &[DeadLetter]) -> Result<(), Undelivered> {
        let topic = self.cluster.options().topic_dead_letter.clone();
        self.deliver(&topic, letters.len(), |producer, index, place| {
            let letter = &letters[index];
            let (partition, offset) = (letter.partition.to_string(), letter.offset.to_string());
            let headers = [
                ("source.topic", letter.topic.as_bytes()),
                ("source.partition", partition.as_bytes()),
                ("source.offset", offset.as_bytes()),
                ("reason", letter.reason.as_bytes()),
            ];
            let headers = headers.iter().fold(OwnedHeaders::new_with_capacity(4), |headers, (key, value)| {
                headers.insert(Header { key, value: Some(*value) })
            });
            let mut record = BaseRecord::with_opaque_to(&topic, place).timestamp(letter.timestamp).headers(headers);
            record.key = letter.key.as_deref();
            record.payload = letter.value.as_deref();
            producer.send(record).map_err(|(error, _)| error)
        })
        .await
    }
}

/// Truncates a dead letter to a size that every topic accepts, and notes that in its reason.
fn truncated(letter: &DeadLetter) -> DeadLetter {
    const KEPT: usize = 4096;
    let first = |bytes: &Bytes| bytes.slice(..KEPT.min(bytes.len()));
    let length = |bytes: &Option<Bytes>| bytes.as_ref().map_or(0, Bytes::len);
    let (key, value) = (length(&letter.key), length(&letter.value));
    DeadLetter {
        key: letter.key.as_ref().map(first),
        value: letter.value.as_ref().map(first),
        reason: format!(
            "{} (key and value, of {key} and {value} bytes, were too large for this topic and are truncated to {KEPT})",
            letter.reason
        ),
        ..letter.clone()
    }
}

impl Publisher for KafkaPublisher {
    async fn publish(&self, states: &[Arc<StateVector>]) -> Result<(), PublishError> {
        let (now, mut value) = (UnixTime::now(), Vec::with_capacity(512));
        let topic = self.cluster.options().topic_raw.clone();
        self.deliver(&topic, states.len(), |producer, index, place| {
            let state = &states[index];
            value.clear();
            codec::encode(state, &mut value);
            let key = state.icao24.to_ascii();
            let record = BaseRecord::with_opaque_to(&topic, place)
                .key(&key[..])
                .payload(&value[..])
                .timestamp(record::timestamp(state, now))
                .headers(record::headers());
            producer.send(record).map_err(|(error, _)| error)
        })
        .await
        .map_err(Into::into)
    }

    async fn publish_dead_letters(&self, letters: &[DeadLetter]) -> Result<(), PublishError> {
        let Err(undelivered) = self.publish_dead_letter_batch(letters).await else { return Ok(()) };
        let (first, reason) = (undelivered.code(), undelivered.reason);
        let mut left = Vec::new();
        for (index, code) in undelivered.messages {
            let failed = if code == RDKafkaErrorCode::MessageSizeTooLarge {
                self.publish_truncated(&letters[index]).await
            } else {
                Some(code)
            };
            left.extend(failed.map(|code| (index, code)));
        }
        let topic = &self.cluster.options().topic_dead_letter;
        Ok(Undelivered::of(left, |code| if code == first { reason } else { format!("topic {topic}: {code}") })?)
    }

    async fn publish_polls(&self, polls: &[PollRecord]) -> Result<(), PublishError> {
        let Some(topic) = self.cluster.options().topic_polls.clone() else {
            let reason = "this process has no topic of polls, because it does not have the role `collect`".to_owned();
            return Err(Undelivered::all(polls.len(), reason).into());
        };
        let mut value = Vec::with_capacity(1024);
        self.deliver(&topic, polls.len(), |producer, index, place| {
            let poll = &polls[index];
            value.clear();
            codec::encode_poll(poll, &mut value);
            let record = BaseRecord::with_opaque_to(&topic, place)
                .key(poll.source.as_bytes())
                .payload(&value[..])
                .headers(record::headers());
            producer.send(record).map_err(|(error, _)| error)
        })
        .await
        .map_err(Into::into)
    }
}
