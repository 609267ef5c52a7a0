//! The units of aviation in SI units.

/// A foot in metres.
pub const FOOT: f64 = 0.3048;

/// A nautical mile in metres.
pub const NAUTICAL_MILE: f64 = 1852.0;

/// A knot in metres per second.
pub const KNOT: f64 = NAUTICAL_MILE / 3600.0;

/// A foot per minute in metres per second.
pub const FOOT_PER_MINUTE: f64 = FOOT / 60.0;
