//! Recorded responses of OpenSky, played back as if they were new: one a poll, and from the first again after the last.

mod file;
mod flags;
mod source;

pub use file::{read, shift_times};
pub use flags::Flags;
