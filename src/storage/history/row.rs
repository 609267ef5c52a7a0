use actors::domain::UnixTime;

/// One stored state vector, its texts borrowed. The fields are those of [`actors::domain::StateVector`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "the fields of `StateVector`, under the same names")]
pub struct HistoryRow<'a> {
    pub icao24: &'a str,
    pub last_contact: UnixTime,
    pub time_position: Option<UnixTime>,
    pub observed_at: Option<UnixTime>,
    pub lat: Option<f64>,
    pub lon: Option<f64>,
    pub baro_altitude: Option<f64>,
    pub geo_altitude: Option<f64>,
    pub velocity: Option<f64>,
    pub true_track: Option<f64>,
    pub vertical_rate: Option<f64>,
    pub position_source: Option<i16>,
    pub category: Option<i16>,
    pub on_ground: Option<bool>,
    pub spi: Option<bool>,
    pub callsign: Option<&'a str>,
    pub squawk: Option<&'a str>,
    pub origin_country: Option<&'a str>,
}
