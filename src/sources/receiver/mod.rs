//! What the sources that read the TCP stream of a receiver share: the connection, and the state of each aircraft.
//!
//! A [`ReceiverSource`] keeps a connection in the background. Its [`Decoder`] turns the bytes into partial states, from
//! which an [`AircraftTracker`] assembles at most one state per aircraft and second.

mod arrival;
mod connection;
mod decoder;
mod options;
mod plausible_track;
pub mod position_source;
mod source;
mod tracker;

pub use arrival::Arrival;
pub use decoder::{Decoded, Decoder};
pub use options::ReceiverOptions;
pub use plausible_track::PlausibleTrack;
pub use source::ReceiverSource;
pub(super) use source::open;
pub use tracker::AircraftTracker;
