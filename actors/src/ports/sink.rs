use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use thiserror::Error;
use tokio::time::Instant;

use crate::batch::{Batch, Fenced, LogId, Position, Stored};

/// A destination of state vectors in addition to the database, such as files. It keeps the position of each partition
/// together with the data, so that a record is written once even if the process is killed. A sink that cannot write both
/// as one step stores the position last, and may write some records twice after a crash.
///
/// A sink is shared with the thread of its consumer, and is used by one consumer at a time.
pub trait Sink: Send + Sync + 'static {
    /// Returns the stored positions of partitions of a log. Partitions without a stored position are left out; they are
    /// read from the beginning.
    ///
    /// # Errors
    /// Classified by who can act; see [`SinkError`].
    fn positions<'a>(
        &'a self,
        log: &'a LogId,
        partitions: &'a [i32],
    ) -> LocalBoxFuture<'a, Result<Vec<Position>, SinkError>>;

    /// Writes the state vectors of a batch and the new positions, durably and as one step. A part whose `expected` does
    /// not match the stored position is skipped as a whole and reported as fenced. Dead letters are to be skipped: the
    /// storing consumer publishes them.
    ///
    /// A sink that buffers (see [`Sink::buffered`]) only accepts the batch: the positions move in memory, and
    /// [`Sink::flush`] makes both durable.
    ///
    /// # Errors
    /// Nothing of the batch remains; the caller retries with the same batch.
    fn write(&self, batch: Arc<Batch>) -> LocalBoxFuture<'_, Result<Stored, SinkError>>;

    /// Returns what the sink has accepted and not yet made durable, and when to flush it; `None` if each write is
    /// durable.
    fn buffered(&self) -> Option<Buffered> {
        None
    }

    /// Makes the most urgent part of what is buffered durable, together with its positions. It runs while batches are
    /// written, and at most once at a time. If it is dropped, what it worked on stays buffered.
    ///
    /// # Errors
    /// Everything stays buffered; the caller retries.
    fn flush(&self) -> LocalBoxFuture<'_, Result<Flushed, SinkError>> {
        std::future::ready(Ok(Flushed::default())).boxed_local()
    }

    /// Drops what is buffered of partitions that this process no longer reads. Their next owner reads it again.
    fn release(&self, _partitions: &[i32]) {}
}

/// What a sink has accepted and not yet made durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Buffered {
    /// The number of records.
    pub records: u64,
    /// The time of the oldest record in Kafka, in Unix milliseconds.
    pub oldest: Option<i64>,
    /// When to flush; `None` if there is nothing to flush.
    pub due: Option<Instant>,
    /// Whether the sink accepts no further batch until something was flushed.
    pub is_full: bool,
}

/// The outcome of a flush.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flushed {
    /// The partitions that were flushed, with the positions that are now stored.
    pub stored: Vec<Position>,
    /// The partitions whose stored positions had changed. What was buffered of them was dropped.
    pub fenced: Vec<Fenced>,
    /// The number of state vectors written.
    pub rows: u64,
    /// The number of files written.
    pub files: u64,
    /// The total size of these files in bytes.
    pub bytes: u64,
}

/// Why a sink did not accept a batch, classified by who can act.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SinkError {
    /// The destination is full, slow or unreachable; retry later.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// The permissions or the contents of the destination are not as required; the operator must act. Retried at longer
    /// intervals.
    #[error("refused: {0}")]
    Refused(String),
}
