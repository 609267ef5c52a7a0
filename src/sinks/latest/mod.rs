//! Publishes the newest state of each aircraft to a compacted topic, and a tombstone when an aircraft leaves the
//! picture.

mod partition_picture;
mod sink;

use std::sync::Arc;

use actors::ports::Sink;

use crate::config::Settings;
use crate::kafka::KafkaCluster;
use sink::LatestSink;

/// Opens the sink if `kafka.topic_latest` is set, which needs a real cluster: the embedded broker compacts nothing.
pub(super) fn open(settings: &Settings, cluster: &KafkaCluster) -> Option<Arc<dyn Sink>> {
    let topic = settings.kafka.topic_latest.as_ref()?;
    if cluster.is_embedded() {
        return None;
    }
    let topic = Arc::from(topic);
    Some(Arc::new(LatestSink::new(cluster.clone(), topic, settings.sse.aircraft_timeout)))
}
