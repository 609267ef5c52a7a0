//! The actors of the server. To add an actor, add a row to [`ROSTER`] and a function that starts it. The rows of the
//! configured sinks and sources are added to it.

mod alerts;
mod side_consumers;
mod sink_consumer;

#[cfg(feature = "fault-injection")]
use std::collections::HashMap;
use std::sync::Arc;

use actix::{Actor, Addr, Context, Handler, Recipient};
use actors::db_writer::DbWriter;
use actors::detector::{SharedRules, TrackedAircraft};
use actors::enrichment::SharedFacts;
use actors::kafka_consumer::{KafkaConsumer, LiveRoute, Route, StoreRoute};
use actors::kafka_producer::{BacklogLimits, KafkaProducer};
use actors::merger::{MergeRules, MergedSource, Merger};
#[cfg(feature = "fault-injection")]
use actors::messages::InjectPanic;
use actors::messages::{Drain, SetPolling, TestEndpoint};
use actors::metrics::Metrics;
use actors::poller::{LedgerSettings, PolledSource, Poller};
use actors::sse_hub::{HubLimits, QueueLimits, SseHub};
use actors::supervision::{ActorName, ConfiguredName, Supervisor};
use anyhow::Context as _;

use self::alerts::{alerts_consumer, detector, notifier};
use self::side_consumers::{alert_history_consumer, polls_consumer};
use self::sink_consumer::sink_consumer;
use super::migrated_store::MigratedStore;
use super::notify::{self, ConfiguredEndpoint};
use super::source;
use crate::config::{Role, Settings};
use crate::http::Capacity;
use crate::kafka::{KafkaCluster, KafkaPublisher, KafkaSubscription, Membership};
use crate::sinks::{self, ConfiguredSink};
use crate::sources::{Connect, SourceInfo, Sources};
use crate::storage::Storage;

/// All fixed actors, in start order: receivers first, so that the addresses that an actor sends to already exist.
#[rustfmt::skip]
static ROSTER: [Row; 10] = [
    //  name                      runs for                       drained at             readiness              function
    row(ActorName::SseHub,        &[Role::Live],                 Stage::Serve,          Needed::Always,        sse_hub),
    row(ActorName::LiveConsumer,  &[Role::Live],                 Stage::ReadForServing, Needed::Always,        live_consumer),
    // The picture is complete without it.
    row(ActorName::AlertsConsumer, &[Role::Live],                 Stage::ReadForServing, Needed::Never,         alerts_consumer),
    // A storing process needs it too, to publish dead letters.
    row(ActorName::KafkaProducer, &[Role::Collect, Role::Store], Stage::Publish,        Needed::WithoutStream, kafka_producer),
    row(ActorName::DbWriter,      &[Role::Store],                Stage::Store,          Needed::WithoutStream, db_writer),
    row(ActorName::StoreConsumer, &[Role::Store],                Stage::ReadForStoring, Needed::WithoutStream, store_consumer),
    // The history is complete without it, so nothing waits for its readiness.
    row(ActorName::PollsConsumer, &[Role::Store],                Stage::ReadForStoring, Needed::Never,         polls_consumer),
    row(ActorName::AlertHistoryConsumer, &[Role::Store],         Stage::ReadForStoring, Needed::Never,         alert_history_consumer),
    row(ActorName::Detector,      &[Role::Detect],               Stage::Detect,         Needed::WithoutStream, detector),
    row(ActorName::Merger,        &[Role::Collect],              Stage::Merge,          Needed::WithoutStream, merger),
];

#[derive(Clone)]
struct Row {
    name: ActorName,
    /// The actor runs in a process with any of these roles.
    roles: &'static [Role],
    stage: Stage,
    needed: Needed,
    start: fn(&mut Wiring<'_>, ActorName) -> anyhow::Result<Handles>,
}

/// The stages of a shutdown, in order: source first, so that each actor passes on what it holds before the next one
/// stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Collect,
    Merge,
    Publish,
    Detect,
    ReadForStoring,
    Store,
    Notify,
    ReadForServing,
    Serve,
}

/// Whether `/health/ready` depends on an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needed {
    Always,
    /// Only if the process does not serve the live stream, whose clients do not need collecting and storing.
    WithoutStream,
    /// Like `WithoutStream`, but one actor of this kind suffices.
    AnyWithoutStream,
    Never,
}

const fn row(
    name: ActorName,
    roles: &'static [Role],
    stage: Stage,
    needed: Needed,
    start: fn(&mut Wiring<'_>, ActorName) -> anyhow::Result<Handles>,
) -> Row {
    Row { name, roles, stage, needed, start }
}

/// Returns the rows of a process that has these roles, sinks and sources.
fn rows(
    has: impl Fn(Role) -> bool,
    sinks: &ConfiguredSinks,
    sources: &Sources,
    endpoints: &[ConfiguredEndpoint],
) -> Vec<Row> {
    let pollers = sources.iter().map(|source| {
        let name = poller_name(source, sources);
        row(name, &[Role::Collect], Stage::Collect, Needed::AnyWithoutStream, poller)
    });
    let sinks = sinks.iter().filter_map(|sink| {
        let roles: &[Role] = match sink.role {
            Role::Archive => &[Role::Archive],
            _ => &[Role::Store],
        };
        Some(row(sink_actor(sink.name)?, roles, Stage::ReadForStoring, Needed::WithoutStream, sink_consumer))
    });
    // Nothing that this server's clients see depends on an endpoint.
    let notifier = |endpoint: &ConfiguredEndpoint| {
        row(ActorName::Notifier(endpoint.name.clone()), &[Role::Detect], Stage::Notify, Needed::Never, notifier)
    };
    let notifiers = endpoints.iter().map(notifier);
    ROSTER
        .iter()
        .cloned()
        .chain(sinks)
        .chain(pollers)
        .chain(notifiers)
        .filter(|row| row.roles.iter().any(|role| has(*role)))
        .collect()
}

type ConfiguredSinks = Vec<ConfiguredSink>;

/// Returns `poller` for the only source, and `poller-<source>` for one of several.
fn poller_name(source: &SourceInfo, sources: &Sources) -> ActorName {
    ActorName::Poller((sources.iter().count() > 1).then(|| source.name.clone()))
}

fn sink_actor(name: &str) -> Option<ActorName> {
    ConfiguredName::new(name).map(ActorName::Sink)
}

/// Returns the actors on which `/health/ready` depends in a process that serves the live stream, or does not. Of the
/// actors in a group, one suffices.
fn needed(rows: &[Row], streams: bool) -> Vec<Vec<ActorName>> {
    let name = |row: &Row| row.name.clone();
    let is_alternative = |row: &&Row| row.needed == Needed::AnyWithoutStream;
    let is_needed = |row: &&Row| row.needed == Needed::Always || (row.needed != Needed::Never && !streams);
    let needed: Vec<_> = rows.iter().filter(is_needed).collect();
    let alone = needed.iter().copied().filter(|row| !is_alternative(row)).map(|row| vec![name(row)]);
    let alternatives: Vec<_> = needed.iter().copied().filter(is_alternative).map(name).collect();
    alone.chain((!alternatives.is_empty()).then_some(alternatives)).collect()
}

/// The running actors of this process.
pub(super) struct Actors {
    pub(super) running: Vec<RunningActor>,
    /// The groups of actors that this server's clients need; one actor of each group suffices.
    pub(super) needed: Vec<Vec<ActorName>>,
    /// The names of the sinks that this process writes to.
    pub(super) sinks: Vec<&'static str>,
    /// The hub, if the process has the role `live`.
    pub(super) hub: Option<Addr<SseHub>>,
    /// The Pollers, if the process has the role `collect`.
    pub(super) polling: Vec<Recipient<SetPolling>>,
    /// The Notifiers, by the name of their endpoint, if the process has the role `detect`.
    pub(super) notifiers: Vec<(ConfiguredName, Recipient<TestEndpoint>)>,
}

pub(super) struct RunningActor {
    pub(super) name: ActorName,
    pub(super) stage: Stage,
    pub(super) handles: Handles,
}

/// The recipients of messages that every actor handles.
pub(super) struct Handles {
    pub(super) drain: Recipient<Drain>,
    #[cfg(feature = "fault-injection")]
    pub(super) panic: Recipient<InjectPanic>,
}

/// Everything needed to create the actors.
pub(super) struct Foundation<'a> {
    pub(super) settings: &'a Settings,
    pub(super) sources: &'a Sources,
    /// The function that connects to each source, until its Poller has taken it.
    pub(super) connects: Vec<Option<Connect>>,
    pub(super) supervisor: &'a Supervisor,
    pub(super) capacity: Capacity,
    pub(super) metrics: Metrics,
    pub(super) cluster: KafkaCluster,
    /// The database, if the process stores into it or serves the history that another process stores.
    pub(super) storage: Option<Storage>,
    /// What is known about aircraft.
    pub(super) facts: SharedFacts,
    pub(super) rules: SharedRules,
}

impl Actors {
    /// Starts the actors that the configured roles need.
    pub(super) fn start(foundation: Foundation<'_>) -> anyhow::Result<Self> {
        let roles = &foundation.settings.server.roles;
        let has = |role| roles.has(role);
        let sinks: ConfiguredSinks = sinks::configured(foundation.settings, &foundation.cluster).collect();
        let tracked = TrackedAircraft::default();
        let endpoints = if has(Role::Detect) { notify::open(foundation.settings, &tracked)? } else { Vec::new() };
        let rows = rows(has, &sinks, foundation.sources, &endpoints);
        let needed = needed(&rows, has(Role::Live));
        let mut wiring = Wiring {
            foundation,
            sinks,
            endpoints,
            tracked,
            notifiers: Vec::new(),
            hub: None,
            producer: None,
            merger: None,
            db_writer: None,
            process: format!("{:016x}", rand::random::<u64>()).into(),
            polling: Vec::new(),
        };
        let mut running = Vec::new();
        for Row { name, stage, start, .. } in rows {
            let handles = start(&mut wiring, name.clone()).with_context(|| name.to_string())?;
            running.push(RunningActor { name, stage, handles });
        }
        let sinks = wiring.sinks.iter().filter(|sink| has(sink.role)).map(|sink| sink.name).collect();
        let Wiring { hub, polling, notifiers, .. } = wiring;
        Ok(Self { running, needed, sinks, hub, polling, notifiers })
    }

    /// Returns the recipients of an injected panic, by actor.
    #[cfg(feature = "fault-injection")]
    pub(super) fn panics(&self) -> HashMap<ActorName, Recipient<InjectPanic>> {
        self.running.iter().map(|actor| (actor.name.clone(), actor.handles.panic.clone())).collect()
    }
}

type Producer = KafkaProducer<KafkaPublisher>;

/// The foundation, the configured sinks, and the addresses of the actors started so far.
struct Wiring<'a> {
    foundation: Foundation<'a>,
    sinks: ConfiguredSinks,
    /// The endpoints of notifications whose Notifiers have not started yet.
    endpoints: Vec<ConfiguredEndpoint>,
    /// Where the aircraft with an active alert are.
    tracked: TrackedAircraft,
    notifiers: Vec<(ConfiguredName, Recipient<TestEndpoint>)>,
    hub: Option<Addr<SseHub>>,
    producer: Option<Addr<Producer>>,
    merger: Option<Addr<Merger>>,
    db_writer: Option<Addr<DbWriter<MigratedStore>>>,
    /// Identifies this process in the records of its polls.
    process: Arc<str>,
    polling: Vec<Recipient<SetPolling>>,
}

/// Returns the address of an actor that has already started, or the database.
fn required<T: Clone>(provided: &Option<T>) -> anyhow::Result<T> {
    provided.clone().context("what it sends to has not started: list that actor above it in the roster")
}

/// The limits of a stream client's queue. For `/sse/flights` it holds a poll of the whole world and some more updates.
/// The bytes are shared among the clients, and `/api/v1/stream` queues no more bytes than a snapshot has.
const CLIENT_QUEUE: QueueLimits = QueueLimits { frames: 64, bytes: 8 << 20 };

fn sse_hub(wiring: &mut Wiring<'_>, name: ActorName) -> anyhow::Result<Handles> {
    let Foundation { settings, sources, supervisor, capacity, metrics, .. } = &wiring.foundation;
    let (sse, metrics) = (&settings.sse, metrics.clone());
    let limits = HubLimits {
        clients: capacity.clients,
        clients_per_address: sse.max_clients_per_address,
        queue: CLIENT_QUEUE,
        client_timeout: sse.client_timeout,
        aircraft_timeout: source::aircraft_timeout(settings, sources),
    };
    let hub = supervisor.start(name, move |vitals| SseHub::new(limits, vitals, metrics));
    wiring.hub = Some(hub.clone());
    Ok(hub.into())
}

fn live_consumer(wiring: &mut Wiring<'_>, name: ActorName) -> anyhow::Result<Handles> {
    let window = source::live_window(wiring.foundation.settings, wiring.foundation.sources);
    let route = LiveRoute { hub: required(&wiring.hub)?.recipient(), window };
    Ok(consumer(&wiring.foundation, name, Membership::Everything, route))
}

fn kafka_producer(wiring: &mut Wiring<'_>, name: ActorName) -> anyhow::Result<Handles> {
    let Foundation { settings, supervisor, metrics, cluster, .. } = &wiring.foundation;
    let (cluster, metrics, kafka) = (cluster.clone(), metrics.clone(), &settings.kafka);
    let limits = BacklogLimits { bytes: kafka.max_held.0, age: kafka.max_held_age };
    let producer =
        supervisor.start(name, move |vitals| KafkaProducer::new(KafkaPublisher::new(cluster), limits, vitals, metrics));
    wiring.producer = Some(producer.clone());
    Ok(producer.into())
}

fn db_writer(wiring: &mut Wiring<'_>, name: ActorName) -> anyhow::Result<Handles> {
    let Foundation { supervisor, metrics, storage, .. } = &wiring.foundation;
    let (storage, metrics) = (required(storage)?, metrics.clone());
    let db_writer = supervisor.start(name, move |vitals| DbWriter::new(MigratedStore::new(storage), vitals, metrics));
    wiring.db_writer = Some(db_writer.clone());
    Ok(db_writer.into())
}

fn store_consumer(wiring: &mut Wiring<'_>, name: ActorName) -> anyhow::Result<Handles> {
    let (db_writer, producer) = (required(&wiring.db_writer)?, required(&wiring.producer)?);
    let embedded = wiring.foundation.cluster.is_embedded();
    let route = store_route("store", db_writer, producer, embedded);
    // With an embedded broker there are no other group members to share the partitions with.
    let membership = if embedded { Membership::Everything } else { Membership::STORE };
    Ok(consumer(&wiring.foundation, name, membership, route))
}

fn store_route(
    name: &'static str,
    db_writer: Addr<DbWriter<MigratedStore>>,
    producer: Addr<Producer>,
    volatile: bool,
) -> StoreRoute {
    StoreRoute {
        positions: db_writer.clone().recipient(),
        db_writer: db_writer.recipient(),
        dead_letters: producer.recipient(),
        name,
        volatile,
    }
}

fn consumer(foundation: &Foundation<'_>, name: ActorName, membership: Membership, route: impl Route) -> Handles {
    let (cluster, metrics) = (foundation.cluster.clone(), foundation.metrics.clone());
    let consumer = foundation.supervisor.start(name, move |vitals| {
        KafkaConsumer::new(KafkaSubscription::new(cluster, membership), route, vitals, metrics)
    });
    consumer.into()
}

fn merger(wiring: &mut Wiring<'_>, name: ActorName) -> anyhow::Result<Handles> {
    let Foundation { settings, sources, supervisor, metrics, .. } = &wiring.foundation;
    let sources = sources.iter().map(|source| MergedSource { name: source.name.clone(), priority: source.priority });
    let rules = MergeRules { sources: sources.collect(), handover: settings.merge.handover };
    let (producer, metrics) = (required(&wiring.producer)?.recipient(), metrics.clone());
    let merger = supervisor.start(name, move |vitals| Merger::new(rules, producer, vitals, metrics));
    wiring.merger = Some(merger.clone());
    Ok(merger.into())
}

fn poller(wiring: &mut Wiring<'_>, name: ActorName) -> anyhow::Result<Handles> {
    let Foundation { supervisor, metrics, sources, connects, .. } = &mut wiring.foundation;
    let found = sources.iter().enumerate().find(|(_, source)| poller_name(source, sources) == name);
    let (index, source) = found.context("no source has this name")?;
    let connect = connects.get_mut(index).and_then(Option::take).context("the source has a Poller already")?;
    let ledger = LedgerSettings {
        producer: required(&wiring.producer)?.recipient(),
        process: wiring.process.clone(),
        kind: source.kind.to_owned(),
        area: source.area.map(|area| area.to_string()),
    };
    let (merger, metrics, source) = (required(&wiring.merger)?.recipient(), metrics.clone(), source.name.clone());
    let poller = supervisor.start_with_policy(Poller::RESTARTS, name, move |vitals| {
        let source = PolledSource { name: source, index, source: connect() };
        Poller::new(source, merger, ledger, vitals, &metrics)
    });
    wiring.polling.push(poller.clone().recipient());
    Ok(poller.into())
}

impl<A: Managed> From<Addr<A>> for Handles {
    fn from(actor: Addr<A>) -> Self {
        Self {
            #[cfg(feature = "fault-injection")]
            panic: actor.clone().recipient(),
            drain: actor.recipient(),
        }
    }
}

/// An actor that can be drained and, in builds with `fault-injection`, made to panic.
#[cfg(feature = "fault-injection")]
trait Managed: Actor<Context = Context<Self>> + Handler<Drain> + Handler<InjectPanic> {}
#[cfg(feature = "fault-injection")]
impl<A: Actor<Context = Context<A>> + Handler<Drain> + Handler<InjectPanic>> Managed for A {}

/// An actor that can be drained.
#[cfg(not(feature = "fault-injection"))]
trait Managed: Actor<Context = Context<Self>> + Handler<Drain> {}
#[cfg(not(feature = "fault-injection"))]
impl<A: Actor<Context = Context<A>> + Handler<Drain>> Managed for A {}

#[cfg(test)]
mod tests;
