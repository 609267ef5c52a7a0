//! Publishes states and alerts to Kafka, one batch at a time, with a bounded backlog while Kafka is unavailable.

mod actor;
mod backlog;
mod retry_queue;

pub use actor::KafkaProducer;
pub use backlog::BacklogLimits;
