use super::consumer_context::ConsumerContext;
use crate::ports::Subscription;

/// Decides where a KafkaConsumer starts to read each partition, and how it delivers the batches.
///
/// A route decides both because they are related: the start depends on whether the destination tolerates lost or
/// repeated records. To add a route, add a file next to [`StoreRoute`](super::StoreRoute)'s, and an actor that runs it.
pub trait Route: Clone + Send + Unpin + 'static {
    /// Reads and delivers until the actor is drained. Returns the number of states that were read but not delivered.
    ///
    /// When the actor restarts, the route runs again on the same subscription, which then reports its partitions again.
    fn run<S: Subscription>(self, context: ConsumerContext<S>) -> impl Future<Output = usize>;
}
