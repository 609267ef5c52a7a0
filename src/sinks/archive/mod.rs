//! Writes every state vector to Parquet files by hour, in a folder or an S3 bucket. Every record is in one file, even if
//! the process is killed, and processes share the partitions.

mod buffers;
mod limits;
mod partition_buffer;
mod sink;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use actors::ports::Sink;

use crate::config::{Role, Settings};
use crate::kafka::KafkaCluster;
use limits::Limits;
use sink::ArchiveSink;

/// Opens the sink if the process has the role `archive`. The configuration is refused if `archive.url` is empty then.
pub(super) fn open(settings: &Settings, _: &KafkaCluster) -> Option<Arc<dyn Sink>> {
    let url = settings.archive.url.clone().filter(|_| settings.server.roles.has(Role::Archive))?;
    let limits = Limits::of(settings.archive.max_delay);
    Some(Arc::new(ArchiveSink::new(url, settings.archive.endpoint.clone(), limits)))
}
