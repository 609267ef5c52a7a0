//! Publishes states and alerts to Kafka: a bounded backlog while Kafka is unavailable, and one batch in flight at a time.

mod actor;
mod backlog;
mod retry_queue;

pub use actor::KafkaProducer;
pub use backlog::BacklogLimits;
