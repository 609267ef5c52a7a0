use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actors::domain::UnixTime;
use actors::enrichment::SharedFacts;
use actors::ports::{AlertLog, AlertLogError, DetectPart, DetectTransaction, Recovered};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::ToBytes;
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};
use rdkafka::{Offset, TopicPartitionList};

use super::content::AlertsContent;
use super::group::{GroupShare, SharedGroup};
use super::{position, reader};
use crate::kafka::causes::Causes;
use crate::kafka::cluster::KafkaCluster;
use crate::kafka::codec;
use crate::kafka::options::REQUEST_TIMEOUT;
use crate::kafka::properties::config_error;
use crate::kafka::record::{AlertRecord, headers, timestamp};
use crate::kafka::topics::{WarnOnce, partitions_of};

/// The log of alerts on a Kafka cluster. Alerts and the group's offsets are committed in one transaction, which Kafka
/// refuses if the group has assigned the partitions to another member.
///
/// If `kafka.topic_enriched` is set, the states are published in the same transactions. Each output topic has the
/// partitions of the topic of state vectors.
pub struct TransactionalAlerts(Arc<Inner>);

struct Inner {
    cluster: KafkaCluster,
    topic: Arc<str>,
    /// What is known about the aircraft.
    facts: SharedFacts,
    group: Arc<GroupShare>,
    /// Unique for each process: a successor waits for the end of the last transaction of a killed one, and is not mixed
    /// up with it.
    transactional_id: String,
    /// Locked during each step. A step of an actor that was restarted thus ends before the next one begins.
    producer: Mutex<ProducerState>,
    warnings: WarnOnce,
}

#[derive(Default)]
struct ProducerState {
    producer: Option<ThreadedProducer<Causes>>,
    /// Whether it is unknown if the last transaction was committed.
    is_in_doubt: bool,
}

type Step<T> = Result<T, AlertLogError>;

impl TransactionalAlerts {
    /// How long Kafka keeps a transaction open whose process was killed. Readers and the next owner wait for its end.
    const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(10);

    /// Creates a log on this topic, whose transactions commit the offsets of this group, and contain the states with
    /// these facts if the cluster has a topic for them.
    pub fn new(cluster: KafkaCluster, topic: Arc<str>, facts: SharedFacts, group: &SharedGroup) -> Self {
        let transactional_id = format!("{}-detect-{:016x}", cluster.options().group_id, rand::random::<u64>());
        let (producer, warnings) = (Mutex::default(), WarnOnce::default());
        let group = group.0.clone();
        Self(Arc::new(Inner { cluster, topic, facts, group, transactional_id, producer, warnings }))
    }

    /// Runs a step on the thread pool for blocking calls.
    async fn run<T: Send + 'static>(&self, step: impl FnOnce(&Inner) -> Step<T> + Send + 'static) -> Step<T> {
        self.0.cluster.reached().await.map_err(AlertLogError::Unavailable)?;
        let inner = self.0.clone();
        let done = tokio::task::spawn_blocking(move || step(&inner)).await;
        let done = done.map_err(|error| AlertLogError::Unavailable(error.to_string()))?;
        if done.as_ref().is_err_and(|error| error.to_string().contains("unknown topic")) {
            // It was deleted, and is created again.
            self.0.cluster.recheck_topics().await;
        }
        done
    }
}

impl AlertLog for TransactionalAlerts {
    fn publishes_states(&self) -> bool {
        self.0.cluster.options().topic_enriched.is_some()
    }

    fn recover<'a>(&'a self, partitions: &'a [i32]) -> LocalBoxFuture<'a, Step<Vec<Recovered>>> {
        let partitions = partitions.to_vec();
        self.run(move |inner| inner.recover(&partitions)).boxed_local()
    }

    fn commit(&self, transaction: Arc<DetectTransaction>) -> LocalBoxFuture<'_, Step<()>> {
        self.run(move |inner| inner.commit(&transaction)).boxed_local()
    }
}

impl Inner {
    fn recover(&self, partitions: &[i32]) -> Step<Vec<Recovered>> {
        let mut state = self.producer.lock().unwrap_or_else(PoisonError::into_inner);
        let producer = self.usable(&mut state)?;
        self.check_partitions(producer)?;
        // A transaction that was in doubt has ended with the initialization of the producer.
        state.is_in_doubt = false;
        drop(state);
        // First the offsets: for them, Kafka waits for the end of a transaction. The alerts of the same transaction are
        // then written.
        let committed = self.committed(partitions)?;
        let contents = reader::read(&self.cluster, &self.topic, partitions);
        let contents = contents.map_err(|failed| match &failed.error {
            Some(error) => classified(error, failed.reason),
            None => AlertLogError::Unavailable(failed.reason),
        })?;
        let ignored: u64 = contents.values().map(|content| content.ignored).sum();
        if ignored > 0 {
            let topic = &self.topic;
            self.warnings.warn(format!("topic {topic} has records that are not alerts with a rule, which are ignored"));
        }
        let recovered = contents.into_iter().map(|(partition, content): (i32, AlertsContent)| {
            let found = committed.find_partition(&self.cluster.options().topic_raw, partition);
            let position = found.and_then(|element| match element.offset() {
                Offset::Offset(offset) => Some(position::decode(offset, element.metadata())),
                _ => None,
            });
            content.into_recovered(partition, position)
        });
        Ok(recovered.collect())
    }

    fn commit(&self, transaction: &DetectTransaction) -> Step<()> {
        let mut state = self.producer.lock().unwrap_or_else(PoisonError::into_inner);
        let is_in_doubt = state.is_in_doubt;
        self.usable(&mut state)?;
        if is_in_doubt {
            if self.is_committed(transaction)? {
                state.is_in_doubt = false;
                return Ok(());
            }
            state.is_in_doubt = false;
        }
        let Some(generation) = self.group.generation() else {
            return Err(AlertLogError::Fenced("the partitions were revoked".to_owned()));
        };
        let Some(producer) = &state.producer else { return Err(AlertLogError::Unavailable("no producer".to_owned())) };
        let offsets = self.offsets(&transaction.parts)?;
        let filled = producer
            .begin_transaction()
            .and_then(|()| transaction.parts.iter().try_for_each(|part| self.send_alerts(producer, part)))
            .and_then(|()| self.send_states(producer, &transaction.parts))
            .and_then(|()| producer.send_offsets_to_transaction(&offsets, &generation, REQUEST_TIMEOUT));
        if let Err(error) = filled {
            let failed = self.explained(producer, &error);
            // Nothing can be committed without this program's request.
            if producer.abort_transaction(REQUEST_TIMEOUT).is_err() {
                state.producer = None;
            }
            return Err(failed);
        }
        crate::fault::point("detect-filled");
        if let Err(error) = producer.commit_transaction(REQUEST_TIMEOUT) {
            let failed = self.explained(producer, &error);
            let must_abort = matches!(&error, KafkaError::Transaction(error) if error.txn_requires_abort());
            if !must_abort || producer.abort_transaction(REQUEST_TIMEOUT).is_err() {
                // Initializing the next producer ends the transaction, one way or the other.
                state.producer = None;
                state.is_in_doubt = true;
            }
            return Err(failed);
        }
        crate::fault::point("detect-committed");
        Ok(())
    }

    /// Returns the producer, or a new one if it is unusable.
    fn usable<'a>(&self, state: &'a mut ProducerState) -> Step<&'a ThreadedProducer<Causes>> {
        let usable = state.producer.take().filter(|producer| producer.client().fatal_error().is_none());
        let producer = match usable {
            Some(producer) => producer,
            None => self.open()?,
        };
        Ok(state.producer.insert(producer))
    }

    fn open(&self) -> Step<ThreadedProducer<Causes>> {
        let mut config = self.cluster.client_config(&[
            ("compression.type", "lz4"),
            ("linger.ms", "0"),
            ("topic.metadata.refresh.interval.ms", "10000"),
            // A transaction often begins right after the last one, whose markers are still being written. The default
            // of 100 ms would delay it.
            ("retry.backoff.ms", "10"),
        ]);
        config
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("transactional.id", &self.transactional_id)
            .set("transaction.timeout.ms", Self::timeout())
            // librdkafka requires that it is not longer.
            .set("socket.timeout.ms", Self::timeout());
        let created = config.create_with_context(self.cluster.causes());
        let producer: ThreadedProducer<Causes> =
            created.map_err(|error| AlertLogError::Refused(config_error(&error)))?;
        producer.init_transactions(REQUEST_TIMEOUT).map_err(|error| self.explained(&producer, &error))?;
        Ok(producer)
    }

    fn timeout() -> String {
        TransactionalAlerts::TRANSACTION_TIMEOUT.as_millis().to_string()
    }

    /// Checks that each partition of states has a partition for what is made from it.
    fn check_partitions(&self, producer: &ThreadedProducer<Causes>) -> Step<()> {
        let topic_raw = &self.cluster.options().topic_raw;
        let count = |topic: &str| {
            let found = partitions_of(producer.client(), topic, REQUEST_TIMEOUT);
            found.map(|partitions| partitions.len()).map_err(|error| {
                let failure = format!("failed to fetch the partitions of topic {topic}");
                classified(&error, producer.context().explain_error(&failure, &error))
            })
        };
        let states = count(topic_raw)?;
        let enriched = self.cluster.options().topic_enriched.as_ref().map(|topic| (topic, "topic_enriched"));
        for (topic, setting) in [(&self.topic, "topic_alerts")].into_iter().chain(enriched) {
            let partitions = count(topic)?;
            if partitions != states {
                return Err(AlertLogError::Refused(format!(
                    "topic {topic} has {partitions} partitions, but topic {topic_raw} has {states}; they must have the \
                     same number: set kafka.{setting} to a new topic, or add partitions to the one that has fewer"
                )));
            }
        }
        Ok(())
    }

    /// Returns the committed offsets. Kafka answers when they do not depend on an open transaction.
    fn committed(&self, partitions: &[i32]) -> Step<TopicPartitionList> {
        let gone = || AlertLogError::Unavailable("the consumer is being replaced".to_owned());
        let client = self.group.client().ok_or_else(gone)?;
        let committed = client.consumer.committed_offsets(client.list(partitions), REQUEST_TIMEOUT);
        let failed = |error: &KafkaError| {
            let failure = format!("failed to fetch the committed offsets of topic {}", client.log.topic);
            classified(error, client.consumer.context().causes.explain_error(&failure, error))
        };
        let committed = committed.map_err(|error| failed(&error))?;
        for element in committed.elements() {
            element.error().map_err(|error| failed(&error))?;
        }
        Ok(committed)
    }

    /// Returns whether the last attempt at a transaction was successful although its reply was lost.
    fn is_committed(&self, DetectTransaction { parts }: &DetectTransaction) -> Step<bool> {
        let partitions: Vec<_> = parts.iter().map(|part| part.partition).collect();
        let committed = self.committed(&partitions)?;
        let offset = |part: &DetectPart| {
            let found = committed.find_partition(&self.cluster.options().topic_raw, part.partition);
            found.and_then(|element| match element.offset() {
                Offset::Offset(offset) => Some(offset),
                _ => None,
            })
        };
        let is_done = parts.iter().all(|part| offset(part) == Some(part.position.next.next_offset));
        let is_undone = parts.iter().all(|part| offset(part) == part.base);
        match (is_done, is_undone) {
            (true, false) => Ok(true),
            (false, true) => Ok(false),
            _ => Err(AlertLogError::Fenced("it is unknown whether the last transaction was committed".to_owned())),
        }
    }

    fn offsets(&self, parts: &[DetectPart]) -> Step<TopicPartitionList> {
        let topic = &self.cluster.options().topic_raw;
        let mut list = TopicPartitionList::with_capacity(parts.len());
        for part in parts {
            let added =
                list.add_partition_offset(topic, part.partition, Offset::Offset(part.position.next.next_offset));
            added.map_err(|error| AlertLogError::Unavailable(error.to_string()))?;
            if let Some(mut element) = list.find_partition(topic, part.partition) {
                element.set_metadata(position::encode(&part.position));
            }
        }
        Ok(list)
    }

    fn send_alerts(&self, producer: &ThreadedProducer<Causes>, part: &DetectPart) -> Result<(), KafkaError> {
        let (now, deadline) = (UnixTime::now(), Instant::now() + REQUEST_TIMEOUT);
        part.changes.iter().try_for_each(|change| {
            let message = AlertRecord::new(change, &part.position, now);
            send(producer, || message.fill(BaseRecord::to(&self.topic).partition(part.partition)), deadline)
        })
    }

    fn send_states(&self, producer: &ThreadedProducer<Causes>, parts: &[DetectPart]) -> Result<(), KafkaError> {
        let Some(topic) = &self.cluster.options().topic_enriched else { return Ok(()) };
        let (now, deadline, facts) = (UnixTime::now(), Instant::now() + REQUEST_TIMEOUT, self.facts.current());
        let mut value = Vec::with_capacity(1024);
        for (part, state) in parts.iter().flat_map(|part| part.states.iter().map(move |state| (part, state))) {
            value.clear();
            codec::encode_enriched(state, &facts, &mut value);
            let (key, timestamp) = (state.icao24.to_ascii(), timestamp(state, now));
            let record = || {
                let record = BaseRecord::to(topic).partition(part.partition).key(&key[..]).payload(&value[..]);
                record.timestamp(timestamp).headers(headers())
            };
            send(producer, record, deadline)?;
        }
        Ok(())
    }

    fn explained(&self, producer: &ThreadedProducer<Causes>, error: &KafkaError) -> AlertLogError {
        let failure = format!("topic {}", self.topic);
        // The code of a fatal error does not say what it is.
        let cause = producer.client().fatal_error().map(|(code, _)| code);
        let reason = match (cause.or_else(|| code_of(error)), error) {
            (Some(code), _) => producer.context().explain_code(&failure, code),
            (None, error) => producer.context().explain_error(&failure, error),
        };
        classified(error, reason)
    }
}

/// Adds a record to the producer's queue, which is full for a moment at times.
fn send<'a, K: ToBytes + ?Sized + 'a>(
    producer: &ThreadedProducer<Causes>,
    record: impl Fn() -> BaseRecord<'a, K, [u8]>,
    deadline: Instant,
) -> Result<(), KafkaError> {
    loop {
        match producer.send(record()) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) if Instant::now() < deadline => {
                producer.poll(Duration::from_millis(5));
            }
            Err((error, _)) => return Err(error),
        }
    }
}

fn code_of(error: &KafkaError) -> Option<RDKafkaErrorCode> {
    match error {
        KafkaError::Transaction(error) => Some(error.code()),
        other => other.rdkafka_error_code(),
    }
}

/// Classifies a failure by who can act.
fn classified(error: &KafkaError, reason: String) -> AlertLogError {
    use RDKafkaErrorCode as Code;
    match code_of(error) {
        Some(Code::IllegalGeneration | Code::UnknownMemberId | Code::FencedInstanceId | Code::RebalanceInProgress) => {
            AlertLogError::Fenced(reason)
        }
        Some(
            Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::TransactionalIdAuthorizationFailed
            | Code::ClusterAuthorizationFailed,
        ) => AlertLogError::Refused(reason),
        _ => AlertLogError::Unavailable(reason),
    }
}
