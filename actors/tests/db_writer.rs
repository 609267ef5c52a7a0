//! DbWriter's maintenance of its store, tested against a fake store in paused time.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr, System};
use actors::batch::{Batch, LogId, Position, Stored};
use actors::db_writer::DbWriter;
use actors::messages::{Drain, FindPositions, StoreBatch};
use actors::metrics::Metrics;
use actors::ports::{LikelyNew, Maintained, StateStore, StoreError};
use actors::supervision::{ActorName, Observation, Phase, Vitals};
use tokio::time::{Instant, sleep};

/// Runs a test on one thread with paused time, which advances only when every task is idle.
fn run(test: impl Future<Output = ()>) {
    System::new().block_on(async {
        tokio::time::pause();
        test.await;
    });
}

/// The name of a call, and when it started and ended, in seconds.
type Call = (&'static str, f64, f64);

/// A store that takes one second for each batch and each step. It returns the scripted results, then reports that
/// nothing is left to do.
#[derive(Clone)]
struct FakeStore {
    started: Instant,
    results: Rc<RefCell<VecDeque<Result<Maintained, StoreError>>>>,
    calls: Rc<RefCell<Vec<Call>>>,
}

impl FakeStore {
    fn new(results: impl IntoIterator<Item = Result<Maintained, StoreError>>) -> Self {
        let results = Rc::new(RefCell::new(results.into_iter().collect()));
        Self { started: Instant::now(), results, calls: Rc::default() }
    }

    async fn take_a_second(&self, what: &'static str) {
        let seconds = || self.started.elapsed().as_secs_f64();
        let from = seconds();
        sleep(Duration::from_secs(1)).await;
        self.calls.borrow_mut().push((what, from, seconds()));
    }

    fn starts(&self, name: &str) -> Vec<u64> {
        self.calls.borrow().iter().filter(|call| call.0 == name).map(|call| call.1 as u64).collect()
    }

    fn assert_one_after_another(&self) {
        let calls = self.calls.borrow();
        assert!(calls.windows(2).all(|pair| pair[0].2 <= pair[1].1), "{calls:?}");
    }
}

impl StateStore for FakeStore {
    async fn positions(&self, _: &LogId, _: &[i32]) -> Result<Vec<Position>, StoreError> {
        Ok(Vec::new())
    }

    async fn store(&self, _: &Batch, _: &LikelyNew) -> Result<Stored, StoreError> {
        self.take_a_second("store").await;
        Ok(Stored::default())
    }

    async fn maintain(&self) -> Result<Maintained, StoreError> {
        self.take_a_second("maintain").await;
        self.results.borrow_mut().pop_front().unwrap_or(Ok(Maintained::default()))
    }

    fn reset(&self) {}
}

fn start(store: &FakeStore, vitals: &Vitals, metrics: &Metrics) -> Addr<DbWriter<FakeStore>> {
    DbWriter::new(store.clone(), vitals.clone(), metrics.clone()).start()
}

fn batch() -> StoreBatch {
    let log = LogId { cluster: "c".into(), topic: "t".into() };
    StoreBatch(Arc::new(Batch { log, parts: Vec::new() }))
}

#[test]
fn maintenance_runs_every_minute_and_immediately_while_there_is_more() {
    run(async {
        let more = |expired| Ok(Maintained { expired, more: true });
        let store =
            FakeStore::new([more(3), more(4), Err(StoreError::Unavailable("connection refused".into())), more(5)]);
        let (vitals, metrics) = (Vitals::unregistered(ActorName::DbWriter), Metrics::unregistered());
        let _writer = start(&store, &vitals, &metrics);
        sleep(Duration::from_secs(200)).await;
        // The steps at 60 s, 61 s and 123 s report more work, so the next step follows immediately. The one at 62 s
        // fails, so the next follows after a minute, as it does when nothing is left to do.
        assert_eq!(store.starts("maintain"), [60, 61, 62, 123, 124, 185]);
        assert_eq!(metrics.expired.get(), 12);
        assert_eq!(metrics.maintenance_failures.get(), 1);
        let Observation::DbWriter(observed) = vitals.status().observation else { panic!("no observation") };
        assert_eq!((observed.expired, observed.failed_maintenance), (12, 1));
    });
}

#[test]
fn maintenance_runs_between_batches_without_blocking_them() {
    run(async {
        let steps = (0..100).map(|_| Ok(Maintained { expired: 1, more: true }));
        let store = FakeStore::new(steps);
        let (vitals, metrics) = (Vitals::unregistered(ActorName::DbWriter), Metrics::unregistered());
        let writer = start(&store, &vitals, &metrics);
        // A backlog: the next batch follows as soon as the previous one is stored.
        while store.started.elapsed() < Duration::from_secs(180) {
            writer.send(batch()).await.unwrap().unwrap();
        }
        store.assert_one_after_another();
        let (batches, steps) = (store.starts("store").len(), store.starts("maintain").len());
        assert!(batches > 100 && steps > 30, "{batches} batches, {steps} steps");
    });
}

#[test]
fn a_writer_without_maintenance_only_stores() {
    run(async {
        let store = FakeStore::new([]);
        let writer = DbWriter::new(store.clone(), Vitals::unregistered(ActorName::DbWriter), Metrics::unregistered());
        let writer = writer.without_maintenance().start();
        sleep(Duration::from_secs(300)).await;
        writer.send(batch()).await.unwrap().unwrap();
        assert_eq!((store.starts("store").len(), store.starts("maintain").len()), (1, 0));
    });
}

#[test]
fn a_drained_writer_runs_no_maintenance() {
    run(async {
        let store = FakeStore::new([]);
        let (vitals, metrics) = (Vitals::unregistered(ActorName::DbWriter), Metrics::unregistered());
        let writer = start(&store, &vitals, &metrics);
        sleep(Duration::from_secs(70)).await;
        writer.send(Drain { deadline: Instant::now() + Duration::from_secs(5) }).await.unwrap();
        sleep(Duration::from_secs(300)).await;
        assert_eq!(store.starts("maintain"), [60]);
        assert!(matches!(vitals.status().phase, Phase::Finished));
    });
}

/// A store that never responds.
struct HangingStore;

impl StateStore for HangingStore {
    async fn positions(&self, _: &LogId, _: &[i32]) -> Result<Vec<Position>, StoreError> {
        std::future::pending().await
    }

    async fn store(&self, _: &Batch, _: &LikelyNew) -> Result<Stored, StoreError> {
        std::future::pending().await
    }

    async fn maintain(&self) -> Result<Maintained, StoreError> {
        std::future::pending().await
    }

    fn reset(&self) {}
}

#[test]
fn a_store_that_never_responds_is_reported_as_a_stall() {
    run(async {
        let writer = |vitals: &Vitals| DbWriter::new(HangingStore, vitals.clone(), Metrics::unregistered()).start();
        let vitals = [(); 3].map(|()| Vitals::unregistered(ActorName::DbWriter));
        let writers = vitals.each_ref().map(writer);
        let _stored = writers[0].send(batch());
        let log = LogId { cluster: "c".into(), topic: "t".into() };
        let _found = writers[1].send(FindPositions { log, partitions: vec![0] });
        // The third writer begins its maintenance after a minute.
        for (seconds, stalled) in [(59, [false, false, false]), (35, [true, true, false]), (60, [true, true, true])] {
            sleep(Duration::from_secs(seconds)).await;
            assert_eq!(vitals.each_ref().map(|vitals| vitals.status().phase == Phase::Stalled), stalled);
        }
    });
}
