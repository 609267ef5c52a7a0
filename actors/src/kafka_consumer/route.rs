use super::consumer_context::ConsumerContext;
use crate::ports::Subscription;

/// Where a KafkaConsumer starts to read each partition, and how it delivers the batches.
///
/// A route decides both by itself, since they depend on each other: what may be lost or repeated at the other end says where
/// reading has to start. To add one: a file beside [`StoreRoute`](super::StoreRoute)'s, and the actor that runs it.
pub trait Route: Clone + Send + Unpin + 'static {
    /// Reads and delivers until the actor is drained. Returns the number of states that were read and not delivered.
    ///
    /// A restart of the actor runs the route again, on the same subscription, which then announces its partitions again.
    fn run<S: Subscription>(self, context: ConsumerContext<S>) -> impl Future<Output = usize>;
}
