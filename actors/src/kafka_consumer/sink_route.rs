use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use super::consumer_context::{ConsumerContext, Dependency};
use super::destination::{Delivered, Destination};
use super::route::Route;
use super::store_loop::StoreLoop;
use super::store_retry::StoreRetry;
use crate::batch::{Batch, Position};
use crate::metrics::{Metrics, count};
use crate::ports::{Buffered, Flushed, Sink, SinkError, Subscription};

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
        let destination = SinkDestination { name: self.name, sink: self.sink, is_failing: Cell::new(false) };
        StoreLoop::new(context, destination, self.name, self.volatile).run()
    }
}

struct SinkDestination {
    name: &'static str,
    sink: Arc<dyn Sink>,
    /// Whether the last attempt to flush failed.
    is_failing: Cell<bool>,
}

impl Destination for SinkDestination {
    async fn positions<S: Subscription>(&self, context: &ConsumerContext<S>, partitions: Vec<i32>) -> Vec<Position> {
        let mut failures = Failures::default();
        loop {
            match self.sink.positions(&context.subscription.log(), &partitions).await {
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
            match self.sink.write(batch.clone()).await {
                Ok(stored) => return Delivered { batch, stored, dead_letters },
                Err(error) => failures.pause(context, &error).await,
            }
        }
    }

    fn buffered(&self) -> Option<Buffered> {
        self.sink.buffered()
    }

    async fn flush<S: Subscription>(&self, context: &ConsumerContext<S>) -> Flushed {
        let mut failures = Failures::default();
        loop {
            match self.sink.flush().await {
                Ok(flushed) => {
                    self.is_failing.set(false);
                    self.count(&context.metrics, &flushed);
                    return flushed;
                }
                Err(error) => {
                    self.is_failing.set(true);
                    failures.pause(context, &error).await;
                }
            }
        }
    }

    fn is_failing(&self) -> bool {
        self.is_failing.get()
    }

    fn release(&self, partitions: &[i32]) {
        self.sink.release(partitions);
    }
}

impl SinkDestination {
    fn count(&self, metrics: &Metrics, flushed: &Flushed) {
        count(&metrics.sink_rows, self.name, flushed.rows);
        count(&metrics.sink_files, self.name, flushed.files);
        count(&metrics.sink_bytes, self.name, flushed.bytes);
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
