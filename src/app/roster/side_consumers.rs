//! The consumers that store the records of topics other than that of the state vectors.

use actors::kafka_consumer::KafkaConsumer;
use actors::supervision::ActorName;
use anyhow::Context as _;

use super::{Foundation, Handles, Wiring, required, store_route};
use crate::kafka::{KafkaCluster, KafkaSubscription, Membership};

/// Starts the consumer that stores records of polls.
pub(super) fn polls_consumer(wiring: &mut Wiring<'_>, name: ActorName) -> anyhow::Result<Handles> {
    let topic = wiring.foundation.cluster.options().topic_polls.clone().context("no topic of polls is configured")?;
    side_consumer(wiring, name, "polls", Membership::POLLS, move |cluster, membership| {
        KafkaSubscription::to_polls(cluster, topic, membership)
    })
}

/// Starts the consumer that stores alerts.
pub(super) fn alert_history_consumer(wiring: &mut Wiring<'_>, name: ActorName) -> anyhow::Result<Handles> {
    let topic = wiring.foundation.cluster.options().topic_alerts.clone().context("no topic of alerts is configured")?;
    side_consumer(wiring, name, "alert-history", Membership::ALERT_HISTORY, move |cluster, membership| {
        KafkaSubscription::to_alert_history(cluster, topic, membership)
    })
}

/// Starts a consumer that stores the records of a topic other than that of the state vectors.
fn side_consumer(
    wiring: &mut Wiring<'_>,
    name: ActorName,
    route: &'static str,
    group: Membership,
    subscribe: impl FnOnce(KafkaCluster, Membership) -> KafkaSubscription + Send + 'static,
) -> anyhow::Result<Handles> {
    let (db_writer, producer) = (required(&wiring.db_writer)?, required(&wiring.producer)?);
    let Foundation { supervisor, metrics, cluster, .. } = &wiring.foundation;
    let (cluster, metrics, embedded) = (cluster.clone(), metrics.clone(), cluster.is_embedded());
    let route = store_route(route, db_writer, producer, embedded);
    let membership = if embedded { Membership::Everything } else { group };
    let consumer = supervisor
        .start(name, move |vitals| KafkaConsumer::new(subscribe(cluster, membership), route, vitals, metrics));
    Ok(consumer.into())
}
