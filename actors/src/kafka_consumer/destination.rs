use std::sync::Arc;

use super::consumer_context::ConsumerContext;
use crate::batch::{Batch, Position, Stored};
use crate::ports::{Buffered, Flushed, Subscription};

/// Where a [`StoreLoop`](super::store_loop::StoreLoop) stores batches. A destination keeps the position of each
/// partition together with the data, so that both are stored or neither is.
///
/// The asynchronous methods retry until they succeed and report failures to the context.
pub(super) trait Destination: 'static {
    /// Returns the stored positions of these partitions. Partitions without a stored position are left out.
    fn positions<S: Subscription>(
        &self,
        context: &ConsumerContext<S>,
        partitions: Vec<i32>,
    ) -> impl Future<Output = Vec<Position>>;

    /// Stores a batch together with its positions, except for parts whose `expected` position is not the stored one.
    fn store<S: Subscription>(&self, context: &ConsumerContext<S>, batch: Batch) -> impl Future<Output = Delivered>;

    /// Returns what was accepted and is not yet durable; `None` if [`Destination::store`] makes everything durable.
    fn buffered(&self) -> Option<Buffered> {
        None
    }

    /// Makes the most urgent part of what is buffered durable, and retries until that succeeds.
    fn flush<S: Subscription>(&self, _: &ConsumerContext<S>) -> impl Future<Output = Flushed> {
        std::future::ready(Flushed::default())
    }

    /// Whether the running flush fails and is retried.
    fn is_failing(&self) -> bool {
        false
    }

    /// Drops what is buffered of partitions that are no longer read.
    fn release(&self, _partitions: &[i32]) {}
}

/// A batch that was stored.
pub(super) struct Delivered {
    /// The batch, without the rows that the destination rejected.
    pub(super) batch: Arc<Batch>,
    pub(super) stored: Stored,
    /// The number of records that cannot be decoded or stored.
    pub(super) dead_letters: u64,
}
