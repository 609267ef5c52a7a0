//! The storing KafkaConsumer, tested against an in-memory log and database that fail like real ones. Whatever fails and
//! when, each record is stored exactly once.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "store_path/database.rs"]
mod database;
#[path = "store_path/log.rs"]
mod log;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::{Actor, Addr, Arbiter, System};
use actors::kafka_consumer::{KafkaConsumer, StoreRoute};
use actors::messages::Drain;
use actors::metrics::Metrics;
use actors::ports::{Subscription, SubscriptionEvent};
use actors::supervision::{ActorName, ActorRegistry, Observation, Readiness, RestartPolicy, Supervisor};
use proptest::prelude::*;
use tokio::time::{Instant, sleep};

use database::{Database, FakeDbWriter, Fault};
use log::{FakeSubscription, Log, record};

const PARTITIONS: i32 = 2;

type Consumer = KafkaConsumer<FakeSubscription, StoreRoute>;

/// An external event that affects the consumer.
#[derive(Clone, Copy, Debug)]
enum Event {
    Nothing,
    BrokerUnavailable,
    Rebalance,
    Reset,
}

/// Starts a consumer between this log and this database, under a supervisor.
fn consumer(log: &Arc<Mutex<Log>>, database: &Rc<RefCell<Database>>, registry: &ActorRegistry) -> Addr<Consumer> {
    let db_writer = FakeDbWriter(database.clone()).start();
    let route = StoreRoute {
        positions: db_writer.clone().recipient(),
        db_writer: db_writer.clone().recipient(),
        dead_letters: db_writer.recipient(),
        name: "store",
        volatile: false,
    };
    let (supervisor, _reports) = Supervisor::new(registry.clone(), RestartPolicy::default());
    let subscription = FakeSubscription(log.clone());
    supervisor.start_on(&Arbiter::current(), ActorName::StoreConsumer, move |vitals| {
        KafkaConsumer::new(subscription, route, vitals, Metrics::unregistered())
    })
}

/// Runs a consumer over the whole log, and returns the final database.
fn run(length: i64, faults: Vec<Option<Fault>>, events: Vec<Event>) -> Database {
    System::new().block_on(async move {
        tokio::time::pause();
        let log = Arc::new(Mutex::new(Log { length, ..Log::default() }));
        log.lock().unwrap().events.push_back(SubscriptionEvent::Assigned((0..PARTITIONS).collect()));
        let database = Rc::new(RefCell::new(Database { faults: faults.into(), length, ..Database::default() }));
        let registry = ActorRegistry::default();
        let consumer = consumer(&log, &database, &registry);

        let events = Cell::new(Some(events));
        for event in events.take().unwrap() {
            sleep(Duration::from_millis(3)).await;
            match event {
                Event::Nothing => {}
                Event::BrokerUnavailable => log.lock().unwrap().failures += 1,
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
        loop {
            let observation = registry.statuses().remove(0).observation;
            if matches!(&observation, Observation::StoreConsumer(observed) if observed.lag == Some(0)) {
                break;
            }
            assert!(Instant::now() < give_up, "still behind: {observation:?}");
            sleep(Duration::from_millis(50)).await;
        }
        let drained = consumer.send(Drain { deadline: Instant::now() + Duration::from_secs(5) }).await.unwrap();
        assert_eq!(drained.left, 0);
        let committed = log.lock().unwrap().committed.clone();
        for (partition, offset) in committed {
            assert!(
                offset <= database.borrow().positions[&partition],
                "the offset was committed before the record was stored"
            );
        }
        std::mem::take(&mut *database.borrow_mut())
    })
}

/// Asserts what must hold whatever happened.
fn assert_exactly_once(length: i64, database: &Database) {
    assert_eq!(database.rejected_letters, database.rejected, "each rejected row is a dead letter with its own offset");
    for partition in 0..PARTITIONS {
        for offset in 0..length {
            let key = (partition, offset);
            let expected = usize::from(record(partition, offset).is_ok() && !database.rejected.contains(&key));
            // A rejected row may have been stored by the other writer.
            let stored = database.rows.get(&key).copied().unwrap_or(0);
            assert!(
                stored == expected || stored == 1 && database.rejected.contains(&key),
                "{key:?} was stored {stored} times"
            );
            assert_eq!(database.letters.contains(&key), record(partition, offset).is_err(), "{key:?}");
        }
    }
}

fn fault() -> impl Strategy<Value = Option<Fault>> {
    prop_oneof![
        4 => Just(None),
        1 => Just(Some(Fault::Unavailable)),
        1 => Just(Some(Fault::ReplyLost)),
        1 => Just(Some(Fault::AnotherWriter)),
        1 => Just(Some(Fault::RowRejected)),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => Just(Event::Nothing),
        1 => Just(Event::BrokerUnavailable),
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
fn a_group_member_without_partitions_is_ready_again_once_kafka_responds() {
    System::new().block_on(async {
        tokio::time::pause();
        let log = Arc::new(Mutex::new(Log::default()));
        log.lock().unwrap().events.push_back(SubscriptionEvent::Assigned(Vec::new()));
        let registry = ActorRegistry::default();
        let _consumer = consumer(&log, &Rc::default(), &registry);
        let is_ready = || registry.statuses()[0].readiness == Readiness::Ready;
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
fn a_batch_whose_reply_was_lost_is_not_stored_twice() {
    let database = run(7, vec![None, None, Some(Fault::ReplyLost)], vec![]);
    assert_exactly_once(7, &database);
}

#[test]
fn a_fenced_consumer_resumes_where_the_other_writer_stopped() {
    let database = run(40, vec![None, None, Some(Fault::AnotherWriter)], vec![]);
    assert_exactly_once(40, &database);
}
