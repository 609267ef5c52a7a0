use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actors::batch::{Batch, Fenced, LogId, Position, Stored};
use actors::domain::UnixTime;
use actors::ports::{Buffered, Flushed, Sink, SinkError};
use actors::sse_hub::ObservedPollInterval;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use tokio::time::Instant;

use super::partition_picture::PartitionPicture;
use crate::kafka::{KafkaCluster, LatestTopic};

/// The newest state of each aircraft, in a compacted topic with the partitions of the topic of state vectors.
pub(super) struct LatestSink {
    topic: LatestTopic,
    /// An aircraft that has been silent for longer has left the picture.
    timeout: Duration,
    pictures: Mutex<Pictures>,
}

#[derive(Debug, Default)]
struct Pictures {
    partitions: BTreeMap<i32, PartitionPicture>,
    /// When to look for silent aircraft again.
    next_sweep: Option<Instant>,
    /// The interval at which the source is polled.
    interval: ObservedPollInterval,
}

impl LatestSink {
    /// How often to look for silent aircraft.
    const SWEEP_INTERVAL: Duration = Duration::from_secs(10);

    /// With this many records to publish, no more are read.
    const MAX_RECORDS: u64 = 20_000;

    pub(super) fn new(cluster: KafkaCluster, topic: Arc<str>, timeout: Duration) -> Self {
        Self { topic: LatestTopic::new(cluster, topic), timeout, pictures: Mutex::default() }
    }

    fn pictures(&self) -> MutexGuard<'_, Pictures> {
        // A panic in the middle of a change ends the consumer, whose successor replaces all pictures.
        self.pictures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the earliest last contact of an aircraft that is in the picture, as in the live picture.
    fn since(&self, pictures: &Pictures) -> UnixTime {
        UnixTime::now().minus(self.timeout.max(2 * pictures.interval.longest()))
    }

    async fn recover(&self, partitions: &[i32]) -> Result<Vec<Position>, SinkError> {
        let mut positions = Vec::new();
        for &partition in partitions {
            let found = self.topic.read(partition).await.map_err(SinkError::Unavailable)?;
            positions.extend(found.position);
            let picture = PartitionPicture::recovered(found.aircraft, found.position);
            self.pictures().partitions.insert(partition, picture);
        }
        Ok(positions)
    }

    async fn publish(&self) -> Result<Flushed, SinkError> {
        let next = {
            let mut pictures = self.pictures();
            if pictures.next_sweep.is_none_or(|due| due <= Instant::now()) {
                let since = self.since(&pictures);
                pictures.partitions.values_mut().for_each(|picture| picture.expire(since));
                pictures.next_sweep = Some(Instant::now() + Self::SWEEP_INTERVAL);
            }
            let pending = pictures.partitions.iter().find(|(_, picture)| picture.has_pending());
            pending.map(|(partition, picture)| (*partition, picture.publication()))
        };
        let Some((partition, publication)) = next else { return Ok(Flushed::default()) };
        let (states, position) = (&publication.states, publication.position);
        self.topic.publish(partition, states, position).await.map_err(|error| SinkError::Unavailable(error.reason))?;
        let mut pictures = self.pictures();
        // The partition may have been revoked in the meantime.
        let Some(picture) = pictures.partitions.get_mut(&partition) else { return Ok(Flushed::default()) };
        picture.published(&publication);
        let rows = states.len() as u64;
        Ok(Flushed { stored: position.into_iter().collect(), rows, ..Flushed::default() })
    }
}

impl Sink for LatestSink {
    fn positions<'a>(
        &'a self,
        _: &'a LogId,
        partitions: &'a [i32],
    ) -> LocalBoxFuture<'a, Result<Vec<Position>, SinkError>> {
        self.recover(partitions).boxed_local()
    }

    fn write(&self, batch: Arc<Batch>) -> LocalBoxFuture<'_, Result<Stored, SinkError>> {
        let (mut stored, mut pictures) = (Stored::default(), self.pictures());
        batch.iter().filter_map(|state| state.observed_at).for_each(|at| pictures.interval.note(at));
        let since = self.since(&pictures);
        for part in &batch.parts {
            let picture = pictures.partitions.get_mut(&part.partition);
            let found = picture.as_ref().and_then(|picture| picture.accepted());
            match picture {
                Some(picture) if found.map(|position| position.next_offset) == part.expected => {
                    picture.accept(part, since);
                    stored.inserted += part.states.len() as u64;
                }
                _ => stored.fenced.push(Fenced { partition: part.partition, found }),
            }
        }
        drop(pictures);
        std::future::ready(Ok(stored)).boxed_local()
    }

    fn buffered(&self) -> Option<Buffered> {
        let pictures = self.pictures();
        let records = pictures.partitions.values().map(PartitionPicture::records).sum();
        let is_pending = pictures.partitions.values().any(PartitionPicture::has_pending);
        let soon = Instant::now();
        Some(Buffered {
            records,
            oldest: pictures.partitions.values().filter_map(PartitionPicture::oldest).min(),
            due: if is_pending { Some(soon) } else { Some(pictures.next_sweep.unwrap_or(soon)) },
            is_full: records >= Self::MAX_RECORDS,
        })
    }

    fn flush(&self) -> LocalBoxFuture<'_, Result<Flushed, SinkError>> {
        self.publish().boxed_local()
    }

    fn release(&self, partitions: &[i32]) {
        self.pictures().partitions.retain(|partition, _| !partitions.contains(partition));
    }
}
