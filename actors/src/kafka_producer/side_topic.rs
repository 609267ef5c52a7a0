use actix::prelude::*;

use super::actor::KafkaProducer;
use crate::domain::PollRecord;
use crate::metrics::count;
use crate::ports::{PublishError, Publisher};
use crate::retry_queue::RetryQueue;
use crate::supervision::in_flight::InFlight;

/// Messages that are published independently of the states, so that a failing topic of theirs does not delay the
/// states.
pub(super) trait SideTopic: Clone + Unpin + 'static {
    /// What they are, in the plural.
    const WHAT: &'static str;

    /// Returns the queue in which they wait.
    fn queue<P: Publisher>(producer: &mut KafkaProducer<P>) -> &mut RetryQueue<Self>;

    /// Publishes some of them.
    fn publish<P: Publisher>(publisher: &P, messages: &[Self]) -> impl Future<Output = Result<(), PublishError>>;

    /// Counts those that Kafka acknowledged.
    fn count_published<P: Publisher>(producer: &mut KafkaProducer<P>, messages: usize);
}

impl SideTopic for PollRecord {
    const WHAT: &'static str = "records of polls";

    fn queue<P: Publisher>(producer: &mut KafkaProducer<P>) -> &mut RetryQueue<Self> {
        &mut producer.polls
    }

    fn publish<P: Publisher>(publisher: &P, polls: &[Self]) -> impl Future<Output = Result<(), PublishError>> {
        publisher.publish_polls(polls)
    }

    fn count_published<P: Publisher>(producer: &mut KafkaProducer<P>, polls: usize) {
        producer.observation.polls += polls as u64;
        count(&producer.metrics.poll_records, "published", polls as u64);
    }
}

impl<P: Publisher> KafkaProducer<P> {
    /// Publishes the queued messages of a side topic, unless some are in flight.
    pub(super) fn publish_side<T: SideTopic>(&mut self, ctx: &mut Context<Self>) {
        let messages = T::queue(self).take();
        if messages.is_empty() {
            return;
        }
        let (publisher, operation) = (self.publisher.clone(), self.work.begin());
        let publish = async move { T::publish(&*publisher, &messages).await };
        ctx.spawn(publish.into_actor(self).map(move |result, producer, ctx| {
            match result {
                Ok(()) => {
                    let delivered = T::queue(producer).delivered();
                    T::count_published(producer, delivered);
                    producer.vitals.progress();
                    producer.publish_side::<T>(ctx);
                    drop(operation);
                }
                Err(error) => producer.retry_side::<T>(&error, operation, ctx),
            }
            producer.observe();
        }));
    }

    /// Retries the unacknowledged messages after a pause. States are still published, since only the side topic may
    /// have failed.
    fn retry_side<T: SideTopic>(&mut self, error: &PublishError, operation: InFlight, ctx: &mut Context<Self>) {
        let (delivered, pause) = T::queue(self).failed(&error.undelivered);
        T::count_published(self, delivered);
        self.note_failure(T::WHAT, error);
        let work = self.work.clone();
        let wait = async move {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = work.deadline_passed() => {}
            }
        };
        ctx.spawn(wait.into_actor(self).map(move |(), producer, ctx| {
            T::queue(producer).resume();
            producer.publish_side::<T>(ctx);
            drop(operation);
        }));
    }
}
