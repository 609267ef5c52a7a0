use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Seconds since 1970-01-01T00:00:00Z, negative before it: the unit of every timestamp that OpenSky sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(examples(1_795_472_375))]
pub struct UnixTime(pub i64);

impl UnixTime {
    /// Returns the local wall clock, rounded down to the second.
    pub fn now() -> Self {
        SystemTime::now().into()
    }

    /// Returns the seconds from `earlier` to `self`; negative if `self` is earlier.
    pub fn seconds_since(self, earlier: UnixTime) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Returns the time `span` before this one, in whole seconds.
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub_unsigned(span.as_secs()))
    }

    /// Returns the time `span` after this one, in whole seconds.
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add_unsigned(span.as_secs()))
    }
}

impl From<SystemTime> for UnixTime {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => Self(i64::try_from(since.as_secs()).unwrap_or(i64::MAX)),
            Err(before) => Self(-i64::try_from(before.duration().as_secs()).unwrap_or(i64::MAX)),
        }
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Milliseconds since 1970-01-01T00:00:00Z, negative before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(examples(1_795_472_375_123_i64))]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    /// Returns the local wall clock.
    pub fn now() -> Self {
        SystemTime::now().into()
    }

    /// Returns the time `span` after this one, in whole milliseconds.
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add_unsigned(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)))
    }

    /// Returns the time `span` before this one, in whole milliseconds.
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub_unsigned(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)))
    }

    /// Whether the databases can store the time: the years 0001 to 9999.
    pub fn is_storable(self) -> bool {
        (-62_135_596_800_000..=253_402_300_799_999).contains(&self.0)
    }
}

impl From<SystemTime> for UnixMillis {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => Self(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)),
            Err(before) => Self(-i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX)),
        }
    }
}

impl From<UnixTime> for UnixMillis {
    fn from(time: UnixTime) -> Self {
        Self(time.0.saturating_mul(1_000))
    }
}
