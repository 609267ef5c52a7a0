//! One aircraft, as readsb writes it.

use std::fmt;

use actors::domain::units::{FOOT, KNOT, NAUTICAL_MILE};
use actors::domain::{Icao24, Point, StateVector, UnixTime, emitter_category_name};
use actors::enrichment::FactBook;
use compact_str::CompactString;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// A position older than this is only the last known one.
const POSITION_LIFETIME: f64 = 60.0;

/// The local time of a response, in Unix milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Millis(pub(super) i64);

/// An aircraft in readsb's units: feet, knots, feet per minute and degrees. Unknown members are left out.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReadsbAircraft)]
pub(super) struct Aircraft<'a> {
    hex: Icao24,
    #[serde(rename = "type")]
    kind: PositionKind,
    /// Callsign, padded to eight characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, nullable = false, required = false)]
    flight: Option<Padded<'a>>,
    /// Registration.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, nullable = false, required = false)]
    r: Option<CompactString>,
    /// ICAO type designator.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    t: Option<&'a str>,
    /// Manufacturer and model.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    desc: Option<&'a str>,
    /// Operator or owner.
    #[serde(rename = "ownOp", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    own_op: Option<&'a str>,
    /// 1 for a military aircraft, 2 for an interesting one, 4 for a PIA and 8 for a LADD address, or a sum of these.
    #[serde(rename = "dbFlags", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    db_flags: Option<u8>,
    /// Barometric altitude in feet, or `ground`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    alt_baro: Option<BarometricAltitude>,
    /// Geometric altitude above the WGS-84 ellipsoid in feet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    alt_geom: Option<i32>,
    /// Ground speed in knots.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    gs: Option<f64>,
    /// True track over ground in degrees.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    track: Option<f64>,
    /// Vertical rate in feet per minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    baro_rate: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, nullable = false, required = false)]
    squawk: Option<&'a str>,
    /// Only while the squawk is 7500, 7600 or 7700.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    emergency: Option<Emergency>,
    /// ADS-B emitter category, `A0` to `C5`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, nullable = false, required = false)]
    category: Option<&'static str>,
    /// Degrees north, if the position is at most 60 seconds old.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    lat: Option<f64>,
    /// Degrees east, if the position is at most 60 seconds old.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    lon: Option<f64>,
    /// Seconds since the position was received.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    seen_pos: Option<f64>,
    /// The last known position, if it is older.
    #[serde(rename = "lastPosition", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    last_position: Option<Position>,
    /// Special purpose indicator: 0 or 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    spi: Option<u8>,
    /// The members that come from multilateration.
    mlat: &'static [&'static str],
    /// The members that come from TIS-B. None is known to.
    tisb: &'static [&'static str],
    /// Seconds since the last message.
    seen: f64,
    /// Around a point: the distance from it in nautical miles.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    dst: Option<f64>,
    /// Around a point: the direction from it in degrees.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    dir: Option<f64>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReadsbPosition)]
struct Position {
    lat: f64,
    lon: f64,
    /// Seconds since the position was received.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    seen_pos: Option<f64>,
}

/// How the position was determined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum PositionKind {
    /// ADS-B.
    AdsbIcao,
    /// Multilateration.
    Mlat,
    /// Another or an unknown source.
    Other,
    /// The aircraft has not sent a position.
    ModeS,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
enum BarometricAltitude {
    Ground(Ground),
    Feet(i32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Ground {
    Ground,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Emergency {
    /// Squawk 7500.
    Unlawful,
    /// Squawk 7600.
    Nordo,
    /// Squawk 7700.
    General,
}

#[derive(Debug)]
struct Padded<'a>(&'a str);

impl Serialize for Padded<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Padded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<8}", self.0)
    }
}

impl<'a> Aircraft<'a> {
    /// Converts a state. Ages are relative to `now`, and 0 for times after it.
    pub(super) fn of(state: &'a StateVector, facts: &'a FactBook, now: Millis) -> Self {
        let facts = facts.facts(state.icao24, None);
        let (position, last_position) = match Position::of(state, now) {
            Some(position) if position.is_current() => (Some(position), None),
            last => (None, last),
        };
        let squawk = state.squawk.as_deref();
        Self {
            hex: state.icao24,
            kind: PositionKind::of(state),
            flight: state.callsign.as_deref().map(Padded),
            r: facts.registration.map(|(text, _)| text),
            t: facts.type_code,
            desc: facts.description,
            own_op: facts.operator,
            db_flags: Some(facts.flags.0).filter(|flags| *flags != 0),
            alt_baro: match state.on_ground {
                Some(true) => Some(BarometricAltitude::Ground(Ground::Ground)),
                _ => state.baro_altitude.map(|metres| BarometricAltitude::Feet(feet(metres))),
            },
            alt_geom: state.geo_altitude.map(feet),
            gs: state.velocity.map(|speed| rounded(speed / KNOT, 10.0)),
            track: state.true_track,
            baro_rate: state.vertical_rate.map(feet_per_minute),
            squawk,
            emergency: squawk.and_then(Emergency::of),
            category: state.category.and_then(emitter_category_name),
            mlat: match position.as_ref().or(last_position.as_ref()) {
                Some(_) if state.position_source == Some(MLAT) => &["lat", "lon"],
                _ => &[],
            },
            tisb: &[],
            lat: position.as_ref().map(|position| position.lat),
            lon: position.as_ref().map(|position| position.lon),
            seen_pos: position.and_then(|position| position.seen_pos),
            last_position,
            spi: state.spi.map(u8::from),
            seen: rounded(age(state.last_contact, now), 10.0),
            dst: None,
            dir: None,
        }
    }

    /// Adds where the aircraft is, seen from a requested point: the distance in metres, and the direction in degrees.
    pub(super) fn seen_from_point(self, distance: f64, direction: f64) -> Self {
        // A direction just below 360 is rounded to it.
        let dir = rounded(direction, 10.0) % 360.0;
        Self { dst: Some(rounded(distance / NAUTICAL_MILE, 1000.0)), dir: Some(dir), ..self }
    }
}

/// The codes of [`StateVector::position_source`].
const ADS_B: i16 = 0;
const MLAT: i16 = 2;

impl PositionKind {
    fn of(state: &StateVector) -> Self {
        match state.position_source {
            _ if state.lat.is_none() || state.lon.is_none() => Self::ModeS,
            Some(ADS_B) => Self::AdsbIcao,
            Some(MLAT) => Self::Mlat,
            _ => Self::Other,
        }
    }
}

impl Emergency {
    fn of(squawk: &str) -> Option<Self> {
        match squawk {
            "7500" => Some(Self::Unlawful),
            "7600" => Some(Self::Nordo),
            "7700" => Some(Self::General),
            _ => None,
        }
    }
}

impl Position {
    fn of(state: &StateVector, now: Millis) -> Option<Self> {
        let (lat, lon) = (state.lat?, state.lon?);
        Some(Self { lat, lon, seen_pos: state.time_position.map(|at| rounded(age(at, now), 1000.0)) })
    }

    /// A position of unknown age counts as current.
    fn is_current(&self) -> bool {
        self.seen_pos.is_none_or(|age| age <= POSITION_LIFETIME)
    }
}

/// Returns the position of an aircraft, unless it is only the last known one.
pub(super) fn current_position(state: &StateVector, now: Millis) -> Option<Point> {
    let Position { lat, lon, .. } = Position::of(state, now).filter(Position::is_current)?;
    Some(Point { lat, lon })
}

/// Returns the seconds from a time to `now`.
fn age(at: UnixTime, Millis(now): Millis) -> f64 {
    now.saturating_sub(at.0.saturating_mul(1000)).max(0) as f64 / 1000.0
}

pub(super) fn rounded(number: f64, scale: f64) -> f64 {
    (number * scale).round() / scale
}

fn feet(metres: f64) -> i32 {
    (metres / FOOT).round() as i32
}

/// Converts a vertical rate. Transponders send multiples of 32 or 64 feet per minute, which a rate in hundredths of m/s
/// misses by up to one.
fn feet_per_minute(speed: f64) -> i32 {
    const STEP: f64 = 32.0;
    let rate = speed * 60.0 / FOOT;
    let sent = (rate / STEP).round() * STEP;
    if (rate - sent).abs() <= 1.0 { sent as i32 } else { rate.round() as i32 }
}

#[cfg(test)]
mod tests;
