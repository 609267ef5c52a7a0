//! The log of alerts: `kafka.topic_alerts`, compacted, with the partitions of the topic of state vectors.

mod content;
mod embedded;
mod group;
mod position;
mod reader;
mod transactions;

pub use embedded::EmbeddedAlerts;
pub(super) use group::GroupShare;
pub use group::SharedGroup;
pub use transactions::TransactionalAlerts;
