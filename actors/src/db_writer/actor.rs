use std::rc::Rc;
use std::time::Duration;

use actix::prelude::*;
use tokio::time::Instant;

use super::store_jobs::JobWatch;
use super::stored_watermark::{Classification, StoredWatermark};
use crate::batch::{Batch, Position, Stored};
use crate::domain::UnixTime;
use crate::messages::{Drain, Drained, FindPositions, StoreBatch};
use crate::metrics::{Metrics, count, init_counters};
use crate::ports::{Maintained, StateStore, StoreError};
use crate::supervision::{DbWriterObservation, Observation, Phase, Readiness, Vitals};

/// The pause between maintenance steps if nothing is left to do or the last step failed.
const MAINTENANCE_INTERVAL: Duration = Duration::from_secs(60);
/// The pause if there is more to do. Batches that arrived in the meantime are stored first.
const MAINTENANCE_PAUSE: Duration = Duration::from_millis(200);
/// The interval at which the state of the database's own jobs is read.
const JOBS_INTERVAL: Duration = Duration::from_secs(60);
/// The timeout for reading the jobs. Batches do not wait for it.
const JOBS_TIMEOUT: Duration = Duration::from_secs(15);

/// Stores batches, one transaction at a time, and maintains the database.
pub struct DbWriter<S> {
    store: Rc<S>,
    newest: StoredWatermark,
    next_maintenance: Option<SpawnHandle>,
    maintains: bool,
    jobs: JobWatch,
    vitals: Vitals,
    metrics: Metrics,
    observation: DbWriterObservation,
}

/// A batch, query or maintenance step in flight for longer than this is a stall, since its own timeouts should have
/// ended it.
const STALL_TIMEOUT: Duration = Duration::from_secs(90);

impl<S: StateStore> DbWriter<S> {
    /// Creates a writer that stores batches in `store` and maintains it.
    pub fn new(store: S, vitals: Vitals, metrics: Metrics) -> Self {
        init_counters(&metrics.rows, &["inserted", "duplicate"]);
        init_counters(&metrics.poll_records, &["stored", "duplicate"]);
        init_counters(&metrics.alert_records, &["stored", "duplicate"]);
        init_counters(&metrics.store_failures, &["unavailable", "refused", "rejected", "fenced"]);
        Self {
            store: Rc::new(store),
            newest: StoredWatermark::default(),
            next_maintenance: None,
            maintains: true,
            jobs: JobWatch::default(),
            vitals,
            metrics,
            observation: DbWriterObservation::default(),
        }
    }

    /// Disables maintenance. Another process maintains the database, possibly with different settings.
    #[must_use]
    pub fn without_maintenance(self) -> Self {
        Self { maintains: false, ..self }
    }

    fn stored(&mut self, batch: &Batch, classification: &Classification, stored: &Stored, started: Instant) {
        let seconds = started.elapsed().as_secs_f64();
        self.metrics.store_seconds.observe(seconds);
        count(&self.metrics.store_failures, "fenced", stored.fenced.len() as u64);
        if batch.polls() > 0 {
            count(&self.metrics.poll_records, "stored", stored.inserted);
            count(&self.metrics.poll_records, "duplicate", stored.duplicates);
            self.observation.polls += stored.inserted;
        } else if batch.alerts() > 0 {
            count(&self.metrics.alert_records, "stored", stored.inserted);
            count(&self.metrics.alert_records, "duplicate", stored.duplicates);
            self.observation.alerts += stored.inserted;
        } else {
            self.stored_states(batch, classification, stored, seconds);
        }
        self.vitals.progress();
        self.vitals.readiness(Readiness::Ready);
        self.vitals.observe(Observation::DbWriter(self.observation.clone()));
    }

    fn stored_states(&mut self, batch: &Batch, classification: &Classification, stored: &Stored, seconds: f64) {
        count(&self.metrics.rows, "inserted", stored.inserted);
        count(&self.metrics.rows, "duplicate", stored.duplicates);
        if let Some(observed_at) = batch.iter().filter_map(|state| state.observed_at).max() {
            self.metrics.age_when_stored.observe(UnixTime::now().seconds_since(observed_at).max(0) as f64);
        }
        // Includes fenced rows, which another writer stored.
        self.newest.remember(batch, classification, stored);
        self.observation.batches += 1;
        self.observation.inserted += stored.inserted;
        self.observation.duplicates += stored.duplicates;
        self.observation.last_batch_states = batch.states();
        self.observation.last_batch_seconds = seconds;
    }

    fn failed(&mut self, error: &StoreError) {
        let reason = match error {
            StoreError::Unavailable(_) => "unavailable",
            StoreError::Refused(_) => "refused",
            StoreError::Rejected { .. } | StoreError::RejectedRecord { .. } => "rejected",
        };
        count(&self.metrics.store_failures, reason, 1);
        self.observation.failed_tries += 1;
        self.vitals.error(error.to_string());
        if matches!(error, StoreError::Unavailable(_) | StoreError::Refused(_)) {
            self.vitals.phase(Phase::BackingOff);
            self.vitals.readiness(Readiness::NotReady(error.to_string()));
        }
        self.vitals.observe(Observation::DbWriter(self.observation.clone()));
    }
}

impl<S: StateStore> DbWriter<S> {
    fn maintain_in(&mut self, pause: Duration, ctx: &mut Context<Self>) {
        if self.maintains {
            self.next_maintenance = Some(ctx.run_later(pause, Self::maintain));
        }
    }

    /// Performs one maintenance step. Batches wait until it ends.
    fn maintain(&mut self, ctx: &mut Context<Self>) {
        let (store, started) = (self.store.clone(), Instant::now());
        self.vitals.expect_progress_within(Some(STALL_TIMEOUT));
        let step = async move { store.maintain().await };
        ctx.wait(step.into_actor(self).map(move |result, writer, ctx| {
            writer.vitals.expect_progress_within(None);
            let pause = writer.maintained(&result, started);
            writer.maintain_in(pause, ctx);
        }));
    }

    /// Reads the state of the database's own jobs, concurrently with batches.
    fn read_jobs(&mut self, ctx: &mut Context<Self>) {
        let store = self.store.clone();
        let read = async move {
            tokio::time::timeout(JOBS_TIMEOUT, store.jobs()).await.unwrap_or_else(|_| {
                Err(StoreError::Unavailable(format!("no response within {} s", JOBS_TIMEOUT.as_secs())))
            })
        };
        ctx.spawn(read.into_actor(self).map(|read, writer, ctx| {
            if let Some(jobs) = writer.jobs.update(read, &writer.metrics, &writer.vitals) {
                writer.observation.jobs = jobs;
                writer.vitals.observe(Observation::DbWriter(writer.observation.clone()));
            }
            ctx.run_later(jobs_interval(), Self::read_jobs);
        }));
    }

    /// Records the result of a step, and returns the pause before the next one.
    fn maintained(&mut self, result: &Result<Maintained, StoreError>, started: Instant) -> Duration {
        let seconds = started.elapsed().as_secs_f64();
        self.metrics.maintenance_seconds.observe(seconds);
        self.observation.last_maintenance_seconds = seconds;
        let pause = match result {
            Ok(step) => {
                self.metrics.expired.inc_by(step.expired);
                self.observation.expired += step.expired;
                if step.more { MAINTENANCE_PAUSE } else { maintenance_interval() }
            }
            // Do not update readiness: it depends on storing, so the next batch will.
            Err(error) => {
                self.metrics.maintenance_failures.inc();
                self.observation.failed_maintenance += 1;
                self.vitals.error(format!("maintenance failed: {error}"));
                MAINTENANCE_INTERVAL
            }
        };
        self.vitals.observe(Observation::DbWriter(self.observation.clone()));
        pause
    }
}

/// Returns [`JOBS_INTERVAL`], or the milliseconds set by the failpoint `jobs-pause`.
fn jobs_interval() -> Duration {
    #[cfg(feature = "fault-injection")]
    fail::fail_point!("jobs-pause", |millis| injected(millis, JOBS_INTERVAL));
    JOBS_INTERVAL
}

/// Returns [`MAINTENANCE_INTERVAL`], or the milliseconds set by the failpoint `maintenance-pause`.
fn maintenance_interval() -> Duration {
    #[cfg(feature = "fault-injection")]
    fail::fail_point!("maintenance-pause", |millis| injected(millis, MAINTENANCE_INTERVAL));
    MAINTENANCE_INTERVAL
}

#[cfg(feature = "fault-injection")]
fn injected(millis: Option<String>, default: Duration) -> Duration {
    millis.and_then(|millis| millis.parse().ok()).map_or(default, Duration::from_millis)
}

impl<S: StateStore> Actor for DbWriter<S> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.vitals.phase(Phase::Running);
        self.vitals.observe(Observation::DbWriter(self.observation.clone()));
        self.maintain_in(maintenance_interval(), ctx);
        if self.maintains {
            ctx.run_later(jobs_interval(), Self::read_jobs);
        }
    }
}

impl<S: StateStore> Supervised for DbWriter<S> {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.store.reset();
        self.newest.clear();
    }
}

impl<S: StateStore> Handler<FindPositions> for DbWriter<S> {
    type Result = AtomicResponse<Self, Result<Vec<Position>, StoreError>>;

    fn handle(&mut self, query: FindPositions, _: &mut Self::Context) -> Self::Result {
        let store = self.store.clone();
        self.vitals.expect_progress_within(Some(STALL_TIMEOUT));
        let find = async move { store.positions(&query.log, &query.partitions).await };
        AtomicResponse::new(Box::pin(find.into_actor(self).map(|result, writer, _| {
            writer.vitals.expect_progress_within(None);
            match &result {
                Ok(_) => {
                    writer.vitals.progress();
                    writer.vitals.readiness(Readiness::Ready);
                }
                Err(error) => writer.failed(error),
            }
            result
        })))
    }
}

impl<S: StateStore> Handler<StoreBatch> for DbWriter<S> {
    type Result = AtomicResponse<Self, Result<Stored, StoreError>>;

    fn handle(&mut self, StoreBatch(batch): StoreBatch, _: &mut Self::Context) -> Self::Result {
        let (store, classification, started) = (self.store.clone(), self.newest.classify(&batch), Instant::now());
        self.vitals.expect_progress_within(Some(STALL_TIMEOUT));
        let write = async move {
            let result = store.store(&batch, &classification.likely_new).await;
            (result, batch, classification)
        };
        AtomicResponse::new(Box::pin(write.into_actor(self).map(move |(result, batch, classification), writer, _| {
            writer.vitals.expect_progress_within(None);
            match &result {
                Ok(stored) => writer.stored(&batch, &classification, stored, started),
                Err(error) => writer.failed(error),
            }
            result
        })))
    }
}

impl<S: StateStore> Handler<Drain> for DbWriter<S> {
    type Result = AtomicResponse<Self, Drained>;

    /// Runs after all batches that were sent before it.
    fn handle(&mut self, _: Drain, ctx: &mut Self::Context) -> Self::Result {
        if let Some(next) = self.next_maintenance.take() {
            ctx.cancel_future(next);
        }
        let end = async {}.into_actor(self).map(|(), writer, _| {
            writer.vitals.phase(Phase::Finished);
            Drained::default()
        });
        AtomicResponse::new(Box::pin(end))
    }
}

#[cfg(feature = "fault-injection")]
impl<S: StateStore> Handler<crate::messages::InjectPanic> for DbWriter<S> {
    type Result = ();

    #[expect(clippy::panic, reason = "panics on request")]
    fn handle(&mut self, _: crate::messages::InjectPanic, _: &mut Self::Context) {
        panic!("injected");
    }
}
