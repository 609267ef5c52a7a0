//! An in-memory log, and the subscription that reads it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actors::batch::{Batch, DeadLetter, LogId, PartitionBatch, RecordPlace};
use actors::domain::{StateVector, StateVectorParts};
use actors::ports::{StartAt, Subscription, SubscriptionError, SubscriptionEvent};
use tokio::time::sleep;

pub(crate) fn log_id() -> LogId {
    LogId { cluster: "cluster".into(), topic: "telemetry.raw".into() }
}

/// Returns the record at an offset. Every tenth record is garbage.
pub(crate) fn record(partition: i32, offset: i64) -> Result<StateVector, Box<DeadLetter>> {
    if offset % 10 == 9 {
        return Err(Box::new(DeadLetter {
            topic: log_id().topic,
            partition,
            offset,
            timestamp: offset,
            key: None,
            value: None,
            reason: "garbage".into(),
        }));
    }
    let parts = StateVectorParts {
        icao24: format!("{partition:06x}").into(),
        last_contact: Some(offset),
        ..StateVectorParts::default()
    };
    Ok(parts.try_into().unwrap())
}

/// A log with `length` records in each partition, and the events and failures that its reader encounters next.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) length: i64,
    pub(crate) owned: BTreeSet<i32>,
    pub(crate) next: BTreeMap<i32, i64>,
    pub(crate) events: VecDeque<SubscriptionEvent>,
    pub(crate) failures: usize,
    pub(crate) committed: BTreeMap<i32, i64>,
}

#[derive(Clone)]
pub(crate) struct FakeSubscription(pub(crate) Arc<Mutex<Log>>);

impl FakeSubscription {
    fn step(&self, batches: bool) -> Option<Result<SubscriptionEvent, SubscriptionError>> {
        let mut log = self.0.lock().unwrap();
        if log.failures > 0 {
            log.failures -= 1;
            return Some(Err(SubscriptionError("timed out".into())));
        }
        if let Some(event) = log.events.pop_front() {
            if let SubscriptionEvent::Revoked(partitions) = &event {
                for partition in partitions {
                    log.owned.remove(partition);
                    log.next.remove(partition);
                }
            } else if let SubscriptionEvent::Assigned(partitions) = &event {
                log.owned.extend(partitions);
            }
            return Some(Ok(event));
        }
        let length = log.length;
        let parts: Vec<_> = log
            .next
            .iter_mut()
            .filter(|(_, next)| batches && **next < length)
            .map(|(&partition, next)| {
                let offsets = *next..(*next + 7).min(length);
                *next = offsets.end;
                let (states, letters): (Vec<_>, Vec<_>) =
                    offsets.map(|offset| record(partition, offset)).partition(Result::is_ok);
                PartitionBatch {
                    partition,
                    expected: None,
                    next_offset: *next,
                    last_timestamp: *next - 1,
                    records: states
                        .iter()
                        .flatten()
                        .map(|state| RecordPlace { offset: state.last_contact.0, timestamp: state.last_contact.0 })
                        .collect(),
                    states: states.into_iter().map(|state| Arc::new(state.unwrap())).collect(),
                    polls: Vec::new(),
                    alerts: Vec::new(),
                    skipped: 0,
                    dead_letters: letters.into_iter().map(|letter| *letter.unwrap_err()).collect(),
                    lost: 0,
                }
            })
            .collect();
        (!parts.is_empty()).then(|| Ok(SubscriptionEvent::Batch(Batch { log: log_id(), parts })))
    }

    async fn wait(&self, batches: bool) -> Result<SubscriptionEvent, SubscriptionError> {
        loop {
            if let Some(step) = self.step(batches) {
                return step;
            }
            sleep(Duration::from_millis(1)).await;
        }
    }
}

impl Subscription for FakeSubscription {
    async fn next(&self) -> Result<SubscriptionEvent, SubscriptionError> {
        self.wait(true).await
    }

    async fn hold(&self) -> Result<SubscriptionEvent, SubscriptionError> {
        self.wait(false).await
    }

    async fn start(&self, starts: &[(i32, StartAt)]) -> Result<Vec<(i32, i64)>, SubscriptionError> {
        let mut log = self.0.lock().unwrap();
        let mut begun = Vec::new();
        for &(partition, at) in starts {
            if log.owned.contains(&partition) {
                let next = match at {
                    StartAt::Resume { next_offset, last_timestamp } => {
                        assert_eq!(last_timestamp, next_offset - 1, "the timestamp does not belong to the position");
                        next_offset
                    }
                    StartAt::Beginning => 0,
                    StartAt::Time(_) | StartAt::Offset(_) => panic!("the store route starts at a stored position"),
                };
                log.next.insert(partition, next);
                begun.push((partition, next));
            }
        }
        Ok(begun)
    }

    fn reset(&self) {
        let mut log = self.0.lock().unwrap();
        log.next.clear();
        let owned = log.owned.iter().copied().collect();
        log.events.push_front(SubscriptionEvent::Assigned(owned));
    }

    fn commit(&self, next_offsets: &[(i32, i64)]) {
        self.0.lock().unwrap().committed.extend(next_offsets.iter().copied());
    }

    async fn end_offsets(&self) -> Result<Vec<(i32, i64)>, SubscriptionError> {
        let log = self.0.lock().unwrap();
        Ok(log.owned.iter().map(|&partition| (partition, log.length)).collect())
    }

    async fn close(&self) {}

    fn log(&self) -> LogId {
        log_id()
    }
}
