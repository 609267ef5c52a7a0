//! Parses the response of `GET /states/all`: `{"time": int, "states": [[…], …] | null}`, as documented in the OpenSky
//! REST API, "All State Vectors".
//!
//! An invalid row does not affect the others. The parser first finds the text of a row and then parses it, so that even
//! a number that does not fit a float is an error of its row only.

use std::borrow::Cow;
use std::fmt;

use actors::domain::{BadRows, InvalidStateVector, RejectedRow, Snapshot, StateVector, StateVectorParts, UnixTime};
use compact_str::CompactString;
use serde::de::{DeserializeSeed, Deserializer as _, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use thiserror::Error;

use crate::sources::bad_row;

/// Why a body is not a valid response of `/states/all`. The text may quote a few words of it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct InvalidStates(String);

/// The maximum time in seconds by which a row's last contact may be ahead of the response's time. Real data contains
/// invalid rows that are years ahead.
const FUTURE_TOLERANCE: i64 = 60;

/// The maximum number of rows in a response, which limits the time and memory to parse it. A response for the whole
/// world has about 12,000.
const MAX_ROWS: usize = 200_000;

/// The end of the year 9999, the latest that common calendar types can represent.
const MAX_TIME: i64 = 253_402_300_799;

/// Parses a whole response. `states: null` means that there are no states.
///
/// # Errors
/// The body is not JSON, or not an object with an integer `time` and with `states` that are null or an array of at most
/// 200,000 rows. Invalid rows are not an error: they are counted in [`Snapshot::bad_rows`].
///
/// ```
/// let response = br#"{"time":1458564121,"states":[["3c6444","DLH9LF  ","Germany",1458564120,1458564120,6.1546,50.1964,
///     9639.3,false,232.88,98.26,4.55,null,9547.86,"1000",false,0]]}"#;
/// let snapshot = flight_monitor::sources::opensky::wire::parse_states(response)?;
/// assert_eq!(snapshot.states[0].callsign.as_deref(), Some("DLH9LF"));
/// # Ok::<(), flight_monitor::sources::opensky::wire::InvalidStates>(())
/// ```
pub fn parse_states(body: &[u8]) -> Result<Snapshot, InvalidStates> {
    // Invalid UTF-8 invalidates only the rows that contain it, not the whole response.
    let (text, repaired) = match std::str::from_utf8(body) {
        Ok(text) => (Cow::Borrowed(text), false),
        Err(_) => (String::from_utf8_lossy(body), true),
    };
    let mut response = StatesResponse { repaired, ..StatesResponse::default() };
    let mut json = serde_json::Deserializer::from_str(&text);
    let read = json.deserialize_map(&mut response).and_then(|()| json.end());
    read.map_err(|error| InvalidStates(error.to_string()))?;
    response.into_snapshot()
}

/// The parts read so far. `time` may come after the rows.
#[derive(Default)]
struct StatesResponse {
    repaired: bool,
    time: Option<i64>,
    states: Option<Vec<StateVector>>,
    bad_rows: BadRows,
}

impl StatesResponse {
    fn into_snapshot(self) -> Result<Snapshot, InvalidStates> {
        let missing = |key| InvalidStates(format!("missing `{key}`"));
        let time = self.time.ok_or_else(|| missing("time"))?;
        if !(0..=MAX_TIME).contains(&time) {
            return Err(InvalidStates(format!("`time` {time} is out of range")));
        }
        let time = UnixTime(time);
        let mut states = self.states.ok_or_else(|| missing("states"))?;
        let mut bad_rows = self.bad_rows;
        states.retain_mut(|state| {
            state.observed_at = Some(time);
            let ahead = state.last_contact.seconds_since(time);
            if ahead > FUTURE_TOLERANCE {
                let (icao24, last_contact) = (state.icao24, state.last_contact);
                bad_rows.add(InvalidStateVector::Future { icao24, last_contact, ahead }.into());
            }
            ahead <= FUTURE_TOLERANCE
        });
        Ok(Snapshot { time, states, bad_rows })
    }

    fn add_row(&mut self, states: &mut Vec<StateVector>, row: &str) {
        match self.parse_row(row) {
            Ok(state) => states.push(state),
            Err(rejected) => self.bad_rows.add(rejected),
        }
    }

    fn parse_row(&self, row: &str) -> Result<StateVector, RejectedRow> {
        if self.repaired && row.contains(char::REPLACEMENT_CHARACTER) {
            return Err(bad_row::rejected("encoding", row, "not UTF-8"));
        }
        let mut reading = Row { column: "row" };
        let parts = serde_json::Deserializer::from_str(row)
            .deserialize_seq(&mut reading)
            .map_err(|error| bad_row::invalid_json(reading.column, row, &error))?;
        StateVector::try_from(parts).map_err(bad_row::invalid_values)
    }
}

impl<'de> Visitor<'de> for &mut StatesResponse {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `time` and `states`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match key.as_ref() {
                "time" => self.time = Some(map.next_value().map_err(|e| A::Error::custom(format!("`time`: {e}")))?),
                "states" => map.next_value_seed(Rows(self))?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// Parses the value of `states`.
struct Rows<'a>(&'a mut StatesResponse);

impl<'de> DeserializeSeed<'de> for Rows<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`states` to be an array of rows or null")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.states = Some(Vec::new());
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        let mut states = Vec::with_capacity(1024);
        let mut count = 0;
        while let Some(row) = rows.next_element::<&'de RawValue>()? {
            count += 1;
            if count > MAX_ROWS {
                return Err(A::Error::custom(format!("more than {MAX_ROWS} rows")));
            }
            self.0.add_row(&mut states, row.get());
        }
        self.0.states = Some(states);
        Ok(())
    }
}

/// Parses one row by column position. `column` is the column being read, for error messages.
struct Row {
    column: &'static str,
}

const COLUMNS: usize = 17;

impl<'de> Visitor<'de> for &mut Row {
    type Value = StateVectorParts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut row: A) -> Result<StateVectorParts, A::Error> {
        let mut parts = StateVectorParts::default();
        let mut columns = 0;
        macro_rules! read {
            ($($name:literal => $field:expr),* $(,)?) => { $(
                self.column = $name;
                match row.next_element()? {
                    Some(value) => $field = value,
                    None => {
                        self.column = "columns";
                        return Err(A::Error::custom(format!("only {columns} of {COLUMNS}")));
                    }
                }
                columns += 1;
            )* };
        }
        let (icao24, _sensors): (Option<CompactString>, IgnoredAny);
        read! {
            "icao24" => icao24,
            "callsign" => parts.callsign,
            "origin_country" => parts.origin_country,
            "time_position" => parts.time_position,
            "last_contact" => parts.last_contact,
            "lon" => parts.lon,
            "lat" => parts.lat,
            "baro_altitude" => parts.baro_altitude,
            "on_ground" => parts.on_ground,
            "velocity" => parts.velocity,
            "true_track" => parts.true_track,
            "vertical_rate" => parts.vertical_rate,
            "sensors" => _sensors,
            "geo_altitude" => parts.geo_altitude,
            "squawk" => parts.squawk,
            "spi" => parts.spi,
            "position_source" => parts.position_source,
        }
        parts.icao24 = icao24.unwrap_or_default();
        self.column = "category";
        parts.category = row.next_element()?.flatten();
        // Skip columns that OpenSky may add in the future.
        while row.next_element::<IgnoredAny>()?.is_some() {}
        Ok(parts)
    }
}
