use std::ops::RangeInclusive;

use actors::domain::{Icao24, RejectedRow, StateVector, StateVectorParts, UnixTime};
use compact_str::CompactString;

use crate::sources::receiver::position_source;
use actors::domain::units::{FOOT, FOOT_PER_MINUTE, KNOT};

/// The number of values in a message.
const VALUES: usize = 22;

/// Positions of the values that are of use here.
const ICAO24: usize = 4;
const CALLSIGN: usize = 10;
const ALTITUDE: usize = 11;
const GROUND_SPEED: usize = 12;
const TRACK: usize = 13;
const LATITUDE: usize = 14;
const LONGITUDE: usize = 15;
const VERTICAL_RATE: usize = 16;
const SQUAWK: usize = 17;
const SPI: usize = 20;
const ON_GROUND: usize = 21;

/// Messages about the user's selection and the receiver's own list of aircraft, which carry no state.
const IGNORED: [&str; 5] = ["SEL", "ID", "AIR", "STA", "CLK"];

/// The maximum number of characters of a line that an error quotes.
const MAX_QUOTE: usize = 120;

/// Parses a line. Returns what it tells about an aircraft, or `None` if it is of a type that tells nothing. Dates and
/// times are ignored: they are in the receiver's time zone, which the message does not tell.
///
/// # Errors
/// The line is not a valid message. The reason quotes it.
pub(super) fn parse(line: &str, arrived: UnixTime) -> Result<Option<StateVector>, RejectedRow> {
    let rejected = |kind, reason: String| {
        let quote: String = line.chars().take(MAX_QUOTE).collect();
        RejectedRow { kind, reason: format!("{reason} in {quote:?}") }
    };
    let mut values = [""; VALUES];
    let mut count = 0;
    for value in line.split(',') {
        if let Some(place) = values.get_mut(count) {
            *place = value.trim();
        }
        count += 1;
    }
    if IGNORED.contains(&values[0]) {
        return Ok(None);
    }
    // Receivers that take part in multilateration mark its results as MLAT.
    let source = match values[0] {
        "MSG" => position_source::ADS_B,
        "MLAT" => position_source::MLAT,
        other => return Err(rejected("row", format!("unknown message type {:?}", shorten(other)))),
    };
    if count != VALUES {
        return Err(rejected("columns", format!("{count} values instead of {VALUES}")));
    }
    let transmission = match values[1] {
        "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" => values[1],
        other => return Err(rejected("row", format!("unknown transmission type {:?}", shorten(other)))),
    };
    let state = Values(values).state(transmission, source, arrived);
    state.map(Some).map_err(|row| rejected(row.kind, row.reason))
}

fn shorten(text: &str) -> String {
    text.chars().take(20).collect()
}

/// The values of a message.
struct Values<'a>([&'a str; VALUES]);

impl Values<'_> {
    fn state(&self, transmission: &str, source: i16, arrived: UnixTime) -> Result<StateVector, RejectedRow> {
        let position = self.position()?;
        let on_ground = match (self.flag("on_ground", ON_GROUND)?, transmission) {
            // A surface position and an airborne position, even without the flag.
            (None, "2") => Some(true),
            (None, "3") => Some(false),
            (flag, _) => flag,
        };
        let parts = StateVectorParts {
            icao24: self.0[ICAO24].into(),
            callsign: Some(self.0[CALLSIGN].into()),
            lat: position.map(|(lat, _)| lat),
            lon: position.map(|(_, lon)| lon),
            baro_altitude: self.number("baro_altitude", ALTITUDE, -2_000.0..=200_000.0)?.map(|feet| feet * FOOT),
            velocity: self.number("velocity", GROUND_SPEED, 0.0..=5_000.0)?.map(|knots| knots * KNOT),
            true_track: self.number("true_track", TRACK, 0.0..=360.0)?,
            vertical_rate: self
                .number("vertical_rate", VERTICAL_RATE, -100_000.0..=100_000.0)?
                .map(|rate| rate * FOOT_PER_MINUTE),
            squawk: self.squawk()?,
            spi: self.flag("spi", SPI)?,
            on_ground,
            position_source: position.map(|_| source),
            last_contact: Some(arrived.0),
            ..StateVectorParts::default()
        };
        if parts.icao24.starts_with('~') {
            return Err(invalid("icao24", "an address that is not an ICAO address", self.0[ICAO24]));
        }
        let state = StateVector::try_from(parts)?;
        if state.icao24 == Icao24::from_u32(0) {
            return Err(invalid("icao24", "an address that is not assigned to an aircraft", self.0[ICAO24]));
        }
        Ok(state)
    }

    fn number(
        &self,
        field: &'static str,
        index: usize,
        range: RangeInclusive<f64>,
    ) -> Result<Option<f64>, RejectedRow> {
        match self.0[index] {
            "" => Ok(None),
            text => match text.parse() {
                Ok(number) if range.contains(&number) => Ok(Some(number)),
                _ => Err(invalid(field, "invalid", text)),
            },
        }
    }

    fn position(&self) -> Result<Option<(f64, f64)>, RejectedRow> {
        let lat = self.number("lat", LATITUDE, -90.0..=90.0)?;
        let lon = self.number("lon", LONGITUDE, -180.0..=180.0)?;
        // Some receivers write an unknown position as zeros.
        Ok(lat.zip(lon).filter(|position| *position != (0.0, 0.0)))
    }

    /// Returns a flag, which is 0 or, if set, -1 or 1.
    fn flag(&self, field: &'static str, index: usize) -> Result<Option<bool>, RejectedRow> {
        match self.0[index] {
            "" => Ok(None),
            "0" => Ok(Some(false)),
            "-1" | "1" => Ok(Some(true)),
            text => Err(invalid(field, "invalid", text)),
        }
    }

    /// Returns the squawk with the leading zeros that some receivers omit.
    fn squawk(&self) -> Result<Option<CompactString>, RejectedRow> {
        match self.0[SQUAWK] {
            "" => Ok(None),
            text if text.len() <= 4 && text.bytes().all(|digit| (b'0'..=b'7').contains(&digit)) => {
                Ok(Some(CompactString::from(format!("{text:0>4}"))))
            }
            text => Err(invalid("squawk", "invalid", text)),
        }
    }
}

fn invalid(kind: &'static str, what: &str, text: &str) -> RejectedRow {
    RejectedRow { kind, reason: format!("{what} {kind} {:?}", shorten(text)) }
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
