use std::sync::Arc;
use std::time::Duration;

use actix::Recipient;
use serde::Serialize;

use super::consumer_context::{ConsumerContext, Dependency};
use super::destination::{Delivered, Destination};
use super::store_retry::StoreRetry;
use crate::batch::{Batch, DeadLetter, PartitionBatch, Position, RecordPlace, SideRecord};
use crate::domain::{Icao24, StateVector, UnixTime};
use crate::messages::{FindPositions, PublishDeadLetters, StoreBatch};
use crate::ports::{StoreError, Subscription};
use crate::supervision::backoff::Backoff;
use crate::throttle::Throttle;

/// The database, which the DbWriter writes. Records that cannot be decoded or stored become dead letters.
pub(super) struct DatabaseDestination {
    pub(super) positions: Recipient<FindPositions>,
    pub(super) db_writer: Recipient<StoreBatch>,
    pub(super) dead_letters: Recipient<PublishDeadLetters>,
}

impl Destination for DatabaseDestination {
    async fn positions<S: Subscription>(&self, context: &ConsumerContext<S>, partitions: Vec<i32>) -> Vec<Position> {
        let mut retry = StoreRetry::default();
        loop {
            let request = FindPositions { log: context.subscription.log(), partitions: partitions.clone() };
            let (error, pause) = match self.positions.send(request).await {
                Ok(Ok(found)) => return found,
                Ok(Err(error)) => (error.to_string(), retry.pause(is_refusal(&error))),
                Err(error) => (format!("the DbWriter did not answer: {error}"), retry.pause(false)),
            };
            if let Some(suppressed) = retry.should_log(&error) {
                log::warn!(
                    actor = context.vitals.name(), partitions:? = partitions, pause:? = pause, suppressed;
                    "failed to read the stored positions: {error}"
                );
            }
            context.report_failure(Dependency::Database, &error);
            tokio::time::sleep(pause).await;
        }
    }

    /// Dead letters are published first, since the position must not advance past them until Kafka has acknowledged
    /// them.
    async fn store<S: Subscription>(&self, context: &ConsumerContext<S>, mut batch: Batch) -> Delivered {
        let mut letters: Vec<DeadLetter> =
            batch.parts.iter_mut().flat_map(|part| part.dead_letters.drain(..)).collect();
        let mut dead_letters = 0;
        let mut batch = Arc::new(batch);
        let mut retry = StoreRetry::default();
        loop {
            dead_letters += self.publish_dead_letters(context, &mut letters).await;
            let (error, pause) = match self.db_writer.send(StoreBatch(batch.clone())).await {
                Ok(Ok(stored)) => return Delivered { batch, stored, dead_letters },
                Ok(Err(StoreError::Rejected { icao24, last_contact, reason })) => {
                    // The log is throttled because the database may reject every row.
                    static REJECTED: Throttle = Throttle::new(Duration::from_secs(10));
                    if let Some(suppressed) = REJECTED.admit() {
                        log::warn!(
                            actor = context.vitals.name(), icao24:%, last_contact:%, suppressed;
                            "the database rejected a row: {reason}"
                        );
                    }
                    letters.extend(take_out_states(Arc::make_mut(&mut batch), icao24, last_contact, &reason));
                    continue;
                }
                Ok(Err(StoreError::RejectedRecord { record, reason })) => {
                    static REJECTED: Throttle = Throttle::new(Duration::from_secs(10));
                    if let Some(suppressed) = REJECTED.admit() {
                        log::warn!(
                            actor = context.vitals.name(), suppressed;
                            "the database rejected {record}: {reason}"
                        );
                    }
                    letters.extend(take_out_record(Arc::make_mut(&mut batch), &record, &reason));
                    continue;
                }
                Ok(Err(error)) => (error.to_string(), retry.pause(is_refusal(&error))),
                Err(error) => (format!("the DbWriter did not answer: {error}"), retry.pause(false)),
            };
            if let Some(suppressed) = retry.should_log(&error) {
                log::warn!(
                    actor = context.vitals.name(), rows = batch.rows(), pause:? = pause, suppressed;
                    "failed to store a batch: {error}"
                );
            }
            context.report_failure(Dependency::Database, &error);
            tokio::time::sleep(pause).await;
        }
    }
}

fn is_refusal(error: &StoreError) -> bool {
    matches!(error, StoreError::Refused(_))
}

impl DatabaseDestination {
    /// Publishes dead letters, and retries until Kafka has acknowledged all of them.
    async fn publish_dead_letters<S>(&self, context: &ConsumerContext<S>, letters: &mut Vec<DeadLetter>) -> u64 {
        let count = letters.len() as u64;
        let mut backoff = Backoff::for_service();
        while !letters.is_empty() {
            let error = match self.dead_letters.send(PublishDeadLetters(letters.clone())).await {
                Ok(Ok(())) => {
                    static PUBLISHED: Throttle = Throttle::new(Duration::from_secs(10));
                    if let Some(suppressed) = PUBLISHED.admit() {
                        log::warn!(
                            actor = context.vitals.name(), records = letters.len(), suppressed;
                            "published dead letters: {}", letters[0].reason
                        );
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
            context.report_failure(Dependency::Kafka, &error);
            tokio::time::sleep(backoff.pause()).await;
        }
        count
    }
}

/// Moves the state vectors with this key from a batch to dead letters.
fn take_out_states(batch: &mut Batch, icao24: Icao24, last_contact: UnixTime, reason: &str) -> Vec<DeadLetter> {
    let is_rejected = |state: &Arc<StateVector>| state.icao24 == icao24 && state.last_contact == last_contact;
    let key = |state: &Arc<StateVector>| state.icao24.to_ascii().to_vec();
    take_out(batch, |part| &mut part.states, is_rejected, key, reason)
}

/// Moves the records equal to this one from a batch to dead letters.
fn take_out_record(batch: &mut Batch, rejected: &SideRecord, reason: &str) -> Vec<DeadLetter> {
    let key = rejected.key().into_bytes();
    match rejected {
        SideRecord::Poll(poll) => take_out(batch, |part| &mut part.polls, |row| row == poll, |_| key.clone(), reason),
        SideRecord::Alert(alert) => {
            take_out(batch, |part| &mut part.alerts, |row| row == alert, |_| key.clone(), reason)
        }
    }
}

fn take_out<T: Serialize>(
    batch: &mut Batch,
    rows: impl Fn(&mut PartitionBatch) -> &mut Vec<T>,
    is_rejected: impl Fn(&T) -> bool,
    key: impl Fn(&T) -> Vec<u8>,
    reason: &str,
) -> Vec<DeadLetter> {
    let topic = batch.log.topic.clone();
    let mut letters = Vec::new();
    for part in &mut batch.parts {
        let end = RecordPlace { offset: part.next_offset, timestamp: part.last_timestamp };
        let mut places = std::mem::take(&mut part.records).into_iter();
        let (mut kept, mut kept_places) = (Vec::new(), Vec::with_capacity(places.len()));
        for row in std::mem::take(rows(part)) {
            let place = places.next();
            if !is_rejected(&row) {
                kept.push(row);
                kept_places.extend(place);
                continue;
            }
            let RecordPlace { offset, timestamp } = place.unwrap_or(end);
            letters.push(DeadLetter {
                topic: topic.clone(),
                partition: part.partition,
                offset,
                timestamp,
                key: Some(key(&row).into()),
                value: serde_json::to_vec(&row).ok().map(Into::into),
                reason: format!("refused by the database: {reason}"),
            });
        }
        *rows(part) = kept;
        part.records = kept_places;
    }
    letters
}
