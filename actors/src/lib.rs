//! What the flight monitor decides, without I/O: the modules stand in the order in which the data flows.
//!
//! `src/` of the root package implements [`ports`] and wires the actors; nothing here knows who does.

pub mod domain;

pub mod alerts;

pub mod batch;
pub mod messages;
pub mod ports;

pub mod pipeline;

pub mod history;

pub mod live;

pub mod metrics;
pub mod supervision;

pub mod operations;

pub mod throttle;

#[cfg(test)]
mod test_support;
