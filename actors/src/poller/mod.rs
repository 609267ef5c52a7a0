//! Polls the source as often as its cadence allows, backs off after failures, and publishes the states that changed.

mod actor;
mod change_filter;
mod failure_pause;

pub use actor::Poller;
