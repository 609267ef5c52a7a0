//! Reads Kafka for storing and for serving, and reports the lag.

mod actor;
mod database_retry;
mod health_probe;
mod lag;
mod live_path;
mod store_path;
mod storing;

pub use actor::{KafkaConsumer, Path};
