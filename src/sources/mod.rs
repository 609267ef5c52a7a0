//! Where state vectors come from.

pub mod http;
pub mod opensky;
