use actix::Addr;
use actors::detector::TrackedAircraft;
use actors::domain::UnixTime;
use actors::metrics::Metrics;
use actors::notifier::{Notifier, NotifierSettings, RetryLimits};
use actors::supervision::{ActorName, ConfiguredName, Supervisor};
use anyhow::Context as _;

use crate::config::{NotifyEntry, Settings};
use crate::kafka::{KafkaAlertQueue, KafkaCluster, Membership};
use crate::notify::{EndpointSettings, OpenEndpoint};
use crate::sources::http::Network;

/// An endpoint that the settings configure.
pub(super) struct ConfiguredEndpoint {
    pub(super) name: ConfiguredName,
    pub(super) open: OpenEndpoint,
    pub(super) settings: NotifierSettings,
}

impl ConfiguredEndpoint {
    /// Starts the Notifier of the endpoint.
    ///
    /// # Errors
    /// No topic of alerts is configured.
    pub(super) fn start(
        self,
        actor: ActorName,
        supervisor: &Supervisor,
        cluster: KafkaCluster,
        metrics: Metrics,
    ) -> anyhow::Result<Addr<Notifier<KafkaAlertQueue>>> {
        let Self { name, open, mut settings } = self;
        let topic = cluster.options().topic_alerts.clone().context("no topic of alerts is configured")?;
        // Kept for the life of the process, like the settings of the endpoint.
        let membership = Membership::Group { suffix: format!("-notify-{name}").leak() };
        settings.volatile = cluster.is_embedded();
        let since = UnixTime::now();
        Ok(supervisor.start(actor, move |vitals| {
            let queue = KafkaAlertQueue::new(cluster, topic, membership, since);
            Notifier::new(queue, open(), settings, vitals, metrics)
        }))
    }
}

/// Opens the configured endpoints, which need not be reachable yet.
///
/// # Errors
/// The proxy settings are invalid, or certificates cannot be read.
pub(super) fn open(settings: &Settings, tracked: &TrackedAircraft) -> anyhow::Result<Vec<ConfiguredEndpoint>> {
    settings.notify.iter().map(|entry| open_one(settings, entry, tracked)).collect()
}

fn open_one(settings: &Settings, entry: &NotifyEntry, tracked: &TrackedAircraft) -> anyhow::Result<ConfiguredEndpoint> {
    let endpoint = EndpointSettings { tracked: tracked.clone(), ..entry.endpoint(network(settings)?) };
    let open = (entry.kind.open)(&endpoint).with_context(|| format!("notify.{}", entry.name))?;
    let settings = NotifierSettings {
        name: entry.name.to_string(),
        kind: entry.kind.name,
        rules: entry.settings.rules.0.clone(),
        retry: RetryLimits { max_age: entry.settings.max_age },
        volatile: false,
    };
    Ok(ConfiguredEndpoint { name: entry.name.clone(), open, settings })
}

/// Returns the proxies and certificate authorities for outgoing requests.
pub(super) fn network(settings: &Settings) -> anyhow::Result<Network> {
    Network::of(&settings.proxies, settings.authorities.as_deref())
}
