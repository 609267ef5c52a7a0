use std::sync::Arc;
use std::time::Duration;

use super::consumer_context::{ConsumerContext, Dependency};
use super::destination::{Delivered, Destination};
use super::route::Route;
use super::store_loop::StoreLoop;
use super::store_retry::StoreRetry;
use crate::batch::{Batch, Position};
use crate::ports::{Sink, SinkError, Subscription};

/// Kafka → a sink. Each partition starts at the position that the sink keeps, so every record is in the sink once if
/// the sink stores its positions together with the records.
#[derive(Clone)]
pub struct SinkRoute {
    /// The name of the sink, used as a label in metrics.
    pub name: &'static str,
    /// Receives the batches.
    pub sink: Arc<dyn Sink>,
    /// Whether the log is lost when this process ends, so that all of it must be written first.
    pub volatile: bool,
}

impl Route for SinkRoute {
    fn run<S: Subscription>(self, context: ConsumerContext<S>) -> impl Future<Output = usize> {
        StoreLoop::new(context, SinkDestination(self.sink), self.name, self.volatile).run()
    }
}

struct SinkDestination(Arc<dyn Sink>);

impl Destination for SinkDestination {
    async fn positions<S: Subscription>(&self, context: &ConsumerContext<S>, partitions: Vec<i32>) -> Vec<Position> {
        let mut failures = Failures::default();
        loop {
            match self.0.positions(&context.subscription.log(), &partitions).await {
                Ok(found) => return found,
                Err(error) => failures.pause(context, &error).await,
            }
        }
    }

    async fn store<S: Subscription>(&self, context: &ConsumerContext<S>, batch: Batch) -> Delivered {
        let batch = Arc::new(batch);
        // The storing consumer publishes them; a sink only skips them.
        let dead_letters = batch.parts.iter().map(|part| part.dead_letters.len() as u64).sum();
        let mut failures = Failures::default();
        loop {
            match self.0.write(batch.clone()).await {
                Ok(stored) => return Delivered { batch, stored, dead_letters },
                Err(error) => failures.pause(context, &error).await,
            }
        }
    }
}

/// The failures of one request to a sink.
#[derive(Default)]
struct Failures(StoreRetry);

impl Failures {
    /// Reports a failure and waits until the next attempt is due.
    async fn pause<S: Subscription>(&mut self, context: &ConsumerContext<S>, error: &SinkError) {
        let pause: Duration = self.0.pause(matches!(error, SinkError::Refused(_)));
        let text = error.to_string();
        if let Some(suppressed) = self.0.should_log(&text) {
            log::warn!(actor = context.vitals.name(), pause:? = pause, suppressed; "{text}");
        }
        context.report_failure(Dependency::Sink, &text);
        tokio::time::sleep(pause).await;
    }
}
