//! Simulated aircraft, served by a simulator in this process and polled with the same HTTP, OAuth2 and credit code as
//! OpenSky.

mod flags;
mod source;

pub use flags::SimulatedFlags;
