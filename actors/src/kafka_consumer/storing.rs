use std::sync::Arc;
use std::time::Duration;

use actix::Recipient;

use super::actor::Reading;
use super::database_retry::DatabaseRetry;
use super::store_path::failed;
use crate::batch::{Batch, DeadLetter, RecordPlace, Stored};
use crate::domain::{Icao24, StateVector, UnixTime};
use crate::messages::{PublishDeadLetters, StoreBatch};
use crate::ports::{StoreError, Subscription};
use crate::supervision::backoff::Backoff;
use crate::throttle::Throttle;

/// One batch on its way to the database.
pub(super) struct Storing<S> {
    pub(super) reading: Reading<S>,
    pub(super) db_writer: Recipient<StoreBatch>,
    pub(super) dead_letters: Recipient<PublishDeadLetters>,
}

impl<S: Subscription> Storing<S> {
    /// Tries until the batch is stored. Dead letters go first, since the position must not pass them before Kafka has
    /// them. Also answers how many there were.
    pub(super) async fn store(self, mut batch: Batch) -> (Arc<Batch>, Stored, u64) {
        let mut letters: Vec<DeadLetter> =
            batch.parts.iter_mut().flat_map(|part| part.dead_letters.drain(..)).collect();
        let mut sent = 0;
        let mut batch = Arc::new(batch);
        let mut retry = DatabaseRetry::new();
        loop {
            sent += self.bury(&mut letters).await;
            let (error, pause) = match self.db_writer.send(StoreBatch(batch.clone())).await {
                Ok(Ok(stored)) => return (batch, stored, sent),
                Ok(Err(StoreError::Rejected { icao24, last_contact, reason })) => {
                    // It may refuse every row that there is.
                    static REFUSED: Throttle = Throttle::new(Duration::from_secs(10));
                    if let Some(suppressed) = REFUSED.admit() {
                        log::warn!(actor = "kafka-consumer-store", icao24:%, last_contact:%, suppressed; "the database refuses a row: {reason}");
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
                log::warn!(actor = "kafka-consumer-store", states = batch.states(), pause:? = pause, suppressed; "not stored yet: {error}");
            }
            failed(&self.reading, &error, "database");
            tokio::time::sleep(pause).await;
        }
    }

    /// Publishes dead letters until Kafka has them all.
    async fn bury(&self, letters: &mut Vec<DeadLetter>) -> u64 {
        let count = letters.len() as u64;
        let mut backoff = Backoff::for_a_service();
        while !letters.is_empty() {
            let error = match self.dead_letters.send(PublishDeadLetters(letters.clone())).await {
                Ok(Ok(())) => {
                    static BURIED: Throttle = Throttle::new(Duration::from_secs(10));
                    if let Some(suppressed) = BURIED.admit() {
                        log::warn!(actor = "kafka-consumer-store", records = letters.len(), suppressed; "records went to the dead letters: {}", letters[0].reason);
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
            failed(&self.reading, &error, "Kafka");
            tokio::time::sleep(backoff.pause()).await;
        }
        count
    }
}

/// Removes the rows of a key from a batch, as dead letters.
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
