use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use actix::Recipient;

use super::actor::Reading;
use super::health_probe::HealthProbe;
use super::lag::Lag;
use crate::batch::Batch;
use crate::domain::UnixTime;
use crate::messages::{ShowBatch, Shown};
use crate::metrics::{count, expect};
use crate::ports::{StartAt, Subscription, SubscriptionError, SubscriptionEvent};
use crate::supervision::backoff::Backoff;
use crate::supervision::{LiveObservation, Observation, Phase, Readiness};

/// Kafka → SseHub, from as far back as an aircraft stays in the picture.
pub(super) struct LivePath<S> {
    reading: Reading<S>,
    hub: Recipient<ShowBatch>,
    window: Duration,
    /// The hub's epoch: another one means that its picture is empty again.
    epoch: Option<u64>,
    /// Whether what Kafka had at the start is shown: until then the picture has holes.
    is_whole: bool,
    owned: BTreeSet<i32>,
    /// Where reading stands in each partition that the hub was shown something of.
    reached: BTreeMap<i32, Reached>,
    backoff: Backoff,
    lag: Lag<S>,
    observation: LiveObservation,
}

/// The record that was read last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reached {
    /// The offset after it.
    next_offset: i64,
    /// Its time stamp, milliseconds since 1970.
    timestamp: i64,
}

/// The hub does no I/O: a batch that it has not taken after so long is a stall.
const PATIENCE: Duration = Duration::from_secs(30);

impl<S: Subscription> LivePath<S> {
    pub(super) fn new(reading: Reading<S>, hub: Recipient<ShowBatch>, window: Duration) -> Self {
        let (epoch, backoff, observation) = (None, Backoff::for_a_service(), LiveObservation::default());
        expect(&reading.metrics.consumed, &["live"]);
        expect(&reading.metrics.lost_offsets, &["live"]);
        let lag = Lag::of("live", &reading.subscription, &reading.metrics);
        let (owned, reached) = (BTreeSet::new(), BTreeMap::new());
        Self { reading, hub, window, epoch, is_whole: false, owned, reached, backoff, lag, observation }
    }

    /// Reads until it is to end. The answer is how many states were left: none, since nothing here is kept.
    pub(super) async fn run(mut self) -> usize {
        let work = self.reading.work.clone();
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
                self.backoff = Backoff::for_a_service();
                self.ready_if_whole();
            }
            Err(error) => self.pause(&error).await,
        }
        self.observe();
    }

    fn observe(&mut self) {
        self.observation.lag = self.lag.total();
        self.reading.vitals.observe(Observation::LiveConsumer(self.observation.clone()));
    }

    /// A client that came now would otherwise be shown an empty sky, or half of it.
    fn ready_if_whole(&mut self) {
        self.is_whole |= self.lag.has_caught_up();
        let readiness = if self.is_whole {
            Readiness::Ready
        } else {
            Readiness::NotReady(format!("reading what was published in the last {} s", self.window.as_secs()))
        };
        self.reading.vitals.readiness(readiness);
    }

    /// The next event; failures are waited out here. Whether the live picture can be relied on is then for Kafka to
    /// say: of several brokers one may be away and nobody misses it.
    async fn next(&mut self) -> SubscriptionEvent {
        let subscription = self.reading.subscription.clone();
        let mut inquiry = HealthProbe::of(&subscription);
        loop {
            tokio::select! {
                biased;
                event = subscription.next() => match event {
                    Ok(event) => return event,
                    Err(error) => {
                        self.pause(&error).await;
                        self.observe();
                        if self.observation.partitions > 0 {
                            inquiry.open();
                        }
                    }
                },
                answer = inquiry.answer() => match answer {
                    Ok(()) => {
                        self.reading.vitals.phase(Phase::Running);
                        self.ready_if_whole();
                    }
                    Err(error) => self.reading.vitals.readiness(Readiness::NotReady(error.to_string())),
                },
                () = self.lag.learn() => {
                    if !self.is_whole {
                        self.ready_if_whole();
                    }
                    self.observe();
                }
            }
        }
    }

    async fn start(&mut self, partitions: &[i32]) -> Result<(), SubscriptionError> {
        let window = UnixTime::now().minus(self.window);
        let start = |&partition: &i32| (partition, start_at(window, self.reached.get(&partition).copied()));
        let starts: Vec<_> = partitions.iter().map(start).collect();
        let begun = match self.reading.subscription.start(&starts).await {
            Ok(begun) => begun,
            Err(error) => {
                self.reading.subscription.reset();
                return Err(error);
            }
        };
        self.lag.forget(partitions);
        self.lag.begin(&begun);
        // Partitions that were added to the topic come alone.
        self.owned.extend(partitions);
        self.observation.partitions = self.owned.len();
        log::info!(actor = "kafka-consumer-live", partitions = partitions.len(), window:? = self.window; "reading");
        self.reading.vitals.phase(Phase::Running);
        Ok(())
    }

    /// Brings a batch to the hub, again and again until it has it: it may be restarting.
    async fn show(&mut self, batch: Arc<Batch>) {
        self.reading.vitals.expect_progress_within(Some(PATIENCE));
        let shown = loop {
            match self.hub.send(ShowBatch(batch.clone())).await {
                Ok(shown) => break shown,
                Err(error) => self.pause(&SubscriptionError(format!("the hub did not answer: {error}"))).await,
            }
        };
        self.reading.vitals.expect_progress_within(None);
        let (records, lost) = totals(&batch);
        count(&self.reading.metrics.consumed, "live", records);
        count(&self.reading.metrics.lost_offsets, "live", lost);
        self.observation.records += records;
        self.observation.lost_offsets += lost;
        for part in &batch.parts {
            self.lag.reached(part.partition, part.next_offset);
            if !part.states.is_empty() || !part.dead_letters.is_empty() {
                let reached = Reached { next_offset: part.next_offset, timestamp: part.last_timestamp };
                self.reached.insert(part.partition, reached);
            }
        }
        self.reading.vitals.progress();
        self.rewind_if_new(shown);
    }

    fn rewind_if_new(&mut self, shown: Shown) {
        let before = self.epoch.replace(shown.epoch);
        if before.is_some_and(|before| before != shown.epoch) {
            log::info!(actor = "kafka-consumer-live"; "the hub has an empty picture: reading again from the start of its window");
            self.observation.rewinds += 1;
            self.is_whole = false;
            self.reached.clear();
            self.reading.subscription.reset();
        }
    }

    async fn pause(&mut self, error: &SubscriptionError) {
        let pause = self.backoff.pause();
        if let Some(suppressed) = self.reading.failures.admit() {
            log::warn!(actor = "kafka-consumer-live", pause:? = pause, suppressed; "{error}");
        }
        self.reading.vitals.error(error.to_string());
        self.reading.vitals.phase(Phase::BackingOff);
        if self.observation.partitions == 0 {
            // Nothing was ever read; later it is asked first whether Kafka answers.
            self.reading.vitals.readiness(Readiness::NotReady(error.to_string()));
        }
        tokio::time::sleep(pause).await;
    }
}

/// Where a partition is read from: where its window begins, or, when the last record is older than that, right after it.
/// After an outage longer than the window, `/sse/flights` misses nothing then.
fn start_at(window: UnixTime, reached: Option<Reached>) -> StartAt {
    match reached {
        Some(Reached { next_offset, timestamp }) if timestamp / 1000 < window.0 => {
            StartAt::Resume { next_offset, last_timestamp: timestamp }
        }
        _ => StartAt::Time(window),
    }
}

/// How many records a batch holds, and how many offsets the log had lost before them.
pub(super) fn totals(batch: &Batch) -> (u64, u64) {
    batch.parts.iter().fold((0, 0), |(records, lost), part| {
        (records + (part.states.len() + part.dead_letters.len()) as u64, lost + part.lost)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_long_outage_reading_goes_on_where_it_was() {
        let check = |reached: Option<i64>, expected: StartAt| {
            let reached = reached.map(|timestamp| Reached { next_offset: 8, timestamp });
            assert_eq!(start_at(UnixTime(1000), reached), expected, "{reached:?}");
        };
        check(None, StartAt::Time(UnixTime(1000)));
        check(Some(1_000_000), StartAt::Time(UnixTime(1000)));
        check(Some(999_999), StartAt::Resume { next_offset: 8, last_timestamp: 999_999 });
    }
}
