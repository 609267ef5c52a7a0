use std::cell::RefCell;
use std::slice;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actors::batch::DeadLetter;
use actors::detect::Alert;
use actors::domain::StateVector;
use actors::ports::{PublishError, Publisher};
use bytes::Bytes;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::metadata::MetadataTopic;
use rdkafka::producer::{BaseRecord, NoCustomPartitioner, Producer, ProducerContext, PurgeConfig, ThreadedProducer};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::causes::Causes;
use super::client::blocking;
use super::cluster::KafkaCluster;
use super::codec;
use super::properties::refusal;

/// Publishes with an idempotent producer that waits for every in-sync replica.
pub struct KafkaPublisher {
    cluster: KafkaCluster,
    /// Made when it is first needed, and anew after a fatal error.
    producer: RefCell<Option<Arc<ThreadedProducer<Reports>>>>,
}

/// The delivery reports of one batch.
#[derive(Debug, Default)]
struct BatchReports {
    outstanding: AtomicUsize,
    failed: Mutex<Vec<(usize, RDKafkaErrorCode)>>,
    complete: Notify,
}

/// Which messages of a batch were not acknowledged, and why each was not.
struct Undelivered {
    messages: Vec<(usize, RDKafkaErrorCode)>,
    reason: String,
}

/// One message's place in its batch.
struct Place {
    index: usize,
    batch: Arc<BatchReports>,
}

/// How long nothing is delivered although Kafka answers.
#[derive(Debug)]
struct Patience {
    outstanding: usize,
    answers: u32,
}

impl Patience {
    /// So many answers in a row, with nothing delivered between them, and librdkafka has lost its way. A broker answers one
    /// connection in order: what it was sent before the question is done.
    const ANSWERS: u32 = 4;

    fn new(outstanding: usize) -> Self {
        Self { outstanding, answers: 0 }
    }

    /// Whether reports came since the last look.
    fn sees_progress(&mut self, outstanding: usize) -> bool {
        let progress = outstanding < self.outstanding;
        if progress {
            *self = Self::new(outstanding);
        }
        progress
    }

    /// Nothing was delivered; whether Kafka `answers` all the same, once too often.
    fn is_over(&mut self, answers: bool) -> bool {
        self.answers = if answers { self.answers + 1 } else { 0 };
        self.answers >= Self::ANSWERS
    }
}

struct Reports(Causes);

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.0.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.error(error, reason);
    }
}

impl ProducerContext<NoCustomPartitioner> for Reports {
    type DeliveryOpaque = Box<Place>;

    fn delivery(&self, result: &DeliveryResult<'_>, place: Box<Place>) {
        let failed =
            result.as_ref().err().map(|(error, _)| error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail));
        place.batch.report(place.index, failed);
    }
}

impl BatchReports {
    fn report(&self, index: usize, failed: Option<RDKafkaErrorCode>) {
        if let Some(code) = failed {
            self.failed.lock().unwrap_or_else(PoisonError::into_inner).push((index, code));
        }
        if self.outstanding.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.complete.notify_one();
        }
    }

    /// Everything was handed over: until now one was counted for that, so that it could not be complete too early.
    fn handed_over(&self) {
        if self.outstanding.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.complete.notify_one();
        }
    }

    /// Waits for the last report. Cancel safe; resolves once.
    async fn wait(&self) {
        self.complete.notified().await;
    }

    /// Whether a message failed because its topic is not there any more.
    fn misses_topic(&self) -> bool {
        use RDKafkaErrorCode::{UnknownPartition, UnknownTopic, UnknownTopicOrPartition};
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.iter().any(|(_, code)| matches!(code, UnknownPartition | UnknownTopic | UnknownTopicOrPartition))
    }

    fn outcome(&self, explain: impl FnOnce(RDKafkaErrorCode) -> String) -> Result<(), Undelivered> {
        let failed = std::mem::take(&mut *self.failed.lock().unwrap_or_else(PoisonError::into_inner));
        Undelivered::of(failed, explain)
    }
}

impl Undelivered {
    /// `explain` describes the first of them.
    fn of(
        mut messages: Vec<(usize, RDKafkaErrorCode)>,
        explain: impl FnOnce(RDKafkaErrorCode) -> String,
    ) -> Result<(), Self> {
        messages.sort_unstable_by_key(|(index, _)| *index);
        match messages.first() {
            None => Ok(()),
            Some((_, code)) => Err(Self { reason: explain(*code), messages }),
        }
    }

    /// Why the first of them was not.
    fn code(&self) -> RDKafkaErrorCode {
        self.messages.first().map_or(RDKafkaErrorCode::Fail, |(_, code)| *code)
    }

    fn all(count: usize, reason: String) -> Self {
        Self { messages: (0..count).map(|index| (index, RDKafkaErrorCode::Fail)).collect(), reason }
    }
}

impl From<Undelivered> for PublishError {
    fn from(Undelivered { messages, reason }: Undelivered) -> Self {
        Self { undelivered: messages.into_iter().map(|(index, _)| index).collect(), reason }
    }
}

impl KafkaPublisher {
    /// How long librdkafka tries to deliver a message. After it the message is reported as failed and tried again by
    /// the actor, so it bounds only how long one try takes.
    const DELIVERY_TIMEOUT: Duration = Duration::from_secs(30);
    /// librdkafka reports every message after its delivery time-out; this is for a librdkafka that does not.
    const REPORT_TIMEOUT: Duration = Duration::from_secs(45);
    /// After so long without a report Kafka is asked whether it answers, which it has as long for.
    const LOOK_AFTER: Duration = Duration::from_secs(2);

    /// A publisher; the cluster is reached with the first batch.
    pub fn new(cluster: KafkaCluster) -> Self {
        Self { cluster, producer: RefCell::new(None) }
    }

    async fn producer(&self) -> Result<Arc<ThreadedProducer<Reports>>, String> {
        let reached = self.cluster.reached().await?;
        // An idempotent producer that met a fatal error (its topic was deleted, its id is unknown) never works again.
        let usable = |producer: &Arc<ThreadedProducer<Reports>>| producer.client().fatal_error().is_none();
        if let Some(producer) = self.producer.borrow().as_ref().filter(|producer| usable(producer)) {
            return Ok(producer.clone());
        }
        let mut config = self.cluster.client_config(&[
            ("compression.type", "lz4"),
            ("linger.ms", "1"),
            // Added partitions are used as soon as the consumers read them; the default would be five minutes.
            ("topic.metadata.refresh.interval.ms", "10000"),
            ("queue.buffering.max.messages", "100000"),
            ("queue.buffering.max.kbytes", "65536"),
        ]);
        config
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("message.max.bytes", reached.max_dead_letter.to_string())
            .set("message.timeout.ms", Self::DELIVERY_TIMEOUT.as_millis().to_string());
        let producer: ThreadedProducer<Reports> =
            config.create_with_context(Reports(self.cluster.causes())).map_err(|error| refusal(&error))?;
        let producer = Arc::new(producer);
        self.producer.replace(Some(producer.clone()));
        Ok(producer)
    }

    /// Waits for every report of a batch. While none comes, Kafka is asked whether it answers: that also has librdkafka
    /// learn at once of a leader that is back. Where it does answer, again and again, and nothing is delivered all the
    /// same, the producer is given up with what it holds; the reports say so, and another one is made for the next try.
    async fn watch(&self, producer: &Arc<ThreadedProducer<Reports>>, batch: &BatchReports) {
        let mut patience = Patience::new(batch.outstanding.load(Ordering::Acquire));
        loop {
            tokio::select! {
                biased;
                () = batch.wait() => return,
                () = tokio::time::sleep(Self::LOOK_AFTER) => {}
            }
            let left = batch.outstanding.load(Ordering::Acquire);
            if patience.sees_progress(left) {
                continue;
            }
            let (question, topic) = (producer.clone(), self.cluster.options().topic_raw.clone());
            let answers = blocking(move || {
                let metadata = question.client().fetch_metadata(Some(&topic), Self::LOOK_AFTER)?;
                let led = |topic: &MetadataTopic| {
                    !topic.partitions().is_empty() && topic.partitions().iter().all(|partition| partition.leader() >= 0)
                };
                Ok(metadata.topics().first().is_some_and(led))
            });
            if !patience.is_over(answers.await.is_ok_and(|led| led)) {
                continue;
            }
            log::warn!(messages = left; "Kafka answers, but librdkafka delivers nothing: another producer is made");
            self.producer.take();
            producer.purge(PurgeConfig::default().queue().inflight());
            patience = Patience::new(left);
        }
    }

    /// Hands `count` messages for `topic` to librdkafka, each made by `send`, and waits for their reports.
    async fn deliver(
        &self,
        topic: &str,
        count: usize,
        mut send: impl FnMut(&ThreadedProducer<Reports>, usize, Box<Place>) -> Result<(), KafkaError>,
    ) -> Result<(), Undelivered> {
        let everything = |reason: String| Undelivered::all(count, reason);
        let producer = self.producer().await.map_err(everything)?;
        let batch = Arc::new(BatchReports::default());
        batch.outstanding.store(count + 1, Ordering::Release);
        for index in 0..count {
            loop {
                match send(&producer, index, Box::new(Place { index, batch: batch.clone() })) {
                    Ok(()) => break,
                    // Room comes as reports come in: librdkafka bounds how long that can take.
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
        batch.handed_over();
        if timeout(Self::REPORT_TIMEOUT, self.watch(&producer, &batch)).await.is_err() {
            // Which of them were delivered is not known: all are tried again.
            let failure = format!("topic {topic}: no delivery reports within {} s", Self::REPORT_TIMEOUT.as_secs());
            return Err(everything(producer.context().0.explain(&failure)));
        }
        if batch.misses_topic() {
            self.cluster.look_again().await;
        }
        let explain = |code| producer.context().0.explain_code(&format!("topic {topic}"), code);
        let outcome = batch.outcome(explain);
        crate::fault::point("publish-delivered");
        outcome
    }
}

impl KafkaPublisher {
    /// Publishes the records of dead letters to the topic of the state vectors once more, as they were, and waits for
    /// every delivery report.
    ///
    /// # Errors
    /// Names those that were not acknowledged; the others were.
    pub async fn republish(&self, letters: &[DeadLetter]) -> Result<(), PublishError> {
        let topic = self.cluster.options().topic_raw.clone();
        self.deliver(&topic, letters.len(), |producer, index, place| {
            let DeadLetter { key, value, .. } = &letters[index];
            let mut record = BaseRecord::with_opaque_to(&topic, place);
            record.key = key.as_deref();
            record.payload = value.as_deref();
            producer.send(record).map_err(|(error, _)| error)
        })
        .await
        .map_err(Into::into)
    }

    /// Publishes a dead letter that was refused as too large: the topic may take less than the one that the record comes
    /// from. Kafka refuses many together for one of them, so it is tried alone, and then without most of it: what is refused
    /// for what it is would be refused for ever, and all behind it would wait.
    async fn bury_what_fits(&self, letter: &DeadLetter) -> Option<RDKafkaErrorCode> {
        let mut failed = self.bury(slice::from_ref(letter)).await.err()?.code();
        if failed == RDKafkaErrorCode::MessageSizeTooLarge {
            failed = self.bury(&[beginning(letter)]).await.err()?.code();
        }
        Some(failed)
    }

    async fn bury(&self, letters: &[DeadLetter]) -> Result<(), Undelivered> {
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

/// The beginning of a dead letter that the topic does not take whole; the reason says so.
fn beginning(letter: &DeadLetter) -> DeadLetter {
    const KEPT: usize = 4096;
    let first = |bytes: &Bytes| bytes.slice(..KEPT.min(bytes.len()));
    let length = |bytes: &Option<Bytes>| bytes.as_ref().map_or(0, Bytes::len);
    let (key, value) = (length(&letter.key), length(&letter.value));
    DeadLetter {
        key: letter.key.as_ref().map(first),
        value: letter.value.as_ref().map(first),
        reason: format!(
            "{} (key and value, of {key} and {value} bytes, were too large for this topic and are cut at {KEPT})",
            letter.reason
        ),
        ..letter.clone()
    }
}

impl Publisher for KafkaPublisher {
    async fn publish(&self, states: &[Arc<StateVector>]) -> Result<(), PublishError> {
        let mut value = Vec::with_capacity(512);
        let topic = self.cluster.options().topic_raw.clone();
        self.deliver(&topic, states.len(), |producer, index, place| {
            let state = &states[index];
            value.clear();
            codec::encode(state, &mut value);
            let key = state.icao24.to_ascii();
            let record = BaseRecord::with_opaque_to(&topic, place).key(&key[..]).payload(&value[..]);
            producer.send(record).map_err(|(error, _)| error)
        })
        .await
        .map_err(Into::into)
    }

    async fn publish_dead_letters(&self, letters: &[DeadLetter]) -> Result<(), PublishError> {
        let Err(undelivered) = self.bury(letters).await else { return Ok(()) };
        let (first, reason) = (undelivered.code(), undelivered.reason);
        let mut left = Vec::new();
        for (index, code) in undelivered.messages {
            let failed = if code == RDKafkaErrorCode::MessageSizeTooLarge {
                self.bury_what_fits(&letters[index]).await
            } else {
                Some(code)
            };
            left.extend(failed.map(|code| (index, code)));
        }
        let topic = &self.cluster.options().topic_dead_letter;
        Ok(Undelivered::of(left, |code| if code == first { reason } else { format!("topic {topic}: {code}") })?)
    }

    async fn publish_alerts(&self, alerts: &[Alert]) -> Result<(), PublishError> {
        let Some(topic) = self.cluster.options().topic_alerts.clone() else {
            let reason = "this process has no topic of alerts: it lacks the role `collect`".to_owned();
            return Err(Undelivered::all(alerts.len(), reason).into());
        };
        let mut value = Vec::with_capacity(1024);
        self.deliver(&topic, alerts.len(), |producer, index, place| {
            let alert = &alerts[index];
            value.clear();
            codec::encode_alert(alert, &mut value);
            let key = alert.icao24.to_ascii();
            let record = BaseRecord::with_opaque_to(&topic, place).key(&key[..]).payload(&value[..]);
            producer.send(record).map_err(|(error, _)| error)
        })
        .await
        .map_err(Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_producer_is_given_up_only_where_kafka_answers_and_nothing_is_delivered() {
        let mut patience = Patience::new(3);
        let away = [false; 20].map(|answers| patience.is_over(answers));
        assert_eq!(away, [false; 20], "while Kafka is away there is nothing better to do than to wait");
        assert_eq!([true, true, true, false, true].map(|answers| patience.is_over(answers)), [false; 5]);
        assert!(!patience.sees_progress(3));
        assert!(patience.sees_progress(2), "a report came");
        assert_eq!([true; 4].map(|answers| patience.is_over(answers)), [false, false, false, true]);
    }

    #[tokio::test]
    async fn a_batch_is_complete_with_its_last_report_and_not_before_it_was_handed_over() {
        let batch = BatchReports::default();
        batch.outstanding.store(3, Ordering::Release);
        batch.report(1, None);
        batch.report(0, Some(RDKafkaErrorCode::PurgeQueue));
        assert!(timeout(Duration::ZERO, batch.wait()).await.is_err());
        batch.handed_over();
        batch.wait().await;
        assert_eq!(PublishError::from(batch.outcome(|code| code.to_string()).unwrap_err()).undelivered, [0]);
    }
}
