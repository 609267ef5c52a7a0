use std::mem::ManuallyDrop;
use std::sync::Arc;

use actix::Addr;
use actors::db_writer::DbWriter;
use actors::kafka_consumer::{KafkaConsumer, Path};
use actors::kafka_producer::{BacklogLimits, KafkaProducer};
use actors::metrics::Metrics;
use actors::poller::Poller;
use actors::sse_hub::SseHub;
use actors::sse_hub::{HubLimits, QueueLimits};
use actors::supervision::{ActorName, Supervisor};
use anyhow::Context;
use thiserror::Error;

use super::migrated_store::MigratedStore;
use super::source::LiveSource;
use crate::config::{Brokers, KafkaSettings, Role, Settings};
use crate::http::{Capacity, capacity_for};
use crate::kafka::{EmbeddedBroker, KafkaCluster, KafkaOptions, KafkaPublisher, KafkaSubscription, Membership};
use crate::opensky::OpenSkyClient;
use crate::storage::{DatabaseUrl, Storage, StorageOptions};

/// The actors of this process, by their roles, and what they stand on.
pub(super) struct Pipeline {
    pub(super) poller: Option<Addr<Poller<OpenSkyClient>>>,
    pub(super) producer: Option<Addr<Producer>>,
    pub(super) store_consumer: Option<Addr<Consumer>>,
    pub(super) db_writer: Option<Addr<DbWriter<MigratedStore>>>,
    pub(super) live_consumer: Option<Addr<Consumer>>,
    pub(super) hub: Option<Addr<SseHub>>,
    /// Where there is one that this process stores into, or that others do.
    pub(super) storage: Option<Storage>,
    /// For the hub's clients and everybody else.
    pub(super) capacity: Capacity,
    /// Never dropped: it must outlive its clients, on threads that nobody joins, and so ends with the process.
    _broker: ManuallyDrop<Option<EmbeddedBroker>>,
}

type Consumer = KafkaConsumer<KafkaSubscription>;
type Producer = KafkaProducer<KafkaPublisher>;

/// What may wait for one client of a stream: for `/sse/flights` a poll of the whole world and some updates more. All clients
/// share the bytes, and `/api/v1/stream` lets wait no more than a snapshot's worth of them.
const CLIENT_QUEUE: QueueLimits = QueueLimits { frames: 64, bytes: 8 << 20 };

/// Beside the streams' clients there is room for everybody else's questions.
const OTHER_CONNECTIONS: usize = 1_000;

/// What the actors are made from.
struct Parts<'a> {
    settings: &'a Settings,
    source: &'a LiveSource,
    supervisor: &'a Supervisor,
    capacity: Capacity,
    metrics: Metrics,
    cluster: KafkaCluster,
}

impl Pipeline {
    /// Starts the actors of the settings' roles, sink first, so that each is given the address of the next.
    pub(super) fn start(
        settings: &Settings,
        source: &LiveSource,
        supervisor: &Supervisor,
        metrics: Metrics,
    ) -> anyhow::Result<Self> {
        let has = |role| settings.server.roles.has(role);
        let (cluster, broker) = reach_kafka(&settings.kafka, has(Role::Collect))?;
        // A file of SQLite belongs to the process that writes it.
        let shared = settings.database.url.is_shared();
        let storage =
            (has(Role::Store) || (has(Role::Live) && shared)).then(|| open_server_storage(settings)).transpose()?;
        // Without a live stream everybody is somebody else.
        let clients = if has(Role::Live) { settings.sse.max_clients.get() as usize } else { 0 };
        let capacity = capacity_for(clients, OTHER_CONNECTIONS);
        let parts = Parts { settings, source, supervisor, capacity, metrics, cluster };
        let (hub, live_consumer) = if has(Role::Live) {
            let hub = parts.hub();
            (Some(hub.clone()), Some(parts.live_consumer(hub)))
        } else {
            (None, None)
        };
        // Also a storing process publishes: dead letters.
        let producer = (has(Role::Collect) || has(Role::Store)).then(|| parts.producer());
        let (db_writer, store_consumer) = match (&producer, &storage) {
            (Some(producer), Some(storage)) if has(Role::Store) => {
                let db_writer = parts.db_writer(storage.clone());
                (Some(db_writer.clone()), Some(parts.store_consumer(&db_writer, producer)))
            }
            _ => (None, None),
        };
        let poller = producer.as_ref().filter(|_| has(Role::Collect)).map(|producer| parts.poller(producer));
        Ok(Self {
            poller,
            producer,
            store_consumer,
            db_writer,
            live_consumer,
            hub,
            storage,
            capacity,
            _broker: ManuallyDrop::new(broker),
        })
    }

    /// Where to send a panic, by actor.
    #[cfg(feature = "fault-injection")]
    pub(super) fn panics(
        &self,
    ) -> std::collections::HashMap<ActorName, actix::Recipient<actors::messages::InjectPanic>> {
        let actors = [
            (ActorName::POLLER, self.poller.clone().map(Addr::recipient)),
            (ActorName::KafkaProducer, self.producer.clone().map(Addr::recipient)),
            (ActorName::StoreConsumer, self.store_consumer.clone().map(Addr::recipient)),
            (ActorName::DbWriter, self.db_writer.clone().map(Addr::recipient)),
            (ActorName::LiveConsumer, self.live_consumer.clone().map(Addr::recipient)),
            (ActorName::SseHub, self.hub.clone().map(Addr::recipient)),
        ];
        actors.into_iter().filter_map(|(name, actor)| Some((name, actor?))).collect()
    }
}

impl Parts<'_> {
    fn hub(&self) -> Addr<SseHub> {
        let sse = &self.settings.sse;
        let limits = HubLimits {
            clients: self.capacity.clients,
            clients_per_address: sse.max_clients_per_address.get() as usize,
            queue: CLIENT_QUEUE,
            client_timeout: sse.client_timeout,
            aircraft_timeout: self.source.aircraft_timeout(self.settings),
        };
        let metrics = self.metrics.clone();
        self.supervisor.start(ActorName::SseHub, move |vitals| SseHub::new(limits, vitals, metrics))
    }

    fn live_consumer(&self, hub: Addr<SseHub>) -> Addr<Consumer> {
        let window = self.source.window(self.settings);
        self.consumer(ActorName::LiveConsumer, Membership::Everything, Path::Live { hub: hub.recipient(), window })
    }

    fn store_consumer(&self, db_writer: &Addr<DbWriter<MigratedStore>>, producer: &Addr<Producer>) -> Addr<Consumer> {
        let embedded = self.cluster.is_embedded();
        let path = Path::Store {
            positions: db_writer.clone().recipient(),
            db_writer: db_writer.clone().recipient(),
            dead_letters: producer.clone().recipient(),
            volatile: embedded,
        };
        // The embedded broker is this process's alone: there is nobody to share its partitions with.
        let membership = if embedded { Membership::Everything } else { Membership::Group };
        self.consumer(ActorName::StoreConsumer, membership, path)
    }

    fn consumer(&self, name: ActorName, membership: Membership, path: Path) -> Addr<Consumer> {
        let (cluster, metrics) = (self.cluster.clone(), self.metrics.clone());
        self.supervisor.start(name, move |vitals| {
            KafkaConsumer::new(KafkaSubscription::new(cluster, membership), path, vitals, metrics)
        })
    }

    fn producer(&self) -> Addr<Producer> {
        let (cluster, metrics, kafka) = (self.cluster.clone(), self.metrics.clone(), &self.settings.kafka);
        let bytes = usize::try_from(kafka.max_held.0).unwrap_or(usize::MAX);
        let limits = BacklogLimits { bytes, age: kafka.max_held_age };
        self.supervisor.start(ActorName::KafkaProducer, move |vitals| {
            KafkaProducer::new(KafkaPublisher::new(cluster), limits, vitals, metrics)
        })
    }

    fn db_writer(&self, storage: Storage) -> Addr<DbWriter<MigratedStore>> {
        let metrics = self.metrics.clone();
        self.supervisor
            .start(ActorName::DbWriter, move |vitals| DbWriter::new(MigratedStore::new(storage), vitals, metrics))
    }

    fn poller(&self, producer: &Addr<Producer>) -> Addr<Poller<OpenSkyClient>> {
        let (options, plan, metrics) = (self.source.options.clone(), self.source.plan, self.metrics.clone());
        let producer = producer.clone().recipient();
        self.supervisor.start_under(Poller::<OpenSkyClient>::RESTARTS, ActorName::POLLER, move |vitals| {
            Poller::new(OpenSkyClient::new(options), plan, producer, vitals, metrics)
        })
    }
}

/// The database that the settings name, opened for a command.
///
/// # Errors
/// An address or a file that cannot be used.
pub(crate) fn open_storage(settings: &Settings) -> anyhow::Result<Storage> {
    let (url, options) = storage_of(settings)?;
    Storage::open(&url, options).context("database.url")
}

/// The same for a server, which works without its database until that can be used.
fn open_server_storage(settings: &Settings) -> anyhow::Result<Storage> {
    let (url, options) = storage_of(settings)?;
    Storage::open_when_used(&url, options).context("database.url")
}

fn storage_of(settings: &Settings) -> anyhow::Result<(DatabaseUrl, StorageOptions)> {
    let url: DatabaseUrl = settings.database.url.expose().parse().context("database.url")?;
    let settings = &settings.database;
    let options = StorageOptions {
        chunk_interval: settings.chunk_interval,
        compress_after: settings.compress_after,
        retention: settings.retention,
        summary_retention: settings.summary_retention,
        flight_gap: settings.flight_gap,
        ..StorageOptions::default()
    };
    Ok((url, options))
}

/// The database that the settings name, opened to read its history: nothing is created.
///
/// # Errors
/// An address that cannot be used, or a file that does not exist or is not a database of this program.
pub(crate) fn open_storage_read_only(settings: &Settings) -> anyhow::Result<Storage> {
    let url: DatabaseUrl = settings.database.url.expose().parse().context("database.url")?;
    Storage::open_read_only(&url, StorageOptions::default()).context("database.url")
}

/// The Kafka that the settings name; an embedded one is started. Alerts are raised by who collects.
fn reach_kafka(settings: &KafkaSettings, collects: bool) -> anyhow::Result<(KafkaCluster, Option<EmbeddedBroker>)> {
    let mut options = kafka_options(settings);
    options.topic_alerts = collects.then(|| Arc::from(settings.topic_alerts.to_string()));
    if settings.brokers != Brokers::Embedded {
        return Ok((KafkaCluster::new(options), None));
    }
    let mut topics = vec![(&*options.topic_raw, options.partitions), (&*options.topic_dead_letter, 1)];
    topics.extend(options.topic_alerts.as_deref().map(|topic| (topic, 1)));
    let broker = EmbeddedBroker::start(&topics).context("the embedded Kafka did not start")?;
    options.bootstrap_servers = broker.bootstrap_servers();
    options.embedded_id = Some(format!("embedded-{:016x}", rand::random::<u64>()).into());
    Ok((KafkaCluster::new(options), Some(broker)))
}

/// A command works on a Kafka, and the settings name none. It holds what may be done in place of it.
#[derive(Debug, Error)]
#[error("kafka.bootstrap_servers is empty, and the embedded Kafka of another process cannot be reached: {0}")]
pub(crate) struct NoKafka(pub(crate) &'static str);

/// The settings as the Kafka adapters take them.
pub(crate) fn kafka_options(settings: &KafkaSettings) -> KafkaOptions {
    KafkaOptions {
        bootstrap_servers: settings.brokers.to_string(),
        topic_raw: Arc::from(settings.topic_raw.to_string()),
        topic_dead_letter: Arc::from(settings.topic_dead_letter.to_string()),
        topic_alerts: None,
        partitions: i32::from(settings.partitions.get()),
        replication_factor: i32::from(settings.replication_factor.get()),
        group_id: settings.group_id.clone(),
        properties: settings.properties.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        embedded_id: None,
    }
}
