//! The sinks: destinations of state vectors in addition to the database, each in its own folder.
//!
//! To add a sink, add its folder with an `open` function, register it in [`SINKS`], and add its section of settings.

mod archive;
mod blocking;
mod json_lines;

use std::sync::Arc;

use actors::ports::Sink;

use crate::config::{Role, Settings};

/// All sinks. A sink's actor is named `sink-<name>`.
const SINKS: &[SinkKind] = &[
    SinkKind { name: "json-lines", role: Role::Store, shares_partitions: false, open: json_lines::open },
    SinkKind { name: "archive", role: Role::Archive, shares_partitions: true, open: archive::open },
];

struct SinkKind {
    name: &'static str,
    /// The role of the processes that write to it.
    role: Role,
    /// Whether the processes that write to it divide the partitions. Otherwise, each of them writes all of them.
    shares_partitions: bool,
    /// Opens the sink if the settings configure it.
    open: fn(&Settings) -> Option<Arc<dyn Sink>>,
}

/// A sink that the settings configure.
#[derive(Clone)]
pub(crate) struct ConfiguredSink {
    pub(crate) name: &'static str,
    pub(crate) role: Role,
    pub(crate) shares_partitions: bool,
    pub(crate) sink: Arc<dyn Sink>,
}

/// Returns the configured sinks.
pub(crate) fn configured(settings: &Settings) -> impl Iterator<Item = ConfiguredSink> {
    SINKS.iter().filter_map(|&SinkKind { name, role, shares_partitions, open }| {
        Some(ConfiguredSink { name, role, shares_partitions, sink: open(settings)? })
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
