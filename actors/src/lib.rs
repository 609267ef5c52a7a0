//! The logic of the flight monitor, without I/O. The modules are in the order in which the data flows.
//!
//! The root package implements [`ports`] and connects the actors; this crate does not depend on it.

pub mod domain;

pub mod batch;
pub mod event_stream;
pub mod messages;
pub mod notification;
pub mod ports;

pub mod poller;

pub mod merger;

pub mod kafka_producer;

pub mod kafka_consumer;

pub mod db_writer;

pub mod sse_hub;

pub mod coverage;
pub mod detect;
pub mod detector;
pub mod enrichment;
pub mod history;
pub mod import;
pub mod notifier;

pub mod metrics;
pub mod operations;
mod retry_queue;
pub mod supervision;
pub mod throttle;

#[cfg(test)]
mod test_support;
