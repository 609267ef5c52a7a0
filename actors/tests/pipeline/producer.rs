use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::Actor;
use actors::batch::DeadLetter;
use actors::domain::{PollOutcome, PollRecord, StateVector, UnixMillis};
use actors::kafka_producer::{BacklogLimits, KafkaProducer};
use actors::messages::{Accepted, PublishDeadLetters, PublishPolls, PublishStates};
use actors::metrics::{Kind, Metrics};
use actors::ports::{PublishError, Publisher};
use actors::supervision::{ActorName, Observation, Readiness, Vitals};
use tokio::time::{Instant, sleep};

use super::{drain_soon, run, state};

#[derive(Clone, Default)]
struct FakePublisher {
    acknowledged: Rc<RefCell<Vec<i64>>>,
    /// For each attempt, the indices of the messages that are not acknowledged.
    failures: Rc<RefCell<VecDeque<Vec<usize>>>>,
    /// The starts of the polls that were acknowledged.
    polls: Rc<RefCell<Vec<i64>>>,
    poll_failures: Rc<RefCell<VecDeque<Vec<usize>>>>,
    /// The same as `failures`, for dead letters.
    letter_failures: Rc<RefCell<VecDeque<Vec<usize>>>>,
}

impl Publisher for FakePublisher {
    async fn publish(&self, states: &[Arc<StateVector>]) -> Result<(), PublishError> {
        sleep(Duration::from_millis(10)).await;
        let undelivered = self.failures.borrow_mut().pop_front().unwrap_or_default();
        let delivered = states.iter().enumerate().filter(|(index, _)| !undelivered.contains(index));
        self.acknowledged.borrow_mut().extend(delivered.map(|(_, state)| state.last_contact.0));
        if undelivered.is_empty() { Ok(()) } else { Err(PublishError { undelivered, reason: "timed out".into() }) }
    }

    async fn publish_dead_letters(&self, _: &[DeadLetter]) -> Result<(), PublishError> {
        let undelivered = self.letter_failures.borrow_mut().pop_front().unwrap_or_default();
        if undelivered.is_empty() { Ok(()) } else { Err(PublishError { undelivered, reason: "timed out".into() }) }
    }

    async fn publish_polls(&self, polls: &[PollRecord]) -> Result<(), PublishError> {
        sleep(Duration::from_millis(10)).await;
        let undelivered = self.poll_failures.borrow_mut().pop_front().unwrap_or_default();
        let delivered = polls.iter().enumerate().filter(|(index, _)| !undelivered.contains(index));
        self.polls.borrow_mut().extend(delivered.map(|(_, poll)| poll.started.0));
        if undelivered.is_empty() { Ok(()) } else { Err(PublishError { undelivered, reason: "timed out".into() }) }
    }
}

fn producer(publisher: &FakePublisher) -> actix::Addr<KafkaProducer<FakePublisher>> {
    let limits = BacklogLimits { bytes: 1 << 20, age: Duration::from_secs(600) };
    KafkaProducer::new(
        publisher.clone(),
        limits,
        Vitals::unregistered(ActorName::KafkaProducer),
        Metrics::unregistered(),
    )
    .start()
}

fn states(times: impl IntoIterator<Item = i64>) -> PublishStates {
    let states = times.into_iter().map(|at| Arc::new(state("aaaaaa", at))).collect();
    PublishStates { states }
}

#[test]
fn the_producer_accepts_immediately_and_publishes_in_order() {
    run(async {
        let publisher = FakePublisher::default();
        let producer = producer(&publisher);
        assert_eq!(producer.send(states(0..3)).await.unwrap(), Accepted { held: 3, dropped: 0 });
        assert_eq!(producer.send(states(3..5)).await.unwrap(), Accepted { held: 5, dropped: 0 });
        assert_eq!(producer.send(drain_soon()).await.unwrap().left, 0);
        assert_eq!(*publisher.acknowledged.borrow(), [0, 1, 2, 3, 4]);
    });
}

#[test]
fn unacknowledged_states_are_retried_before_newer_ones() {
    run(async {
        let publisher = FakePublisher::default();
        publisher.failures.borrow_mut().extend([vec![1, 2], vec![1]]);
        let producer = producer(&publisher);
        producer.send(states(0..3)).await.unwrap();
        producer.send(states(3..5)).await.unwrap();
        sleep(Duration::from_secs(10)).await;
        // 1 and 2 failed first; then 2 of [1, 2, 3, 4] failed.
        assert_eq!(*publisher.acknowledged.borrow(), [0, 1, 3, 4, 2]);
    });
}

#[test]
fn the_backlog_for_an_unavailable_broker_is_reported_and_dropped_states_are_counted() {
    run(async {
        let (publisher, metrics) = (FakePublisher::default(), Metrics::unregistered());
        publisher.failures.borrow_mut().extend(vec![(0..100).collect::<Vec<_>>(); 1_000]);
        // A state takes a few hundred bytes.
        let limits = BacklogLimits { bytes: 20_000, age: Duration::from_secs(600) };
        let vitals = Vitals::unregistered(ActorName::KafkaProducer);
        let producer = KafkaProducer::new(publisher, limits, vitals.clone(), metrics.clone()).start();
        producer.send(states(0..1_000)).await.unwrap();
        sleep(Duration::from_secs(60)).await;
        let accepted = producer.send(states(1_000..1_001)).await.unwrap();
        assert!((10..200).contains(&accepted.held), "{accepted:?}");
        assert_eq!(accepted.held as u64 + accepted.dropped, 1_001);
        let Observation::KafkaProducer(observed) = vitals.status().observation else { panic!("no observation") };
        assert_eq!(observed.held, accepted.held);
        assert_eq!(observed.dropped, accepted.dropped);
        assert!((10_000..=20_500).contains(&observed.held_bytes), "{observed:?}");
        assert_eq!(metrics.held.get(), accepted.held as i64);
        assert_eq!(metrics.held_bytes.get(), observed.held_bytes as i64);
        assert_eq!(metrics.dropped.get_or_create(&Kind { kind: "no_room" }).get(), accepted.dropped);
    });
}

#[test]
fn a_producer_of_dead_letters_only_is_ready_again_once_kafka_accepts_them() {
    run(async {
        let (publisher, vitals) = (FakePublisher::default(), Vitals::unregistered(ActorName::KafkaProducer));
        publisher.letter_failures.borrow_mut().push_back(vec![0]);
        let limits = BacklogLimits { bytes: 1 << 20, age: Duration::from_secs(600) };
        let producer = KafkaProducer::new(publisher, limits, vitals.clone(), Metrics::unregistered()).start();
        for expected in [false, true] {
            assert_eq!(producer.send(PublishDeadLetters(Vec::new())).await.unwrap().is_ok(), expected);
            assert_eq!(vitals.status().readiness == Readiness::Ready, expected);
        }
    });
}

#[test]
fn a_drained_producer_without_a_broker_reports_the_unpublished_states() {
    run(async {
        let publisher = FakePublisher::default();
        publisher.failures.borrow_mut().extend(vec![vec![0, 1]; 100_000]);
        let producer = producer(&publisher);
        producer.send(states(0..2)).await.unwrap();
        let before = Instant::now();
        assert_eq!(producer.send(drain_soon()).await.unwrap().left, 2);
        assert!(before.elapsed() < Duration::from_secs(6), "{:?}", before.elapsed());
    });
}

fn polls(starts: std::ops::Range<i64>) -> PublishPolls {
    let poll = |started| PollRecord {
        source: "opensky".into(),
        kind: "opensky".into(),
        process: "a".into(),
        outcome: PollOutcome::Live,
        started: UnixMillis(started),
        ended: UnixMillis(started),
        polls: 1,
        states: 0,
        changed: 0,
        bad_rows: 0,
        seconds: 0.0,
        credits_left: None,
        interval: 10.0,
        next_poll_at: None,
        area: None,
    };
    PublishPolls(starts.map(poll).collect())
}

#[test]
fn records_of_polls_are_retried_within_bounds_without_delaying_states() {
    run(async {
        let publisher = FakePublisher::default();
        // As if the topic of polls rejected writes for a while.
        publisher.poll_failures.borrow_mut().extend([vec![0, 2], vec![0, 1], vec![0]]);
        let producer = producer(&publisher);
        producer.send(polls(0..3)).await.unwrap();
        producer.send(states([1, 2])).await.unwrap();
        sleep(Duration::from_millis(25)).await;
        assert_eq!((publisher.acknowledged.borrow().len(), publisher.polls.borrow().len()), (2, 1));
        producer.send(polls(3..10_010)).await.unwrap();
        sleep(Duration::from_secs(20)).await;
        let published = publisher.polls.borrow().clone();
        let distinct: std::collections::BTreeSet<_> = published.iter().copied().collect();
        assert_eq!((distinct.len(), distinct.last()), (published.len(), Some(&10_009)));
        assert!((10_000..10_010).contains(&distinct.len()), "only the oldest were dropped: {}", distinct.len());
        assert_eq!(producer.send(drain_soon()).await.unwrap().left, 0);
    });
}
