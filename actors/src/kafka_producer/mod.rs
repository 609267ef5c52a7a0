//! Publishes states, alerts and records of polls to Kafka, one batch at a time, with a bounded backlog while Kafka is unavailable.

mod actor;
mod backlog;
mod side_topic;

pub use actor::KafkaProducer;
pub use backlog::BacklogLimits;
