//! Poller, KafkaProducer, DbWriter and SseHub against hand-written fakes of the world, in paused time.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Context, Handler, System};
use actors::alerts::{Alert, Emergency};
use actors::batch::{Batch, DeadLetter, LogId, PartitionBatch};
use actors::domain::{Snapshot, StateVector, StateVectorParts, UnixTime};
use actors::live::{Encoding, HubLimits, QueueLimits, QueueReceiver};
use actors::messages::{
    Accepted, Drain, Full, Join, Look, Polling, PublishStates, Scope, SetPolling, ShowBatch, Wanted,
};
use actors::metrics::{Kind, Metrics};
use actors::pipeline::poll_plan::{Account, PollInterval, PollPlan};
use actors::pipeline::{BacklogLimits, KafkaProducer, Poller, SseHub};
use actors::ports::{Fetched, PublishError, Publisher, SourceError, StateSource};
use actors::supervision::{Phase, Readiness, Vitals};
use tokio::time::{Instant, sleep};

/// Runs a test on one thread, in time that passes only when nothing else can happen.
fn run(test: impl Future<Output = ()>) {
    System::new().block_on(async {
        tokio::time::pause();
        test.await;
    });
}

fn state(icao24: &str, last_contact: i64) -> StateVector {
    let parts = StateVectorParts {
        icao24: icao24.into(),
        last_contact: Some(last_contact),
        lat: Some(47.0),
        lon: Some(8.0),
        ..StateVectorParts::default()
    };
    parts.try_into().unwrap()
}

fn soon() -> Drain {
    Drain { deadline: Instant::now() + Duration::from_secs(5) }
}

/// A source that answers what it was given, and then with nothing new.
#[derive(Clone, Default)]
struct FakeSource(Rc<RefCell<VecDeque<Result<Fetched, SourceError>>>>, Rc<RefCell<Vec<Instant>>>);

impl StateSource for FakeSource {
    async fn fetch(&self) -> Result<Fetched, SourceError> {
        self.1.borrow_mut().push(Instant::now());
        sleep(Duration::from_millis(100)).await;
        self.0.borrow_mut().pop_front().unwrap_or_else(|| Ok(Fetched::default()))
    }

    fn longest_fetch(&self) -> Duration {
        Duration::from_secs(60)
    }
}

fn answer(states: &[(&str, i64)]) -> Result<Fetched, SourceError> {
    let states = states.iter().map(|(icao24, at)| state(icao24, *at)).collect();
    let snapshot = Snapshot { time: UnixTime(100), states, ..Snapshot::default() };
    Ok(Fetched { snapshot, credits_left: Some(4000) })
}

/// Keeps what it is sent: states, and the alerts' aircraft, codes and times.
#[derive(Clone, Default)]
struct FakeProducer(Rc<RefCell<Vec<(String, i64)>>>, Rc<RefCell<Vec<Told>>>);

type Told = (String, &'static str, i64);

impl Actor for FakeProducer {
    type Context = Context<Self>;
}

impl Handler<PublishStates> for FakeProducer {
    type Result = Accepted;

    fn handle(&mut self, PublishStates { states, alerts }: PublishStates, _: &mut Self::Context) -> Accepted {
        self.0.borrow_mut().extend(states.iter().map(|s| (s.icao24.to_string(), s.last_contact.0)));
        let told = |a: &Alert| (a.state.icao24.to_string(), a.emergency.squawk(), a.since().0);
        self.1.borrow_mut().extend(alerts.iter().map(told));
        Accepted { held: 0, dropped: 0 }
    }
}

fn poller(source: &FakeSource, producer: &FakeProducer, vitals: &Vitals) -> actix::Addr<Poller<FakeSource>> {
    let plan =
        PollPlan { interval: PollInterval::Every(Duration::from_secs(10)), cost: 4, account: Account::Registered };
    let producer = producer.clone().start().recipient();
    Poller::new(source.clone(), plan, producer, vitals.clone(), Metrics::unregistered()).start()
}

#[test]
fn the_poller_hands_on_only_what_changed() {
    run(async {
        let (source, producer, vitals) = (FakeSource::default(), FakeProducer::default(), Vitals::unlisted("poller"));
        source.0.borrow_mut().extend([
            answer(&[("aaaaaa", 10), ("bbbbbb", 10)]),
            answer(&[("aaaaaa", 10), ("bbbbbb", 12)]),
            answer(&[("bbbbbb", 11), ("cccccc", 1)]),
        ]);
        let _poller = poller(&source, &producer, &vitals);
        sleep(Duration::from_secs(25)).await;
        let expected = [("aaaaaa", 10), ("bbbbbb", 10), ("bbbbbb", 12), ("cccccc", 1)].map(|(a, t)| (a.to_owned(), t));
        assert_eq!(*producer.0.borrow(), expected);
        assert_eq!(vitals.status().readiness.0, Readiness::Ready);
    });
}

#[test]
fn the_poller_raises_each_alert_once_until_it_ends() {
    run(async {
        let (source, producer, vitals) = (FakeSource::default(), FakeProducer::default(), Vitals::unlisted("poller"));
        let squawks = |at: i64, squawk: Option<&str>| {
            let squawking = StateVector { squawk: squawk.map(Into::into), ..state("aaaaaa", at) };
            let snapshot = Snapshot { time: UnixTime(at), states: vec![squawking], ..Snapshot::default() };
            Ok(Fetched { snapshot, credits_left: None })
        };
        source.0.borrow_mut().extend([
            squawks(10, Some("7700")),
            // What was published already is no news.
            squawks(10, Some("7700")),
            squawks(20, Some("7700")),
            squawks(30, None),
            squawks(40, Some("7700")),
            squawks(50, Some("7600")),
            squawks(60, Some("1000")),
            squawks(70, Some("7600")),
            // Unheard for an hour, and a second more.
            squawks(70 + 3601, Some("7600")),
        ]);
        let _poller = poller(&source, &producer, &vitals);
        sleep(Duration::from_secs(100)).await;
        let expected = [(10, "7700"), (50, "7600"), (70, "7600"), (3671, "7600")];
        assert_eq!(*producer.1.borrow(), expected.map(|(at, squawk)| ("aaaaaa".to_owned(), squawk, at)));
    });
}

/// A source that never answers, whatever it promises.
struct Hanging;

impl StateSource for Hanging {
    async fn fetch(&self) -> Result<Fetched, SourceError> {
        std::future::pending().await
    }

    fn longest_fetch(&self) -> Duration {
        Duration::from_secs(400)
    }
}

#[test]
fn a_poll_is_a_stall_once_it_takes_longer_than_the_source_may() {
    run(async {
        let vitals = Vitals::unlisted("poller");
        let plan = PollPlan { interval: PollInterval::Auto, cost: 4, account: Account::Registered };
        let producer = FakeProducer::default().start().recipient();
        let _poller = Poller::new(Hanging, plan, producer, vitals.clone(), Metrics::unregistered()).start();
        sleep(Duration::from_secs(401)).await;
        assert_eq!(vitals.status().phase, Phase::Running);
        sleep(Duration::from_secs(60)).await;
        assert_eq!(vitals.status().phase, Phase::Stalled);
    });
}

#[test]
fn the_poller_obeys_a_rate_limit_and_shows_it() {
    run(async {
        let (source, producer, vitals) = (FakeSource::default(), FakeProducer::default(), Vitals::unlisted("poller"));
        source.0.borrow_mut().push_back(Err(SourceError::RateLimited { retry_after: Some(Duration::from_secs(3600)) }));
        let _poller = poller(&source, &producer, &vitals);
        sleep(Duration::from_secs(3599)).await;
        assert_eq!(source.1.borrow().len(), 1);
        let status = vitals.status();
        assert_eq!((status.phase, &status.observation["source"]), (Phase::BackingOff, &"rate_limited".into()));
        sleep(Duration::from_secs(10)).await;
        assert_eq!(source.1.borrow().len(), 2);
        assert_eq!(vitals.status().phase, Phase::Running);
    });
}

#[test]
fn the_poller_survives_every_failure_of_its_source() {
    run(async {
        let (source, producer, vitals) = (FakeSource::default(), FakeProducer::default(), Vitals::unlisted("poller"));
        source.0.borrow_mut().extend([
            Err(SourceError::Unavailable("503".into())),
            Err(SourceError::Malformed("HTML".into())),
            Err(SourceError::Refused("credentials".into())),
            answer(&[("aaaaaa", 10)]),
        ]);
        let _poller = poller(&source, &producer, &vitals);
        sleep(Duration::from_secs(3 * 3600)).await;
        assert_eq!(producer.0.borrow().len(), 1);
    });
}

#[test]
fn a_paused_poller_asks_nothing_and_a_resumed_one_not_earlier_than_without_the_pause() {
    run(async {
        let (source, producer, vitals) = (FakeSource::default(), FakeProducer::default(), Vitals::unlisted("poller"));
        source.0.borrow_mut().push_back(answer(&[("aaaaaa", 10)]));
        let poller = poller(&source, &producer, &vitals);
        let asked = || source.1.borrow().len();
        // While the first poll is under way: its answer is still used.
        sleep(Duration::from_millis(50)).await;
        poller.send(SetPolling(Polling::Paused)).await.unwrap();
        sleep(Duration::from_secs(1)).await;
        assert_eq!((asked(), producer.0.borrow().len(), vitals.status().phase), (1, 1, Phase::Paused));
        for polling in [Polling::Active, Polling::Paused, Polling::Paused, Polling::Active, Polling::Active] {
            poller.send(SetPolling(polling)).await.unwrap();
        }
        assert_eq!(vitals.status().phase, Phase::Running);
        sleep(Duration::from_secs(8)).await;
        assert_eq!(asked(), 1, "the interval is not over");
        sleep(Duration::from_secs(2)).await;
        assert_eq!(asked(), 2);

        poller.send(SetPolling(Polling::Paused)).await.unwrap();
        sleep(Duration::from_secs(3600)).await;
        let status = vitals.status();
        assert_eq!((asked(), status.phase), (2, Phase::Paused), "a pause is no stall");
        assert_eq!(status.observation["next_poll_at"], serde_json::Value::Null);
        poller.send(SetPolling(Polling::Active)).await.unwrap();
        sleep(Duration::from_millis(150)).await;
        assert_eq!((asked(), vitals.status().phase), (3, Phase::Running));
        sleep(Duration::from_secs(21)).await;
        assert_eq!(asked(), 5, "one poll an interval, as before");
    });
}

#[test]
fn a_drained_poller_asks_no_more() {
    run(async {
        let (source, producer, vitals) = (FakeSource::default(), FakeProducer::default(), Vitals::unlisted("poller"));
        let poller = poller(&source, &producer, &vitals);
        sleep(Duration::from_millis(50)).await;
        assert_eq!(poller.send(soon()).await.unwrap().left, 0);
        sleep(Duration::from_secs(100)).await;
        assert_eq!(source.1.borrow().len(), 1, "the request under way was given up, and none followed");
    });
}

/// A broker that fails as it is told, and keeps what it acknowledged.
#[derive(Clone, Default)]
struct FakePublisher {
    acknowledged: Rc<RefCell<Vec<i64>>>,
    /// For each try: which of its messages are not acknowledged.
    failures: Rc<RefCell<VecDeque<Vec<usize>>>>,
    /// The same of alerts.
    alerts: Rc<RefCell<Vec<i64>>>,
    alert_failures: Rc<RefCell<VecDeque<Vec<usize>>>>,
}

impl Publisher for FakePublisher {
    async fn publish(&self, states: &[Arc<StateVector>]) -> Result<(), PublishError> {
        sleep(Duration::from_millis(10)).await;
        let undelivered = self.failures.borrow_mut().pop_front().unwrap_or_default();
        let delivered = states.iter().enumerate().filter(|(index, _)| !undelivered.contains(index));
        self.acknowledged.borrow_mut().extend(delivered.map(|(_, state)| state.last_contact.0));
        if undelivered.is_empty() { Ok(()) } else { Err(PublishError { undelivered, reason: "away".into() }) }
    }

    async fn publish_dead_letters(&self, _: &[DeadLetter]) -> Result<(), PublishError> {
        Ok(())
    }

    async fn publish_alerts(&self, alerts: &[Alert]) -> Result<(), PublishError> {
        sleep(Duration::from_millis(10)).await;
        let undelivered = self.alert_failures.borrow_mut().pop_front().unwrap_or_default();
        let delivered = alerts.iter().enumerate().filter(|(index, _)| !undelivered.contains(index));
        self.alerts.borrow_mut().extend(delivered.map(|(_, alert)| alert.since().0));
        if undelivered.is_empty() { Ok(()) } else { Err(PublishError { undelivered, reason: "away".into() }) }
    }
}

fn producer(publisher: &FakePublisher) -> actix::Addr<KafkaProducer<FakePublisher>> {
    let limits = BacklogLimits { bytes: 1 << 20, age: Duration::from_secs(600) };
    KafkaProducer::new(publisher.clone(), limits, Vitals::unlisted("kafka-producer"), Metrics::unregistered()).start()
}

fn states(times: impl IntoIterator<Item = i64>) -> PublishStates {
    let states = times.into_iter().map(|at| Arc::new(state("aaaaaa", at))).collect();
    PublishStates { states, alerts: Vec::new() }
}

fn alerts(times: impl IntoIterator<Item = i64>) -> PublishStates {
    let alert = |at| Alert { emergency: Emergency::General, state: Arc::new(state("aaaaaa", at)) };
    PublishStates { states: Vec::new(), alerts: times.into_iter().map(alert).collect() }
}

#[test]
fn alerts_are_published_until_each_is_acknowledged_and_hold_up_no_states() {
    run(async {
        let publisher = FakePublisher::default();
        // As if their topic might not be written to, for a while.
        publisher.alert_failures.borrow_mut().extend(vec![vec![0, 1, 2]; 20]);
        publisher.alert_failures.borrow_mut().push_back(vec![1]);
        let producer = producer(&publisher);
        producer.send(alerts(0..3)).await.unwrap();
        for at in 0..50 {
            producer.send(states(at..at + 1)).await.unwrap();
            sleep(Duration::from_millis(20)).await;
            assert_eq!(publisher.acknowledged.borrow().len() as i64, at + 1);
        }
        assert_eq!(publisher.alerts.borrow().len(), 0);
        sleep(Duration::from_secs(120)).await;
        assert_eq!(*publisher.alerts.borrow(), [0, 2, 1]);
    });
}

#[test]
fn a_drained_producer_brings_its_alerts_away_and_says_where_it_cannot() {
    run(async {
        let publisher = FakePublisher::default();
        let drained = producer(&publisher);
        drained.send(alerts(0..3)).await.unwrap();
        assert_eq!(drained.send(soon()).await.unwrap().left, 0);
        assert_eq!(*publisher.alerts.borrow(), [0, 1, 2]);

        publisher.alert_failures.borrow_mut().extend(vec![vec![0]; 100_000]);
        let stuck = producer(&publisher);
        stuck.send(alerts(3..4)).await.unwrap();
        assert_eq!(stuck.send(soon()).await.unwrap().left, 1);
    });
}

#[test]
fn the_producer_accepts_at_once_and_publishes_in_order() {
    run(async {
        let publisher = FakePublisher::default();
        let producer = producer(&publisher);
        assert_eq!(producer.send(states(0..3)).await.unwrap(), Accepted { held: 3, dropped: 0 });
        assert_eq!(producer.send(states(3..5)).await.unwrap(), Accepted { held: 5, dropped: 0 });
        assert_eq!(producer.send(soon()).await.unwrap().left, 0);
        assert_eq!(*publisher.acknowledged.borrow(), [0, 1, 2, 3, 4]);
    });
}

#[test]
fn what_was_not_acknowledged_is_tried_again_before_anything_younger() {
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
fn what_is_held_for_an_absent_broker_is_shown_and_what_had_no_room_is_counted() {
    run(async {
        let (publisher, metrics) = (FakePublisher::default(), Metrics::unregistered());
        publisher.failures.borrow_mut().extend(vec![(0..100).collect::<Vec<_>>(); 1_000]);
        // A state takes some hundred bytes.
        let limits = BacklogLimits { bytes: 20_000, age: Duration::from_secs(600) };
        let vitals = Vitals::unlisted("kafka-producer");
        let producer = KafkaProducer::new(publisher, limits, vitals.clone(), metrics.clone()).start();
        producer.send(states(0..1_000)).await.unwrap();
        sleep(Duration::from_secs(60)).await;
        let accepted = producer.send(states(1_000..1_001)).await.unwrap();
        assert!((10..200).contains(&accepted.held), "{accepted:?}");
        assert_eq!(accepted.held as u64 + accepted.dropped, 1_001);
        let observation = vitals.status().observation;
        assert_eq!(observation["held"], accepted.held);
        assert_eq!(observation["dropped"], accepted.dropped);
        assert!((10_000..=20_500).contains(&observation["held_bytes"].as_u64().unwrap()), "{observation}");
        assert_eq!(metrics.held.get(), accepted.held as i64);
        assert_eq!(metrics.held_bytes.get(), observation["held_bytes"].as_i64().unwrap());
        assert_eq!(metrics.dropped.get_or_create(&Kind { kind: "no_room" }).get(), accepted.dropped);
    });
}

#[test]
fn a_producer_without_a_broker_says_at_its_end_what_it_could_not_bring_away() {
    run(async {
        let publisher = FakePublisher::default();
        publisher.failures.borrow_mut().extend(vec![vec![0, 1]; 100_000]);
        let producer = producer(&publisher);
        producer.send(states(0..2)).await.unwrap();
        let before = Instant::now();
        assert_eq!(producer.send(soon()).await.unwrap().left, 2);
        assert!(before.elapsed() < Duration::from_secs(6), "{:?}", before.elapsed());
    });
}

fn hub(queue: QueueLimits) -> actix::Addr<SseHub> {
    let limits = HubLimits {
        clients: 3,
        clients_per_address: 2,
        queue,
        client_timeout: Duration::from_secs(30),
        aircraft_timeout: Duration::from_secs(300),
    };
    SseHub::new(limits, Vitals::unlisted("sse-hub"), Metrics::unregistered()).start()
}

const ROOMY: QueueLimits = QueueLimits { frames: 16, bytes: 1 << 20 };

fn address(last: u8) -> Join {
    let address = IpAddr::V4(Ipv4Addr::new(127, 0, 0, last));
    Join { address, encoding: Encoding::Identity, wanted: Wanted::Telemetry }
}

fn shown(states: impl IntoIterator<Item = StateVector>) -> ShowBatch {
    let states: Vec<_> = states.into_iter().map(Arc::new).collect();
    let part = PartitionBatch {
        partition: 0,
        expected: None,
        next_offset: 0,
        last_timestamp: 0,
        states,
        records: Vec::new(),
        dead_letters: Vec::new(),
        lost: 0,
    };
    ShowBatch(Arc::new(Batch { log: LogId { cluster: "c".into(), topic: "t".into() }, parts: vec![part] }))
}

/// The text of the next frame; `None` at the stream's end.
async fn next_text(frames: &mut QueueReceiver) -> Option<String> {
    let frame = frames.recv().await?;
    Some(String::from_utf8(frame.pieces().concat()).unwrap())
}

/// The states in the next frame, by `last_contact` relative to `now`.
async fn next_states(frames: &mut QueueReceiver, now: i64) -> Vec<i64> {
    let text = next_text(frames).await.unwrap();
    let events = text.split_terminator("\n\n").map(|event| event.strip_prefix("data: ").unwrap());
    events.map(|json| serde_json::from_str::<StateVector>(json).unwrap().last_contact.0 - now).collect()
}

#[test]
fn every_client_gets_every_newer_state_and_nothing_from_before() {
    run(async {
        let (hub, now) = (hub(ROOMY), UnixTime::now().0);
        hub.send(shown([state("aaaaaa", now)])).await.unwrap();
        let mut first = hub.send(address(1)).await.unwrap().unwrap().frames;
        let mut second = hub.send(address(1)).await.unwrap().unwrap().frames;
        hub.send(shown([state("aaaaaa", now), state("bbbbbb", now - 1), state("aaaaaa", now + 1)])).await.unwrap();
        for client in [&mut first, &mut second] {
            let ack = next_text(client).await.unwrap();
            assert!(ack.starts_with("data: {") && ack.ends_with("}\n\n"), "{ack:?}");
            assert_eq!(next_states(client, now).await, [-1, 1]);
        }
    });
}

#[test]
fn a_client_that_falls_behind_skips_to_the_newest_state_of_each_aircraft() {
    run(async {
        let (hub, now) = (hub(QueueLimits { frames: 3, bytes: 1 << 20 }), UnixTime::now().0);
        let mut slow = hub.send(address(1)).await.unwrap().unwrap().frames;
        for at in 1..=20 {
            hub.send(shown([state("aaaaaa", now + at), state("bbbbbb", now + at)])).await.unwrap();
        }
        slow.recv().await.unwrap();
        assert_eq!(next_states(&mut slow, now).await, [1, 1]);
        assert_eq!(next_states(&mut slow, now).await, [2, 2]);
        assert_eq!(next_states(&mut slow, now).await, [3, 3]);
        assert_eq!(next_states(&mut slow, now).await, [20, 20]);
        hub.send(shown([state("aaaaaa", now + 21)])).await.unwrap();
        assert_eq!(next_states(&mut slow, now).await, [21]);
    });
}

#[test]
fn a_client_that_takes_nothing_is_dropped_and_its_place_is_free() {
    run(async {
        let hub = hub(ROOMY);
        let _stuck = hub.send(address(1)).await.unwrap().unwrap();
        let mut reading = hub.send(address(1)).await.unwrap().unwrap().frames;
        assert!(matches!(hub.send(address(1)).await.unwrap(), Err(Full::Address)));
        let reader = tokio::task::spawn_local(async move { while reading.recv().await.is_some() {} });
        sleep(Duration::from_secs(40)).await;
        let again = hub.send(address(1)).await.unwrap();
        assert!(again.is_ok());
        assert!(!reader.is_finished(), "who reads stays");
    });
}

#[test]
fn places_are_limited_in_all_and_for_each_address() {
    run(async {
        let hub = hub(ROOMY);
        let _clients = [hub.send(address(1)).await.unwrap().unwrap(), hub.send(address(1)).await.unwrap().unwrap()];
        assert!(matches!(hub.send(address(1)).await.unwrap(), Err(Full::Address)));
        let third = hub.send(address(2)).await.unwrap().unwrap();
        assert!(matches!(hub.send(address(3)).await.unwrap(), Err(Full::Clients)));
        drop(third);
        sleep(Duration::from_secs(2)).await;
        assert!(hub.send(address(3)).await.unwrap().is_ok(), "who left makes room");
    });
}

#[test]
fn the_picture_has_the_newest_state_of_each_aircraft_in_the_scope() {
    run(async {
        let (hub, now) = (hub(ROOMY), UnixTime::now().0);
        hub.send(shown([state("aaaaaa", now - 5), state("bbbbbb", now - 400), state("aaaaaa", now - 3)]))
            .await
            .unwrap();
        let look = |scope, known| Look { scope, known };
        let view = hub.send(look(Scope::default(), None)).await.unwrap();
        let times: Vec<_> = view.states.unwrap().iter().map(|s| s.last_contact.0 - now).collect();
        assert_eq!(times, [-3], "bbbbbb was not heard for more than five minutes");
        let elsewhere = Scope { bounding_box: Some("0,0,1,1".parse().unwrap()), ..Scope::default() };
        assert!(hub.send(look(elsewhere, None)).await.unwrap().states.unwrap().is_empty());
        let unchanged = hub.send(look(Scope::default(), Some(view.version))).await.unwrap();
        assert_eq!((unchanged.version, unchanged.states), (view.version, None), "the client has it already");
        hub.send(shown([state("aaaaaa", now - 3)])).await.unwrap();
        assert_eq!(hub.send(look(Scope::default(), None)).await.unwrap().version, view.version, "nothing new came");
        hub.send(shown([state("aaaaaa", now - 2)])).await.unwrap();
        let changed = hub.send(look(Scope::default(), Some(view.version))).await.unwrap();
        assert!(changed.version != view.version && changed.states.is_some());
    });
}

#[test]
fn a_drained_hub_says_goodbye_and_takes_nobody_more() {
    run(async {
        let hub = hub(ROOMY);
        let mut client = hub.send(address(1)).await.unwrap().unwrap().frames;
        hub.send(soon()).await.unwrap();
        next_text(&mut client).await.unwrap();
        assert!(next_text(&mut client).await.unwrap().starts_with("retry: "));
        assert_eq!(next_text(&mut client).await, None);
        assert!(hub.send(address(1)).await.unwrap().is_err());
    });
}
