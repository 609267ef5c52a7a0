//! Encodes state vectors as the rows of OpenSky's `/states/all`.

use std::fmt;

use actors::domain::{StateVector, UnixTime};
use serde::Serialize;
use serde::ser::{SerializeSeq, Serializer};
use utoipa::ToSchema;

/// The states of many aircraft.
#[derive(Serialize, ToSchema)]
pub(crate) struct OpenSkyStates<'a> {
    /// The time of the states, in Unix seconds.
    time: UnixTime,
    /// A row for each aircraft, ordered by address; never `null`. Its 17 columns are `icao24`, `callsign`,
    /// `origin_country`, `time_position`, `last_contact`, `longitude`, `latitude`, `baro_altitude`, `on_ground`,
    /// `velocity`, `true_track`, `vertical_rate`, `sensors`, `geo_altitude`, `squawk`, `spi` and `position_source`;
    /// with `extended`, `category` is the eighteenth.
    #[schema(value_type = Vec<Vec<serde_json::Value>>)]
    states: Vec<Row<'a>>,
}

/// Encodes a response with the rows of these states.
pub(super) fn encode<'a>(
    time: UnixTime,
    states: impl IntoIterator<Item = &'a StateVector>,
    is_extended: bool,
) -> serde_json::Result<Vec<u8>> {
    let states = states.into_iter().map(|state| Row { state, is_extended }).collect();
    serde_json::to_vec(&OpenSkyStates { time, states })
}

struct Row<'a> {
    state: &'a StateVector,
    is_extended: bool,
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let state = self.state;
        let mut row = serializer.serialize_seq(Some(if self.is_extended { 18 } else { 17 }))?;
        row.serialize_element(&state.icao24)?;
        row.serialize_element(&state.callsign.as_deref().map(Padded))?;
        row.serialize_element(state.origin_country.as_deref().unwrap_or_default())?;
        row.serialize_element(&state.time_position)?;
        row.serialize_element(&state.last_contact)?;
        row.serialize_element(&state.lon.map(Number))?;
        row.serialize_element(&state.lat.map(Number))?;
        row.serialize_element(&state.baro_altitude.map(Number))?;
        row.serialize_element(&state.on_ground.unwrap_or(false))?;
        row.serialize_element(&state.velocity.map(Number))?;
        row.serialize_element(&state.true_track.map(Number))?;
        row.serialize_element(&state.vertical_rate.map(Number))?;
        // The serial numbers of the client's own receivers.
        row.serialize_element(&None::<()>)?;
        row.serialize_element(&state.geo_altitude.map(Number))?;
        row.serialize_element(&state.squawk.as_deref())?;
        row.serialize_element(&state.spi.unwrap_or(false))?;
        row.serialize_element(&state.position_source.unwrap_or(0))?;
        if self.is_extended {
            row.serialize_element(&state.category.unwrap_or(0))?;
        }
        row.end()
    }
}

/// A callsign, padded to eight characters as OpenSky sends it.
pub(super) struct Padded<'a>(pub(super) &'a str);

impl fmt::Display for Padded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<8}", self.0)
    }
}

impl Serialize for Padded<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A number, which OpenSky sends as an integer if it has no decimals.
pub(super) struct Number(pub(super) f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // All numbers of a state vector have at most nine digits.
        if self.0.fract() == 0.0 { serializer.serialize_i64(self.0 as i64) } else { serializer.serialize_f64(self.0) }
    }
}

#[cfg(test)]
mod tests {
    use actors::domain::{Icao24, StateVectorParts};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::sources::opensky::wire::parse_states;

    #[test]
    fn rows_are_typed_and_padded_as_those_of_opensky() {
        let response = r#"{"time":1458564121,"states":[["3c6444","DLH9LF  ","Germany",1458564120,1458564120,6.1546,50,9639.3,false,232.88,98.26,-4,null,9547.86,"1000",false,0,4],["4b1814",null,"",null,1458564121,null,null,null,true,null,null,null,null,null,null,true,3,0]]}"#;
        let snapshot = parse_states(response.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(encode(snapshot.time, &snapshot.states, true).unwrap()).unwrap(), response);
        let short: Value = serde_json::from_slice(&encode(snapshot.time, &snapshot.states, false).unwrap()).unwrap();
        assert!(short["states"].as_array().unwrap().iter().all(|row| row.as_array().unwrap().len() == 17));
        assert_eq!(encode(UnixTime(5), [], true).unwrap(), br#"{"time":5,"states":[]}"#);
    }

    #[test]
    fn columns_that_opensky_never_leaves_unknown_have_its_default() {
        let state = StateVector::new(Icao24::from_u32(1), UnixTime(7));
        let text = encode(UnixTime(9), [&state], true).unwrap();
        let row = json!([
            "000001", null, "", null, 7, null, null, null, false, null, null, null, null, null, null, false, 0, 0
        ]);
        assert_eq!(serde_json::from_slice::<Value>(&text).unwrap(), json!({ "time": 9, "states": [row] }));
    }

    proptest! {
        #[test]
        fn no_value_changes_on_the_way_to_a_client(
            scaled in (-90_000_000_i32..=90_000_000, -180_000_000_i32..=180_000_000, any::<u16>(), 0_u32..36_000),
            callsign in "[A-Z0-9]{1,8}",
        ) {
            let state: StateVector = StateVectorParts {
                icao24: "4b1814".into(),
                callsign: Some(callsign.as_str().into()),
                lat: Some(f64::from(scaled.0) / 1e6),
                lon: Some(f64::from(scaled.1) / 1e6),
                baro_altitude: Some(f64::from(scaled.2) / 4.0),
                true_track: Some(f64::from(scaled.3) / 100.0),
                on_ground: Some(true),
                spi: Some(false),
                position_source: Some(2),
                category: Some(7),
                time_position: Some(1_700_000_000),
                last_contact: Some(1_700_000_001),
                observed_at: Some(1_700_000_002),
                ..StateVectorParts::default()
            }.try_into().unwrap();
            let text = encode(UnixTime(1_700_000_002), [&state], true).unwrap();
            let read = parse_states(&text).unwrap();
            // An unknown country is an empty text in a row.
            let read = StateVector { origin_country: None, ..read.states[0].clone() };
            prop_assert_eq!(read, state);
        }
    }
}
