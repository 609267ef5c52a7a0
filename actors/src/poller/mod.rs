//! Polls a source as often as its cadence allows, backs off after failures, and passes the states to the Merger.

mod actor;
mod failure_pause;
mod freshness;
mod ledger;
mod merge_request;
mod poll_sums;
mod recording;
mod source_metrics;

pub use actor::{PolledSource, Poller};
pub use ledger::LedgerSettings;
