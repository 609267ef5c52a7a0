//! The KafkaConsumer of a sink that buffers, tested against an in-memory log and a sink that fails and is fenced.
//! Whatever fails and when, each record becomes durable exactly once, and offsets are committed only after that.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "store_path/log.rs"]
mod log;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::{Arbiter, System};
use actors::batch::{Batch, Fenced, LogId, Position, Stored};
use actors::kafka_consumer::{KafkaConsumer, SinkRoute};
use actors::messages::Drain;
use actors::metrics::Metrics;
use actors::ports::{Buffered, Flushed, Sink, SinkError, Subscription, SubscriptionEvent};
use actors::supervision::{ActorName, ActorRegistry, ConfiguredName, Observation, RestartPolicy, Supervisor};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use proptest::prelude::*;
use tokio::time::{Instant, sleep};

use log::{FakeSubscription, Log, record};

const PARTITIONS: i32 = 2;

/// What happens to a flush.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Unavailable,
    Refused,
    /// Another process has made the same records durable, and some more.
    AnotherWriter,
}

/// The records of a partition that are in memory.
#[derive(Clone, Debug, Default)]
struct Memory {
    /// The durable position that it continues.
    from: i64,
    next: i64,
}

#[derive(Default)]
struct State {
    length: i64,
    memory: BTreeMap<i32, Memory>,
    /// The offsets of each partition, as often as they were made durable, in order.
    durable: BTreeMap<i32, Vec<i64>>,
    faults: VecDeque<Option<Fault>>,
    flushes_at_once: usize,
}

impl State {
    fn position(&self, partition: i32) -> Option<Position> {
        let next_offset = *self.durable.get(&partition)?.last()? + 1;
        Some(Position { partition, next_offset, last_timestamp: next_offset - 1 })
    }

    fn append(&mut self, partition: i32, offsets: std::ops::Range<i64>) {
        self.durable.entry(partition).or_default().extend(offsets);
    }

    fn records(&self) -> u64 {
        self.memory.values().map(|memory| (memory.next - memory.from).unsigned_abs()).sum()
    }
}

/// A sink that is due once it holds 20 records, and full at 30.
#[derive(Clone, Default)]
struct FakeSink(Arc<Mutex<State>>);

impl Sink for FakeSink {
    fn positions<'a>(
        &'a self,
        _: &'a LogId,
        partitions: &'a [i32],
    ) -> LocalBoxFuture<'a, Result<Vec<Position>, SinkError>> {
        let mut state = self.0.lock().unwrap();
        let found: Vec<_> = partitions.iter().filter_map(|&partition| state.position(partition)).collect();
        for &partition in partitions {
            let from = state.position(partition).map_or(0, |position| position.next_offset);
            state.memory.insert(partition, Memory { from, next: from });
        }
        std::future::ready(Ok(found)).boxed_local()
    }

    fn write(&self, batch: Arc<Batch>) -> LocalBoxFuture<'_, Result<Stored, SinkError>> {
        let mut state = self.0.lock().unwrap();
        assert!(state.records() < 30, "a batch was written to a full sink");
        let mut stored = Stored::default();
        for part in &batch.parts {
            let memory = state.memory.get_mut(&part.partition).unwrap();
            if part.expected.unwrap_or(0) == memory.next {
                memory.next = part.next_offset;
                continue;
            }
            let (partition, next_offset) = (part.partition, memory.next);
            let found = Some(Position { partition, next_offset, last_timestamp: next_offset - 1 });
            stored.fenced.push(Fenced { partition, found: found.filter(|found| found.next_offset > 0) });
        }
        std::future::ready(Ok(stored)).boxed_local()
    }

    fn buffered(&self) -> Option<Buffered> {
        let records = self.0.lock().unwrap().records();
        let due = match records {
            0 => None,
            1..20 => Some(Instant::now() + Duration::from_millis(50)),
            20.. => Some(Instant::now()),
        };
        Some(Buffered { records, oldest: None, due, is_full: records >= 30 })
    }

    fn flush(&self) -> LocalBoxFuture<'_, Result<Flushed, SinkError>> {
        async {
            self.0.lock().unwrap().flushes_at_once += 1;
            sleep(Duration::from_millis(7)).await;
            let mut state = self.0.lock().unwrap();
            assert_eq!(state.flushes_at_once, 1);
            state.flushes_at_once = 0;
            let largest = state.memory.iter().max_by_key(|(_, memory)| memory.next - memory.from);
            let Some((partition, Memory { from, next })) =
                largest.map(|(&partition, memory)| (partition, memory.clone()))
            else {
                return Ok(Flushed::default());
            };
            if from == next {
                return Ok(Flushed::default());
            }
            match state.faults.pop_front().flatten() {
                Some(Fault::Unavailable) => return Err(SinkError::Unavailable("timed out".to_owned())),
                Some(Fault::Refused) => return Err(SinkError::Refused("read-only".to_owned())),
                Some(Fault::AnotherWriter) => {
                    let other = (next + 3).min(state.length);
                    state.append(partition, from..other);
                    state.memory.insert(partition, Memory { from: other, next: other });
                    let found = state.position(partition);
                    return Ok(Flushed { fenced: vec![Fenced { partition, found }], ..Flushed::default() });
                }
                None => {}
            }
            state.append(partition, from..next);
            state.memory.insert(partition, Memory { from: next, next });
            let stored = state.position(partition).into_iter().collect();
            Ok(Flushed { stored, rows: (next - from).unsigned_abs(), files: 1, ..Flushed::default() })
        }
        .boxed_local()
    }

    fn release(&self, partitions: &[i32]) {
        self.0.lock().unwrap().memory.retain(|partition, _| !partitions.contains(partition));
    }
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Nothing,
    BrokerUnavailable,
    Rebalance,
    Reset,
}

/// Runs a consumer over the whole log, or drains it before.
fn run(length: i64, faults: Vec<Option<Fault>>, events: Vec<Event>, drain_early: bool) {
    System::new().block_on(async move {
        tokio::time::pause();
        let log = Arc::new(Mutex::new(Log { length, ..Log::default() }));
        log.lock().unwrap().events.push_back(SubscriptionEvent::Assigned((0..PARTITIONS).collect()));
        let sink = FakeSink::default();
        *sink.0.lock().unwrap() = State { length, faults: faults.into(), ..State::default() };
        let registry = ActorRegistry::default();
        let (supervisor, _reports) = Supervisor::new(registry.clone(), RestartPolicy::default());
        let route = SinkRoute { name: "fake", sink: Arc::new(sink.clone()), volatile: false };
        let subscription = FakeSubscription(log.clone());
        let name = ActorName::Sink(ConfiguredName::new("fake").unwrap());
        let consumer = supervisor.start_on(&Arbiter::current(), name, move |vitals| {
            KafkaConsumer::new(subscription, route, vitals, Metrics::unregistered())
        });
        for event in events {
            sleep(Duration::from_millis(3)).await;
            let everything: Vec<_> = (0..PARTITIONS).collect();
            match event {
                Event::Nothing => {}
                Event::BrokerUnavailable => log.lock().unwrap().failures += 1,
                Event::Rebalance => {
                    let mut log = log.lock().unwrap();
                    log.events.push_back(SubscriptionEvent::Revoked(everything.clone()));
                    log.events.push_back(SubscriptionEvent::Assigned(everything));
                }
                Event::Reset => FakeSubscription(log.clone()).reset(),
            }
        }
        let is_complete = || {
            let state = sink.0.lock().unwrap();
            (0..PARTITIONS).all(|partition| state.position(partition).map_or(0, |it| it.next_offset) == length)
        };
        let give_up = Instant::now() + Duration::from_secs(600);
        while !drain_early && !is_complete() {
            assert!(Instant::now() < give_up, "stuck: {:?}", sink.0.lock().unwrap().durable);
            sleep(Duration::from_millis(50)).await;
        }
        let drained = consumer.send(Drain { deadline: Instant::now() + Duration::from_secs(600) }).await.unwrap();
        assert_eq!((drained.left, sink.0.lock().unwrap().records()), (0, 0));
        if !drain_early {
            let Observation::StoreConsumer(observed) = registry.statuses().remove(0).observation else { panic!() };
            assert_eq!(observed.buffer.unwrap().records, 0);
        }
        let state = sink.0.lock().unwrap();
        for (partition, offsets) in &state.durable {
            assert!(offsets.iter().copied().eq(0..i64::try_from(offsets.len()).unwrap()), "{partition}: {offsets:?}");
        }
        for (&partition, &offset) in &log.lock().unwrap().committed {
            let durable = state.position(partition).map_or(0, |position| position.next_offset);
            assert!(offset <= durable, "offset {offset} of {partition} was committed, but only {durable} is durable");
        }
        assert!(record(0, 0).is_ok());
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn each_record_becomes_durable_once_whatever_fails(
        length in 1_i64..150,
        faults in prop::collection::vec(
            prop_oneof![
                4 => Just(None),
                1 => Just(Some(Fault::Unavailable)),
                1 => Just(Some(Fault::Refused)),
                1 => Just(Some(Fault::AnotherWriter)),
            ],
            0..30,
        ),
        events in prop::collection::vec(
            prop_oneof![
                3 => Just(Event::Nothing),
                1 => Just(Event::BrokerUnavailable),
                1 => Just(Event::Rebalance),
                1 => Just(Event::Reset),
            ],
            0..20,
        ),
        drain_early in any::<bool>(),
    ) {
        run(length, faults, events, drain_early);
    }
}
