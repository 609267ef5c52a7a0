use std::collections::HashSet;
use std::str::FromStr;
use std::time::Duration;

use actors::domain::Icao24;
use thiserror::Error;

use crate::export::parse_addresses;

/// A speed relative to real time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpeedFactor(f64);

/// The error for an invalid speed factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("expected a factor from 0.01 to 10000, such as 1 or 60")]
pub struct InvalidSpeed;

impl SpeedFactor {
    /// Returns the factor, from 0.01 to 10 000.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl FromStr for SpeedFactor {
    type Err = InvalidSpeed;

    fn from_str(text: &str) -> Result<Self, InvalidSpeed> {
        let factor: f64 = text.parse().map_err(|_| InvalidSpeed)?;
        // NaN is not contained in the range either.
        if (0.01..=10_000.0).contains(&factor) { Ok(Self(factor)) } else { Err(InvalidSpeed) }
    }
}

/// Parses a speed factor for the simulator.
pub(super) fn simulated_speed(text: &str) -> Result<f64, String> {
    let factor = text.parse().ok().filter(|factor| simulator::Options::SPEEDS.contains(factor));
    factor.ok_or_else(|| "expected a factor from 0.1 to 100, such as 1 or 60".to_owned())
}

/// Parses a duration with its unit, from one second to one year.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    crate::config::parse_duration(text).map_err(|error| format!("{error}; expected a time such as 30s or 30m"))
}

/// A list of aircraft, in the syntax of the API.
#[derive(Clone, Debug, Default)]
pub struct Addresses(pub(crate) HashSet<Icao24>);

pub(super) fn addresses(text: &str) -> Result<Addresses, String> {
    let mut addresses = HashSet::new();
    parse_addresses(text, &mut addresses).map_err(|error| error.to_string())?;
    Ok(Addresses(addresses))
}
