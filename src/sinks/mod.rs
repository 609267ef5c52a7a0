//! The sinks: destinations of state vectors in addition to the database, each in its own folder.
//!
//! To add a sink, add its folder with an `open` function, register it in [`SINKS`], and add its section of settings.

mod archive;
mod blocking;
mod json_lines;
mod latest;

use std::sync::Arc;

use actors::ports::Sink;

use crate::config::{Role, Settings};
use crate::kafka::KafkaCluster;

/// All sinks. A sink's actor is named `sink-<name>`.
const SINKS: &[SinkKind] = &[
    SinkKind { name: "json-lines", role: Role::Store, group: None, open: json_lines::open },
    SinkKind { name: "archive", role: Role::Archive, group: Some("-archive"), open: archive::open },
    SinkKind { name: "latest", role: Role::Store, group: Some("-latest"), open: latest::open },
];

struct SinkKind {
    name: &'static str,
    /// The role of the processes that write to it.
    role: Role,
    /// The suffix of the consumer group in which the processes that write to it divide the partitions. Without one, each
    /// of them writes all of them.
    group: Option<&'static str>,
    /// Opens the sink if the settings configure it.
    open: fn(&Settings, &KafkaCluster) -> Option<Arc<dyn Sink>>,
}

/// A sink that the settings configure.
#[derive(Clone)]
pub(crate) struct ConfiguredSink {
    pub(crate) name: &'static str,
    pub(crate) role: Role,
    pub(crate) group: Option<&'static str>,
    pub(crate) sink: Arc<dyn Sink>,
}

/// Returns the configured sinks.
pub(crate) fn configured(settings: &Settings, cluster: &KafkaCluster) -> impl Iterator<Item = ConfiguredSink> {
    SINKS.iter().filter_map(|&SinkKind { name, role, group, open }| {
        Some(ConfiguredSink { name, role, group, sink: open(settings, cluster)? })
    })
}

#[cfg(test)]
mod tests {
    use actors::supervision::ConfiguredName;

    use super::*;

    #[test]
    fn every_name_is_valid_in_an_actor_name() {
        for SinkKind { name, .. } in SINKS {
            assert!(ConfiguredName::new(name).is_some(), "{name}");
        }
    }
}
