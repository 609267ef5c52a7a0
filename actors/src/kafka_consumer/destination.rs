use std::sync::Arc;

use super::consumer_context::ConsumerContext;
use crate::batch::{Batch, Position, Stored};
use crate::ports::Subscription;

/// Where a [`StoreLoop`](super::store_loop::StoreLoop) stores batches. A destination keeps the position of each
/// partition together with the data, so that both are stored or neither is.
///
/// Both methods retry until they succeed and report failures to the context.
pub(super) trait Destination: 'static {
    /// Returns the stored positions of these partitions. Partitions without a stored position are left out.
    fn positions<S: Subscription>(
        &self,
        context: &ConsumerContext<S>,
        partitions: Vec<i32>,
    ) -> impl Future<Output = Vec<Position>>;

    /// Stores a batch together with its positions, except for parts whose `expected` position is not the stored one.
    fn store<S: Subscription>(&self, context: &ConsumerContext<S>, batch: Batch) -> impl Future<Output = Delivered>;
}

/// A batch that was stored.
pub(super) struct Delivered {
    /// The batch, without the rows that the destination rejected.
    pub(super) batch: Arc<Batch>,
    pub(super) stored: Stored,
    /// The number of records that cannot be decoded or stored.
    pub(super) dead_letters: u64,
}
