//! The server: starts every part, wires the parts together, and shuts them down in order.

mod banner;
pub mod commands;
mod compact;
mod dead_letters;
mod export;
mod import;
mod migrate;
mod migrated_store;
mod notify;
mod pipeline;
mod probe;
mod replay;
mod roster;
mod shutdown;
mod source;
mod try_rules;

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actors::enrichment::SharedFacts;
use actors::metrics::Metrics;
use actors::operations::{Lifecycle, Operations};
use actors::supervision::{ActorRegistry, Failure, RestartPolicy, StallWatch, Supervisor};
use prometheus_client::registry::Registry;
use tokio::sync::mpsc;

use crate::cli::ExitStatus;
use crate::config::{ADMIN_TOKEN_FILE, Role, Settings};
use crate::enrichment::TableWatch;
use crate::http::{
    self, ActorCollector, Capacity, CompatApis, HttpOptions, Limits, PictureCache, PoolCollector, RulesCollector,
    RunningServer, ServerState, TableCollector,
};
use crate::rules::RulesWatch;
use crate::sources::{Source, SourceFlags, Sources};
use pipeline::{Pipeline, SharedState};
use shutdown::Signals;

/// A running server.
pub struct App {
    settings: Settings,
    signals: Signals,
    pipeline: Pipeline,
    supervisor: Supervisor,
    failures: mpsc::UnboundedReceiver<Failure>,
    /// Receives the operator's request to drain.
    drain: mpsc::Receiver<()>,
    operations: Operations,
    stalls: StallWatch,
    server: RunningServer,
}

impl App {
    /// Starts every part that the configured roles need, with the source that the flags select. An unavailable broker,
    /// database or source is not an error: the connection is retried while the rest works.
    ///
    /// # Errors
    /// Returns an error if the address is in use, a certificate or secret cannot be read, or the credentials are
    /// invalid.
    pub async fn start(settings: Settings, source: &SourceFlags) -> anyhow::Result<Self> {
        let sources = source::open(&settings, source)?;
        Self::start_with(settings, sources).await
    }

    /// Like [`App::start`], with other sources.
    ///
    /// # Errors
    /// Returns an error if there is no source, the address is in use, or a certificate or secret cannot be read.
    pub async fn start_with(settings: Settings, sources: Vec<Source>) -> anyhow::Result<Self> {
        // Registered first, so that a signal during the start also leads to an orderly shutdown.
        let signals = Signals::new()?;
        let token = settings.admin.token_or_generated(Path::new(ADMIN_TOKEN_FILE))?;
        if let Some(warning) = &token.warning {
            log::warn!("{warning}");
        }
        let (sources, connects) = Sources::new(sources)?;
        let mut registry = Registry::with_prefix("flight_monitor");
        let metrics = Metrics::register(&mut registry);
        let actors = ActorRegistry::default();
        registry.register_collector(Box::new(ActorCollector(actors.clone())));
        let (supervisor, failures) = Supervisor::new(actors.clone(), RestartPolicy::default());
        let stalls = StallWatch::on(actors.clone());
        let facts = SharedFacts::default();
        let detects = settings.server.roles.has(Role::Detect);
        let rules = detects.then(|| RulesWatch::start(settings.rule_sources())).transpose()?.map(Arc::new);
        if let Some(rules) = &rules {
            registry.register_collector(Box::new(RulesCollector(Arc::clone(rules))));
        }
        let shared_rules = rules.as_ref().map(|rules| rules.rules().clone()).unwrap_or_default();
        let aircraft_table = settings.enrichment.aircraft_table.as_ref().map(|file| file.path().to_owned());
        let aircraft_table =
            aircraft_table.map(|path| TableWatch::start(path, facts.clone())).transpose()?.map(Arc::new);
        if let Some(table) = &aircraft_table {
            registry.register_collector(Box::new(TableCollector(Arc::clone(table))));
        }
        let shared = SharedState { metrics, facts: facts.clone(), rules: shared_rules };
        let pipeline = Pipeline::start(&settings, &sources, connects, &supervisor, shared)?;
        if let Some(storage) = &pipeline.storage {
            registry.register_collector(Box::new(PoolCollector(storage.clone())));
        }
        let limits = Limits::register(&mut registry, settings.sse.client_timeout);
        let hub = pipeline.actors.hub.clone();
        let pictures = hub.clone().map(|hub| PictureCache::register(hub.recipient(), &mut registry));
        let operations = Operations::new(actors.clone(), supervisor.restarts());
        let (drain_sender, drain) = mpsc::channel(1);
        let state = ServerState {
            hub,
            pictures,
            storage: pipeline.storage.clone(),
            flight_gap: settings.database.flight_gap,
            location: settings.sources.iter().find_map(|source| source.settings.location),
            aircraft_timeout: source::aircraft_timeout(&settings, &sources),
            facts,
            aircraft_table,
            rules,
            actors,
            needed: pipeline.actors.needed.clone(),
            registry: Arc::new(registry),
            admin_token: token.token.expose().to_owned(),
            limits,
            trusted_proxies: settings.http.trusted_proxies.clone(),
            sources: sources.clone(),
            operations: operations.clone(),
            pollers: pipeline.actors.polling.clone(),
            notifiers: pipeline.actors.notifiers.clone(),
            drain: drain_sender,
            #[cfg(feature = "fault-injection")]
            panics: pipeline.actors.panics(),
        };
        let server = http::start(&http_options(&settings, pipeline.capacity), state)?;
        banner::show(&settings, &sources, &pipeline.actors.sinks, &server.addresses);
        Ok(Self { settings, signals, pipeline, supervisor, failures, drain, operations, stalls, server })
    }

    /// Returns the addresses that the server listens on.
    pub fn addresses(&self) -> &[std::net::SocketAddr] {
        &self.server.addresses
    }

    /// Runs until a signal, a request to drain, or an actor that fails too often, then shuts down in order.
    pub async fn run(mut self) -> ExitStatus {
        let within = self.settings.server.shutdown_timeout;
        let reason = tokio::select! {
            name = self.signals.next() => {
                log::info!("{name}: shutting down within {within:?}; a second signal exits immediately");
                None
            }
            Some(()) = self.drain.recv() => {
                log::info!("drain requested by operator: shutting down within {within:?}; a signal exits immediately");
                None
            }
            Some(Failure { actor, cause }) = self.failures.recv() => {
                Some((ExitStatus::GaveUp, format!("{actor} failed too often; last error: {cause}")))
            }
            never = log_stalls(&mut self.stalls) => match never {},
        };
        if let Some((_, cause)) = &reason {
            log::error!("{cause}: shutting down");
        }
        self.operations.advance(Lifecycle::Draining);
        let ended = tokio::select! {
            drained = shutdown::run(self.pipeline.actors.running, self.server, &self.operations, within) => {
                if drained { ExitStatus::Done } else { ExitStatus::NotDrained }
            }
            name = self.signals.next() => {
                log::warn!("{name} again: exiting immediately");
                ExitStatus::NotDrained
            }
        };
        self.supervisor.stop();
        match reason {
            None => ended,
            Some((status, cause)) => {
                log::error!("{cause}");
                status
            }
        }
    }
}

/// Logs when an actor stalls and when it continues.
async fn log_stalls(watch: &mut StallWatch) -> Infallible {
    loop {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let stalls = watch.check();
        for actor in stalls.started {
            log::error!(actor; "actor stalled: no progress within its time limit");
        }
        for actor in stalls.ended {
            log::info!(actor; "actor no longer stalled");
        }
    }
}

/// The maximum number of connections from one address in addition to its streams.
const OTHER_CONNECTIONS_PER_ADDRESS: usize = 1_024;

fn http_options(settings: &Settings, capacity: Capacity) -> HttpOptions {
    HttpOptions {
        host: settings.http.host.to_string(),
        port: settings.http.port,
        allowed_origins: settings.sse.allowed_origins.clone(),
        max_connections: capacity.connections,
        connections_per_address: capacity
            .for_one_address(settings.sse.max_clients_per_address, OTHER_CONNECTIONS_PER_ADDRESS),
        tls: settings.http.tls(),
        compat: CompatApis { opensky: settings.http.opensky_api, readsb: settings.http.readsb_api },
    }
}
