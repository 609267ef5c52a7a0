//! Reads Kafka, delivers the records along a route into the database, to a sink or to the live picture, and reports the lag.

mod actor;
mod alerts_route;
mod consumer_context;
mod database_destination;
mod destination;
mod detect_loop;
mod detect_route;
mod event_queue;
mod flushing;
mod health_probe;
mod lag;
mod live_route;
mod route;
mod sink_route;
mod store_loop;
mod store_retry;
mod store_route;

pub use actor::KafkaConsumer;
pub use alerts_route::AlertsRoute;
pub use consumer_context::ConsumerContext;
pub use detect_route::DetectRoute;
pub use live_route::LiveRoute;
pub use route::Route;
pub use sink_route::SinkRoute;
pub use store_route::StoreRoute;
