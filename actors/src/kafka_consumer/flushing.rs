use std::rc::Rc;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use tokio::sync::Notify;
use tokio::time::sleep_until;

use super::consumer_context::ConsumerContext;
use super::destination::Destination;
use crate::domain::UnixTime;
use crate::metrics::{Kind, Metrics, init_counters};
use crate::ports::{Buffered, Flushed, Subscription};
use crate::supervision::BufferObservation;

/// The flushes of a destination that buffers: one at a time, while batches are read and stored.
pub(super) struct Flushing<S, D> {
    context: ConsumerContext<S>,
    destination: Rc<D>,
    /// The label of the route in metrics.
    kind: &'static str,
    running: Option<LocalBoxFuture<'static, Flushed>>,
    /// Notified when a flush ends or what is buffered is dropped.
    room: Rc<Notify>,
    totals: BufferObservation,
}

impl<S: Subscription, D: Destination> Flushing<S, D> {
    pub(super) fn of(context: &ConsumerContext<S>, destination: &Rc<D>, kind: &'static str) -> Self {
        let flushing = Self {
            context: context.clone(),
            destination: destination.clone(),
            kind,
            running: None,
            room: Rc::default(),
            totals: BufferObservation::default(),
        };
        if destination.buffered().is_some() {
            let Metrics { sink_rows, sink_files, sink_bytes, sink_last_flush, .. } = &context.metrics;
            [sink_rows, sink_files, sink_bytes].into_iter().for_each(|family| init_counters(family, &[kind]));
            sink_last_flush.get_or_create(&Kind { kind }).set(0);
        }
        flushing
    }

    /// Waits until a flush is due, and for its end. Never resolves if there is nothing to flush. Cancel safe.
    pub(super) async fn next(&mut self) -> Flushed {
        if self.running.is_none() {
            match self.destination.buffered().and_then(|buffered| buffered.due) {
                Some(due) => sleep_until(due).await,
                None => std::future::pending().await,
            }
        }
        self.finish().await
    }

    /// Waits for the end of the running flush, or starts one. Cancel safe.
    pub(super) async fn finish(&mut self) -> Flushed {
        let (context, destination) = (self.context.clone(), self.destination.clone());
        let start = || async move { destination.flush(&context).await }.boxed_local();
        let flushed = self.running.get_or_insert_with(start).await;
        self.running = None;
        self.room.notify_one();
        if !flushed.stored.is_empty() {
            self.totals.files += flushed.files;
            self.totals.rows += flushed.rows;
            self.totals.bytes += flushed.bytes;
            let now = UnixTime::now().0;
            self.totals.last_flush = Some(now);
            self.context.metrics.sink_last_flush.get_or_create(&Kind { kind: self.kind }).set(now);
        }
        flushed
    }

    /// Drops what is buffered of partitions that are no longer read.
    pub(super) fn release(&self, partitions: &[i32]) {
        self.destination.release(partitions);
        self.room.notify_one();
    }

    /// Returns a future that resolves when there may be room in the buffer. Something else has to drive the flush.
    pub(super) fn room(&self) -> impl Future<Output = ()> + 'static {
        let room = self.room.clone();
        async move { room.notified().await }
    }

    /// Returns the number of records that are not durable yet.
    pub(super) fn records(&self) -> u64 {
        self.destination.buffered().map_or(0, |buffered| buffered.records)
    }

    /// Whether a flush must come before the next batch.
    pub(super) fn is_full(&self) -> bool {
        self.destination.buffered().is_some_and(|buffered| buffered.is_full)
    }

    /// Returns what is buffered and what was flushed; `None` if the destination does not buffer.
    pub(super) fn observe(&self) -> Option<BufferObservation> {
        let Buffered { records, oldest, .. } = self.destination.buffered()?;
        let oldest = oldest.map(|millis| millis.div_euclid(1_000));
        let (metrics, labels) = (&self.context.metrics, Kind { kind: self.kind });
        metrics.sink_buffered.get_or_create(&labels).set(i64::try_from(records).unwrap_or(i64::MAX));
        metrics.sink_oldest_buffered.get_or_create(&labels).set(oldest.unwrap_or(0));
        Some(BufferObservation { records, oldest, ..self.totals })
    }
}
