//! The actors that find alerts, show them and deliver them.

use std::sync::Arc;

use actors::detector::{NewEngine, PartitionEngine};
use actors::kafka_consumer::{AlertsRoute, DetectRoute, KafkaConsumer};
use actors::ports::AlertLog;
use actors::supervision::ActorName;
use anyhow::Context as _;

use super::{Foundation, Handles, Wiring, required};
use crate::kafka::{EmbeddedAlerts, KafkaSubscription, Membership, SharedGroup, TransactionalAlerts};

/// Starts the consumer that shows the alerts.
pub(super) fn alerts_consumer(wiring: &mut Wiring<'_>, name: ActorName) -> anyhow::Result<Handles> {
    let Foundation { supervisor, metrics, cluster, .. } = &wiring.foundation;
    let (cluster, metrics) = (cluster.clone(), metrics.clone());
    let topic = cluster.options().topic_alerts.clone().context("no topic of alerts is configured")?;
    let route = AlertsRoute { hub: required(&wiring.hub)?.recipient() };
    let consumer = supervisor.start(name, move |vitals| {
        KafkaConsumer::new(KafkaSubscription::to_alerts(cluster, topic), route, vitals, metrics)
    });
    Ok(consumer.into())
}

/// Starts the consumer that applies the rules.
pub(super) fn detector(wiring: &mut Wiring<'_>, name: ActorName) -> anyhow::Result<Handles> {
    let Foundation { settings, supervisor, metrics, cluster, facts, rules, .. } = &wiring.foundation;
    let (cluster, metrics, group) = (cluster.clone(), metrics.clone(), SharedGroup::default());
    let topic = cluster.options().topic_alerts.clone().context("no topic of alerts is configured")?;
    let (log, membership): (Arc<dyn AlertLog>, _) = if cluster.is_embedded() {
        (Arc::new(EmbeddedAlerts::new(cluster.clone())), Membership::Everything)
    } else {
        (Arc::new(TransactionalAlerts::new(cluster.clone(), topic, facts.clone(), &group)), Membership::DETECT)
    };
    let (rules, facts) = (rules.clone(), facts.clone());
    let tracked = (!settings.notify.is_empty()).then(|| wiring.tracked.clone());
    let new_engine: NewEngine = Arc::new(move || {
        let engine = PartitionEngine::new(rules.clone(), facts.clone());
        Box::new(match &tracked {
            Some(tracked) => engine.tracking(tracked.clone()),
            None => engine,
        })
    });
    let route = DetectRoute { log, new_engine };
    let detector = supervisor.start(name, move |vitals| {
        let subscription = KafkaSubscription::with_transactions(cluster, membership, &group);
        KafkaConsumer::new(subscription, route, vitals, metrics)
    });
    Ok(detector.into())
}

/// Starts the actor that delivers alerts to one endpoint.
pub(super) fn notifier(wiring: &mut Wiring<'_>, name: ActorName) -> anyhow::Result<Handles> {
    let found = wiring.endpoints.iter().position(|endpoint| ActorName::Notifier(endpoint.name.clone()) == name);
    let endpoint = wiring.endpoints.swap_remove(found.context("no endpoint has this name")?);
    let Foundation { supervisor, metrics, cluster, .. } = &wiring.foundation;
    let endpoint_name = endpoint.name.clone();
    let notifier = endpoint.start(name, supervisor, cluster.clone(), metrics.clone())?;
    wiring.notifiers.push((endpoint_name, notifier.clone().recipient()));
    Ok(notifier.into())
}
