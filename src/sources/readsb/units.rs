//! The units of aviation in SI units.

/// A foot in metres.
pub(super) const FOOT: f64 = 0.3048;

/// A nautical mile in metres.
pub(in crate::sources) const NAUTICAL_MILE: f64 = 1852.0;

/// A knot in metres per second.
pub(super) const KNOT: f64 = NAUTICAL_MILE / 3600.0;

/// A foot per minute in metres per second.
pub(super) const FOOT_PER_MINUTE: f64 = FOOT / 60.0;
