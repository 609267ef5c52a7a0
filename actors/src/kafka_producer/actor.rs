use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tokio::time::Instant;

use super::backlog::{Backlog, BacklogLimits, DroppedStates, Held};
use crate::domain::{PollRecord, StateVector};
use crate::messages::{Accepted, Drain, Drained, PublishDeadLetters, PublishPolls, PublishStates};
use crate::metrics::{Metrics, count, init_counters};
use crate::ports::{PublishError, Publisher};
use crate::retry_queue::RetryQueue;
use crate::supervision::backoff::Backoff;
use crate::supervision::in_flight::{InFlight, InFlightWork};
use crate::supervision::{KafkaProducerObservation, Observation, Phase, Readiness, Vitals};
use crate::throttle::Throttle;

/// Publishes states to Kafka, in order and one batch at a time, and records of polls independently of them. Keeps a bounded backlog while Kafka does not accept the states.
pub struct KafkaProducer<P> {
    pub(super) publisher: Rc<P>,
    backlog: Backlog,
    /// The batch that Kafka has not acknowledged yet. It is kept here so that it survives a panic.
    in_flight: Vec<Held>,
    pub(super) polls: RetryQueue<PollRecord>,
    /// Whether a failed batch is waiting for its retry.
    is_paused: bool,
    backoff: Backoff,
    pub(super) vitals: Vitals,
    pub(super) metrics: Metrics,
    pub(super) observation: KafkaProducerObservation,
    pub(super) work: Rc<InFlightWork>,
    /// One throttle for each topic, since they can fail independently.
    failures: BTreeMap<&'static str, Throttle>,
}

/// A batch in flight for longer than this is a stall: its own timeouts should have ended it.
const STALL_TIMEOUT: Duration = Duration::from_secs(60);

impl<P: Publisher> KafkaProducer<P> {
    /// The maximum number of states in a batch.
    const BATCH: usize = 20_000;
    /// Far more records of polls than an outage of some hours leaves; each takes less than a kilobyte.
    const MAX_POLLS: usize = 10_000;
    /// The minimum interval between logged failures. The vitals always contain the newest one.
    const LOG_PERIOD: Duration = Duration::from_secs(10);

    /// Creates a producer whose backlog stays within `limits`.
    pub fn new(publisher: P, limits: BacklogLimits, vitals: Vitals, metrics: Metrics) -> Self {
        init_counters(&metrics.dropped, &["too_old", "no_room", "shutdown"]);
        init_counters(&metrics.poll_records, &["published", "dropped"]);
        Self {
            publisher: Rc::new(publisher),
            backlog: Backlog::new(limits),
            in_flight: Vec::new(),
            polls: RetryQueue::new(Self::MAX_POLLS),
            is_paused: false,
            backoff: Backoff::for_service(),
            vitals,
            metrics,
            observation: KafkaProducerObservation::default(),
            work: Rc::default(),
            failures: BTreeMap::new(),
        }
    }

    fn held(&self) -> usize {
        self.backlog.len() + self.in_flight.len()
    }

    pub(super) fn observe(&mut self) {
        self.observation.held = self.held();
        self.observation.held_bytes = self.held() * Backlog::STATE_BYTES;
        self.observation.polls_held = self.polls.len();
        self.metrics.held.set(i64::try_from(self.held()).unwrap_or(i64::MAX));
        self.metrics.held_bytes.set(i64::try_from(self.observation.held_bytes).unwrap_or(i64::MAX));
        self.vitals.observe(Observation::KafkaProducer(self.observation.clone()));
    }

    fn count_dropped(&mut self, DroppedStates { too_old, no_room }: DroppedStates) {
        let dropped = too_old + no_room;
        if dropped > 0 {
            self.observation.dropped += dropped;
            count(&self.metrics.dropped, "too_old", too_old);
            count(&self.metrics.dropped, "no_room", no_room);
            log::error!(
                actor = self.vitals.name(), dropped, held = self.held();
                "dropped states that were too old or did not fit into the backlog"
            );
        }
    }

    /// Publishes the next batch, unless one is in flight or the backlog is empty.
    fn publish_next(&mut self, ctx: &mut Context<Self>) {
        if self.is_paused || !self.in_flight.is_empty() || self.backlog.len() == 0 {
            return;
        }
        self.in_flight = self.backlog.take(Self::BATCH);
        let batch: Vec<Arc<StateVector>> = self.in_flight.iter().map(|held| held.state.clone()).collect();
        let (publisher, started) = (self.publisher.clone(), Instant::now());
        let operation = self.work.begin();
        self.vitals.expect_progress_within(Some(STALL_TIMEOUT));
        let publish = async move { publisher.publish(&batch).await };
        ctx.spawn(publish.into_actor(self).map(move |result, producer, ctx| {
            let operation = operation;
            producer.metrics.publish_seconds.observe(started.elapsed().as_secs_f64());
            producer.vitals.expect_progress_within(None);
            match result {
                Ok(()) => producer.delivered(ctx),
                Err(error) => producer.retry(&error, operation, ctx),
            }
        }));
    }

    fn delivered(&mut self, ctx: &mut Context<Self>) {
        let delivered = std::mem::take(&mut self.in_flight).len();
        self.count_published(delivered);
        self.backoff = Backoff::for_service();
        self.vitals.progress();
        self.vitals.readiness(Readiness::Ready);
        self.publish_next(ctx);
        self.observe();
    }

    fn count_published(&mut self, states: usize) {
        self.observation.published += states as u64;
        self.metrics.published.inc_by(states as u64);
    }

    /// Retries the unacknowledged states after a pause, before any newer states.
    fn retry(&mut self, error: &PublishError, operation: InFlight, ctx: &mut Context<Self>) {
        let in_flight = std::mem::take(&mut self.in_flight);
        self.count_published(in_flight.len() - error.undelivered.len().min(in_flight.len()));
        let left: Vec<_> = error.undelivered.iter().filter_map(|&index| in_flight.get(index).cloned()).collect();
        let dropped = self.backlog.put_back(left, Instant::now());
        self.count_dropped(dropped);
        self.failed("states", error);
        self.observe();

        self.is_paused = true;
        let (pause, work) = (self.backoff.pause(), self.work.clone());
        let wait = async move {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = work.deadline_passed() => {}
            }
        };
        ctx.spawn(wait.into_actor(self).map(move |(), producer, ctx| {
            drop(operation);
            producer.is_paused = false;
            producer.publish_next(ctx);
        }));
    }

    pub(super) fn note_failure(&mut self, what: &'static str, error: &PublishError) {
        self.observation.failed_tries += 1;
        self.metrics.publish_failures.inc();
        let failures = self.failures.entry(what).or_insert(const { Throttle::new(Self::LOG_PERIOD) });
        if let Some(suppressed) = failures.admit() {
            log::warn!(
                actor = self.vitals.name(), held = self.held(), suppressed;
                "failed to publish {what}, retrying: {error}"
            );
        }
        self.vitals.error(error.to_string());
    }

    fn failed(&mut self, what: &'static str, error: &PublishError) {
        self.note_failure(what, error);
        self.vitals.phase(Phase::BackingOff);
        self.vitals.readiness(Readiness::NotReady(error.to_string()));
    }
}

impl<P: Publisher> Actor for KafkaProducer<P> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.vitals.phase(Phase::Running);
        self.vitals.readiness(Readiness::Ready);
        self.publish_next(ctx);
        self.publish_side::<PollRecord>(ctx);
        self.observe();
    }
}

impl<P: Publisher> Supervised for KafkaProducer<P> {
    fn restarting(&mut self, _: &mut Self::Context) {
        // Kafka may or may not have the batch. Publishing it twice is harmless, but not publishing it would lose it.
        self.is_paused = false;
        let in_flight = std::mem::take(&mut self.in_flight);
        let dropped = self.backlog.put_back(in_flight, Instant::now());
        self.count_dropped(dropped);
        self.polls.restart();
    }
}

impl<P: Publisher> Handler<PublishStates> for KafkaProducer<P> {
    type Result = Accepted;

    fn handle(&mut self, PublishStates { states }: PublishStates, ctx: &mut Self::Context) -> Accepted {
        let dropped = self.backlog.push(states, Instant::now());
        self.count_dropped(dropped);
        self.publish_next(ctx);
        self.observe();
        Accepted { held: self.held(), dropped: self.observation.dropped }
    }
}

impl<P: Publisher> Handler<PublishPolls> for KafkaProducer<P> {
    type Result = ();

    fn handle(&mut self, PublishPolls(polls): PublishPolls, ctx: &mut Self::Context) {
        let dropped = self.polls.push(polls) as u64;
        if dropped > 0 {
            self.observation.polls_dropped += dropped;
            count(&self.metrics.poll_records, "dropped", dropped);
            log::error!(
                actor = self.vitals.name(), dropped;
                "dropped the oldest records of polls: too many are waiting for Kafka"
            );
        }
        self.publish_side::<PollRecord>(ctx);
        self.observe();
    }
}

impl<P: Publisher> Handler<PublishDeadLetters> for KafkaProducer<P> {
    type Result = ResponseActFuture<Self, Result<(), PublishError>>;

    fn handle(&mut self, PublishDeadLetters(letters): PublishDeadLetters, _: &mut Self::Context) -> Self::Result {
        let (publisher, operation) = (self.publisher.clone(), self.work.begin());
        let publish = async move {
            let result = publisher.publish_dead_letters(&letters).await;
            (result, letters.len())
        };
        Box::pin(publish.into_actor(self).map(move |(result, letters), producer, _| {
            drop(operation);
            match &result {
                Ok(()) => {
                    producer.observation.dead_letters += letters as u64;
                    producer.metrics.dead_letters.inc_by(letters as u64);
                    producer.vitals.progress();
                    producer.vitals.readiness(Readiness::Ready);
                }
                Err(error) => producer.failed("dead letters", error),
            }
            producer.observe();
            result
        }))
    }
}

impl<P: Publisher> Handler<Drain> for KafkaProducer<P> {
    type Result = ResponseActFuture<Self, Drained>;

    fn handle(&mut self, drain: Drain, _: &mut Self::Context) -> Self::Result {
        self.vitals.phase(Phase::Draining);
        self.work.drain(drain.deadline);
        let work = self.work.clone();
        // Idle implies an empty backlog: `publish_next` starts the next operation before the previous one ends.
        let idle = async move { work.idle().await };
        Box::pin(idle.into_actor(self).map(|_, producer, _| {
            let (left, polls_left) = (producer.held(), producer.polls.len());
            if left > 0 {
                count(&producer.metrics.dropped, "shutdown", left as u64);
                log::error!(
                    actor = producer.vitals.name(), left;
                    "states were not published before the shutdown deadline"
                );
            }
            if polls_left > 0 {
                count(&producer.metrics.poll_records, "dropped", polls_left as u64);
                log::error!(
                    actor = producer.vitals.name(), polls_left;
                    "records of polls were not published before the shutdown deadline"
                );
            }
            producer.vitals.phase(Phase::Finished);
            Drained { left: left + polls_left }
        }))
    }
}

#[cfg(feature = "fault-injection")]
impl<P: Publisher> Handler<crate::messages::InjectPanic> for KafkaProducer<P> {
    type Result = ();

    #[expect(clippy::panic, reason = "panics on request")]
    fn handle(&mut self, _: crate::messages::InjectPanic, _: &mut Self::Context) {
        panic!("injected");
    }
}
