mod drain;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use crate::batch::{Batch, Fenced, Position, Stored};
use crate::kafka_consumer::consumer_context::{ConsumerContext, Dependency};
use crate::kafka_consumer::destination::{Delivered, Destination};
use crate::kafka_consumer::event_queue::EventQueue;
use crate::kafka_consumer::flushing::Flushing;
use crate::kafka_consumer::health_probe::HealthProbe;
use crate::kafka_consumer::lag::Lag;
use crate::metrics::{count, init_counters};
use crate::ports::{Flushed, StartAt, Subscription, SubscriptionError, SubscriptionEvent};
use crate::supervision::backoff::Backoff;
use crate::supervision::{Observation, Phase, Readiness, StoreObservation};

/// Reads Kafka and stores in a destination that keeps the positions: each partition starts at the stored position, and
/// a batch is stored only if that position has not changed. One batch is read ahead while another is being stored.
///
/// A destination may buffer: then positions first move in memory, and flushes make them durable in the background.
pub(super) struct StoreLoop<S, D> {
    context: ConsumerContext<S>,
    destination: Rc<D>,
    /// The label of the route in metrics.
    kind: &'static str,
    /// Whether the log is lost when this process ends, so that all of it must be stored first.
    volatile: bool,
    /// Whether partitions were ever assigned. The assignment may be empty.
    has_assignment: bool,
    /// For each owned partition being read: the next offset in the destination.
    cursors: BTreeMap<i32, Option<i64>>,
    queue: EventQueue,
    /// The number of rows in a batch abandoned at the deadline of a drain.
    unstored: usize,
    flushing: Flushing<S, D>,
    /// The flushes that ended and were not processed yet.
    flushed: Vec<Flushed>,
    lag: Lag<S>,
    observation: StoreObservation,
}

/// A destination replies within its own timeouts, and failures are reported as such, so a batch in flight for longer
/// than this is a stall.
const STALL_TIMEOUT: Duration = Duration::from_secs(120);

/// The deadline of a drain passed before the work was done.
struct Overdue;

impl<S: Subscription, D: Destination> StoreLoop<S, D> {
    pub(super) fn new(context: ConsumerContext<S>, destination: D, kind: &'static str, volatile: bool) -> Self {
        init_counters(&context.metrics.consumed, &[kind]);
        init_counters(&context.metrics.lost_offsets, &[kind]);
        let lag = Lag::of(kind, &context.subscription, &context.metrics);
        let destination = Rc::new(destination);
        let flushing = Flushing::of(&context, &destination, kind);
        Self {
            context,
            destination,
            kind,
            volatile,
            has_assignment: false,
            cursors: BTreeMap::new(),
            queue: EventQueue::default(),
            unstored: 0,
            flushing,
            flushed: Vec::new(),
            lag,
            observation: StoreObservation::default(),
        }
    }

    /// Reads and stores until drained. Returns the number of rows that were read but not stored.
    pub(super) async fn run(mut self) -> usize {
        let work = self.context.work.clone();
        while !work.is_draining() {
            self.process_flushes().await;
            let event = match self.queue.pop() {
                Some(event) => Some(event),
                None => tokio::select! {
                    biased;
                    () = work.drain_requested() => break,
                    event = self.next() => event,
                },
            };
            if let Some(event) = event
                && self.handle(event).await.is_err()
            {
                break;
            }
        }
        self.finish().await
    }

    /// Waits for the next event, and retries after failures. Returns `None` if a flush ended first.
    async fn next(&mut self) -> Option<SubscriptionEvent> {
        let mut backoff = Backoff::for_service();
        let subscription = self.context.subscription.clone();
        let mut probe = HealthProbe::of(&subscription);
        loop {
            tokio::select! {
                biased;
                flushed = self.flushing.next() => {
                    self.flushed.push(flushed);
                    return None;
                }
                event = subscription.next() => match event {
                    Ok(event) => return Some(event),
                    Err(error) => {
                        self.kafka_failed(&error);
                        tokio::time::sleep(backoff.pause()).await;
                        if self.has_assignment {
                            probe.start();
                        }
                    }
                },
                result = probe.result() => if result.is_ok() {
                    self.context.vitals.phase(Phase::Running);
                    self.context.vitals.readiness(Readiness::Ready);
                },
                () = self.lag.refresh() => self.observe(),
            }
        }
    }

    async fn handle(&mut self, event: SubscriptionEvent) -> Result<(), Overdue> {
        match event {
            SubscriptionEvent::Assigned(partitions) => self.assigned(partitions).await,
            SubscriptionEvent::Revoked(partitions) => {
                self.forget(&partitions);
                Ok(())
            }
            SubscriptionEvent::Batch(batch) => self.store(batch).await,
        }
    }

    /// Starts partitions at the positions stored in the destination.
    async fn assigned(&mut self, partitions: Vec<i32>) -> Result<(), Overdue> {
        self.forget(&partitions);
        let (destination, context) = (self.destination.clone(), self.context.clone());
        let found = self.while_polling(destination.positions(&context, partitions.clone())).await?;
        let owned: Vec<_> = partitions.into_iter().filter(|partition| !self.queue.supersedes(*partition)).collect();
        let starts: Vec<_> = owned
            .iter()
            .map(|&partition| (partition, start_at(found.iter().find(|position| position.partition == partition))))
            .collect();
        if let Err(error) = self.context.subscription.start(&starts).await {
            self.kafka_failed(&error);
            self.context.subscription.reset();
            return Ok(());
        }
        // These records were read before the start, from another position.
        self.queue.drop_records(&owned);
        let mut stored = Vec::new();
        for (partition, start) in starts {
            let expected = match start {
                StartAt::Resume { next_offset, .. } => Some(next_offset),
                StartAt::Beginning | StartAt::Time(_) | StartAt::Offset(_) => None,
            };
            stored.extend(expected.map(|next_offset| (partition, next_offset)));
            self.move_cursor(partition, expected);
        }
        // The last writer may have been killed before its commit, and the next flush may be far off.
        if self.destination.buffered().is_some() {
            self.context.subscription.commit(&stored);
        }
        self.has_assignment = true;
        log::info!(actor = self.context.vitals.name(), partitions:? = owned; "started reading");
        self.context.vitals.phase(Phase::Running);
        self.context.vitals.readiness(Readiness::Ready);
        self.observe();
        Ok(())
    }

    /// Sets a partition's next offset to the stored one.
    fn move_cursor(&mut self, partition: i32, next_offset: Option<i64>) {
        self.cursors.insert(partition, next_offset);
        self.lag.reached(partition, next_offset.unwrap_or(0));
    }

    /// Drops the cursors and the buffered records of these partitions.
    fn forget(&mut self, partitions: &[i32]) {
        self.flushing.release(partitions);
        self.cursors.retain(|partition, _| !partitions.contains(partition));
        self.lag.forget(partitions);
        self.queue.drop_records(partitions);
        self.observe();
    }

    /// Stores a batch, regardless of how long it takes. While waiting, it polls the subscription and reads one more
    /// batch.
    async fn store(&mut self, mut batch: Batch) -> Result<(), Overdue> {
        self.unstored = batch.rows();
        while self.flushing.is_full() {
            let room = self.flushing.room();
            self.while_polling(room).await?;
            self.process_flushes().await;
        }
        // A revoked partition now belongs to another consumer.
        batch.parts.retain_mut(|part| match self.cursors.get(&part.partition) {
            Some(&expected) => {
                part.expected = expected;
                true
            }
            None => false,
        });
        self.unstored = batch.rows();
        if batch.parts.is_empty() {
            return Ok(());
        }
        self.context.vitals.expect_progress_within(Some(STALL_TIMEOUT));
        let (destination, context) = (self.destination.clone(), self.context.clone());
        let Delivered { batch, stored, dead_letters } = self.while_polling(destination.store(&context, batch)).await?;
        self.context.vitals.expect_progress_within(None);
        self.unstored = 0;
        let (records, lost) = (batch.records(), batch.lost_offsets());
        count(&self.context.metrics.consumed, self.kind, records);
        count(&self.context.metrics.lost_offsets, self.kind, lost);
        self.observation.records += records;
        self.observation.lost_offsets += lost;
        self.observation.dead_letters += dead_letters;
        self.advance(&batch, &stored).await;
        self.report_progress();
        Ok(())
    }

    /// Reports that the destination accepts data, unless what it has accepted cannot be flushed.
    fn report_progress(&mut self) {
        if !self.destination.is_failing() {
            self.context.vitals.progress();
            self.context.vitals.readiness(Readiness::Ready);
        }
        self.observe();
    }

    /// Moves the cursors past a batch. If another writer moved a stored position, reading continues from there.
    async fn advance(&mut self, batch: &Batch, stored: &Stored) {
        let mut commits = Vec::with_capacity(batch.parts.len());
        let mut moves = Vec::new();
        for part in &batch.parts {
            // The partition was revoked while the batch was being stored. Its new owner has read the position itself.
            if !self.cursors.contains_key(&part.partition) {
                continue;
            }
            match stored.fenced.iter().find(|fenced| fenced.partition == part.partition) {
                None => {
                    self.move_cursor(part.partition, Some(part.next_offset));
                    commits.push((part.partition, part.next_offset));
                }
                Some(Fenced { found, .. }) => {
                    let offset = found.map(|position| position.next_offset);
                    self.move_cursor(part.partition, offset);
                    self.observation.fenced += 1;
                    if offset == Some(part.next_offset) {
                        // The batch was committed by an earlier attempt whose reply was lost.
                        commits.push((part.partition, part.next_offset));
                    } else {
                        moves.push((part.partition, start_at(found.as_ref())));
                    }
                }
            }
        }
        // What is only buffered is not stored yet.
        if self.destination.buffered().is_none() {
            self.context.subscription.commit(&commits);
        }
        self.follow(moves).await;
    }

    /// Commits what was flushed. If another writer moved a stored position, reading continues from there.
    async fn process_flushes(&mut self) {
        for Flushed { stored, fenced, .. } in std::mem::take(&mut self.flushed) {
            let owned = |partition: &i32| self.cursors.contains_key(partition);
            let commits = stored.iter().filter(|position| owned(&position.partition));
            let commits: Vec<_> = commits.map(|position| (position.partition, position.next_offset)).collect();
            let fenced: Vec<_> = fenced.into_iter().filter(|fenced| owned(&fenced.partition)).collect();
            self.context.subscription.commit(&commits);
            for Fenced { partition, found } in &fenced {
                self.move_cursor(*partition, found.map(|position| position.next_offset));
                self.observation.fenced += 1;
            }
            let moves = fenced.iter().map(|fenced| (fenced.partition, start_at(fenced.found.as_ref()))).collect();
            self.follow(moves).await;
            self.report_progress();
        }
    }

    /// Reads from the positions to which another writer has moved the stored ones.
    async fn follow(&mut self, moves: Vec<(i32, StartAt)>) {
        if moves.is_empty() {
            return;
        }
        let positions: Vec<_> = moves.iter().map(|(partition, start)| format!("{partition}: {start}")).collect();
        log::warn!(
            actor = self.context.vitals.name(), positions = positions.join(", ").as_str();
            "another writer moved the positions; reading from there"
        );
        self.queue.drop_records(&moves.iter().map(|(partition, _)| *partition).collect::<Vec<_>>());
        if let Err(error) = self.context.subscription.start(&moves).await {
            self.kafka_failed(&error);
            self.cursors.clear();
            self.queue.clear();
            self.context.subscription.reset();
        }
    }

    /// Drives `task` to completion while polling the subscription. It reads one batch ahead, then holds the
    /// subscription.
    async fn while_polling<T>(&mut self, task: impl Future<Output = T>) -> Result<T, Overdue> {
        let (subscription, work) = (self.context.subscription.clone(), self.context.work.clone());
        let mut backoff = Backoff::for_service();
        let mut task = std::pin::pin!(task);
        loop {
            let full = self.queue.has_batch();
            let event = tokio::select! {
                biased;
                result = &mut task => return Ok(result),
                () = work.deadline_passed() => return Err(Overdue),
                event = subscription.next(), if !full => event,
                event = subscription.hold(), if full => event,
                flushed = self.flushing.next() => {
                    self.flushed.push(flushed);
                    continue;
                }
                () = self.lag.refresh() => {
                    self.observe();
                    continue;
                }
            };
            match event {
                Ok(event) => {
                    // Records from before an assignment or a revocation are dropped immediately; the event itself is
                    // queued.
                    if let SubscriptionEvent::Assigned(partitions) | SubscriptionEvent::Revoked(partitions) = &event {
                        self.forget(partitions);
                    }
                    self.queue.push(event);
                }
                Err(error) => {
                    self.kafka_failed(&error);
                    // The task continues while the subscription backs off.
                    tokio::select! {
                        result = &mut task => return Ok(result),
                        () = tokio::time::sleep(backoff.pause()) => {}
                    }
                }
            }
        }
    }

    fn kafka_failed(&self, error: &SubscriptionError) {
        self.context.log_failure(Dependency::Kafka, &error.0);
    }

    fn observe(&mut self) {
        self.observation.partitions = self.cursors.keys().copied().collect();
        self.observation.lag = self.lag.total();
        self.observation.buffer = self.flushing.observe();
        self.context.vitals.observe(Observation::StoreConsumer(self.observation.clone()));
    }
}

/// Returns where to start reading: at the stored position, or without one at the oldest record.
fn start_at(position: Option<&Position>) -> StartAt {
    match position {
        Some(&Position { next_offset, last_timestamp, .. }) => StartAt::Resume { next_offset, last_timestamp },
        None => StartAt::Beginning,
    }
}
