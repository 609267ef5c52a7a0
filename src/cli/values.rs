use std::collections::HashSet;
use std::str::FromStr;
use std::time::Duration;

use actors::domain::Icao24;
use thiserror::Error;

use crate::export::parse_addresses;

/// The speed of time relative to real time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpeedFactor(f64);

/// Not a valid factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("expected a factor from 0.01 to 10000, such as 1 or 60")]
pub struct InvalidSpeed;

impl SpeedFactor {
    /// The factor, from 0.01 to 10 000.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl FromStr for SpeedFactor {
    type Err = InvalidSpeed;

    fn from_str(text: &str) -> Result<Self, InvalidSpeed> {
        let factor: f64 = text.parse().map_err(|_| InvalidSpeed)?;
        // NaN fails this comparison too.
        if (0.01..=10_000.0).contains(&factor) { Ok(Self(factor)) } else { Err(InvalidSpeed) }
    }
}

/// A speed that the simulator accepts.
pub(super) fn simulated_speed(text: &str) -> Result<f64, String> {
    let factor = text.parse().ok().filter(|factor| simulator::Options::SPEEDS.contains(factor));
    factor.ok_or_else(|| "expected a factor from 0.1 to 100, such as 1 or 60".to_owned())
}

/// A duration of at least a second, with its unit.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    crate::config::parse_duration(text).map_err(|error| format!("{error}; expected a time such as 30s or 30m"))
}

/// Aircraft, in the syntax of the API.
#[derive(Clone, Debug, Default)]
pub struct Addresses(pub(crate) HashSet<Icao24>);

pub(super) fn addresses(text: &str) -> Result<Addresses, String> {
    let mut addresses = HashSet::new();
    parse_addresses(text, &mut addresses).map_err(|error| error.to_string())?;
    Ok(Addresses(addresses))
}
