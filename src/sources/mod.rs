//! Where state vectors come from.

pub mod opensky;
