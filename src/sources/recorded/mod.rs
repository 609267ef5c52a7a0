//! Plays recorded OpenSky responses as if they were live: one per poll, starting over after the last one.

mod file;
mod flags;
mod source;

pub use file::{read, shift_times};
pub use flags::RecordedFlags;
pub(super) use source::KIND;
