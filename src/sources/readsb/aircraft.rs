//! Converts one aircraft of readsb into a state vector.

use actors::domain::{InvalidStateVector, RejectedRow, StateVector, StateVectorParts, UnixTime, emitter_category_code};
use compact_str::CompactString;

use super::row::{BarometricAltitude, Position, Row};
use crate::sources::bad_row;
use crate::sources::receiver::position_source::{ADS_B, MLAT};
use actors::domain::units::{FOOT, FOOT_PER_MINUTE, KNOT};

/// A time with milliseconds, since the ages of an aircraft have fractions of a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Millis(pub(super) i64);

/// What a row tells.
#[derive(Debug, PartialEq)]
pub(super) enum Target {
    /// An aircraft.
    Aircraft(Box<StateVector>),
    /// A target whose address is not an ICAO address, such as a track of TIS-B.
    NonIcao,
    /// An aircraft that has not been heard for a while.
    Silent,
}

/// An aircraft that has been silent for longer is left out. readsb repeats aircraft for up to five minutes.
const MAX_SILENCE: Millis = Millis(60_000);

/// An older position is left out. readsb repeats it for up to 14 days.
const MAX_POSITION_AGE: Millis = Millis(300_000);

/// The maximum time by which the last contact may be ahead of the response's time.
const FUTURE_TOLERANCE: Millis = Millis(60_000);

impl Millis {
    /// Converts seconds. Numbers that are too large become the largest time.
    pub(super) fn from_seconds(seconds: f64) -> Self {
        // The cast saturates.
        Self((seconds * 1000.0).round() as i64)
    }

    fn minus(self, age: Self) -> Self {
        Self(self.0.saturating_sub(age.0))
    }

    /// Returns the time rounded down to the second.
    pub(super) fn second(self) -> UnixTime {
        UnixTime(self.0.div_euclid(1000))
    }
}

impl Target {
    /// Converts a row of a response of the time `now`. `text` is the row's text, for errors.
    pub(super) fn of(row: &Row, text: &str, now: Millis) -> Result<Self, RejectedRow> {
        if row.hex.as_ref().is_some_and(|hex| hex.starts_with('~')) {
            return Ok(Self::NonIcao);
        }
        let silence = row.seen.map(Millis::from_seconds);
        if silence.is_some_and(|silence| silence > MAX_SILENCE) {
            return Ok(Self::Silent);
        }
        if row.squawk.as_ref().is_some_and(|squawk| !is_squawk(squawk)) {
            return Err(bad_row::rejected("squawk", text, "not four octal digits"));
        }
        let last_contact = silence.map(|silence| now.minus(silence).second());
        let position = last_contact.and_then(|last_contact| PositionFix::of(row, now, last_contact));
        let on_ground = on_ground(row);
        let parts = StateVectorParts {
            icao24: row.hex.clone().unwrap_or_default(),
            callsign: row.flight.as_deref().and_then(callsign),
            lat: position.map(|fix| fix.lat),
            lon: position.map(|fix| fix.lon),
            velocity: row.gs.map(|speed| speed * KNOT),
            true_track: row.track,
            vertical_rate: row.baro_rate.or(row.geom_rate).map(|rate| rate * FOOT_PER_MINUTE),
            baro_altitude: row.alt_baro.and_then(BarometricAltitude::feet).map(|feet| feet * FOOT),
            geo_altitude: row.alt_geom.map(|feet| feet * FOOT),
            on_ground,
            squawk: row.squawk.clone(),
            spi: row.spi,
            position_source: position.and_then(|_| position_source(row)),
            category: row.category.as_deref().and_then(emitter_category_code),
            time_position: position.and_then(|fix| fix.time).map(|time| time.0),
            last_contact: last_contact.map(|time| time.0),
            observed_at: Some(now.second().0),
            ..StateVectorParts::default()
        };
        let state = StateVector::try_from(parts).map_err(bad_row::invalid_values)?;
        let ahead = state.last_contact.seconds_since(now.second());
        if ahead > FUTURE_TOLERANCE.0 / 1000 {
            let (icao24, last_contact) = (state.icao24, state.last_contact);
            return Err(bad_row::invalid_values(InvalidStateVector::Future { icao24, last_contact, ahead }));
        }
        Ok(Self::Aircraft(Box::new(state)))
    }
}

#[derive(Clone, Copy, Debug)]
struct PositionFix {
    lat: f64,
    lon: f64,
    time: Option<UnixTime>,
}

impl PositionFix {
    /// Returns the current position, or else the last one, unless it is too old.
    fn of(row: &Row, now: Millis, last_contact: UnixTime) -> Option<Self> {
        let Position { lat, lon, seen_pos } = if row.position.is_complete() { row.position } else { row.last_position };
        let age = seen_pos.map(Millis::from_seconds);
        if age.is_some_and(|age| age > MAX_POSITION_AGE) {
            return None;
        }
        // `seen` has fewer decimals than `seen_pos`, so rounding might make the position newer than the last message.
        let time = age.map(|age| now.minus(age).second().min(last_contact));
        Some(Self { lat: lat?, lon: lon?, time })
    }
}

/// Surface reports have no altitude, so an aircraft with one is in the air. Some vehicles send nothing but their category.
fn on_ground(row: &Row) -> Option<bool> {
    match row.alt_baro {
        Some(BarometricAltitude::Ground) => Some(true),
        Some(BarometricAltitude::Feet(_)) => Some(false),
        None if row.alt_geom.is_some() => Some(false),
        // Emergency and service vehicles.
        None if matches!(row.category.as_deref(), Some("C1" | "C2")) => Some(true),
        None => None,
    }
}

/// The position may come from another source than the aircraft's type tells, since that is the best source of any value.
fn position_source(row: &Row) -> Option<i16> {
    if row.mlat_position {
        return Some(MLAT);
    }
    if row.tisb_position {
        return None;
    }
    match row.kind.as_deref() {
        Some("mlat") => Some(MLAT),
        // dump1090-fa leaves out the type of an ordinary ADS-B target.
        None => Some(ADS_B),
        Some(kind) if kind.starts_with("adsb_") || kind.starts_with("adsr_") => Some(ADS_B),
        Some(_) => None,
    }
}

/// Removes the padding. A transponder without a callsign may send `@`, the code of no character.
fn callsign(flight: &str) -> Option<CompactString> {
    let callsign = flight.trim_matches(|c: char| c == '@' || c.is_whitespace());
    (!callsign.is_empty()).then(|| callsign.into())
}

fn is_squawk(text: &str) -> bool {
    text.len() == 4 && text.bytes().all(|digit| (b'0'..=b'7').contains(&digit))
}
