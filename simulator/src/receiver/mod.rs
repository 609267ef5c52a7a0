//! One receiver of Mode S and ADS-B messages at 1090 MHz, and the feed of a community of receivers.
//!
//! Everything is a function of time alone, like the world itself: which messages an aircraft sends, whether they are
//! received, and what the receiver knows about the aircraft. So all doors tell the same, to the millisecond.

mod hearing;
mod known;
mod radio;
mod schedule;

pub(crate) use hearing::Hearing;
pub(crate) use known::{Heard, Known};
pub(crate) use radio::{Message, Radio};
pub(crate) use schedule::{Kind, Schedule};

/// Metres in a foot.
const FOOT: f64 = 0.3048;
/// Metres per second in a knot.
const KNOT: f64 = 1_852.0 / 3_600.0;

/// Converts metres to whole feet.
pub(crate) fn feet(metres: f64) -> i64 {
    (metres / FOOT).round() as i64
}

/// Converts metres per second to knots.
pub(crate) fn knots(speed: f64) -> f64 {
    speed / KNOT
}

/// Converts metres per second to feet per minute, in the transponder's steps of 64 ft/min.
pub(crate) fn feet_per_minute(rate: f64) -> i64 {
    (rate / FOOT * 60.0 / 64.0).round() as i64 * 64
}

/// Returns whether a squawk is one of the emergency codes.
pub(crate) fn is_emergency(squawk: Option<u16>) -> bool {
    matches!(squawk, Some(0o7500 | 0o7600 | 0o7700))
}
