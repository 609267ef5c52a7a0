use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::consumer_context::{ConsumerContext, Dependency};
use super::event_queue::EventQueue;
use super::health_probe::HealthProbe;
use super::lag::Lag;
use super::store_retry::StoreRetry;
use crate::batch::Batch;
use crate::detect::{Alert, AlertChange};
use crate::detector::{DetectPartition, NewEngine};
use crate::domain::UnixTime;
use crate::metrics::{RuleLabels, count, init_counters};
use crate::ports::{
    AlertLog, AlertLogError, DetectTransaction, Recovered, Subscription, SubscriptionError, SubscriptionEvent,
};
use crate::supervision::backoff::Backoff;
use crate::supervision::{DetectorObservation, Observation, Phase, Readiness};

/// Reads states, applies the rules, and publishes what begins and ends, together with the positions.
///
/// Batches with alerts are committed at once, and the next one is read afterwards. The positions alone are committed
/// every few seconds, also in a transaction: an ordinary commit might overtake one, or arrive late and move the position
/// back to before published alerts.
pub(super) struct DetectLoop<S> {
    context: ConsumerContext<S>,
    log: Arc<dyn AlertLog>,
    new_engine: NewEngine,
    partitions: BTreeMap<i32, DetectPartition>,
    queue: EventQueue,
    /// When the positions are committed, even if no alert begins or ends; `None` if they have not moved.
    commit_due: Option<Instant>,
    /// When the records of alerts that ended long ago are deleted next.
    expiry_due: Instant,
    lag: Lag<S>,
    /// The rules that have metrics of their own.
    counted_rules: BTreeSet<Arc<str>>,
    observation: DetectorObservation,
}

/// The deadline of a drain passed before the work was done.
struct Overdue;

/// Each transaction ends within its own timeouts, so one in flight for longer than this is a stall.
const STALL_TIMEOUT: Duration = Duration::from_secs(120);

impl<S: Subscription> DetectLoop<S> {
    /// A successor reads again what was processed since the last commit.
    const COMMIT_INTERVAL: Duration = Duration::from_secs(5);
    /// The same if the states are published.
    const PUBLISH_INTERVAL: Duration = Duration::from_millis(100);
    /// The positions are committed earlier after this many records.
    const MAX_RECORDS: u64 = 100_000;
    /// The same if the states are published.
    const MAX_PUBLISHED: u64 = 10_000;
    const EXPIRY_INTERVAL: Duration = Duration::from_secs(5);
    const KIND: &'static str = "detect";
    /// The alerts of further rules are counted as those of the rule `other`. Rules may be renamed any number of times.
    const MAX_COUNTED_RULES: usize = 1_000;

    pub(super) fn new(context: ConsumerContext<S>, log: Arc<dyn AlertLog>, new_engine: NewEngine) -> Self {
        init_counters(&context.metrics.consumed, &[Self::KIND]);
        init_counters(&context.metrics.lost_offsets, &[Self::KIND]);
        init_counters(&context.metrics.detect_transactions, &["committed", "failed", "fenced"]);
        init_counters(&context.metrics.alerts, &["started", "ended"]);
        let lag = Lag::of(Self::KIND, &context.subscription, &context.metrics);
        Self {
            context,
            log,
            new_engine,
            partitions: BTreeMap::new(),
            queue: EventQueue::default(),
            commit_due: None,
            expiry_due: Instant::now() + Self::EXPIRY_INTERVAL,
            lag,
            counted_rules: BTreeSet::new(),
            observation: DetectorObservation::default(),
        }
    }

    /// Reads until drained. Returns the number of alerts that were not published; the next owner publishes them.
    pub(super) async fn run(mut self) -> usize {
        let work = self.context.work.clone();
        while !work.is_draining() {
            let event = match self.queue.pop() {
                Some(event) => Some(event),
                None => tokio::select! {
                    biased;
                    () = work.drain_requested() => break,
                    event = self.next() => event,
                },
            };
            if self.step(event).await.is_err() {
                break;
            }
        }
        // A successor then has nothing to read again.
        if self.commit().await.is_ok() { 0 } else { self.partitions.values().filter(|part| part.has_changes()).count() }
    }

    async fn step(&mut self, event: Option<SubscriptionEvent>) -> Result<(), Overdue> {
        match event {
            Some(SubscriptionEvent::Assigned(partitions)) => self.assigned(partitions).await?,
            Some(SubscriptionEvent::Revoked(partitions)) => self.forget(&partitions),
            Some(SubscriptionEvent::Batch(batch)) => self.process(&batch),
            None => {}
        }
        let is_overdue = self.commit_due.is_some_and(|due| due <= Instant::now());
        if is_overdue && self.expiry_due <= Instant::now() {
            let now = UnixTime::now();
            self.partitions.values_mut().for_each(|partition| partition.expire(now));
            self.expiry_due = Instant::now() + Self::EXPIRY_INTERVAL;
        }
        let records: u64 = self.partitions.values().map(DetectPartition::records).sum();
        let has_changes = self.partitions.values().any(DetectPartition::has_changes);
        let max_records = if self.log.publishes_states() { Self::MAX_PUBLISHED } else { Self::MAX_RECORDS };
        if is_overdue || has_changes || records >= max_records {
            self.commit().await?;
        }
        self.observe();
        Ok(())
    }

    /// Waits for the next event, and retries after failures. Returns `None` when a commit is due.
    async fn next(&mut self) -> Option<SubscriptionEvent> {
        let mut backoff = Backoff::for_service();
        let subscription = self.context.subscription.clone();
        let mut probe = HealthProbe::of(&subscription);
        let commit_due = self.commit_due;
        let due = async move {
            match commit_due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        let mut due = std::pin::pin!(due);
        loop {
            tokio::select! {
                biased;
                event = subscription.next() => match event {
                    Ok(event) => return Some(event),
                    Err(error) => {
                        self.kafka_failed(&error);
                        tokio::time::sleep(backoff.pause()).await;
                        if !self.partitions.is_empty() {
                            probe.start();
                        }
                    }
                },
                () = &mut due => return None,
                result = probe.result() => if result.is_ok() {
                    self.report_progress();
                },
                () = self.lag.refresh() => self.observe(),
            }
        }
    }

    /// Continues partitions where their previous owners have stopped.
    async fn assigned(&mut self, partitions: Vec<i32>) -> Result<(), Overdue> {
        self.forget(&partitions);
        let Some(recovered) = self.recover(&partitions).await? else { return Ok(()) };
        let (mut begun, mut starts) = (BTreeMap::new(), Vec::new());
        for recovered in recovered {
            let (partition, is_new) = (recovered.partition, recovered.position.is_none());
            let (engine, publishes_states) = ((self.new_engine)(), self.log.publishes_states());
            let (state, start) = DetectPartition::new(engine, recovered, publishes_states, UnixTime::now());
            starts.push((partition, start));
            begun.insert(partition, state);
            // The start of a group is committed at once, so that every successor continues from there.
            self.commit_due = if is_new { Some(Instant::now()) } else { self.commit_due };
        }
        let offsets = match self.context.subscription.start(&starts).await {
            Ok(offsets) => offsets,
            Err(error) => {
                self.kafka_failed(&error);
                self.context.subscription.reset();
                return Ok(());
            }
        };
        self.lag.begin(&offsets);
        for (partition, offset) in offsets {
            if let Some(mut state) = begun.remove(&partition) {
                state.started(offset);
                self.partitions.insert(partition, state);
            }
        }
        let partitions: Vec<_> = self.partitions.keys().copied().collect();
        log::info!(actor = self.context.vitals.name(), partitions:? = partitions; "started detecting");
        self.report_progress();
        Ok(())
    }

    /// Reads what the previous owners have published, and retries until that succeeds. Returns `None` if the assignment
    /// has changed in the meantime.
    async fn recover(&mut self, partitions: &[i32]) -> Result<Option<Vec<Recovered>>, Overdue> {
        let mut retry = StoreRetry::default();
        let log = self.log.clone();
        loop {
            let recovered = self.while_polling(log.recover(partitions)).await?;
            if self.queue.has_rebalance() {
                return Ok(None);
            }
            match recovered {
                Ok(recovered) => return Ok(Some(recovered)),
                Err(error) => self.pause(&mut retry, "failed to read the published alerts", &error).await?,
            }
        }
    }

    fn process(&mut self, batch: &Batch) {
        let (mut records, mut lost) = (0, 0);
        for part in &batch.parts {
            // Records of a partition that was revoked belong to its new owner.
            let Some(partition) = self.partitions.get_mut(&part.partition) else { continue };
            let repeated = partition.process(part);
            self.lag.reached(part.partition, partition.next_offset());
            records += (part.count_records() as u64).saturating_sub(repeated);
            lost += part.lost;
        }
        count(&self.context.metrics.consumed, Self::KIND, records);
        count(&self.context.metrics.lost_offsets, Self::KIND, lost);
        self.observation.records += records;
        self.observation.lost_offsets += lost;
        let interval = if self.log.publishes_states() { Self::PUBLISH_INTERVAL } else { Self::COMMIT_INTERVAL };
        self.commit_due = self.commit_due.or_else(|| Some(Instant::now() + interval));
        self.context.vitals.progress();
    }

    /// Publishes what has begun and ended, and the positions. Retries until that succeeds, or the partitions are lost.
    async fn commit(&mut self) -> Result<(), Overdue> {
        self.commit_due = None;
        let parts: Vec<_> = self.partitions.values().filter_map(DetectPartition::part).collect();
        if parts.is_empty() {
            return Ok(());
        }
        let (transaction, started) = (Arc::new(DetectTransaction { parts }), Instant::now());
        let (log, mut retry) = (self.log.clone(), StoreRetry::default());
        self.context.vitals.expect_progress_within(Some(STALL_TIMEOUT));
        loop {
            match self.while_polling(log.commit(transaction.clone())).await? {
                Ok(()) => break,
                Err(AlertLogError::Fenced(reason)) => {
                    count(&self.context.metrics.detect_transactions, "fenced", 1);
                    self.observation.fenced += 1;
                    log::warn!(actor = self.context.vitals.name(); "starting again from the published alerts: {reason}");
                    return self.start_again().await;
                }
                Err(error) => {
                    count(&self.context.metrics.detect_transactions, "failed", 1);
                    self.observation.failed_tries += 1;
                    self.pause(&mut retry, "failed to publish alerts", &error).await?;
                }
            }
            if self.queue.has_rebalance() {
                // The new owner decides the same.
                return Ok(());
            }
        }
        count(&self.context.metrics.detect_transactions, "committed", 1);
        self.context.metrics.detect_commit_seconds.observe(started.elapsed().as_secs_f64());
        self.observation.transactions += 1;
        for part in &transaction.parts {
            if let Some(partition) = self.partitions.get_mut(&part.partition) {
                partition.committed();
            }
            self.context.metrics.enriched.inc_by(part.states.len() as u64);
            self.observation.enriched += part.states.len() as u64;
            part.changes.iter().for_each(|change| self.report_change(change));
        }
        self.report_progress();
        Ok(())
    }

    fn report_change(&mut self, change: &AlertChange) {
        let AlertChange::Alert(Alert { rule, icao24, ended, detail, .. }) = change else { return };
        let kind = if ended.is_none() { "started" } else { "ended" };
        if ended.is_none() {
            self.observation.started += 1;
        } else {
            self.observation.ended += 1;
        }
        count(&self.context.metrics.alerts, kind, 1);
        if self.counted_rules.len() < Self::MAX_COUNTED_RULES {
            self.counted_rules.insert(rule.clone());
        }
        let counted = if self.counted_rules.contains(rule) { rule.to_string() } else { "other".to_owned() };
        self.context.metrics.rule_alerts.get_or_create(&RuleLabels { rule: counted, kind }).inc();
        log::info!(actor = self.context.vitals.name(), rule:%, icao24:%; "alert {kind}: {detail}");
    }

    /// Drops everything in memory, and continues from what is published.
    async fn start_again(&mut self) -> Result<(), Overdue> {
        let partitions: Vec<_> = self.partitions.keys().copied().collect();
        self.forget(&partitions);
        let pause = Backoff::for_service().pause();
        self.while_polling(tokio::time::sleep(pause)).await?;
        if !self.queue.has_rebalance() {
            self.context.subscription.reset();
        }
        Ok(())
    }

    fn forget(&mut self, partitions: &[i32]) {
        self.partitions.retain(|partition, _| !partitions.contains(partition));
        self.lag.forget(partitions);
        self.queue.drop_records(partitions);
        self.observe();
    }

    /// Drives `task` to completion while the membership of the group is kept.
    async fn while_polling<T>(&mut self, task: impl Future<Output = T>) -> Result<T, Overdue> {
        let (subscription, work) = (self.context.subscription.clone(), self.context.work.clone());
        let mut backoff = Backoff::for_service();
        let mut task = std::pin::pin!(task);
        loop {
            let event = tokio::select! {
                biased;
                result = &mut task => return Ok(result),
                () = work.deadline_passed() => return Err(Overdue),
                event = subscription.hold() => event,
                () = self.lag.refresh() => {
                    self.observe();
                    continue;
                }
            };
            match event {
                Ok(event) => {
                    if let SubscriptionEvent::Assigned(partitions) | SubscriptionEvent::Revoked(partitions) = &event {
                        self.forget(partitions);
                    }
                    self.queue.push(event);
                }
                Err(error) => {
                    self.kafka_failed(&error);
                    tokio::select! {
                        result = &mut task => return Ok(result),
                        () = tokio::time::sleep(backoff.pause()) => {}
                    }
                }
            }
        }
    }

    /// Reports a failure, and waits until the next attempt is due or the assignment changes.
    async fn pause(&mut self, retry: &mut StoreRetry, what: &str, error: &AlertLogError) -> Result<(), Overdue> {
        let text = format!("{what}: {error}");
        let pause = retry.pause(matches!(error, AlertLogError::Refused(_)));
        if let Some(suppressed) = retry.should_log(&text) {
            log::warn!(actor = self.context.vitals.name(), pause:? = pause, suppressed; "{text}");
        }
        self.context.report_failure(Dependency::Kafka, &text);
        let until = Instant::now() + pause;
        while Instant::now() < until && !self.queue.has_rebalance() {
            let step = until.min(Instant::now() + Duration::from_millis(200));
            self.while_polling(tokio::time::sleep_until(step)).await?;
        }
        Ok(())
    }

    fn report_progress(&mut self) {
        self.context.vitals.expect_progress_within(None);
        self.context.vitals.progress();
        self.context.vitals.phase(Phase::Running);
        self.context.vitals.readiness(Readiness::Ready);
        self.observe();
    }

    fn kafka_failed(&self, error: &SubscriptionError) {
        self.context.log_failure(Dependency::Kafka, &error.0);
    }

    fn observe(&mut self) {
        let active = self.partitions.values().map(DetectPartition::active).sum();
        self.context.metrics.alerts_active.set(i64::try_from(active).unwrap_or(i64::MAX));
        self.observation.active = active;
        self.observation.partitions = self.partitions.keys().copied().collect();
        self.observation.catching_up = self.partitions.values().filter(|partition| partition.is_catching_up()).count();
        self.observation.lag = self.lag.total();
        self.context.vitals.observe(Observation::Detector(self.observation.clone()));
    }
}
