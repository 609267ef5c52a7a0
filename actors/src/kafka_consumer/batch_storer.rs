use std::sync::Arc;
use std::time::Duration;

use actix::Recipient;

use super::consumer_context::{ConsumerContext, Dependency};
use super::database_retry::DatabaseRetry;
use crate::batch::{Batch, DeadLetter, RecordPlace, Stored};
use crate::domain::{Icao24, StateVector, UnixTime};
use crate::messages::{PublishDeadLetters, StoreBatch};
use crate::ports::{StoreError, Subscription};
use crate::supervision::backoff::Backoff;
use crate::throttle::Throttle;

/// Stores batches in the database, and publishes records that it rejects as dead letters.
pub(super) struct BatchStorer<S> {
    pub(super) context: ConsumerContext<S>,
    pub(super) db_writer: Recipient<StoreBatch>,
    pub(super) dead_letters: Recipient<PublishDeadLetters>,
}

impl<S: Subscription> BatchStorer<S> {
    /// Stores a batch, and retries until it succeeds. Dead letters are published first, since the position must not
    /// advance past them until Kafka has acknowledged them. Also returns the number of dead letters.
    pub(super) async fn store(self, mut batch: Batch) -> (Arc<Batch>, Stored, u64) {
        let mut letters: Vec<DeadLetter> =
            batch.parts.iter_mut().flat_map(|part| part.dead_letters.drain(..)).collect();
        let mut sent = 0;
        let mut batch = Arc::new(batch);
        let mut retry = DatabaseRetry::new();
        loop {
            sent += self.publish_dead_letters(&mut letters).await;
            let (error, pause) = match self.db_writer.send(StoreBatch(batch.clone())).await {
                Ok(Ok(stored)) => return (batch, stored, sent),
                Ok(Err(StoreError::Rejected { icao24, last_contact, reason })) => {
                    // The log is throttled because the database may reject every row.
                    static REJECTED: Throttle = Throttle::new(Duration::from_secs(10));
                    if let Some(suppressed) = REJECTED.admit() {
                        log::warn!(actor = "kafka-consumer-store", icao24:%, last_contact:%, suppressed; "the database rejected a row: {reason}");
                    }
                    letters.extend(take_out(Arc::make_mut(&mut batch), icao24, last_contact, &reason));
                    continue;
                }
                Ok(Err(error @ (StoreError::Unavailable(_) | StoreError::Refused(_)))) => {
                    (error.to_string(), retry.pause(Some(&error)))
                }
                Err(error) => (format!("the DbWriter did not answer: {error}"), retry.pause(None)),
            };
            if let Some(suppressed) = retry.should_log(&error) {
                log::warn!(actor = "kafka-consumer-store", states = batch.states(), pause:? = pause, suppressed; "failed to store a batch: {error}");
            }
            self.context.report_failure(Dependency::Database, &error);
            tokio::time::sleep(pause).await;
        }
    }

    /// Publishes dead letters, and retries until Kafka has acknowledged all of them.
    async fn publish_dead_letters(&self, letters: &mut Vec<DeadLetter>) -> u64 {
        let count = letters.len() as u64;
        let mut backoff = Backoff::for_a_service();
        while !letters.is_empty() {
            let error = match self.dead_letters.send(PublishDeadLetters(letters.clone())).await {
                Ok(Ok(())) => {
                    static PUBLISHED: Throttle = Throttle::new(Duration::from_secs(10));
                    if let Some(suppressed) = PUBLISHED.admit() {
                        log::warn!(actor = "kafka-consumer-store", records = letters.len(), suppressed; "published dead letters: {}", letters[0].reason);
                    }
                    letters.clear();
                    return count;
                }
                Ok(Err(error)) => {
                    let mut index = 0;
                    letters.retain(|_| {
                        index += 1;
                        error.undelivered.contains(&(index - 1))
                    });
                    error.to_string()
                }
                Err(error) => format!("the KafkaProducer did not answer: {error}"),
            };
            self.context.report_failure(Dependency::Kafka, &error);
            tokio::time::sleep(backoff.pause()).await;
        }
        count
    }
}

/// Moves the rows with this key from a batch to dead letters.
fn take_out(batch: &mut Batch, icao24: Icao24, last_contact: UnixTime, reason: &str) -> Vec<DeadLetter> {
    let topic = batch.log.topic.clone();
    let mut letters = Vec::new();
    for part in &mut batch.parts {
        let kept = |state: &StateVector| state.icao24 != icao24 || state.last_contact != last_contact;
        let refused: Vec<_> = part.states.iter().enumerate().filter(|(_, state)| !kept(state)).collect();
        letters.extend(refused.iter().map(|&(index, state)| {
            let end = RecordPlace { offset: part.next_offset, timestamp: part.last_timestamp };
            let RecordPlace { offset, timestamp } = part.records.get(index).copied().unwrap_or(end);
            DeadLetter {
                topic: topic.clone(),
                partition: part.partition,
                offset,
                timestamp,
                key: Some(icao24.to_ascii().to_vec().into()),
                value: serde_json::to_vec(&**state).ok().map(Into::into),
                reason: format!("refused by the database: {reason}"),
            }
        }));
        let mut states = part.states.iter();
        part.records.retain(|_| states.next().is_none_or(|state| kept(state)));
        part.states.retain(|state| kept(state));
    }
    letters
}
