//! Summaries of the stored rows: flights, and hourly traffic counts; and the tracks of flights, simplified to few
//! positions.
//!
//! [`Summarizer`] contains the logic; each database implements a [`SummaryStore`]. [`FlightTracks`] derives the tracks
//! from the rows of a period, when they are requested, and [`WaypointFinder`] those of a single flight.

mod cursor;
mod flight_log;
mod port;
mod rebuild;
mod simplified_line;
mod step_size;
mod summarizer;
#[cfg(test)]
mod test_support;
mod tracks;
mod waypoints;

pub use cursor::{HOUR, hour_of};
pub use flight_log::{FlightLog, MAX_FLIGHT, extend_flights};
pub use port::SummaryStore;
pub use rebuild::LateRows;
pub use simplified_line::{Tolerance, TrackPoint};
pub use step_size::StepSize;
pub use summarizer::{Summarizer, SummaryOptions};
pub use tracks::{FlightTrack, FlightTracks, TooManyFlights, TrackOptions};
pub use waypoints::{FlightWaypoints, WantedFlight, Waypoint, WaypointFinder};
