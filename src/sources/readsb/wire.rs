//! Parses the aircraft lists of readsb: `aircraft.json` as described in its README-json.md, and the `/v2` responses of
//! its aggregators, which have the same aircraft objects.
//!
//! The list of dump1090-fa and dump1090-mutability is accepted, too. As in OpenSky's responses, an invalid row does not
//! affect the others: a list is first parsed as if all rows were valid, and if one is not, row by row.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use actors::domain::{RejectedRow, Snapshot};
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer as _, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;
use thiserror::Error;

use super::aircraft::{Millis, Target};
use super::row::{Row, RowReader};
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
    if !repaired && let Some(list) = parse_valid(&text) {
        return Ok(list);
    }
    let (mut list, rows) = Members::<&RawValue>::parse(&text)?.into_list()?;
    for row in rows {
        match parse_row(row.get(), Millis(list.now), repaired) {
            Ok(target) => list.add(target),
            Err(rejected) => list.snapshot.bad_rows.add(rejected),
        }
    }
    Ok(list)
}

/// Parses a list whose rows are all valid, in one pass.
fn parse_valid(text: &str) -> Option<AircraftList> {
    let (mut list, rows) = Members::<Row>::parse(text).and_then(Members::into_list).ok()?;
    for row in rows {
        list.add(Target::of(&row, "", Millis(list.now)).ok()?);
    }
    Some(list)
}

impl AircraftList {
    fn add(&mut self, target: Target) {
        match target {
            Target::Aircraft(state) => self.snapshot.states.push(*state),
            Target::NonIcao => self.non_icao += 1,
            Target::Silent => {}
        }
    }
}

/// The members of the list read so far. In `/v2` responses, `now` comes after the rows.
struct Members<R> {
    now: Option<f64>,
    rows: Option<Vec<R>>,
}

impl<'de, R: Deserialize<'de>> Members<R> {
    fn parse(text: &'de str) -> Result<Self, InvalidAircraftList> {
        let mut members = Self { now: None, rows: None };
        let mut json = serde_json::Deserializer::from_str(text);
        let read = json.deserialize_map(&mut members).and_then(|()| json.end());
        read.map_err(|error| InvalidAircraftList(error.to_string()))?;
        Ok(members)
    }

    /// Returns the list without its rows, and the rows.
    fn into_list(self) -> Result<(AircraftList, Vec<R>), InvalidAircraftList> {
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
        Ok((list, rows))
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

impl<'de, R: Deserialize<'de>> Visitor<'de> for &mut Members<R> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `now` and `aircraft`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match key.as_ref() {
                "now" => self.now = Some(map.next_value().map_err(|e| A::Error::custom(format!("`now`: {e}")))?),
                "aircraft" | "ac" => self.rows = Some(map.next_value_seed(Rows(PhantomData))?),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// Reads the rows.
struct Rows<R>(PhantomData<R>);

impl<'de, R: Deserialize<'de>> DeserializeSeed<'de> for Rows<R> {
    type Value = Vec<R>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, R: Deserialize<'de>> Visitor<'de> for Rows<R> {
    type Value = Vec<R>;

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
