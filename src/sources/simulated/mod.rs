//! Simulated aircraft, by a simulator in this process, over the real HTTP, OAuth2 and credit paths of OpenSky.

mod flags;
mod source;

pub use flags::Flags;
