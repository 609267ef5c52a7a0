use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use actix::{Actor, Context, Handler};
use actors::domain::{PollOutcome, PollRecord, Snapshot, UnixTime};
use actors::merger::{MergeRules, MergedSource, Merger};
use actors::messages::{Accepted, Polling, PublishPolls, PublishStates, SetPolling};
use actors::metrics::{Metrics, SourceLabels};
use actors::poller::{LedgerSettings, PolledSource, Poller};
use actors::ports::{Cadence, CadenceReason, Fetched, SourceError, StateSource};
use actors::supervision::{
    ActorName, ConfiguredName, Observation, Phase, PollerObservation, Readiness, SourceState, Vitals,
};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use tokio::time::{Instant, sleep};

use super::{drain_soon, run, state};

/// A source that gives scripted responses, followed by empty ones.
#[derive(Clone)]
struct FakeSource {
    responses: Rc<RefCell<VecDeque<Result<Fetched, SourceError>>>>,
    polls: Rc<RefCell<Vec<Instant>>>,
    cadence: Cadence,
}

impl FakeSource {
    fn every(seconds: u64) -> Self {
        let (pause, resolution) = (Duration::from_secs(seconds), Duration::from_secs(5));
        let cadence = Cadence { pause, reason: CadenceReason::Interval, resolution };
        Self { responses: Rc::default(), polls: Rc::default(), cadence }
    }
}

impl Default for FakeSource {
    fn default() -> Self {
        Self::every(10)
    }
}

impl StateSource for FakeSource {
    fn fetch(&self) -> LocalBoxFuture<'_, Result<Fetched, SourceError>> {
        async {
            self.polls.borrow_mut().push(Instant::now());
            sleep(Duration::from_millis(100)).await;
            self.responses.borrow_mut().pop_front().unwrap_or_else(|| Ok(Fetched::default()))
        }
        .boxed_local()
    }

    fn max_fetch_time(&self) -> Duration {
        Duration::from_secs(60)
    }

    fn cadence(&self) -> Cadence {
        self.cadence
    }
}

fn response(states: &[(&str, i64)]) -> Result<Fetched, SourceError> {
    let newest = states.iter().map(|(_, at)| *at).max().unwrap_or_default();
    let states = states.iter().map(|(icao24, at)| state(icao24, *at)).collect();
    let snapshot = Snapshot { time: UnixTime(100 + newest), states, ..Snapshot::default() };
    Ok(Fetched { snapshot, credits_left: Some(4000), ..Fetched::default() })
}

/// Records what it receives: states and records of polls.
#[derive(Clone, Default)]
struct FakeProducer(Rc<RefCell<Vec<(String, i64)>>>, Rc<RefCell<Vec<PollRecord>>>);

impl Actor for FakeProducer {
    type Context = Context<Self>;
}

impl Handler<PublishStates> for FakeProducer {
    type Result = Accepted;

    fn handle(&mut self, PublishStates { states }: PublishStates, _: &mut Self::Context) -> Accepted {
        self.0.borrow_mut().extend(states.iter().map(|s| (s.icao24.to_string(), s.last_contact.0)));
        Accepted { held: 0, dropped: 0 }
    }
}

impl Handler<PublishPolls> for FakeProducer {
    type Result = ();

    fn handle(&mut self, PublishPolls(polls): PublishPolls, _: &mut Self::Context) {
        self.1.borrow_mut().extend(polls);
    }
}

fn poller(source: &FakeSource, producer: &FakeProducer, vitals: &Vitals) -> actix::Addr<Poller> {
    poller_of(source.clone(), producer, vitals, &Metrics::unregistered())
}

/// Starts a Poller of this source, and a Merger between it and the producer.
fn poller_of(
    source: impl StateSource,
    producer: &FakeProducer,
    vitals: &Vitals,
    metrics: &Metrics,
) -> actix::Addr<Poller> {
    let name = ConfiguredName::new("opensky").unwrap();
    let sources = vec![MergedSource { name: name.clone(), priority: 0 }];
    let rules = MergeRules { sources, handover: Duration::from_secs(10) };
    let producer = producer.clone().start();
    let ledger = LedgerSettings {
        producer: producer.clone().recipient(),
        process: "a".into(),
        kind: "opensky".into(),
        area: Some("45.8,5.9,47.9,10.6".into()),
    };
    let merger =
        Merger::new(rules, producer.recipient(), Vitals::unregistered(ActorName::Merger), metrics.clone()).start();
    let source = PolledSource { name, index: 0, source: Rc::new(source) };
    Poller::new(source, merger.recipient(), ledger, vitals.clone(), metrics).start()
}

fn observed(vitals: &Vitals) -> PollerObservation {
    let Observation::Poller(observed) = vitals.status().observation else { panic!("no observation") };
    observed
}

#[test]
fn the_poller_publishes_only_changed_states() {
    run(async {
        let (source, producer, vitals) =
            (FakeSource::default(), FakeProducer::default(), Vitals::unregistered(ActorName::POLLER));
        source.responses.borrow_mut().extend([
            response(&[("aaaaaa", 10), ("bbbbbb", 10)]),
            response(&[("aaaaaa", 10), ("bbbbbb", 12)]),
            response(&[("bbbbbb", 11), ("cccccc", 1)]),
        ]);
        let _poller = poller(&source, &producer, &vitals);
        sleep(Duration::from_secs(25)).await;
        let expected = [("aaaaaa", 10), ("bbbbbb", 10), ("bbbbbb", 12), ("cccccc", 1)].map(|(a, t)| (a.to_owned(), t));
        assert_eq!(*producer.0.borrow(), expected);
        assert_eq!(vitals.status().readiness, Readiness::Ready);
    });
}

#[test]
fn the_last_response_and_the_poll_interval_are_metrics() {
    run(async {
        let (source, metrics) = (FakeSource::every(864), Metrics::unregistered());
        source.responses.borrow_mut().extend([Err(SourceError::Unavailable("connection refused".into()))]);
        let labels = SourceLabels { source: "opensky".to_owned() };
        let last_answer = metrics.last_answer.get_or_create(&labels).clone();
        let poll_interval = metrics.poll_interval.get_or_create(&labels).clone();
        let vitals = Vitals::unregistered(ActorName::POLLER);
        assert_eq!(last_answer.get(), 0, "polling has not started");
        let _poller = poller_of(source, &FakeProducer::default(), &vitals, &metrics);
        sleep(Duration::from_millis(500)).await;
        // The start counts as a response, so the age of the last response is measured from there.
        assert!(last_answer.get() > 1_700_000_000);
        assert_eq!((poll_interval.get(), vitals.status().phase), (0.0, Phase::BackingOff));
        last_answer.set(1);
        sleep(Duration::from_secs(300)).await;
        assert!(last_answer.get() > 1_700_000_000);
        assert_eq!(poll_interval.get(), 864.0);
    });
}

/// A source that never responds, despite its `max_fetch_time`.
struct HangingSource;

impl StateSource for HangingSource {
    fn fetch(&self) -> LocalBoxFuture<'_, Result<Fetched, SourceError>> {
        std::future::pending().boxed_local()
    }

    fn max_fetch_time(&self) -> Duration {
        Duration::from_secs(400)
    }

    fn cadence(&self) -> Cadence {
        FakeSource::default().cadence
    }
}

#[test]
fn a_poll_that_exceeds_the_maximum_fetch_time_is_a_stall() {
    run(async {
        let vitals = Vitals::unregistered(ActorName::POLLER);
        let _poller = poller_of(HangingSource, &FakeProducer::default(), &vitals, &Metrics::unregistered());
        sleep(Duration::from_secs(401)).await;
        assert_eq!(vitals.status().phase, Phase::Running);
        sleep(Duration::from_secs(60)).await;
        assert_eq!(vitals.status().phase, Phase::Stalled);
    });
}

#[test]
fn the_poller_obeys_a_rate_limit_and_reports_it() {
    run(async {
        let (source, producer, vitals) =
            (FakeSource::default(), FakeProducer::default(), Vitals::unregistered(ActorName::POLLER));
        source
            .responses
            .borrow_mut()
            .push_back(Err(SourceError::RateLimited { retry_after: Some(Duration::from_secs(3600)) }));
        let _poller = poller(&source, &producer, &vitals);
        sleep(Duration::from_secs(3599)).await;
        assert_eq!(source.polls.borrow().len(), 1);
        assert_eq!((vitals.status().phase, observed(&vitals).source), (Phase::BackingOff, SourceState::RateLimited));
        sleep(Duration::from_secs(10)).await;
        assert_eq!(source.polls.borrow().len(), 2);
        assert_eq!(vitals.status().phase, Phase::Running);
    });
}

#[test]
fn the_poller_survives_every_failure_of_its_source() {
    run(async {
        let (source, producer, vitals) =
            (FakeSource::default(), FakeProducer::default(), Vitals::unregistered(ActorName::POLLER));
        source.responses.borrow_mut().extend([
            Err(SourceError::Unavailable("503".into())),
            Err(SourceError::Malformed("HTML".into())),
            Err(SourceError::Refused("credentials".into())),
            response(&[("aaaaaa", 10)]),
        ]);
        let _poller = poller(&source, &producer, &vitals);
        sleep(Duration::from_secs(3 * 3600)).await;
        assert_eq!(producer.0.borrow().len(), 1);
    });
}

#[test]
fn a_paused_poller_does_not_poll_and_a_resumed_one_keeps_its_schedule() {
    run(async {
        let (source, producer, vitals) =
            (FakeSource::default(), FakeProducer::default(), Vitals::unregistered(ActorName::POLLER));
        source.responses.borrow_mut().push_back(response(&[("aaaaaa", 10)]));
        let poller = poller(&source, &producer, &vitals);
        let polls = || source.polls.borrow().len();
        // The first poll is still in flight. Its response is used anyway.
        sleep(Duration::from_millis(50)).await;
        poller.send(SetPolling(Polling::Paused)).await.unwrap();
        sleep(Duration::from_secs(1)).await;
        assert_eq!((polls(), producer.0.borrow().len(), vitals.status().phase), (1, 1, Phase::Paused));
        for polling in [Polling::Active, Polling::Paused, Polling::Paused, Polling::Active, Polling::Active] {
            poller.send(SetPolling(polling)).await.unwrap();
        }
        assert_eq!(vitals.status().phase, Phase::Running);
        sleep(Duration::from_secs(8)).await;
        assert_eq!(polls(), 1, "the interval is not over");
        sleep(Duration::from_secs(2)).await;
        assert_eq!(polls(), 2);

        poller.send(SetPolling(Polling::Paused)).await.unwrap();
        sleep(Duration::from_secs(3600)).await;
        assert_eq!((polls(), vitals.status().phase), (2, Phase::Paused), "a pause is not a stall");
        assert_eq!(observed(&vitals).next_poll_at, None);
        poller.send(SetPolling(Polling::Active)).await.unwrap();
        sleep(Duration::from_millis(150)).await;
        assert_eq!((polls(), vitals.status().phase), (3, Phase::Running));
        sleep(Duration::from_secs(21)).await;
        assert_eq!(polls(), 5, "one poll per interval, as before");
    });
}

#[test]
fn a_drained_poller_does_not_poll() {
    run(async {
        let (source, producer, vitals) =
            (FakeSource::default(), FakeProducer::default(), Vitals::unregistered(ActorName::POLLER));
        let poller = poller(&source, &producer, &vitals);
        sleep(Duration::from_millis(50)).await;
        assert_eq!(poller.send(drain_soon()).await.unwrap().left, 0);
        sleep(Duration::from_secs(100)).await;
        assert_eq!(source.polls.borrow().len(), 1, "the poll in flight was abandoned, and none followed");
    });
}

#[test]
fn each_poll_is_recorded_with_its_outcome() {
    run(async {
        use PollOutcome::{Live, Malformed, Quiet, RateLimited, Refused, Unavailable};
        let (source, producer, vitals) =
            (FakeSource::default(), FakeProducer::default(), Vitals::unregistered(ActorName::POLLER));
        let quiet = Fetched { snapshot: Snapshot { time: UnixTime(99), ..Snapshot::default() }, ..Fetched::default() };
        source.responses.borrow_mut().extend([
            response(&[("aaaaaa", 10), ("bbbbbb", 10)]),
            Err(SourceError::RateLimited { retry_after: Some(Duration::from_secs(3600)) }),
            Err(SourceError::Refused("credentials".into())),
            Err(SourceError::Unavailable("503".into())),
            Err(SourceError::Malformed("HTML".into())),
            Ok(quiet),
        ]);
        let poller = poller(&source, &producer, &vitals);
        while source.polls.borrow().len() < 7 {
            sleep(Duration::from_secs(1)).await;
        }
        poller.send(drain_soon()).await.unwrap();
        let records = producer.1.borrow();
        let outcomes: Vec<_> = records.iter().take(6).map(|record| record.outcome).collect();
        assert_eq!(outcomes, [Live, RateLimited, Refused, Unavailable, Malformed, Quiet]);
        let live = &records[0];
        assert_eq!((live.polls, live.states, live.changed, live.credits_left), (1, 2, 2, Some(4000)));
        assert!((0.1..0.11).contains(&live.seconds) && live.interval == 10.0, "{live:?}");
        assert_eq!((live.source.as_str(), live.kind.as_str(), live.process.as_str()), ("opensky", "opensky", "a"));
        assert_eq!(live.area.as_deref(), Some("45.8,5.9,47.9,10.6"));
        // Only tokio's clock is paused.
        let planned = |record: &PollRecord| (record.next_poll_at.unwrap().0 - record.ended.0 + 500).div_euclid(1_000);
        assert_eq!(records.iter().take(3).map(planned).collect::<Vec<_>>(), [10, 3_600, 60 * 2]);
        let keys: std::collections::BTreeSet<_> = records.iter().map(|record| record.started).collect();
        assert_eq!(keys.len(), records.len(), "each record has its own key");
    });
}

#[test]
fn frequent_polls_share_a_record_that_a_drain_completes() {
    run(async {
        let (source, producer, vitals) =
            (FakeSource::every(1), FakeProducer::default(), Vitals::unregistered(ActorName::POLLER));
        let poller = poller(&source, &producer, &vitals);
        sleep(Duration::from_millis(2_900)).await;
        poller.send(drain_soon()).await.unwrap();
        let records: Vec<_> = producer.1.borrow().iter().map(|record| record.polls).collect();
        assert_eq!((records, source.polls.borrow().len()), (vec![1, 2], 3));
    });
}

#[test]
fn a_pause_is_recorded_each_minute() {
    run(async {
        let (source, producer, vitals) =
            (FakeSource::default(), FakeProducer::default(), Vitals::unregistered(ActorName::POLLER));
        let poller = poller(&source, &producer, &vitals);
        sleep(Duration::from_secs(1)).await;
        poller.send(SetPolling(Polling::Paused)).await.unwrap();
        sleep(Duration::from_secs(150)).await;
        poller.send(SetPolling(Polling::Active)).await.unwrap();
        sleep(Duration::from_secs(120)).await;
        let records = producer.1.borrow();
        let pauses: Vec<_> = records.iter().filter(|record| record.outcome == PollOutcome::Paused).collect();
        assert_eq!(pauses.len(), 3);
        assert!(pauses.iter().all(|pause| pause.polls == 0));
        assert_eq!(records.len() - 3, source.polls.borrow().len());
    });
}
