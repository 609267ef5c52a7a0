use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use actix::Recipient;

use super::actor::Reading;
use super::database_retry::DatabaseRetry;
use super::health_probe::HealthProbe;
use super::lag::Lag;
use super::live_path::totals;
use super::storing::Storing;
use crate::batch::{Batch, Fenced, Position, Stored};
use crate::messages::{FindPositions, PublishDeadLetters, StoreBatch};
use crate::metrics::{count, expect};
use crate::ports::{StartAt, Subscription, SubscriptionEvent};
use crate::supervision::backoff::Backoff;
use crate::supervision::{Observation, Phase, Readiness, StoreObservation};

/// Kafka → database, exactly once: the database says where each partition starts, and a batch is stored only while it
/// still says so. One batch is read ahead while another is stored.
pub(super) struct StorePath<S> {
    reading: Reading<S>,
    positions: Recipient<FindPositions>,
    db_writer: Recipient<StoreBatch>,
    dead_letters: Recipient<PublishDeadLetters>,
    volatile: bool,
    /// Whether it was ever given its share, which may be nothing.
    has_share: bool,
    /// For each partition that is owned and being read: what the database holds as its next offset.
    cursors: BTreeMap<i32, Option<i64>>,
    /// What was reported and is not yet dealt with; at most one batch.
    waiting: VecDeque<SubscriptionEvent>,
    /// States of a batch that was given up because the process must end.
    unstored: usize,
    lag: Lag<S>,
    observation: StoreObservation,
}

/// The DbWriter answers every try within its own time-outs, and a failed one is shown as such: a batch that is under way
/// for longer is a stall.
const PATIENCE: Duration = Duration::from_secs(120);

/// The process must end before the work could be done.
struct Overdue;

impl<S: Subscription> StorePath<S> {
    pub(super) fn new(
        reading: Reading<S>,
        positions: Recipient<FindPositions>,
        db_writer: Recipient<StoreBatch>,
        dead_letters: Recipient<PublishDeadLetters>,
        volatile: bool,
    ) -> Self {
        let (cursors, waiting, observation) = (BTreeMap::new(), VecDeque::new(), StoreObservation::default());
        expect(&reading.metrics.consumed, &["store"]);
        expect(&reading.metrics.lost_offsets, &["store"]);
        let lag = Lag::of("store", &reading.subscription, &reading.metrics);
        Self {
            reading,
            positions,
            db_writer,
            dead_letters,
            volatile,
            has_share: false,
            cursors,
            waiting,
            unstored: 0,
            lag,
            observation,
        }
    }

    /// Reads and stores until it is to end. The answer is how many states were read and not stored.
    pub(super) async fn run(mut self) -> usize {
        let work = self.reading.work.clone();
        while !work.is_draining() {
            let event = match self.waiting.pop_front() {
                Some(event) => event,
                None => tokio::select! {
                    biased;
                    () = work.drain_requested() => break,
                    event = self.next() => event,
                },
            };
            if self.handle(event).await.is_err() {
                break;
            }
        }
        self.finish().await
    }

    /// The next event; failures are waited out here.
    async fn next(&mut self) -> SubscriptionEvent {
        let mut backoff = Backoff::for_a_service();
        let subscription = self.reading.subscription.clone();
        let mut inquiry = HealthProbe::of(&subscription);
        loop {
            tokio::select! {
                biased;
                event = subscription.next() => match event {
                    Ok(event) => return event,
                    Err(error) => {
                        self.failed(&error.0, "Kafka");
                        tokio::time::sleep(backoff.pause()).await;
                        if self.has_share {
                            inquiry.open();
                        }
                    }
                },
                answer = inquiry.answer() => if answer.is_ok() {
                    self.reading.vitals.phase(Phase::Running);
                    self.reading.vitals.readiness(Readiness::Ready);
                },
                () = self.lag.learn() => self.observe(),
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

    /// Asks the database where the partitions start, and starts them there.
    async fn assigned(&mut self, partitions: Vec<i32>) -> Result<(), Overdue> {
        self.forget(&partitions);
        let ask = find_positions(self.reading.clone(), self.positions.clone(), partitions.clone());
        let found = self.beside_the_subscription(ask).await?;
        let owned: Vec<_> = partitions.into_iter().filter(|partition| !self.is_out_of_date(*partition)).collect();
        let starts: Vec<_> = owned
            .iter()
            .map(|&partition| (partition, start_at(found.iter().find(|position| position.partition == partition))))
            .collect();
        if let Err(error) = self.reading.subscription.start(&starts).await {
            self.failed(&error.0, "Kafka");
            self.reading.subscription.reset();
            return Ok(());
        }
        // Read before the start, by a start that was out of date.
        self.drop_waiting(&owned);
        for (partition, start) in starts {
            let expected = match start {
                StartAt::Resume { next_offset, .. } => Some(next_offset),
                StartAt::Beginning | StartAt::Time(_) => None,
            };
            self.move_cursor(partition, expected);
        }
        self.has_share = true;
        log::info!(actor = "kafka-consumer-store", partitions:? = owned; "reading");
        self.reading.vitals.phase(Phase::Running);
        self.reading.vitals.readiness(Readiness::Ready);
        self.observe();
        Ok(())
    }

    /// The database holds this as a partition's next offset.
    fn move_cursor(&mut self, partition: i32, next_offset: Option<i64>) {
        self.cursors.insert(partition, next_offset);
        self.lag.reached(partition, next_offset.unwrap_or(0));
    }

    /// Whether a later assignment or revocation of the partition is waiting: then this one is out of date.
    fn is_out_of_date(&self, partition: i32) -> bool {
        self.waiting.iter().any(|event| match event {
            SubscriptionEvent::Assigned(partitions) | SubscriptionEvent::Revoked(partitions) => {
                partitions.contains(&partition)
            }
            SubscriptionEvent::Batch(_) => false,
        })
    }

    /// Drops what is known and what was read of these partitions.
    fn forget(&mut self, partitions: &[i32]) {
        self.cursors.retain(|partition, _| !partitions.contains(partition));
        self.lag.forget(partitions);
        self.drop_waiting(partitions);
        self.observe();
    }

    fn drop_waiting(&mut self, partitions: &[i32]) {
        for event in &mut self.waiting {
            if let SubscriptionEvent::Batch(batch) = event {
                batch.parts.retain(|part| !partitions.contains(&part.partition));
            }
        }
    }

    /// Stores a batch, however long that takes, while the subscription is kept alive and one more batch is read.
    async fn store(&mut self, mut batch: Batch) -> Result<(), Overdue> {
        // A part whose partition was lost meanwhile is somebody else's now.
        batch.parts.retain_mut(|part| match self.cursors.get(&part.partition) {
            Some(&expected) => {
                part.expected = expected;
                true
            }
            None => false,
        });
        if batch.parts.is_empty() {
            return Ok(());
        }
        let store = Storing {
            reading: self.reading.clone(),
            db_writer: self.db_writer.clone(),
            dead_letters: self.dead_letters.clone(),
        };
        self.unstored = batch.states();
        self.reading.vitals.expect_progress_within(Some(PATIENCE));
        let (batch, stored, letters) = self.beside_the_subscription(store.store(batch)).await?;
        self.reading.vitals.expect_progress_within(None);
        self.unstored = 0;
        let (records, lost) = totals(&batch);
        count(&self.reading.metrics.consumed, "store", records);
        count(&self.reading.metrics.lost_offsets, "store", lost);
        self.observation.records += records;
        self.observation.lost_offsets += lost;
        self.observation.dead_letters += letters;
        self.advance(&batch, &stored).await;
        self.reading.vitals.progress();
        self.reading.vitals.readiness(Readiness::Ready);
        self.observe();
        Ok(())
    }

    /// Moves the cursors past a batch, and the reading to where the table stands if somebody else moved it.
    async fn advance(&mut self, batch: &Batch, stored: &Stored) {
        let mut commits = Vec::with_capacity(batch.parts.len());
        let mut moves = Vec::new();
        for part in &batch.parts {
            // Lost while it was stored: whoever owns it now read the position anew.
            if !self.cursors.contains_key(&part.partition) {
                continue;
            }
            match stored.fenced.iter().find(|fenced| fenced.partition == part.partition) {
                None => {
                    self.move_cursor(part.partition, Some(part.next_offset));
                    commits.push((part.partition, part.next_offset));
                }
                Some(Fenced { found, .. }) => {
                    let stands = found.map(|position| position.next_offset);
                    self.move_cursor(part.partition, stands);
                    self.observation.fenced += 1;
                    if stands == Some(part.next_offset) {
                        // Committed by an earlier try whose answer was lost.
                        commits.push((part.partition, part.next_offset));
                    } else {
                        moves.push((part.partition, start_at(found.as_ref())));
                    }
                }
            }
        }
        self.reading.subscription.commit(&commits);
        if moves.is_empty() {
            return;
        }
        log::warn!(actor = "kafka-consumer-store", partitions:? = moves; "another writer moved these positions: reading from there");
        self.drop_waiting(&moves.iter().map(|(partition, _)| *partition).collect::<Vec<_>>());
        if let Err(error) = self.reading.subscription.start(&moves).await {
            self.failed(&error.0, "Kafka");
            self.cursors.clear();
            self.waiting.clear();
            self.reading.subscription.reset();
        }
    }

    /// Drives `task` to its end; meanwhile the subscription is polled: one batch is read ahead, then it is held.
    async fn beside_the_subscription<T>(&mut self, task: impl Future<Output = T>) -> Result<T, Overdue> {
        let reading = self.reading.clone();
        let mut backoff = Backoff::for_a_service();
        let mut task = std::pin::pin!(task);
        loop {
            let full = self.waiting.iter().any(|event| matches!(event, SubscriptionEvent::Batch(_)));
            let event = tokio::select! {
                biased;
                result = &mut task => return Ok(result),
                () = reading.work.deadline_passed() => return Err(Overdue),
                event = reading.subscription.next(), if !full => event,
                event = reading.subscription.hold(), if full => event,
                () = self.lag.learn() => {
                    self.observe();
                    continue;
                }
            };
            match event {
                Ok(event) => {
                    // What was read before an assignment or a revocation is void at once; the rest comes in its turn.
                    if let SubscriptionEvent::Assigned(partitions) | SubscriptionEvent::Revoked(partitions) = &event {
                        self.forget(partitions);
                    }
                    self.waiting.push_back(event);
                }
                Err(error) => {
                    self.failed(&error.0, "Kafka");
                    // The task goes on while the subscription rests.
                    tokio::select! {
                        result = &mut task => return Ok(result),
                        () = tokio::time::sleep(backoff.pause()) => {}
                    }
                }
            }
        }
    }

    /// Stores what was read, and for a log that ends with this process everything that is in it.
    async fn finish(&mut self) -> usize {
        let mut ends: BTreeMap<i32, i64> = BTreeMap::new();
        if self.volatile {
            match self.reading.subscription.end_offsets().await {
                Ok(offsets) => ends.extend(offsets),
                Err(error) => self.failed(&error.0, "Kafka"),
            }
        }
        loop {
            let behind = ends.iter().any(|(partition, &end)| {
                end > 0 && self.cursors.get(partition).is_some_and(|cursor| cursor.is_none_or(|at| at < end))
            });
            let event = match self.waiting.pop_front() {
                Some(event) => event,
                None if behind => {
                    let work = self.reading.work.clone();
                    tokio::select! {
                        event = self.next() => event,
                        () = work.deadline_passed() => break,
                    }
                }
                None => break,
            };
            if self.handle(event).await.is_err() {
                break;
            }
        }
        let left = self.unstored + self.waiting.iter().map(states_of).sum::<usize>();
        if left > 0 {
            log::warn!(actor = "kafka-consumer-store", left; "the database did not take these before the deadline; Kafka still has them");
        }
        left
    }

    fn failed(&self, error: &str, whose: &'static str) {
        if let Some(suppressed) = self.reading.failures.admit() {
            log::warn!(actor = "kafka-consumer-store", suppressed; "{whose}: {error}");
        }
        failed(&self.reading, error, whose);
    }

    fn observe(&mut self) {
        self.observation.partitions = self.cursors.keys().copied().collect();
        self.observation.lag = self.lag.total();
        self.reading.vitals.observe(Observation::StoreConsumer(self.observation.clone()));
    }
}

fn states_of(event: &SubscriptionEvent) -> usize {
    match event {
        SubscriptionEvent::Batch(batch) => batch.states(),
        _ => 0,
    }
}

/// Shows that the path cannot go on because of somebody else.
pub(super) fn failed<S>(reading: &Reading<S>, error: &str, whose: &'static str) {
    reading.vitals.error(error);
    reading.vitals.phase(Phase::BackingOff);
    reading.vitals.readiness(Readiness::NotReady(format!("{whose}: {error}")));
}

fn start_at(position: Option<&Position>) -> StartAt {
    match position {
        Some(&Position { next_offset, last_timestamp, .. }) => StartAt::Resume { next_offset, last_timestamp },
        None => StartAt::Beginning,
    }
}

/// Asks until there is an answer.
async fn find_positions<S: Subscription>(
    reading: Reading<S>,
    positions: Recipient<FindPositions>,
    partitions: Vec<i32>,
) -> Vec<Position> {
    let mut retry = DatabaseRetry::new();
    loop {
        let question = FindPositions { log: reading.subscription.log(), partitions: partitions.clone() };
        let (error, pause) = match positions.send(question).await {
            Ok(Ok(found)) => return found,
            Ok(Err(error)) => (error.to_string(), retry.pause(Some(&error))),
            Err(error) => (format!("the DbWriter did not answer: {error}"), retry.pause(None)),
        };
        if let Some(suppressed) = retry.should_log(&error) {
            log::warn!(actor = "kafka-consumer-store", partitions:? = partitions, pause:? = pause, suppressed; "positions not known yet: {error}");
        }
        failed(&reading, &error, "database");
        tokio::time::sleep(pause).await;
    }
}
