use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use actors::batch::{Batch, Fenced, LogId, Position, Stored};
use actors::ports::{Buffered, Flushed, Sink, SinkError};
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};

use super::buffers::Buffers;
use super::limits::Limits;
use super::partition_buffer::{FlushWork, InFlight, PartitionBuffer};
use crate::archive::{self, ArchiveUrl, Commit, Compactor, Objects, PartitionArchive, S3Endpoint};
use crate::fault;
use crate::files::parquet::{NumberType, RowBuffer, write_file};

/// The archive as a sink: buffers rows by partition and hour, and flushes one partition at a time.
pub(super) struct ArchiveSink {
    url: ArchiveUrl,
    endpoint: Option<S3Endpoint>,
    limits: Limits,
    /// `None` until the archive was opened.
    objects: tokio::sync::Mutex<Option<Arc<dyn Objects>>>,
    buffers: Mutex<Buffers>,
}

/// The number of partitions whose positions are read at once.
const CONCURRENT_RECOVERIES: usize = 8;

impl ArchiveSink {
    pub(super) fn new(url: ArchiveUrl, endpoint: Option<S3Endpoint>, limits: Limits) -> Self {
        Self { url, endpoint, limits, objects: tokio::sync::Mutex::default(), buffers: Mutex::default() }
    }

    fn buffers(&self) -> MutexGuard<'_, Buffers> {
        // A panic in the middle of a change ends the consumer, whose successor replaces all buffers.
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn objects(&self) -> Result<Arc<dyn Objects>, SinkError> {
        let mut objects = self.objects.lock().await;
        if let Some(objects) = &*objects {
            return Ok(objects.clone());
        }
        let opened = archive::open(&self.url, self.endpoint.as_ref()).await?;
        // It delays nobody that this is left for later: the files concerned stay where they are.
        if let Err(error) = Compactor::new(opened.clone()).finish_interrupted().await {
            log::warn!("failed to finish an interrupted flush or compaction of another process: {error}");
        }
        Ok(objects.insert(opened).clone())
    }

    async fn recover(&self, log: &LogId, partitions: &[i32]) -> Result<Vec<Position>, SinkError> {
        let objects = &self.objects().await?;
        let recover = |partition: i32| async move {
            let archive = PartitionArchive::new(objects, log, partition);
            let head = archive.recover().await?;
            Ok((partition, PartitionBuffer::after(Arc::new(archive), head)))
        };
        let recovered = stream::iter(partitions.to_vec()).map(recover).buffer_unordered(CONCURRENT_RECOVERIES);
        let recovered: Vec<_> = recovered.try_collect().await?;
        let positions = recovered.iter().filter_map(|(_, buffer)| buffer.accepted).collect();
        let mut buffers = self.buffers();
        for (partition, buffer) in recovered {
            buffers.replace(partition, buffer);
        }
        Ok(positions)
    }

    async fn flush_most_urgent(&self) -> Result<Flushed, SinkError> {
        let next = self.buffers().begin_flush(&self.limits, now());
        let Some(flush) = next else { return Ok(Flushed::default()) };
        let mut work = flush.work.lock().await;
        stage(&flush, &mut work).await?;
        fault::point("archive-staged");
        let partition = work.segment.partition();
        // Its partition may have been revoked in the meantime.
        if self.buffers().of(&flush, partition).is_none() {
            flush.archive.discard(&work.segment).await?;
            return Ok(Flushed::default());
        }
        let commit = flush.archive.commit(&work.segment).await?;
        let mut buffers = self.buffers();
        let Some(buffer) = buffers.of(&flush, partition) else { return Ok(Flushed::default()) };
        Ok(match commit {
            Commit::Done(head) => {
                buffer.in_flight = None;
                buffer.head = Some(head);
                let FlushWork { files, rows, bytes, .. } = *work;
                Flushed { stored: vec![head.position], rows, files, bytes, ..Flushed::default() }
            }
            Commit::Fenced(head) => {
                *buffer = PartitionBuffer::after(buffer.archive.clone(), head);
                let found = head.map(|head| head.position);
                Flushed { fenced: vec![Fenced { partition, found }], ..Flushed::default() }
            }
        })
    }
}

/// Writes the hours of a flush aside. Those that an earlier attempt has written are left out.
async fn stage(flush: &InFlight, work: &mut FlushWork) -> Result<(), SinkError> {
    while let Some((&hour, rows)) = work.hours.first_key_value() {
        let (count, rows) = (rows.len() as u64, rows.clone());
        let content = match tokio::task::spawn_blocking(move || encode(&rows)).await {
            Ok(encoded) => encoded?,
            Err(panicked) => return Err(SinkError::Unavailable(format!("failed to encode {hour}: {panicked}"))),
        };
        let bytes = content.len() as u64;
        flush.archive.stage(&mut work.segment, hour, count, content).await?;
        work.hours.pop_first();
        work.files += 1;
        work.rows += count;
        work.bytes += bytes;
    }
    Ok(())
}

fn encode(rows: &RowBuffer) -> Result<Bytes, SinkError> {
    let encoded = write_file(rows, NumberType::Decimal, Vec::new());
    encoded.map(Bytes::from).map_err(|error| SinkError::Unavailable(format!("failed to encode rows: {error}")))
}

/// Returns the present, in Unix milliseconds.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

impl Sink for ArchiveSink {
    fn positions<'a>(
        &'a self,
        log: &'a LogId,
        partitions: &'a [i32],
    ) -> LocalBoxFuture<'a, Result<Vec<Position>, SinkError>> {
        self.recover(log, partitions).boxed_local()
    }

    fn write(&self, batch: Arc<Batch>) -> LocalBoxFuture<'_, Result<Stored, SinkError>> {
        std::future::ready(Ok(self.buffers().accept(&batch))).boxed_local()
    }

    fn buffered(&self) -> Option<Buffered> {
        Some(self.buffers().observe(&self.limits, now()))
    }

    fn flush(&self) -> LocalBoxFuture<'_, Result<Flushed, SinkError>> {
        self.flush_most_urgent().boxed_local()
    }

    fn release(&self, partitions: &[i32]) {
        self.buffers().remove(partitions);
    }
}
