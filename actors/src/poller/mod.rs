//! Polls a source as often as its cadence allows, backs off after failures, and passes the states to the Merger.

mod actor;
mod failure_pause;
mod freshness;
mod source_metrics;

pub use actor::{PolledSource, Poller};
