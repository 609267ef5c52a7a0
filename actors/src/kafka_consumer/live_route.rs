use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use actix::Recipient;

use super::consumer_context::ConsumerContext;
use super::health_probe::HealthProbe;
use super::lag::Lag;
use super::route::Route;
use crate::batch::Batch;
use crate::domain::UnixTime;
use crate::messages::{ShowBatch, Shown};
use crate::metrics::{count, init_counters};
use crate::ports::{StartAt, Subscription, SubscriptionError, SubscriptionEvent};
use crate::supervision::backoff::Backoff;
use crate::supervision::{LiveObservation, Observation, Phase, Readiness};

/// Kafka → SseHub: reads from as far back as an aircraft stays in the picture.
#[derive(Clone)]
pub struct LiveRoute {
    /// Applies batches to the live picture.
    pub hub: Recipient<ShowBatch>,
    /// The age of the oldest records to read at the start.
    pub window: Duration,
}

impl Route for LiveRoute {
    fn run<S: Subscription>(self, context: ConsumerContext<S>) -> impl Future<Output = usize> {
        LiveLoop::new(context, self).run()
    }
}

struct LiveLoop<S> {
    context: ConsumerContext<S>,
    route: LiveRoute,
    /// The hub's epoch. When it changes, the hub has restarted with an empty picture.
    epoch: Option<u64>,
    /// Whether the hub has received everything that Kafka had at the start. Until then the picture is incomplete.
    is_complete: bool,
    owned: BTreeSet<i32>,
    /// The last record delivered from each partition.
    reached: BTreeMap<i32, Reached>,
    backoff: Backoff,
    lag: Lag<S>,
    observation: LiveObservation,
}

/// The last delivered record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reached {
    /// The offset after the record.
    next_offset: i64,
    /// The record's timestamp, in Unix milliseconds.
    timestamp: i64,
}

/// The hub does no I/O, so a batch that it has not accepted after this time is a stall.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);

impl<S: Subscription> LiveLoop<S> {
    fn new(context: ConsumerContext<S>, route: LiveRoute) -> Self {
        init_counters(&context.metrics.consumed, &["live"]);
        init_counters(&context.metrics.lost_offsets, &["live"]);
        let lag = Lag::of("live", &context.subscription, &context.metrics);
        Self {
            context,
            route,
            epoch: None,
            is_complete: false,
            owned: BTreeSet::new(),
            reached: BTreeMap::new(),
            backoff: Backoff::for_service(),
            lag,
            observation: LiveObservation::default(),
        }
    }

    /// Reads until drained. Returns 0, since nothing has to be stored.
    pub(super) async fn run(mut self) -> usize {
        let work = self.context.work.clone();
        loop {
            tokio::select! {
                biased;
                () = work.drain_requested() => return 0,
                () = self.step() => {}
            }
        }
    }

    async fn step(&mut self) {
        let done = match self.next().await {
            SubscriptionEvent::Assigned(partitions) => self.start(&partitions).await,
            SubscriptionEvent::Revoked(partitions) => {
                self.owned.retain(|owned| !partitions.contains(owned));
                self.lag.forget(&partitions);
                self.observation.partitions = self.owned.len();
                Ok(())
            }
            SubscriptionEvent::Batch(batch) => {
                self.show(Arc::new(batch)).await;
                Ok(())
            }
        };
        match done {
            Ok(()) => {
                self.backoff = Backoff::for_service();
                self.report_readiness();
            }
            Err(error) => self.pause(&error).await,
        }
        self.observe();
    }

    fn observe(&mut self) {
        self.observation.lag = self.lag.total();
        self.context.vitals.observe(Observation::LiveConsumer(self.observation.clone()));
    }

    /// Reports the route as not ready while clients would see an incomplete picture.
    fn report_readiness(&mut self) {
        self.is_complete |= self.lag.has_caught_up();
        let readiness = if self.is_complete {
            Readiness::Ready
        } else {
            Readiness::NotReady(format!("catching up with the records of the last {} s", self.route.window.as_secs()))
        };
        self.context.vitals.readiness(readiness);
    }

    /// Waits for the next event, and retries after failures. A failure alone does not make the route unready, since one
    /// of several brokers may be unavailable without consequences. A probe determines whether Kafka responds.
    async fn next(&mut self) -> SubscriptionEvent {
        let subscription = self.context.subscription.clone();
        let mut probe = HealthProbe::of(&subscription);
        loop {
            tokio::select! {
                biased;
                event = subscription.next() => match event {
                    Ok(event) => return event,
                    Err(error) => {
                        self.pause(&error).await;
                        self.observe();
                        if self.observation.partitions > 0 {
                            probe.start();
                        }
                    }
                },
                result = probe.result() => match result {
                    Ok(()) => {
                        self.context.vitals.phase(Phase::Running);
                        self.report_readiness();
                    }
                    Err(error) => self.context.vitals.readiness(Readiness::NotReady(error.to_string())),
                },
                () = self.lag.refresh() => {
                    if !self.is_complete {
                        self.report_readiness();
                    }
                    self.observe();
                }
            }
        }
    }

    async fn start(&mut self, partitions: &[i32]) -> Result<(), SubscriptionError> {
        let window = UnixTime::now().minus(self.route.window);
        let start = |&partition: &i32| (partition, start_at(window, self.reached.get(&partition).copied()));
        let starts: Vec<_> = partitions.iter().map(start).collect();
        let started = match self.context.subscription.start(&starts).await {
            Ok(started) => started,
            Err(error) => {
                self.context.subscription.reset();
                return Err(error);
            }
        };
        self.lag.forget(partitions);
        self.lag.begin(&started);
        // New partitions of a topic are assigned in a separate event, without the previous ones.
        self.owned.extend(partitions);
        self.observation.partitions = self.owned.len();
        log::info!(
            actor = self.context.vitals.name(), partitions = partitions.len(), window:? = self.route.window;
            "started reading"
        );
        self.context.vitals.phase(Phase::Running);
        Ok(())
    }

    /// Sends a batch to the hub, and retries until the hub accepts it, since it may be restarting.
    async fn show(&mut self, batch: Arc<Batch>) {
        self.context.vitals.expect_progress_within(Some(STALL_TIMEOUT));
        let shown = loop {
            match self.route.hub.send(ShowBatch(batch.clone())).await {
                Ok(shown) => break shown,
                Err(error) => {
                    self.pause(&SubscriptionError(format!("the SseHub did not accept a batch: {error}"))).await;
                }
            }
        };
        self.context.vitals.expect_progress_within(None);
        let (records, lost) = (batch.records(), batch.lost_offsets());
        count(&self.context.metrics.consumed, "live", records);
        count(&self.context.metrics.lost_offsets, "live", lost);
        self.observation.records += records;
        self.observation.lost_offsets += lost;
        for part in &batch.parts {
            self.lag.reached(part.partition, part.next_offset);
            if !part.states.is_empty() || !part.dead_letters.is_empty() {
                let reached = Reached { next_offset: part.next_offset, timestamp: part.last_timestamp };
                self.reached.insert(part.partition, reached);
            }
        }
        self.context.vitals.progress();
        self.rewind_if_restarted(shown);
    }

    fn rewind_if_restarted(&mut self, shown: Shown) {
        let before = self.epoch.replace(shown.epoch);
        if before.is_some_and(|before| before != shown.epoch) {
            log::info!(
                actor = self.context.vitals.name();
                "the SseHub restarted with an empty picture; rereading the last {} s", self.route.window.as_secs()
            );
            self.observation.rewinds += 1;
            self.is_complete = false;
            self.reached.clear();
            self.context.subscription.reset();
        }
    }

    async fn pause(&mut self, error: &SubscriptionError) {
        let pause = self.backoff.pause();
        if let Some(suppressed) = self.context.failure_log.admit() {
            log::warn!(actor = self.context.vitals.name(), pause:? = pause, suppressed; "{error}");
        }
        self.context.vitals.error(error.to_string());
        self.context.vitals.phase(Phase::BackingOff);
        if self.observation.partitions == 0 {
            // Nothing has been read yet. Later failures are left to the probe.
            self.context.vitals.readiness(Readiness::NotReady(error.to_string()));
        }
        tokio::time::sleep(pause).await;
    }
}

/// Returns where to start reading a partition: at the start of the window, or after the last delivered record if that
/// is older, so that `/sse/flights` misses nothing after an outage longer than the window.
fn start_at(window: UnixTime, reached: Option<Reached>) -> StartAt {
    match reached {
        Some(Reached { next_offset, timestamp }) if timestamp / 1000 < window.0 => {
            StartAt::Resume { next_offset, last_timestamp: timestamp }
        }
        _ => StartAt::Time(window),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_long_outage_reading_resumes_after_the_last_record() {
        let check = |reached: Option<i64>, expected: StartAt| {
            let reached = reached.map(|timestamp| Reached { next_offset: 8, timestamp });
            assert_eq!(start_at(UnixTime(1000), reached), expected, "{reached:?}");
        };
        check(None, StartAt::Time(UnixTime(1000)));
        check(Some(1_000_000), StartAt::Time(UnixTime(1000)));
        check(Some(999_999), StartAt::Resume { next_offset: 8, last_timestamp: 999_999 });
    }
}
