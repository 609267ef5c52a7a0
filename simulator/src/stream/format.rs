//! The formats of the ports.

use super::{beast, sbs};
use crate::faults::Target;
use crate::receiver::Message;

/// A format of radio messages.
#[derive(Clone, Copy, Debug)]
pub(super) enum Format {
    Sbs {
        /// Seconds ahead of UTC.
        utc_offset: i32,
    },
    Beast {
        gps_clock: bool,
    },
}

impl Format {
    pub(super) fn target(self) -> Target {
        match self {
            Self::Sbs { .. } => Target::Sbs,
            Self::Beast { .. } => Target::Beast,
        }
    }

    /// Appends a message.
    pub(super) fn write(self, out: &mut Vec<u8>, message: &Message<'_>) {
        match self {
            Self::Sbs { utc_offset } => sbs::write(out, message, utc_offset),
            Self::Beast { gps_clock } => beast::write(out, message, gps_clock),
        }
    }

    /// Appends messages that are invalid.
    pub(super) fn write_bad(self, out: &mut Vec<u8>, millis: i64) {
        match self {
            Self::Sbs { utc_offset } => sbs::write_bad(out, millis, utc_offset),
            Self::Beast { gps_clock } => beast::write_bad(out, millis, gps_clock),
        }
    }
}
