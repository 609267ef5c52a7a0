//! The bounds of the engine's memory, in numbers and in time.

/// The maximum number of active alerts. At the limit, no alert starts until another one ends.
pub(super) const MAX_ACTIVE: usize = 10_000;

/// The maximum number of aircraft with a memory. The one with the earliest deadline is forgotten first.
pub(super) const MAX_AIRCRAFT: usize = 200_000;

/// After this many seconds of silence, the alerts of an aircraft end. An earlier position or state is no longer
/// compared with a new one.
pub(super) const MAX_SILENCE: i64 = 3600;

/// For how many seconds an event, such as a take-off, meets its condition.
pub(super) const EVENT_DURATION: i64 = 60;
