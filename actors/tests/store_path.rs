//! The storing KafkaConsumer against a log and a database in memory that fail as real ones do: whatever fails when,
//! each record is stored exactly once.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::{Actor, Addr, Arbiter, Context, Handler, System};
use actors::batch::{Batch, DeadLetter, Fenced, LogId, PartitionBatch, Position, RecordPlace, Stored};
use actors::domain::{StateVector, StateVectorParts};
use actors::messages::{Drain, FindPositions, PublishDeadLetters, StoreBatch};
use actors::metrics::Metrics;
use actors::pipeline::{KafkaConsumer, Path};
use actors::ports::{PublishError, StartAt, StoreError, Subscription, SubscriptionError, SubscriptionEvent};
use actors::supervision::{Board, Readiness, RestartPolicy, Supervisor};
use proptest::prelude::*;
use tokio::time::{Instant, sleep};

const PARTITIONS: i32 = 2;

fn log_id() -> LogId {
    LogId { cluster: "cluster".into(), topic: "telemetry.raw".into() }
}

/// The record at an offset: every tenth is garbage.
fn record(partition: i32, offset: i64) -> Result<StateVector, Box<DeadLetter>> {
    if offset % 10 == 9 {
        return Err(Box::new(DeadLetter {
            topic: log_id().topic,
            partition,
            offset,
            timestamp: offset,
            key: None,
            value: None,
            reason: "garbage".into(),
        }));
    }
    let parts = StateVectorParts {
        icao24: format!("{partition:06x}").into(),
        last_contact: Some(offset),
        ..StateVectorParts::default()
    };
    Ok(parts.try_into().unwrap())
}

/// A log of `length` records a partition, and what is about to happen to its reader.
#[derive(Debug, Default)]
struct Log {
    length: i64,
    owned: BTreeSet<i32>,
    next: BTreeMap<i32, i64>,
    events: VecDeque<SubscriptionEvent>,
    failures: usize,
    committed: BTreeMap<i32, i64>,
}

#[derive(Clone)]
struct FakeSubscription(Arc<Mutex<Log>>);

type Consumer = KafkaConsumer<FakeSubscription>;

impl FakeSubscription {
    fn step(&self, batches: bool) -> Option<Result<SubscriptionEvent, SubscriptionError>> {
        let mut log = self.0.lock().unwrap();
        if log.failures > 0 {
            log.failures -= 1;
            return Some(Err(SubscriptionError("broker away".into())));
        }
        if let Some(event) = log.events.pop_front() {
            if let SubscriptionEvent::Revoked(partitions) = &event {
                for partition in partitions {
                    log.owned.remove(partition);
                    log.next.remove(partition);
                }
            } else if let SubscriptionEvent::Assigned(partitions) = &event {
                log.owned.extend(partitions);
            }
            return Some(Ok(event));
        }
        let length = log.length;
        let parts: Vec<_> = log
            .next
            .iter_mut()
            .filter(|(_, next)| batches && **next < length)
            .map(|(&partition, next)| {
                let offsets = *next..(*next + 7).min(length);
                *next = offsets.end;
                let (states, letters): (Vec<_>, Vec<_>) =
                    offsets.map(|offset| record(partition, offset)).partition(Result::is_ok);
                PartitionBatch {
                    partition,
                    expected: None,
                    next_offset: *next,
                    last_timestamp: *next - 1,
                    records: states
                        .iter()
                        .flatten()
                        .map(|state| RecordPlace { offset: state.last_contact.0, timestamp: state.last_contact.0 })
                        .collect(),
                    states: states.into_iter().map(|state| Arc::new(state.unwrap())).collect(),
                    dead_letters: letters.into_iter().map(|letter| *letter.unwrap_err()).collect(),
                    lost: 0,
                }
            })
            .collect();
        (!parts.is_empty()).then(|| Ok(SubscriptionEvent::Batch(Batch { log: log_id(), parts })))
    }

    async fn wait(&self, batches: bool) -> Result<SubscriptionEvent, SubscriptionError> {
        loop {
            if let Some(step) = self.step(batches) {
                return step;
            }
            sleep(Duration::from_millis(1)).await;
        }
    }
}

impl Subscription for FakeSubscription {
    async fn next(&self) -> Result<SubscriptionEvent, SubscriptionError> {
        self.wait(true).await
    }

    async fn hold(&self) -> Result<SubscriptionEvent, SubscriptionError> {
        self.wait(false).await
    }

    async fn start(&self, starts: &[(i32, StartAt)]) -> Result<Vec<(i32, i64)>, SubscriptionError> {
        let mut log = self.0.lock().unwrap();
        let mut begun = Vec::new();
        for &(partition, at) in starts {
            if log.owned.contains(&partition) {
                let next = match at {
                    StartAt::Resume { next_offset, last_timestamp } => {
                        assert_eq!(last_timestamp, next_offset - 1, "the time stamp belongs to the position");
                        next_offset
                    }
                    StartAt::Beginning => 0,
                    StartAt::Time(_) => panic!("the store does not start by time"),
                };
                log.next.insert(partition, next);
                begun.push((partition, next));
            }
        }
        Ok(begun)
    }

    fn reset(&self) {
        let mut log = self.0.lock().unwrap();
        log.next.clear();
        let owned = log.owned.iter().copied().collect();
        log.events.push_front(SubscriptionEvent::Assigned(owned));
    }

    fn commit(&self, next_offsets: &[(i32, i64)]) {
        self.0.lock().unwrap().committed.extend(next_offsets.iter().copied());
    }

    async fn end_offsets(&self) -> Result<Vec<(i32, i64)>, SubscriptionError> {
        let log = self.0.lock().unwrap();
        Ok(log.owned.iter().map(|&partition| (partition, log.length)).collect())
    }

    async fn close(&self) {}

    fn log(&self) -> LogId {
        log_id()
    }
}

/// What the database does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Refuses it.
    Away,
    /// Does it, but the answer is lost.
    AnswerLost,
    /// Does it after another writer stored the next records of every partition.
    Overtaken,
    /// Refuses the last row of it for what it holds.
    RowRefused,
}

#[derive(Debug, Default)]
struct Database {
    positions: BTreeMap<i32, i64>,
    /// How often each (partition, last_contact) was stored.
    rows: BTreeMap<(i32, i64), usize>,
    letters: BTreeSet<(i32, i64)>,
    refused: BTreeSet<(i32, i64)>,
    refused_letters: BTreeSet<(i32, i64)>,
    faults: VecDeque<Option<Fault>>,
    length: i64,
}

impl Database {
    fn store(&mut self, batch: &Batch) -> Stored {
        let mut stored = Stored::default();
        for part in &batch.parts {
            let found = self.positions.get(&part.partition).copied();
            if found != part.expected {
                let found = found.map(|next_offset| position(part.partition, next_offset));
                stored.fenced.push(Fenced { partition: part.partition, found });
                continue;
            }
            self.positions.insert(part.partition, part.next_offset);
            for state in &part.states {
                *self.rows.entry((part.partition, state.last_contact.0)).or_default() += 1;
                stored.inserted += 1;
            }
        }
        stored
    }

    /// Another writer stores a few records of every partition.
    fn overtake(&mut self) {
        for partition in 0..PARTITIONS {
            let from = self.positions.get(&partition).copied().unwrap_or(0);
            let to = (from + 3).min(self.length);
            if to > from {
                for offset in from..to {
                    match record(partition, offset) {
                        Ok(_) => *self.rows.entry((partition, offset)).or_default() += 1,
                        Err(_) => drop(self.letters.insert((partition, offset))),
                    }
                }
                self.positions.insert(partition, to);
            }
        }
    }
}

fn position(partition: i32, next_offset: i64) -> Position {
    Position { partition, next_offset, last_timestamp: next_offset - 1 }
}

#[derive(Clone)]
struct FakeDbWriter(Rc<RefCell<Database>>);

impl Actor for FakeDbWriter {
    type Context = Context<Self>;
}

impl Handler<FindPositions> for FakeDbWriter {
    type Result = Result<Vec<Position>, StoreError>;

    fn handle(&mut self, question: FindPositions, _: &mut Self::Context) -> Self::Result {
        let mut database = self.0.borrow_mut();
        if database.faults.pop_front().flatten() == Some(Fault::Away) {
            return Err(StoreError::Unavailable("away".into()));
        }
        let known =
            question.partitions.iter().filter_map(|p| database.positions.get(p).map(|next| position(*p, *next)));
        Ok(known.collect())
    }
}

impl Handler<StoreBatch> for FakeDbWriter {
    type Result = Result<Stored, StoreError>;

    fn handle(&mut self, StoreBatch(batch): StoreBatch, _: &mut Self::Context) -> Self::Result {
        let mut database = self.0.borrow_mut();
        match database.faults.pop_front().flatten() {
            Some(Fault::Away) => return Err(StoreError::Unavailable("away".into())),
            Some(Fault::AnswerLost) => {
                database.store(&batch);
                return Err(StoreError::Unavailable("connection reset".into()));
            }
            Some(Fault::Overtaken) => database.overtake(),
            Some(Fault::RowRefused) => {
                if let Some(state) = batch.iter().last() {
                    let partition = i32::try_from(state.icao24.to_u32()).unwrap();
                    database.refused.insert((partition, state.last_contact.0));
                    return Err(StoreError::Rejected {
                        icao24: state.icao24,
                        last_contact: state.last_contact,
                        reason: "a constraint".into(),
                    });
                }
            }
            None => {}
        }
        Ok(database.store(&batch))
    }
}

impl Handler<PublishDeadLetters> for FakeDbWriter {
    type Result = Result<(), PublishError>;

    fn handle(&mut self, PublishDeadLetters(letters): PublishDeadLetters, _: &mut Self::Context) -> Self::Result {
        let mut database = self.0.borrow_mut();
        if database.faults.pop_front().flatten() == Some(Fault::Away) {
            return Err(PublishError { undelivered: (0..letters.len()).collect(), reason: "broker away".into() });
        }
        for letter in letters {
            assert_eq!(letter.timestamp, letter.offset, "the time stamp is the record's own");
            let key = (letter.partition, letter.offset);
            let kind = if letter.reason == "garbage" { &mut database.letters } else { &mut database.refused_letters };
            kind.insert(key);
        }
        Ok(())
    }
}

/// Something that happens to the consumer from outside.
#[derive(Clone, Copy, Debug)]
enum Event {
    Nothing,
    BrokerAway,
    Rebalance,
    Reset,
}

/// A consumer between this log and this database, under a supervisor.
fn consumer(log: &Arc<Mutex<Log>>, database: &Rc<RefCell<Database>>, board: &Board) -> Addr<Consumer> {
    let db_writer = FakeDbWriter(database.clone()).start();
    let path = Path::Store {
        positions: db_writer.clone().recipient(),
        db_writer: db_writer.clone().recipient(),
        dead_letters: db_writer.recipient(),
        volatile: false,
    };
    let (supervisor, _reports) = Supervisor::new(board.clone(), RestartPolicy::default());
    let subscription = FakeSubscription(log.clone());
    supervisor.start_on(&Arbiter::current(), "kafka-consumer-store", move |vitals| {
        KafkaConsumer::new(subscription, path, vitals, Metrics::unregistered())
    })
}

/// Runs a consumer over the whole log and returns the database at its end.
fn run(length: i64, faults: Vec<Option<Fault>>, events: Vec<Event>) -> Database {
    System::new().block_on(async move {
        tokio::time::pause();
        let log = Arc::new(Mutex::new(Log { length, ..Log::default() }));
        log.lock().unwrap().events.push_back(SubscriptionEvent::Assigned((0..PARTITIONS).collect()));
        let database = Rc::new(RefCell::new(Database { faults: faults.into(), length, ..Database::default() }));
        let board = Board::default();
        let consumer = consumer(&log, &database, &board);

        let events = Cell::new(Some(events));
        for event in events.take().unwrap() {
            sleep(Duration::from_millis(3)).await;
            match event {
                Event::Nothing => {}
                Event::BrokerAway => log.lock().unwrap().failures += 1,
                Event::Rebalance => {
                    let everything: Vec<_> = (0..PARTITIONS).collect();
                    let mut log = log.lock().unwrap();
                    log.events.push_back(SubscriptionEvent::Revoked(everything.clone()));
                    log.events.push_back(SubscriptionEvent::Assigned(everything));
                }
                Event::Reset => FakeSubscription(log.clone()).reset(),
            }
        }
        let give_up = Instant::now() + Duration::from_secs(600);
        while (0..PARTITIONS).any(|p| database.borrow().positions.get(&p).copied().unwrap_or(0) < length) {
            assert!(Instant::now() < give_up, "stuck: {:?}, {:?}", database.borrow(), log.lock().unwrap());
            sleep(Duration::from_millis(50)).await;
        }
        while board.statuses()[0].observation["lag"] != 0 {
            assert!(Instant::now() < give_up, "still behind: {}", board.statuses()[0].observation);
            sleep(Duration::from_millis(50)).await;
        }
        let drained = consumer.send(Drain { deadline: Instant::now() + Duration::from_secs(5) }).await.unwrap();
        assert_eq!(drained.left, 0);
        let committed = log.lock().unwrap().committed.clone();
        for (partition, offset) in committed {
            assert!(offset <= database.borrow().positions[&partition], "committed before it was stored");
        }
        std::mem::take(&mut *database.borrow_mut())
    })
}

/// What must hold, whatever happened.
fn assert_exactly_once(length: i64, database: &Database) {
    assert_eq!(database.refused_letters, database.refused, "a refused row is a dead letter with its own offset");
    for partition in 0..PARTITIONS {
        for offset in 0..length {
            let key = (partition, offset);
            let expected = usize::from(record(partition, offset).is_ok() && !database.refused.contains(&key));
            // A refused row may have been stored by the other writer.
            let stored = database.rows.get(&key).copied().unwrap_or(0);
            assert!(stored == expected || stored == 1 && database.refused.contains(&key), "{key:?} {stored} times");
            assert_eq!(database.letters.contains(&key), record(partition, offset).is_err(), "{key:?}");
        }
    }
}

fn fault() -> impl Strategy<Value = Option<Fault>> {
    prop_oneof![
        4 => Just(None),
        1 => Just(Some(Fault::Away)),
        1 => Just(Some(Fault::AnswerLost)),
        1 => Just(Some(Fault::Overtaken)),
        1 => Just(Some(Fault::RowRefused)),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => Just(Event::Nothing),
        1 => Just(Event::BrokerAway),
        1 => Just(Event::Rebalance),
        1 => Just(Event::Reset),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn each_record_is_stored_exactly_once_whatever_fails(
        length in 1_i64..120,
        faults in prop::collection::vec(fault(), 0..40),
        events in prop::collection::vec(event(), 0..20),
    ) {
        let database = run(length, faults, events);
        assert_exactly_once(length, &database);
    }
}

#[test]
fn a_member_whose_share_is_nothing_is_ready_again_once_kafka_answers() {
    System::new().block_on(async {
        tokio::time::pause();
        let log = Arc::new(Mutex::new(Log::default()));
        log.lock().unwrap().events.push_back(SubscriptionEvent::Assigned(Vec::new()));
        let board = Board::default();
        let _consumer = consumer(&log, &Rc::default(), &board);
        let is_ready = || board.statuses()[0].readiness.0 == Readiness::Ready;
        sleep(Duration::from_secs(1)).await;
        assert!(is_ready());
        log.lock().unwrap().failures = 1;
        while is_ready() {
            sleep(Duration::from_millis(1)).await;
        }
        sleep(Duration::from_secs(60)).await;
        assert!(is_ready());
    });
}

#[test]
fn a_commit_whose_answer_was_lost_is_not_stored_twice() {
    let database = run(7, vec![None, None, Some(Fault::AnswerLost)], vec![]);
    assert_exactly_once(7, &database);
}

#[test]
fn a_consumer_that_was_overtaken_goes_on_where_the_other_writer_stopped() {
    let database = run(40, vec![None, None, Some(Fault::Overtaken)], vec![]);
    assert_exactly_once(40, &database);
}
