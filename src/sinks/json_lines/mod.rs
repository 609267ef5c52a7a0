//! Appends every state vector to a file as a line of JSON, in the format of the messages in Kafka. There is one file
//! per UTC day of `last_contact`. Every record is written once, even if the process is killed.

mod folder;
mod state;

use std::sync::Arc;

use actors::ports::Sink;

use super::blocking::blocking_sink;
use crate::config::Settings;
use crate::kafka::KafkaCluster;
use folder::Folder;

/// Opens the sink if `json_lines.directory` is set.
pub(super) fn open(settings: &Settings, _: &KafkaCluster) -> Option<Arc<dyn Sink>> {
    let directory = settings.json_lines.directory.as_ref()?.path().to_owned();
    Some(blocking_sink(directory.display().to_string(), move || Folder::open(directory.clone())))
}
