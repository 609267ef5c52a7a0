//! Reads Kafka, delivers the records along a route into the database or to the live picture, and reports the lag.

mod actor;
mod batch_storer;
mod consumer_context;
mod database_retry;
mod event_queue;
mod health_probe;
mod lag;
mod live_route;
mod route;
mod store_positions;
mod store_route;

pub use actor::KafkaConsumer;
pub use consumer_context::ConsumerContext;
pub use live_route::LiveRoute;
pub use route::Route;
pub use store_route::StoreRoute;
