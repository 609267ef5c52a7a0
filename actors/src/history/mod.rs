//! Summaries of the stored rows: flights, and hourly traffic counts.
//!
//! [`Summarizer`] contains the logic; each database implements a [`SummaryStore`].

mod cursor;
mod flight_log;
mod port;
mod rebuild;
mod step_size;
mod summarizer;
#[cfg(test)]
mod test_support;

pub use cursor::{HOUR, hour_of};
pub use flight_log::{FlightLog, MAX_FLIGHT, extend_flights};
pub use port::SummaryStore;
pub use rebuild::LateRows;
pub use step_size::StepSize;
pub use summarizer::{Summarizer, SummaryOptions};
