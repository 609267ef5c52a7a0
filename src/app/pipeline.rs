use std::mem::ManuallyDrop;
use std::sync::Arc;

use actors::detector::SharedRules;
use actors::enrichment::SharedFacts;
use actors::metrics::Metrics;
use actors::supervision::Supervisor;
use anyhow::Context;
use thiserror::Error;

use super::roster::{Actors, Foundation};
use crate::config::{Brokers, DatabaseSettings, KafkaSettings, Role, Settings};
use crate::http::Capacity;
use crate::kafka::{EmbeddedBroker, KafkaCluster, KafkaOptions};
use crate::sources::{Connect, Sources};
use crate::storage::{Storage, StorageOptions};

/// The actors of this process and the resources that they use.
pub(super) struct Pipeline {
    pub(super) actors: Actors,
    /// The database, if this process stores into it or serves the history that another process stores.
    pub(super) storage: Option<Storage>,
    /// The maximum number of connections, for stream clients and in total.
    pub(super) capacity: Capacity,
    /// Never dropped, because librdkafka's threads, which cannot be joined, use it until the process ends.
    _broker: ManuallyDrop<Option<EmbeddedBroker>>,
}

/// The number of connections for requests, in addition to those for stream clients.
const OTHER_CONNECTIONS: usize = 1_000;

/// What the actors share with the HTTP server.
pub(super) struct SharedState {
    pub(super) metrics: Metrics,
    pub(super) facts: SharedFacts,
    pub(super) rules: SharedRules,
}

impl Pipeline {
    /// Opens Kafka and the database, and starts the actors of the configured roles.
    pub(super) fn start(
        settings: &Settings,
        sources: &Sources,
        connects: Vec<Connect>,
        supervisor: &Supervisor,
        SharedState { metrics, facts, rules }: SharedState,
    ) -> anyhow::Result<Self> {
        let has = |role| settings.server.roles.has(role);
        let (cluster, broker) = reach_kafka(&settings.kafka, has)?;
        // A SQLite file is used only by the process that writes it.
        let shared = settings.database.url.is_shared();
        let storage =
            (has(Role::Store) || (has(Role::Live) && shared)).then(|| open_server_storage(settings)).transpose()?;
        let clients = if has(Role::Live) { settings.sse.max_clients } else { 0 };
        let capacity = Capacity::raise(clients, OTHER_CONNECTIONS);
        let foundation = Foundation {
            settings,
            sources,
            connects: connects.into_iter().map(Some).collect(),
            supervisor,
            capacity,
            metrics,
            cluster,
            storage: storage.clone(),
            facts,
            rules,
        };
        let actors = Actors::start(foundation)?;
        Ok(Self { actors, storage, capacity, _broker: ManuallyDrop::new(broker) })
    }
}

/// Opens the configured database for a command.
///
/// # Errors
/// Returns an error if the address is invalid, or the file cannot be opened.
pub(crate) fn open_storage(settings: &Settings) -> anyhow::Result<Storage> {
    Storage::open(settings.database.url.url(), storage_options(&settings.database)).context("database.url")
}

/// Opens the configured database for the server. It connects on first use, so the server can start while the database
/// is unavailable.
fn open_server_storage(settings: &Settings) -> anyhow::Result<Storage> {
    Storage::open_lazily(settings.database.url.url(), storage_options(&settings.database)).context("database.url")
}

fn storage_options(settings: &DatabaseSettings) -> StorageOptions {
    StorageOptions {
        chunk_interval: settings.chunk_interval,
        compress_after: settings.compress_after,
        retention: settings.retention,
        summary_retention: settings.summary_retention,
        flight_gap: settings.flight_gap,
        ..StorageOptions::default()
    }
}

/// Opens the configured database read-only, for its history. Creates nothing.
///
/// # Errors
/// Returns an error if the address is invalid, or the file does not exist or is not a database of this program.
pub(crate) fn open_storage_read_only(settings: &Settings) -> anyhow::Result<Storage> {
    Storage::open_read_only(settings.database.url.url(), StorageOptions::default()).context("database.url")
}

/// Returns the configured Kafka cluster, or starts an embedded broker. Only a detecting process publishes alerts, and
/// only storing and serving ones read them; only a collecting process publishes records of polls, and only a storing one
/// reads them.
fn reach_kafka(
    settings: &KafkaSettings,
    has: impl Fn(Role) -> bool,
) -> anyhow::Result<(KafkaCluster, Option<EmbeddedBroker>)> {
    let mut options = kafka_options(settings);
    let uses_alerts = has(Role::Detect) || has(Role::Store) || has(Role::Live);
    options.topic_alerts = uses_alerts.then(|| Arc::from(&settings.topic_alerts));
    options.topic_polls = (has(Role::Collect) || has(Role::Store)).then(|| Arc::from(&settings.topic_polls));
    if settings.bootstrap_servers != Brokers::Embedded {
        options.topic_latest = settings.topic_latest.as_ref().filter(|_| has(Role::Store)).map(Arc::from);
        options.topic_enriched = settings.topic_enriched.as_ref().filter(|_| has(Role::Detect)).map(Arc::from);
        return Ok((KafkaCluster::new(options), None));
    }
    let mut topics = vec![(&*options.topic_raw, options.partitions), (&*options.topic_dead_letter, 1)];
    topics.extend(options.topic_alerts.iter().map(|topic| (&**topic, options.partitions)));
    topics.extend(options.topic_polls.iter().map(|topic| (&**topic, 1)));
    let broker = EmbeddedBroker::start(&topics).context("failed to start the embedded Kafka")?;
    options.bootstrap_servers = broker.bootstrap_servers();
    options.embedded_id = Some(format!("embedded-{:016x}", rand::random::<u64>()).into());
    Ok((KafkaCluster::new(options), Some(broker)))
}

/// The error for a command that needs a Kafka cluster when none is configured. The field says what to do instead.
#[derive(Debug, Error)]
#[error("kafka.bootstrap_servers is empty, and the embedded Kafka of another process cannot be reached: {0}")]
pub(crate) struct NoKafka(pub(crate) &'static str);

/// Converts the settings to the options of the Kafka adapters.
pub(crate) fn kafka_options(settings: &KafkaSettings) -> KafkaOptions {
    KafkaOptions {
        bootstrap_servers: settings.bootstrap_servers.to_string(),
        topic_raw: Arc::from(&settings.topic_raw),
        topic_dead_letter: Arc::from(&settings.topic_dead_letter),
        partitions: settings.partitions,
        replication_factor: settings.replication_factor,
        group_id: settings.group_id.clone(),
        properties: settings.properties.expose().clone(),
        ..KafkaOptions::default()
    }
}
