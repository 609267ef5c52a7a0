use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

use super::{Icao24, RejectedRow, UnixTime};

/// What OpenSky knows of one aircraft at one moment; unknown is `None`, never 0.
///
/// Serialised, it is this project's JSON form of a state vector everywhere: Kafka values, SSE events, the API.
/// The fields' meanings are those of the OpenSky REST API, "All State Vectors"; SI units, WGS-84 degrees, Unix seconds.
/// Of its eighteen `sensors` is left out, the receivers' own numbers, which it sends to their owners alone; `observed_at`
/// is the response's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "StateVectorParts", into = "StateVectorParts")]
pub struct StateVector {
    /// The aircraft's ICAO 24-bit address.
    pub icao24: Icao24,
    /// Without the padding around it; inner blanks stay.
    #[schema(value_type = Option<String>)]
    pub callsign: Option<CompactString>,
    /// The country that the address is registered in.
    #[schema(value_type = Option<String>)]
    pub origin_country: Option<CompactString>,
    /// When the position was received. A position's own time, which may lie hours before `last_contact`.
    pub time_position: Option<UnixTime>,
    /// When any message of the aircraft was last received.
    pub last_contact: UnixTime,
    /// Degrees north, −90 to 90.
    pub lat: Option<f64>,
    /// Degrees east, −180 to 180.
    pub lon: Option<f64>,
    /// Barometric (pressure) altitude in metres.
    pub baro_altitude: Option<f64>,
    /// Geometric (GNSS) altitude above the WGS-84 ellipsoid in metres.
    pub geo_altitude: Option<f64>,
    /// Whether the position comes from a surface report. `None` only in messages that lack the field.
    pub on_ground: Option<bool>,
    /// Speed over ground in m/s.
    pub velocity: Option<f64>,
    /// Direction over ground in degrees clockwise from north, 0 ≤ track < 360.
    pub true_track: Option<f64>,
    /// m/s, positive when climbing.
    pub vertical_rate: Option<f64>,
    /// The transponder code, four octal digits as sent.
    #[schema(value_type = Option<String>)]
    pub squawk: Option<CompactString>,
    /// Special purpose indicator. `None` only in messages that lack the field.
    pub spi: Option<bool>,
    /// 0 ADS-B, 1 ASTERIX, 2 MLAT, 3 FLARM; other codes are kept as sent.
    pub position_source: Option<i16>,
    /// ADS-B emitter category, OpenSky's codes 0 to 20; other codes are kept as sent.
    pub category: Option<i16>,
    /// The time of the response that carried this state.
    pub observed_at: Option<UnixTime>,
}

/// The fields of a state vector as they stand on the wire, before they are checked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "the fields of `StateVector`, under the same names")]
pub struct StateVectorParts {
    pub icao24: CompactString,
    pub callsign: Option<CompactString>,
    pub origin_country: Option<CompactString>,
    pub lat: Option<f64>,
    pub lon: Option<f64>,
    pub velocity: Option<f64>,
    pub true_track: Option<f64>,
    pub vertical_rate: Option<f64>,
    pub baro_altitude: Option<f64>,
    pub geo_altitude: Option<f64>,
    pub on_ground: Option<bool>,
    pub squawk: Option<CompactString>,
    pub spi: Option<bool>,
    pub position_source: Option<i16>,
    pub category: Option<i16>,
    pub time_position: Option<i64>,
    pub last_contact: Option<i64>,
    pub observed_at: Option<i64>,
}

/// Why fields are no state vector.
#[derive(Clone, Debug, PartialEq, Error)]
#[allow(missing_docs, reason = "each message says it")]
pub enum InvalidStateVector {
    #[error(transparent)]
    Icao24(#[from] super::InvalidIcao24),
    #[error("{icao24} has no last_contact")]
    NoLastContact { icao24: Icao24 },
    #[error("{icao24} has the {field} {value}, which is none")]
    OutOfRange { icao24: Icao24, field: &'static str, value: f64 },
    #[error("{icao24} has a {field} of {bytes} bytes, more than {LONGEST_TEXT}")]
    LongText { icao24: Icao24, field: &'static str, bytes: usize },
    #[error("{icao24} has the time {field} {value}, which no calendar has")]
    Time { icao24: Icao24, field: &'static str, value: i64 },
    #[error("{icao24} was last heard at {last_contact}, {ahead} s after the response's time")]
    Future { icao24: Icao24, last_contact: UnixTime, ahead: i64 },
}

impl InvalidStateVector {
    /// One word for counting.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Icao24(_) => "icao24",
            Self::NoLastContact { .. } => "last_contact",
            Self::OutOfRange { field, .. } | Self::LongText { field, .. } | Self::Time { field, .. } => field,
            Self::Future { .. } => "future",
        }
    }
}

impl From<InvalidStateVector> for RejectedRow {
    fn from(error: InvalidStateVector) -> Self {
        Self { kind: error.kind(), reason: error.to_string() }
    }
}

/// Bytes of a callsign, country or squawk. The longest country name has about 45; a text without a bound would fit into no
/// index of a database, and perhaps into no Kafka message.
const LONGEST_TEXT: usize = 128;

/// The years 0001 to 9999, which every store and calendar of this project can hold.
const CALENDAR: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

impl TryFrom<StateVectorParts> for StateVector {
    type Error = InvalidStateVector;

    fn try_from(parts: StateVectorParts) -> Result<Self, InvalidStateVector> {
        let icao24 = Icao24::parse(&parts.icao24)?;
        let within = |field, value: Option<f64>, limit: f64| match value {
            Some(value) if value.is_nan() || value.abs() > limit => {
                Err(InvalidStateVector::OutOfRange { icao24, field, value })
            }
            value => Ok(value),
        };
        let text = |field, value: Option<CompactString>| match value.and_then(trimmed) {
            Some(text) if text.len() > LONGEST_TEXT => {
                Err(InvalidStateVector::LongText { icao24, field, bytes: text.len() })
            }
            text => Ok(text),
        };
        let calendar = |field, value: Option<i64>| match value {
            Some(value) if !CALENDAR.contains(&value) => Err(InvalidStateVector::Time { icao24, field, value }),
            value => Ok(value.map(UnixTime)),
        };
        Ok(Self {
            icao24,
            callsign: text("callsign", parts.callsign)?,
            origin_country: text("origin_country", parts.origin_country)?,
            time_position: calendar("time_position", parts.time_position)?,
            last_contact: calendar("last_contact", parts.last_contact)?
                .ok_or(InvalidStateVector::NoLastContact { icao24 })?,
            lat: within("lat", parts.lat, 90.0)?,
            lon: within("lon", parts.lon, 180.0)?,
            baro_altitude: within("baro_altitude", parts.baro_altitude, f64::MAX)?,
            geo_altitude: within("geo_altitude", parts.geo_altitude, f64::MAX)?,
            on_ground: parts.on_ground,
            velocity: within("velocity", parts.velocity, f64::MAX)?,
            true_track: within("true_track", parts.true_track, f64::MAX)?.map(normalised_track),
            vertical_rate: within("vertical_rate", parts.vertical_rate, f64::MAX)?,
            squawk: text("squawk", parts.squawk)?,
            spi: parts.spi,
            position_source: parts.position_source,
            category: parts.category,
            observed_at: calendar("observed_at", parts.observed_at)?,
        })
    }
}

/// A text without the blanks around it and without NULs, which no PostgreSQL text can hold; `None` when nothing is left.
fn trimmed(text: CompactString) -> Option<CompactString> {
    let text = if text.contains('\0') { text.replace('\0', "").into() } else { text };
    match text.trim() {
        "" => None,
        inner if inner.len() == text.len() => Some(text),
        inner => Some(inner.into()),
    }
}

/// The same direction within 0 ≤ track < 360.
fn normalised_track(degrees: f64) -> f64 {
    if (0.0..360.0).contains(&degrees) {
        return degrees;
    }
    let normalised = degrees.rem_euclid(360.0);
    // A tiny negative angle rounds up to 360 itself.
    if normalised < 360.0 { normalised } else { 0.0 }
}

impl From<StateVector> for StateVectorParts {
    fn from(state: StateVector) -> Self {
        let StateVector {
            icao24,
            callsign,
            origin_country,
            time_position,
            last_contact,
            lat,
            lon,
            baro_altitude,
            geo_altitude,
            on_ground,
            velocity,
            true_track,
            vertical_rate,
            squawk,
            spi,
            position_source,
            category,
            observed_at,
        } = state;
        Self {
            icao24: std::str::from_utf8(&icao24.to_ascii()).unwrap_or_default().into(),
            callsign,
            origin_country,
            lat,
            lon,
            velocity,
            true_track,
            vertical_rate,
            baro_altitude,
            geo_altitude,
            on_ground,
            squawk,
            spi,
            position_source,
            category,
            time_position: time_position.map(|t| t.0),
            last_contact: Some(last_contact.0),
            observed_at: observed_at.map(|t| t.0),
        }
    }
}
