//! Options of what is served besides OpenSky's API.

use std::fmt;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

/// A simulated receiver of Mode S and ADS-B messages, as seen in `aircraft.json`, SBS and Beast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Receiver {
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lon: f64,
    /// Range in km; aircraft below the radio horizon are not heard either. `None`: the receiver hears every aircraft in
    /// the world, for measurements.
    pub range_km: Option<f64>,
    /// Fraction of the real message rates (two positions, two velocities and a half a dozen other messages in a second),
    /// from 0.05 to 1.
    pub message_rate: f64,
}

impl Default for Receiver {
    /// Frankfurt, with a good antenna.
    fn default() -> Self {
        Self { lat: 50.05, lon: 8.6, range_km: Some(250.0), message_rate: 1.0 }
    }
}

impl Receiver {
    /// Valid values of `message_rate`.
    pub const RATES: RangeInclusive<f64> = 0.05..=1.0;
    /// Valid values of `range_km`.
    pub const RANGES: RangeInclusive<f64> = 1.0..=1_000.0;

    pub(crate) fn check(&self) -> Result<(), String> {
        if !(self.lat.abs() <= 90.0 && self.lon.abs() <= 180.0) {
            return Err(format!("the receiver's position {}, {} is out of range", self.lat, self.lon));
        }
        if self.range_km.is_some_and(|range| !Self::RANGES.contains(&range)) {
            return Err("the receiver's range must be from 1 to 1000 km".to_owned());
        }
        if !Self::RATES.contains(&self.message_rate) {
            return Err(format!("the message rate must be from 0.05 to 1, not {}", self.message_rate));
        }
        Ok(())
    }
}

/// SBS-1 (BaseStation) messages over TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sbs {
    /// The address to listen on; port 0 picks a free port.
    pub address: SocketAddr,
    /// Seconds that the receiver's local time is ahead of UTC. The messages have local times, without a zone.
    pub utc_offset: i32,
}

/// Beast binary messages over TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beast {
    /// The address to listen on; port 0 picks a free port.
    pub address: SocketAddr,
    /// Whether the timestamps are nanoseconds of the UTC day, as from a receiver with GPS, instead of ticks of a 12-MHz
    /// counter.
    pub gps_clock: bool,
}

/// The API of a community of receivers, which hears every aircraft in the world. `Debug` omits the key.
#[derive(Clone, PartialEq, Eq)]
pub struct Community {
    /// Minimum time between two requests of an address or key; more get status 429. `None`: no limit.
    pub interval: Option<Duration>,
    /// Whether a response with status 429 has a `Retry-After` header.
    pub retry_after: bool,
    /// The key required in the header `api-auth`; other requests get status 403. `None`: no key is required.
    pub api_key: Option<String>,
}

impl Default for Community {
    fn default() -> Self {
        Self { interval: Some(Duration::from_secs(1)), retry_after: true, api_key: None }
    }
}

impl fmt::Debug for Community {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Community")
            .field("interval", &self.interval)
            .field("retry_after", &self.retry_after)
            .field("has_api_key", &self.api_key.is_some())
            .finish()
    }
}
