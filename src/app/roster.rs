//! The actors of the server. To add an actor, add a row to [`ROSTER`] and a function that starts it. The rows of the
//! configured sinks are added to it.

#[cfg(feature = "fault-injection")]
use std::collections::HashMap;

use actix::{Actor, Addr, Context, Handler, Recipient};
use actors::db_writer::DbWriter;
use actors::kafka_consumer::{KafkaConsumer, LiveRoute, Route, SinkRoute, StoreRoute};
use actors::kafka_producer::{BacklogLimits, KafkaProducer};
#[cfg(feature = "fault-injection")]
use actors::messages::InjectPanic;
use actors::messages::{Drain, SetPolling};
use actors::metrics::Metrics;
use actors::poller::Poller;
use actors::sse_hub::{HubLimits, QueueLimits, SseHub};
use actors::supervision::{ActorName, ConfiguredName, Supervisor};
use anyhow::Context as _;

use super::migrated_store::MigratedStore;
use super::source;
use crate::config::{Role, Settings};
use crate::http::Capacity;
use crate::kafka::{KafkaCluster, KafkaPublisher, KafkaSubscription, Membership};
use crate::sinks::{self, ConfiguredSink};
use crate::sources::{Connect, SourceInfo};
use crate::storage::Storage;

/// All fixed actors, in start order: receivers first, so that the addresses that an actor sends to already exist.
#[rustfmt::skip]
static ROSTER: [Row; 6] = [
    //  name                      runs for                       drained at             readiness              function
    row(ActorName::SseHub,        &[Role::Live],                 Stage::Serve,          Needed::Always,        sse_hub),
    row(ActorName::LiveConsumer,  &[Role::Live],                 Stage::ReadForServing, Needed::Always,        live_consumer),
    // A storing process needs it too, to publish dead letters.
    row(ActorName::KafkaProducer, &[Role::Collect, Role::Store], Stage::Publish,        Needed::WithoutStream, kafka_producer),
    row(ActorName::DbWriter,      &[Role::Store],                Stage::Store,          Needed::WithoutStream, db_writer),
    row(ActorName::StoreConsumer, &[Role::Store],                Stage::ReadForStoring, Needed::WithoutStream, store_consumer),
    row(ActorName::POLLER,        &[Role::Collect],              Stage::Collect,        Needed::WithoutStream, poller),
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
    Publish,
    ReadForStoring,
    Store,
    ReadForServing,
    Serve,
}

/// Whether `/health/ready` depends on an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needed {
    Always,
    /// Only if the process does not serve the live stream, whose clients do not need collecting and storing.
    WithoutStream,
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

/// Returns the rows of a process that has these roles and sinks.
fn rows(has: impl Fn(Role) -> bool, sinks: &Sinks) -> Vec<Row> {
    let sinks = sinks.iter().filter_map(|sink| {
        let roles: &[Role] = match sink.role {
            Role::Archive => &[Role::Archive],
            _ => &[Role::Store],
        };
        Some(row(sink_actor(sink.name)?, roles, Stage::ReadForStoring, Needed::WithoutStream, sink_consumer))
    });
    ROSTER.iter().cloned().chain(sinks).filter(|row| row.roles.iter().any(|role| has(*role))).collect()
}

type Sinks = Vec<ConfiguredSink>;

fn sink_actor(name: &str) -> Option<ActorName> {
    ConfiguredName::new(name).map(ActorName::Sink)
}

impl Row {
    /// Returns whether `/health/ready` depends on the actor in a process that serves the live stream, or does not.
    fn is_needed(&self, streams: bool) -> bool {
        self.needed == Needed::Always || !streams
    }
}

/// The running actors of this process.
pub(super) struct Actors {
    pub(super) running: Vec<RunningActor>,
    /// The names of the actors that this server's clients need.
    pub(super) needed: Vec<ActorName>,
    /// The hub, if the process has the role `live`.
    pub(super) hub: Option<Addr<SseHub>>,
    /// The Poller, if the process has the role `collect`.
    pub(super) polling: Option<Recipient<SetPolling>>,
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
    pub(super) source: &'a SourceInfo,
    /// Connects to the source. `None` once the Poller has taken it.
    pub(super) connect: Option<Connect>,
    pub(super) supervisor: &'a Supervisor,
    pub(super) capacity: Capacity,
    pub(super) metrics: Metrics,
    pub(super) cluster: KafkaCluster,
    /// The database, if the process stores into it or serves the history that another process stores.
    pub(super) storage: Option<Storage>,
}

impl Actors {
    /// Starts the actors that the configured roles need.
    pub(super) fn start(foundation: Foundation<'_>) -> anyhow::Result<Self> {
        let roles = &foundation.settings.server.roles;
        let has = |role| roles.has(role);
        let sinks: Sinks = sinks::configured(foundation.settings).collect();
        let rows = rows(has, &sinks);
        let needed = rows.iter().filter(|row| row.is_needed(has(Role::Live))).map(|row| row.name.clone()).collect();
        let mut wiring = Wiring { foundation, sinks, hub: None, producer: None, db_writer: None, polling: None };
        let mut running = Vec::new();
        for Row { name, stage, start, .. } in rows {
            let handles = start(&mut wiring, name.clone()).with_context(|| name.to_string())?;
            running.push(RunningActor { name, stage, handles });
        }
        Ok(Self { running, needed, hub: wiring.hub, polling: wiring.polling })
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
    sinks: Sinks,
    hub: Option<Addr<SseHub>>,
    producer: Option<Addr<Producer>>,
    db_writer: Option<Addr<DbWriter<MigratedStore>>>,
    polling: Option<Recipient<SetPolling>>,
}

/// Returns the address of an actor that has already started, or the database.
fn required<T: Clone>(provided: &Option<T>) -> anyhow::Result<T> {
    provided.clone().context("what it sends to has not started: list that actor above it in the roster")
}

/// The limits of a stream client's queue. For `/sse/flights` it holds a poll of the whole world and some more updates.
/// The bytes are shared among the clients, and `/api/v1/stream` queues no more bytes than a snapshot has.
const CLIENT_QUEUE: QueueLimits = QueueLimits { frames: 64, bytes: 8 << 20 };

fn sse_hub(wiring: &mut Wiring<'_>, name: ActorName) -> anyhow::Result<Handles> {
    let Foundation { settings, source, supervisor, capacity, metrics, .. } = &wiring.foundation;
    let (sse, metrics) = (&settings.sse, metrics.clone());
    let limits = HubLimits {
        clients: capacity.clients,
        clients_per_address: sse.max_clients_per_address,
        queue: CLIENT_QUEUE,
        client_timeout: sse.client_timeout,
        aircraft_timeout: source::aircraft_timeout(settings, source),
    };
    let hub = supervisor.start(name, move |vitals| SseHub::new(limits, vitals, metrics));
    wiring.hub = Some(hub.clone());
    Ok(hub.into())
}

fn live_consumer(wiring: &mut Wiring<'_>, name: ActorName) -> anyhow::Result<Handles> {
    let window = source::live_window(wiring.foundation.settings, wiring.foundation.source);
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
    let route = StoreRoute {
        positions: db_writer.clone().recipient(),
        db_writer: db_writer.recipient(),
        dead_letters: producer.recipient(),
        volatile: embedded,
    };
    // With an embedded broker there are no other group members to share the partitions with.
    let membership = if embedded { Membership::Everything } else { Membership::STORE };
    Ok(consumer(&wiring.foundation, name, membership, route))
}

fn sink_consumer(wiring: &mut Wiring<'_>, actor: ActorName) -> anyhow::Result<Handles> {
    let of_this_actor = |sink: &&ConfiguredSink| sink_actor(sink.name).as_ref() == Some(&actor);
    let configured = wiring.sinks.iter().find(of_this_actor).cloned().context("no configured sink has this name")?;
    let ConfiguredSink { name, sink, shares_partitions, .. } = configured;
    let embedded = wiring.foundation.cluster.is_embedded();
    let membership =
        if shares_partitions && !embedded { Membership::Group { suffix: "-archive" } } else { Membership::Everything };
    let route = SinkRoute { name, sink, volatile: embedded };
    Ok(consumer(&wiring.foundation, actor, membership, route))
}

fn consumer(foundation: &Foundation<'_>, name: ActorName, membership: Membership, route: impl Route) -> Handles {
    let (cluster, metrics) = (foundation.cluster.clone(), foundation.metrics.clone());
    let consumer = foundation.supervisor.start(name, move |vitals| {
        KafkaConsumer::new(KafkaSubscription::new(cluster, membership), route, vitals, metrics)
    });
    consumer.into()
}

fn poller(wiring: &mut Wiring<'_>, name: ActorName) -> anyhow::Result<Handles> {
    let connect = wiring.foundation.connect.take().context("the source has a Poller already")?;
    let Foundation { supervisor, metrics, .. } = &wiring.foundation;
    let (producer, metrics) = (required(&wiring.producer)?.recipient(), metrics.clone());
    let poller = supervisor
        .start_with_policy(Poller::RESTARTS, name, move |vitals| Poller::new(connect(), producer, vitals, metrics));
    wiring.polling = Some(poller.clone().recipient());
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
mod tests {
    use super::*;

    #[test]
    fn shutdown_follows_the_data_from_the_source() {
        let mut rows: Vec<_> = ROSTER.iter().collect();
        rows.sort_by_key(|row| row.stage);
        let names: Vec<_> = rows.iter().map(|row| row.name.to_string()).collect();
        let flow = ["poller", "kafka-producer", "kafka-consumer-store", "db-writer", "kafka-consumer-live", "sse-hub"];
        assert_eq!(names, flow);
    }

    #[test]
    fn the_live_stream_does_not_need_collecting_and_storing() {
        let check = |roles: &[Role], expected: &[ActorName]| {
            let rows = rows(|role| roles.contains(&role), &Sinks::new());
            let needed = rows.into_iter().filter(|row| row.is_needed(roles.contains(&Role::Live)));
            assert_eq!(needed.map(|row| row.name).collect::<Vec<_>>(), expected, "{roles:?}");
        };
        check(&[Role::Collect, Role::Store, Role::Live], &[ActorName::SseHub, ActorName::LiveConsumer]);
        check(&[Role::Live], &[ActorName::SseHub, ActorName::LiveConsumer]);
        check(&[Role::Collect], &[ActorName::KafkaProducer, ActorName::POLLER]);
        check(&[Role::Store], &[ActorName::KafkaProducer, ActorName::DbWriter, ActorName::StoreConsumer]);
    }
}
