use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actors::batch::{Batch, Fenced, Stored};
use actors::ports::Buffered;
use tokio::time::Instant;

use super::limits::{BufferSize, Limits};
use super::partition_buffer::{InFlight, PartitionBuffer};

/// The buffers of all partitions that this process archives, and the decision which of them to flush when.
#[derive(Default)]
pub(super) struct Buffers(BTreeMap<i32, PartitionBuffer>);

impl Buffers {
    pub(super) fn replace(&mut self, partition: i32, buffer: PartitionBuffer) {
        self.0.insert(partition, buffer);
    }

    pub(super) fn remove(&mut self, partitions: &[i32]) {
        self.0.retain(|partition, _| !partitions.contains(partition));
    }

    /// Accepts the parts of a batch that continue what was accepted before.
    pub(super) fn accept(&mut self, batch: &Batch) -> Stored {
        let mut stored = Stored::default();
        for part in &batch.parts {
            let buffer = self.0.get_mut(&part.partition);
            let found = buffer.as_ref().and_then(|buffer| buffer.accepted);
            match buffer {
                Some(buffer) if found.map(|position| position.next_offset) == part.expected => {
                    buffer.accept(part);
                    stored.inserted += part.states.len() as u64;
                }
                _ => stored.fenced.push(Fenced { partition: part.partition, found }),
            }
        }
        stored
    }

    /// Returns how much is buffered and when to flush. `now` is the present, in Unix milliseconds.
    pub(super) fn observe(&self, limits: &Limits, now: i64) -> Buffered {
        let size = self.size();
        Buffered {
            records: size.records,
            oldest: self.0.values().filter_map(PartitionBuffer::oldest).min(),
            due: if size.reaches(&limits.flush_at) {
                Some(Instant::now())
            } else {
                self.0.values().filter_map(|buffer| due(buffer, limits, now)).min()
            },
            is_full: size.reaches(&limits.full_at),
        }
    }

    /// Returns the most urgent flush: one that was begun, or else the one that is due first, or else the largest one.
    pub(super) fn begin_flush(&mut self, limits: &Limits, now: i64) -> Option<Arc<InFlight>> {
        let soon = Instant::now();
        let urgency = |buffer: &PartitionBuffer| {
            let is_due = due(buffer, limits, now).is_some_and(|due| due <= soon);
            (buffer.in_flight.is_some(), is_due, buffer.size().bytes, buffer.size().records)
        };
        let waiting = self.0.values_mut().filter(|buffer| buffer.size().records > 0);
        waiting.max_by_key(|buffer| urgency(buffer))?.begin_flush()
    }

    /// Returns the buffer that this flush belongs to; `None` if it was dropped since.
    pub(super) fn of(&mut self, flush: &Arc<InFlight>, partition: i32) -> Option<&mut PartitionBuffer> {
        let buffer = self.0.get_mut(&partition)?;
        buffer.in_flight.as_ref().is_some_and(|in_flight| Arc::ptr_eq(in_flight, flush)).then_some(buffer)
    }

    fn size(&self) -> BufferSize {
        self.0.values().map(PartitionBuffer::size).fold(BufferSize::default(), |one, other| one + other)
    }
}

/// Returns when to flush a partition: once its oldest record in Kafka is old enough. A backlog consists of such records;
/// they are collected for a short time, so that a small backlog becomes few files.
fn due(buffer: &PartitionBuffer, limits: &Limits, now: i64) -> Option<Instant> {
    if buffer.in_flight.is_some() {
        return Some(Instant::now());
    }
    let (oldest, since) = (buffer.pending.oldest?, buffer.pending.since?);
    let age = Duration::from_millis(u64::try_from(now.saturating_sub(oldest)).unwrap_or(0));
    let aged = Instant::now() + limits.max_delay.saturating_sub(age);
    Some(aged.max(since + limits.collect_for))
}
