//! Notifier, tested against a queue and an endpoint in memory, in paused time.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use actix::{Actor, Addr, System};
use actors::batch::DeadLetter;
use actors::domain::UnixTime;
use actors::messages::{Drain, TestEndpoint};
use actors::metrics::Metrics;
use actors::notification::{Notification, RuleFilter};
use actors::notifier::{Notifier, NotifierSettings, RetryLimits};
use actors::ports::{AlertQueue, DeliveryError, NotificationEndpoint, QueueEvent, QueuedAlert, SubscriptionError};
use actors::supervision::{ActorName, ConfiguredName, EndpointState, NotifierObservation, Observation, Vitals};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

fn run(test: impl Future<Output = ()>) {
    System::new().block_on(async {
        tokio::time::pause();
        test.await;
    });
}

/// The topic and the group's committed offsets.
#[derive(Clone, Default)]
struct FakeQueue(Rc<Log>);

#[derive(Default)]
struct Log {
    events: RefCell<VecDeque<Result<QueueEvent, SubscriptionError>>>,
    arrived: Notify,
    committed: RefCell<BTreeMap<i32, i64>>,
    paused: RefCell<BTreeMap<i32, bool>>,
    dead_letters: RefCell<Vec<DeadLetter>>,
    dead_letter_failures: Cell<usize>,
}

impl AlertQueue for FakeQueue {
    async fn next(&self) -> Result<QueueEvent, SubscriptionError> {
        loop {
            if let Some(event) = self.0.events.borrow_mut().pop_front() {
                return event;
            }
            self.0.arrived.notified().await;
        }
    }

    fn set_paused(&self, partition: i32, paused: bool) -> Result<(), SubscriptionError> {
        self.0.paused.borrow_mut().insert(partition, paused);
        Ok(())
    }

    fn commit(&self, partition: i32, next_offset: i64) {
        let before = self.0.committed.borrow_mut().insert(partition, next_offset);
        assert!(before.is_none_or(|before| before < next_offset), "{partition}: {before:?} {next_offset}");
    }

    async fn publish_dead_letter(&self, letter: DeadLetter) -> Result<(), SubscriptionError> {
        let failures = self.0.dead_letter_failures.get();
        if failures > 0 {
            self.0.dead_letter_failures.set(failures - 1);
            return Err(SubscriptionError("broker away".into()));
        }
        self.0.dead_letters.borrow_mut().push(letter);
        Ok(())
    }

    fn reset(&self) {}

    async fn close(&self) {}
}

impl FakeQueue {
    fn push(&self, event: QueueEvent) {
        self.0.events.borrow_mut().push_back(Ok(event));
        self.0.arrived.notify_one();
    }

    fn assign(&self, partitions: &[i32]) {
        self.push(QueueEvent::Assigned(partitions.to_vec()));
    }

    fn record(&self, partition: i32, offset: i64, value: Option<String>) {
        self.record_at(partition, offset, value, UnixTime::now().0 * 1000);
    }

    fn record_at(&self, partition: i32, offset: i64, value: Option<String>, timestamp: i64) {
        let value = value.map(Into::into);
        self.push(QueueEvent::Record(QueuedAlert {
            topic: "alerts".into(),
            partition,
            offset,
            timestamp,
            key: None,
            value,
        }));
    }

    fn alert(&self, partition: i32, offset: i64) {
        self.record(partition, offset, Some(alert("noise", offset)));
    }

    fn committed(&self, partition: i32) -> Option<i64> {
        self.0.committed.borrow().get(&partition).copied()
    }
}

fn alert(rule: &str, since: i64) -> String {
    format!(r#"{{"icao24":"4b1814","since":{since},"rule":"{rule}","ended":null,"detail":"low"}}"#)
}

/// Accepts notifications after 10 ms, or fails as scripted.
#[derive(Clone, Default)]
struct FakeEndpoint(Rc<Received>);

#[derive(Default)]
struct Received {
    ids: RefCell<Vec<String>>,
    attempts: Cell<usize>,
    /// The outcomes of the next attempts.
    script: RefCell<VecDeque<DeliveryError>>,
    /// While set, attempts fail with it.
    down: RefCell<Option<DeliveryError>>,
    /// While set, attempts hang.
    hangs: Cell<bool>,
}

impl NotificationEndpoint for FakeEndpoint {
    fn deliver<'a>(&'a self, notification: &'a Notification) -> LocalBoxFuture<'a, Result<(), DeliveryError>> {
        async move {
            self.0.attempts.set(self.0.attempts.get() + 1);
            sleep(Duration::from_millis(10)).await;
            if self.0.hangs.get() {
                std::future::pending::<()>().await;
            }
            let failure = self.0.script.borrow_mut().pop_front().or_else(|| self.0.down.borrow().clone());
            if let Some(failure) = failure {
                return Err(failure);
            }
            self.0.ids.borrow_mut().push(notification.id.clone());
            Ok(())
        }
        .boxed_local()
    }
}

struct Setup {
    queue: FakeQueue,
    endpoint: FakeEndpoint,
    vitals: Vitals,
    notifier: Addr<Notifier<FakeQueue>>,
}

impl Setup {
    fn new(rules: &[&str], volatile: bool) -> Self {
        let (queue, endpoint) = (FakeQueue::default(), FakeEndpoint::default());
        let vitals = Vitals::unregistered(ActorName::Notifier(ConfiguredName::new("phone").unwrap()));
        let settings = NotifierSettings {
            name: "phone".into(),
            kind: "webhook",
            rules: RuleFilter::new(rules.iter().map(|rule| (*rule).to_owned()).collect()),
            retry: RetryLimits { max_age: Duration::from_secs(3600) },
            volatile,
        };
        let shared = Rc::new(endpoint.clone());
        let notifier = Notifier::new(queue.clone(), shared, settings, vitals.clone(), Metrics::unregistered()).start();
        Self { queue, endpoint, vitals, notifier }
    }

    /// Waits until the group has committed this offset of a partition.
    async fn committed(&self, partition: i32, offset: i64) {
        let reached = async {
            while self.queue.committed(partition).is_none_or(|committed| committed < offset) {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(7200), reached).await.unwrap();
    }

    fn ids(&self) -> Vec<String> {
        self.endpoint.0.ids.borrow().clone()
    }

    fn observation(&self) -> NotifierObservation {
        match self.vitals.status().observation {
            Observation::Notifier(observation) => observation,
            other => panic!("{other:?}"),
        }
    }
}

fn started(since: std::ops::Range<i64>) -> Vec<String> {
    since.map(|since| format!("noise-4b1814-{since}-started")).collect()
}

#[test]
fn alerts_are_delivered_in_order_and_committed_afterwards() {
    run(async {
        let setup = Setup::new(&[], false);
        setup.queue.assign(&[0]);
        (0..3).for_each(|offset| setup.queue.alert(0, offset));
        sleep(Duration::from_millis(5)).await;
        assert_eq!(setup.queue.committed(0), None, "the first delivery is in flight");
        setup.committed(0, 3).await;
        assert_eq!(setup.ids(), started(0..3));
        let seen = setup.observation();
        assert_eq!((seen.delivered, seen.waiting, seen.state), (3, 0, EndpointState::Delivering));
    });
}

#[test]
fn an_endpoint_that_is_away_receives_everything_afterwards() {
    run(async {
        let setup = Setup::new(&[], false);
        setup.queue.assign(&[0, 1]);
        *setup.endpoint.0.down.borrow_mut() = Some(DeliveryError::unavailable("connection refused"));
        (0..5).for_each(|offset| setup.queue.alert((offset % 2) as i32, offset));
        sleep(Duration::from_secs(3000)).await;
        let seen = setup.observation();
        assert_eq!((seen.state, seen.waiting, seen.delivered), (EndpointState::Retrying, 5, 0));
        assert!(setup.endpoint.0.attempts.get() < 250, "{}", setup.endpoint.0.attempts.get());
        *setup.endpoint.0.down.borrow_mut() = None;
        setup.committed(0, 5).await;
        setup.committed(1, 4).await;
        let mut ids = setup.ids();
        ids.sort();
        assert_eq!(ids, started(0..5));
        assert_eq!((setup.observation().state, setup.observation().reason), (EndpointState::Delivering, None));
    });
}

#[test]
fn a_partition_whose_delivery_hangs_does_not_hold_up_the_others() {
    run(async {
        let setup = Setup::new(&[], false);
        setup.queue.assign(&[0, 1]);
        setup.endpoint.0.hangs.set(true);
        setup.queue.alert(0, 0);
        sleep(Duration::from_secs(1)).await;
        setup.endpoint.0.hangs.set(false);
        setup.queue.alert(1, 7);
        setup.committed(1, 8).await;
        assert_eq!((setup.queue.committed(0), setup.ids()), (None, started(7..8)));
    });
}

#[test]
fn rejected_invalid_and_outdated_records_become_dead_letters_with_a_reason() {
    run(async {
        let setup = Setup::new(&[], false);
        setup.queue.assign(&[0]);
        setup.queue.0.dead_letter_failures.set(2);
        setup.endpoint.0.script.borrow_mut().push_back(DeliveryError::Rejected("responded with 410 Gone".into()));
        setup.queue.alert(0, 0);
        setup.queue.record(0, 1, Some("garbage".into()));
        setup.committed(0, 2).await;
        *setup.endpoint.0.down.borrow_mut() = Some(DeliveryError::unavailable("no response"));
        let two_hours_ago = (UnixTime::now().0 - 7200) * 1000;
        setup.queue.record_at(0, 2, Some(alert("noise", 2)), two_hours_ago);
        setup.committed(0, 3).await;
        let letters = setup.queue.0.dead_letters.borrow();
        let reasons: Vec<_> = letters.iter().map(|letter| (letter.offset, letter.reason.as_str())).collect();
        assert_eq!(reasons[0], (0, "notify phone: responded with 410 Gone"));
        assert!(reasons[1].1.starts_with("notify phone: not an alert: expected value"), "{reasons:?}");
        assert_eq!(
            reasons[2],
            (2, "notify phone: not delivered within 1 h; last error: unavailable: no response"),
            "an old alert is tried once"
        );
        assert_eq!(setup.observation().dead_letters, 3);
    });
}

#[test]
fn tombstones_and_other_rules_are_passed_over() {
    run(async {
        let setup = Setup::new(&["noise"], false);
        setup.queue.assign(&[0]);
        setup.queue.record(0, 0, None);
        setup.queue.record(0, 1, Some(alert("emergency-squawk", 1)));
        setup.queue.alert(0, 2);
        setup.committed(0, 3).await;
        assert_eq!((setup.ids(), setup.observation().passed_over), (started(2..3), 2));
    });
}

#[test]
fn a_revoked_partition_is_not_committed_and_the_new_owner_delivers_the_same_id() {
    run(async {
        let setup = Setup::new(&[], false);
        setup.queue.assign(&[0]);
        setup.endpoint.0.hangs.set(true);
        setup.queue.alert(0, 4);
        sleep(Duration::from_secs(1)).await;
        setup.queue.push(QueueEvent::Revoked(vec![0]));
        sleep(Duration::from_secs(1)).await;
        setup.endpoint.0.hangs.set(false);
        assert_eq!(setup.queue.committed(0), None);
        setup.queue.assign(&[0]);
        setup.queue.alert(0, 4);
        setup.committed(0, 5).await;
        assert_eq!(setup.ids(), started(4..5));
    });
}

#[test]
fn a_process_without_partitions_does_not_report_a_failure() {
    run(async {
        let setup = Setup::new(&[], false);
        setup.queue.assign(&[0]);
        *setup.endpoint.0.down.borrow_mut() = Some(DeliveryError::unavailable("connection refused"));
        setup.queue.alert(0, 0);
        sleep(Duration::from_secs(1)).await;
        assert_eq!(setup.observation().state, EndpointState::Retrying);
        setup.queue.push(QueueEvent::Revoked(vec![0]));
        sleep(Duration::from_secs(1)).await;
        let seen = setup.observation();
        assert_eq!((seen.state, seen.reason), (EndpointState::Delivering, None));
        assert_eq!((seen.waiting, seen.oldest_waiting), (0, None));
    });
}

#[test]
fn fetching_pauses_while_the_endpoint_is_away() {
    run(async {
        let setup = Setup::new(&[], false);
        setup.queue.assign(&[0]);
        *setup.endpoint.0.down.borrow_mut() = Some(DeliveryError::Refused("401".into()));
        (0..64).for_each(|offset| setup.queue.alert(0, offset));
        sleep(Duration::from_secs(1)).await;
        assert_eq!(setup.queue.0.paused.borrow().get(&0), Some(&true));
        assert_eq!(setup.observation().state, EndpointState::Refused);
        *setup.endpoint.0.down.borrow_mut() = None;
        setup.committed(0, 64).await;
        assert_eq!(setup.queue.0.paused.borrow().get(&0), Some(&false));
        assert_eq!(setup.ids(), started(0..64));
    });
}

#[test]
fn a_drain_leaves_the_rest_to_the_group_unless_the_queue_is_volatile() {
    for (volatile, left) in [(false, 0), (true, 2)] {
        run(async {
            let setup = Setup::new(&[], volatile);
            setup.queue.assign(&[0]);
            *setup.endpoint.0.down.borrow_mut() = Some(DeliveryError::unavailable("connection refused"));
            (0..2).for_each(|offset| setup.queue.alert(0, offset));
            sleep(Duration::from_secs(1)).await;
            let began = Instant::now();
            let drained = setup.notifier.send(Drain { deadline: began + Duration::from_secs(20) }).await.unwrap();
            assert_eq!((drained.left, setup.queue.committed(0)), (left, None), "{volatile}");
            assert_eq!(began.elapsed() >= Duration::from_secs(19), volatile, "{:?}", began.elapsed());
        });
    }
}

#[test]
fn a_test_message_overtakes_the_queue_and_reports_the_outcome() {
    run(async {
        let setup = Setup::new(&[], false);
        setup.queue.assign(&[0]);
        setup.endpoint.0.script.borrow_mut().push_back(DeliveryError::Refused("responded with 401".into()));
        let tested = setup.notifier.send(TestEndpoint).await.unwrap();
        assert_eq!(tested.result, Err(DeliveryError::Refused("responded with 401".into())));
        let tested = setup.notifier.send(TestEndpoint).await.unwrap();
        assert_eq!((tested.result, setup.ids()), (Ok(()), vec![tested.id]));
    });
}

#[test]
fn an_accepted_test_message_ends_the_pause_before_the_next_attempt() {
    run(async {
        let setup = Setup::new(&[], false);
        setup.queue.assign(&[0]);
        *setup.endpoint.0.down.borrow_mut() = Some(DeliveryError::Refused("responded with 401".into()));
        setup.queue.alert(0, 0);
        sleep(Duration::from_secs(1800)).await;
        *setup.endpoint.0.down.borrow_mut() = None;
        let began = Instant::now();
        assert_eq!(setup.notifier.send(TestEndpoint).await.unwrap().result, Ok(()));
        setup.committed(0, 1).await;
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
        assert_eq!(setup.observation().state, EndpointState::Delivering);
    });
}
