//! Polls the source, lets changed states through, and decides when to poll next.

mod actor;
mod change_filter;
pub mod poll_plan;
mod refill_watch;

pub use actor::Poller;
