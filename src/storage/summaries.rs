use actors::domain::{Icao24, UnixTime};
use serde::Serialize;
use utoipa::ToSchema;

/// Selects flights; a flight must match every field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlightQuery {
    /// Only flights last seen at or after this time.
    pub from: UnixTime,
    /// Only flights first seen at or before this time.
    pub to: UnixTime,
    /// Only these aircraft; empty for all.
    pub icao24: Vec<Icao24>,
    /// Only this callsign, compared regardless of case.
    pub callsign: Option<String>,
    /// Only flights after this one, in the order of `first_seen` and `icao24`. Used for pagination.
    pub after: Option<(UnixTime, Icao24)>,
    /// The maximum number of flights.
    pub limit: u32,
}

/// The traffic of one hour and country.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CountryTraffic {
    /// The start of the hour.
    pub hour: UnixTime,
    /// The country of registration; `None` if unknown.
    pub origin_country: Option<String>,
    /// The number of state vectors.
    pub states: i64,
    /// The number of distinct aircraft.
    pub aircraft: i64,
}

/// The traffic of one hour and cell of 5 by 5 degrees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CellTraffic {
    /// The start of the hour.
    pub hour: UnixTime,
    /// Its southern edge in degrees north.
    pub lat: i16,
    /// Its western edge in degrees east.
    pub lon: i16,
    /// The number of state vectors.
    pub states: i64,
    /// The number of distinct aircraft.
    pub aircraft: i64,
}

/// The traffic of one hour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct HourTraffic {
    /// The start of the hour.
    pub hour: UnixTime,
    /// The number of state vectors.
    pub states: i64,
    /// The number of distinct aircraft. An aircraft reported with two countries counts twice.
    pub aircraft: i64,
}
