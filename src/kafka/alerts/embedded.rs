use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actors::detect::{Alert, AlertChange, AlertKey};
use actors::ports::{AlertLog, AlertLogError, DetectPart, DetectPosition, DetectTransaction, Recovered};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use crate::kafka::cluster::KafkaCluster;
use crate::kafka::producer::KafkaPublisher;

/// The log of alerts on the embedded broker, which has no transactions: alerts are published at least once, and the
/// positions are kept in memory, for a restart of the Detector. Both end with the process, like the broker.
pub struct EmbeddedAlerts {
    publisher: KafkaPublisher,
    partitions: Mutex<BTreeMap<i32, Partition>>,
}

#[derive(Debug)]
struct Partition {
    position: DetectPosition,
    /// The newest alert of each rule and aircraft.
    newest: BTreeMap<AlertKey, Alert>,
}

impl EmbeddedAlerts {
    /// Creates a log on an embedded broker.
    pub fn new(cluster: KafkaCluster) -> Self {
        Self { publisher: KafkaPublisher::new(cluster), partitions: Mutex::default() }
    }

    fn partitions(&self) -> MutexGuard<'_, BTreeMap<i32, Partition>> {
        // Nothing panics while this is locked.
        self.partitions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, part: &DetectPart) {
        let mut partitions = self.partitions();
        let partition = partitions
            .entry(part.partition)
            .or_insert_with(|| Partition { position: part.position, newest: BTreeMap::new() });
        partition.position = part.position;
        for change in &part.changes {
            match change {
                AlertChange::Alert(alert) => drop(partition.newest.insert(AlertKey::from(alert), alert.clone())),
                AlertChange::Forget(key) => drop(partition.newest.remove(key)),
            }
        }
    }
}

impl AlertLog for EmbeddedAlerts {
    /// Only this process could read them.
    fn publishes_states(&self) -> bool {
        false
    }

    fn recover<'a>(&'a self, partitions: &'a [i32]) -> LocalBoxFuture<'a, Result<Vec<Recovered>, AlertLogError>> {
        let known = self.partitions();
        let recovered = partitions.iter().map(|&partition| {
            let kept = known.get(&partition);
            let newest: Vec<_> = kept.map(|kept| kept.newest.values().cloned().collect()).unwrap_or_default();
            let (active, ended): (Vec<_>, Vec<_>) = newest.into_iter().partition(|alert| alert.ended.is_none());
            let ended = ended.into_iter().filter_map(|alert| Some((alert.ended?.0.saturating_mul(1000), alert)));
            let ended = ended.map(|(at, alert)| (alert, at)).collect();
            Recovered { partition, position: kept.map(|kept| kept.position), active, ended }
        });
        std::future::ready(Ok(recovered.collect())).boxed_local()
    }

    fn commit(&self, transaction: Arc<DetectTransaction>) -> LocalBoxFuture<'_, Result<(), AlertLogError>> {
        async move {
            for part in &transaction.parts {
                let published = self.publisher.publish_alerts(part).await;
                published.map_err(|error| AlertLogError::Unavailable(error.to_string()))?;
                self.keep(part);
            }
            Ok(())
        }
        .boxed_local()
    }
}
