//! The codes of `position_source` that receivers can tell.

/// Sent by the aircraft.
pub const ADS_B: i16 = 0;

/// Computed from the arrival times at several receivers.
pub const MLAT: i16 = 2;
