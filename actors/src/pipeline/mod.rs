//! The five actors, one a file, and what they decide with.

mod backlog;
mod backoff;
mod change_filter;
mod database_retry;
mod db_writer;
mod import;
mod inquiry;
mod kafka_consumer;
mod kafka_producer;
mod lag;
mod live_path;
mod newest_stored;
mod outbox;
pub mod poll_plan;
mod poller;
mod refill_watch;
mod sse_hub;
mod store_jobs;
mod store_path;
mod storing;
mod work;

pub use backlog::BacklogLimits;
pub use change_filter::PassedOver;
pub use db_writer::DbWriter;
pub use import::{ImportError, ImportRules, Imported, Importer};
pub use kafka_consumer::{KafkaConsumer, Path};
pub use kafka_producer::KafkaProducer;
pub use poller::{Poller, PollerObservation, SourceState};
pub use sse_hub::SseHub;
