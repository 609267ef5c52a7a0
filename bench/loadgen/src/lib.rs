//! Runs thousands of readers of Server-Sent Events on one thread, and records what they receive and when.
//!
//! The load generator shares the machine with the server under test, so it needs few resources: one buffer for all
//! readers, a few hundred bytes per connection, and no decompression. All clients of a stream get the same bytes for a
//! change, so a frame is identified by its length and first bytes. The first reader of a new frame keeps it, and its
//! events with their timestamps are parsed after the run.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//!
//! let plan = loadgen::Plan::new("http://127.0.0.1:8081/sse/flights".parse()?, 1000);
//! let load = loadgen::Load::start(plan)?;
//! load.wait(Duration::from_secs(10), |progress| progress.with_frame() == 1000);
//! let outcome = load.finish()?;
//! println!("{} events at 1,000 readers", outcome.arrivals.len());
//! # Ok(())
//! # }
//! ```

mod chunks;
mod connection;
mod content;
mod ends;
mod engine;
mod framing;
mod load;
mod outcome;
mod plan;
mod progress;
mod report;

pub use content::{ArrivedUpdate, Update};
pub use load::{Load, LoadError};
pub use outcome::{Arrival, End, Frame, Outcome, Visit, fields, percentile};
pub use plan::{Encoding, InvalidTarget, Plan, Slow, Target};
pub use progress::Progress;
pub use report::{Milliseconds, Report};
