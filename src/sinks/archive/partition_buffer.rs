use std::collections::BTreeMap;
use std::sync::Arc;

use actors::batch::{PartitionBatch, Position};
use actors::domain::FIELDS;
use tokio::time::Instant;

use super::limits::BufferSize;
use crate::archive::{Head, Hour, PartitionArchive, Segment};
use crate::files::parquet::RowBuffer;

/// The rows of one partition that are not in the archive yet.
pub(super) struct PartitionBuffer {
    pub(super) archive: Arc<PartitionArchive>,
    /// The newest commit of the partition.
    pub(super) head: Option<Head>,
    /// The position up to which records were accepted.
    pub(super) accepted: Option<Position>,
    /// What was accepted since the last flush began.
    pub(super) pending: Pending,
    /// What the running flush works on.
    pub(super) in_flight: Option<Arc<InFlight>>,
}

/// Accepted records.
#[derive(Default)]
pub(super) struct Pending {
    pub(super) hours: BTreeMap<Hour, RowBuffer>,
    pub(super) size: BufferSize,
    /// The time of the oldest record in Kafka, in Unix milliseconds.
    pub(super) oldest: Option<i64>,
    /// When the first record was accepted.
    pub(super) since: Option<Instant>,
}

/// Records that are being flushed. It stays in the buffer until they are in the archive, so that an attempt that fails
/// is continued by the next one.
pub(super) struct InFlight {
    pub(super) archive: Arc<PartitionArchive>,
    pub(super) size: BufferSize,
    pub(super) oldest: Option<i64>,
    pub(super) work: tokio::sync::Mutex<FlushWork>,
}

/// How far a flush has come.
pub(super) struct FlushWork {
    pub(super) segment: Segment,
    /// The hours that are not staged yet.
    pub(super) hours: BTreeMap<Hour, Arc<RowBuffer>>,
    pub(super) files: u64,
    pub(super) rows: u64,
    pub(super) bytes: u64,
}

impl PartitionBuffer {
    /// Creates an empty buffer that continues after a commit.
    pub(super) fn after(archive: Arc<PartitionArchive>, head: Option<Head>) -> Self {
        let accepted = head.map(|head| head.position);
        Self { archive, head, accepted, pending: Pending::default(), in_flight: None }
    }

    /// Accepts records.
    pub(super) fn accept(&mut self, part: &PartitionBatch) {
        for state in &part.states {
            let hour = Hour::of(state.last_contact);
            let rows = self.pending.hours.entry(hour).or_insert_with(|| RowBuffer::new(FIELDS));
            rows.push(&state.borrowed());
        }
        let Pending { hours, size, oldest, since } = &mut self.pending;
        size.records += (part.states.len() + part.dead_letters.len()) as u64;
        size.bytes = hours.values().map(RowBuffer::bytes).sum();
        size.files = hours.len();
        let first = part.records.iter().map(|record| record.timestamp).chain([part.last_timestamp]).min();
        *oldest = oldest.iter().copied().chain(first).min();
        since.get_or_insert_with(Instant::now);
        let PartitionBatch { partition, next_offset, last_timestamp, .. } = *part;
        self.accepted = Some(Position { partition, next_offset, last_timestamp });
    }

    /// Returns what to flush: what an earlier attempt began with, or else everything that was accepted since.
    pub(super) fn begin_flush(&mut self) -> Option<Arc<InFlight>> {
        if self.in_flight.is_none() && self.pending.since.is_some() {
            let Pending { hours, size, oldest, .. } = std::mem::take(&mut self.pending);
            let segment = Segment::after(self.head.as_ref(), self.accepted?);
            let hours = hours.into_iter().map(|(hour, rows)| (hour, Arc::new(rows))).collect();
            let work = FlushWork { segment, hours, files: 0, rows: 0, bytes: 0 }.into();
            let in_flight = InFlight { archive: self.archive.clone(), size, oldest, work };
            self.in_flight = Some(Arc::new(in_flight));
        }
        self.in_flight.clone()
    }

    /// Returns how much is buffered, including the running flush.
    pub(super) fn size(&self) -> BufferSize {
        let in_flight = self.in_flight.as_ref().map_or_else(BufferSize::default, |in_flight| in_flight.size);
        in_flight + self.pending.size
    }

    /// Returns the time of the oldest record in Kafka.
    pub(super) fn oldest(&self) -> Option<i64> {
        self.in_flight.as_ref().and_then(|in_flight| in_flight.oldest).into_iter().chain(self.pending.oldest).min()
    }
}
