//! Parses the aircraft lists of readsb: `aircraft.json` as described in its README-json.md, and the `/v2` responses of
//! its aggregators, which have the same aircraft objects.
//!
//! The list of dump1090-fa and dump1090-mutability is accepted, too. As in OpenSky's responses, an invalid row does not
//! affect the others.

use std::borrow::Cow;
use std::fmt;

use actors::domain::{RejectedRow, Snapshot};
use serde::de::{DeserializeSeed, Deserializer as _, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use thiserror::Error;

use super::aircraft::{Millis, Target};
use super::row::RowReader;
use crate::sources::bad_row;

/// An aircraft list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AircraftList {
    /// The time of the list in Unix milliseconds.
    pub now: i64,
    /// The aircraft that were heard during the last minute.
    pub snapshot: Snapshot,
    /// The number of targets whose address is not an ICAO address.
    pub non_icao: u64,
}

/// Why a body is not an aircraft list. The text may quote a few words of it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct InvalidAircraftList(String);

/// The maximum number of rows, which limits the time and memory to parse a list.
const MAX_ROWS: usize = 200_000;

/// A larger `now` is in milliseconds: in seconds it would be the year 5138, in milliseconds it is 1973.
const MAX_SECONDS: f64 = 1e11;

/// The end of the year 9999, the latest that common calendar types can represent.
const MAX_TIME: Millis = Millis(253_402_300_799_999);

/// Parses a whole list.
///
/// # Errors
/// The body is not JSON, or not an object with a time `now` and with `aircraft` or `ac` that are null or an array of at
/// most 200,000 rows. Invalid rows are not an error: they are counted in [`Snapshot::bad_rows`].
///
/// ```
/// let body = br#"{"now":1663259853.016,"messages":7,"aircraft":[{"hex":"3c66b0","type":"adsb_icao","flight":"DLH7YA  ",
///     "alt_baro":25125,"gs":446.5,"lat":49.2633,"lon":10.614239,"seen_pos":0.4,"seen":0.1}]}"#;
/// let list = flight_monitor::sources::readsb::wire::parse_aircraft(body)?;
/// let state = &list.snapshot.states[0];
/// assert_eq!((state.baro_altitude, state.last_contact.0), (Some(7658.1), 1663259852));
/// # Ok::<(), flight_monitor::sources::readsb::wire::InvalidAircraftList>(())
/// ```
pub fn parse_aircraft(body: &[u8]) -> Result<AircraftList, InvalidAircraftList> {
    // Invalid UTF-8 invalidates only the rows that contain it, not the whole list.
    let (text, repaired) = match std::str::from_utf8(body) {
        Ok(text) => (Cow::Borrowed(text), false),
        Err(_) => (String::from_utf8_lossy(body), true),
    };
    let mut members = Members::default();
    let mut json = serde_json::Deserializer::from_str(&text);
    let read = json.deserialize_map(&mut members).and_then(|()| json.end());
    read.map_err(|error| InvalidAircraftList(error.to_string()))?;
    members.into_list(repaired)
}

/// The members of the list read so far. In `/v2` responses, `now` comes after the rows.
#[derive(Default)]
struct Members<'de> {
    now: Option<f64>,
    rows: Option<Vec<&'de RawValue>>,
}

impl Members<'_> {
    fn into_list(self, repaired: bool) -> Result<AircraftList, InvalidAircraftList> {
        let missing = |key| InvalidAircraftList(format!("missing {key}"));
        let now = self.now.ok_or_else(|| missing("`now`"))?;
        let seconds = if now.abs() > MAX_SECONDS { now / 1000.0 } else { now };
        let time = Millis::from_seconds(seconds);
        if !(Millis(0)..=MAX_TIME).contains(&time) {
            return Err(InvalidAircraftList(format!("`now` {now} is out of range")));
        }
        let rows = self.rows.ok_or_else(|| missing("`aircraft` or `ac`"))?;
        let mut list = AircraftList { now: time.0, ..AircraftList::default() };
        list.snapshot.time = time.second();
        list.snapshot.states.reserve(rows.len());
        for row in rows {
            match parse_row(row.get(), time, repaired) {
                Ok(Target::Aircraft(state)) => list.snapshot.states.push(*state),
                Ok(Target::NonIcao) => list.non_icao += 1,
                Ok(Target::Silent) => {}
                Err(rejected) => list.snapshot.bad_rows.add(rejected),
            }
        }
        Ok(list)
    }
}

fn parse_row(row: &str, now: Millis, repaired: bool) -> Result<Target, RejectedRow> {
    if repaired && row.contains(char::REPLACEMENT_CHARACTER) {
        return Err(bad_row::rejected("encoding", row, "not UTF-8"));
    }
    let mut reader = RowReader { field: "row" };
    let parsed = serde_json::Deserializer::from_str(row).deserialize_map(&mut reader);
    let parsed = parsed.map_err(|error| bad_row::invalid_json(reader.field, row, &error))?;
    Target::of(&parsed, row, now)
}

impl<'de> Visitor<'de> for &mut Members<'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `now` and `aircraft`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match key.as_ref() {
                "now" => self.now = Some(map.next_value().map_err(|e| A::Error::custom(format!("`now`: {e}")))?),
                "aircraft" | "ac" => self.rows = Some(map.next_value_seed(Rows)?),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// Finds the rows.
struct Rows;

impl<'de> DeserializeSeed<'de> for Rows {
    type Value = Vec<&'de RawValue>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Rows {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`aircraft` to be an array of objects or null")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let mut rows = Vec::with_capacity(256);
        while let Some(row) = array.next_element()? {
            if rows.len() >= MAX_ROWS {
                return Err(A::Error::custom(format!("more than {MAX_ROWS} rows")));
            }
            rows.push(row);
        }
        Ok(rows)
    }
}
