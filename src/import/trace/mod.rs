//! Reads traces of readsb, `trace_full_<address>.json`: the positions of one aircraft, as in its `globe_history` and in
//! adsb.lol's daily archives. Feet, knots and feet a minute are converted to SI units.

mod point;

use std::borrow::Cow;
use std::fmt;
use std::io::{BufRead, Read};
use std::sync::Arc;
use std::vec;

use actors::domain::StateVector;
use actors::ports::{BadRecord, Recorded};
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserializer, de};
use serde_json::value::RawValue;

use self::point::{Details, Point};
use super::Records;

/// The maximum size of a trace in bytes. Those of a whole day are a few megabytes.
const MAX_TRACE: usize = 64 << 20;

/// The maximum number of points of a trace, about two a second for a day.
const MAX_POINTS: usize = 200_000;

/// Marks an address that is not an ICAO address, such as one of TIS-B.
const NOT_ICAO: char = '~';

pub(super) struct Trace<R> {
    /// The text, until it is read.
    text: Option<R>,
    points: vec::IntoIter<ReadPoint>,
    /// The number of points returned so far.
    number: u64,
    /// Why the rest of the text cannot be read.
    failure: Option<String>,
}

/// A point of a trace.
enum ReadPoint {
    State(Arc<StateVector>),
    /// Of an aircraft without an ICAO address.
    Skipped,
    Bad(String),
}

impl<R: BufRead> Trace<R> {
    pub(super) fn new(text: R) -> Self {
        Self { text: Some(text), points: Vec::new().into_iter(), number: 0, failure: None }
    }
}

impl<R: BufRead> Records for Trace<R> {
    fn read(&mut self, into: &mut Recorded) -> Result<bool, String> {
        if let Some(mut text) = self.text.take() {
            let mut body = Vec::new();
            // What comes before an error is read, too.
            let read = text.by_ref().take(MAX_TRACE as u64 + 1).read_to_end(&mut body);
            let mut document = Document::default();
            let parsed = document.parse(&body);
            self.points = document.points.into_iter();
            self.failure = match (read, parsed) {
                (Err(error), _) => Some(error.to_string()),
                (Ok(_), _) if body.len() > MAX_TRACE => Some(format!("the trace is longer than {MAX_TRACE} bytes")),
                (Ok(_), Err(error)) => Some(format!("invalid trace: {error}")),
                (Ok(_), Ok(())) => None,
            };
        }
        let Some(point) = self.points.next() else { return self.failure.take().map_or(Ok(false), Err) };
        let record = into.next;
        into.next += 1;
        self.number += 1;
        match point {
            ReadPoint::State(state) => into.states.push((record, state)),
            ReadPoint::Skipped => into.skipped.push(record),
            ReadPoint::Bad(reason) => {
                into.bad.push(BadRecord { record, reason: format!("point {}: {reason}", self.number) });
            }
        }
        Ok(true)
    }
}

/// The parts of a trace read so far.
#[derive(Default)]
struct Document {
    address: Option<String>,
    /// The time that the points count from.
    timestamp: Option<f64>,
    points: Vec<ReadPoint>,
    has_trace: bool,
}

impl Document {
    fn parse(&mut self, body: &[u8]) -> Result<(), serde_json::Error> {
        let text = std::str::from_utf8(body)
            .map_err(|error| serde_json::Error::custom(format!("invalid UTF-8 at byte {}", error.valid_up_to())))?;
        let mut json = serde_json::Deserializer::from_str(text);
        json.deserialize_map(&mut *self)?;
        json.end()?;
        if self.has_trace { Ok(()) } else { Err(serde_json::Error::custom("missing `trace`")) }
    }
}

impl<'de> Visitor<'de> for &mut Document {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `icao`, `timestamp` and `trace`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match key.as_ref() {
                "icao" => self.address = Some(map.next_value()?),
                "timestamp" => self.timestamp = Some(map.next_value()?),
                "trace" => {
                    let (Some(address), Some(timestamp)) = (&self.address, self.timestamp) else {
                        return Err(de::Error::custom("`icao` and `timestamp` must come before `trace`"));
                    };
                    self.has_trace = true;
                    map.next_value_seed(Points {
                        address,
                        timestamp,
                        details: Details::default(),
                        into: &mut self.points,
                    })?;
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// Parses the value of `trace`.
struct Points<'a> {
    address: &'a str,
    timestamp: f64,
    /// The newest details so far.
    details: Details,
    into: &'a mut Vec<ReadPoint>,
}

impl<'de> DeserializeSeed<'de> for Points<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Points<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of points")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut points: A) -> Result<(), A::Error> {
        let is_icao = !self.address.starts_with(NOT_ICAO);
        while let Some(text) = points.next_element::<&RawValue>()? {
            if self.into.len() == MAX_POINTS {
                return Err(de::Error::custom(format!("more than {MAX_POINTS} points")));
            }
            let point = if is_icao { self.point(text.get()) } else { ReadPoint::Skipped };
            self.into.push(point);
        }
        Ok(())
    }
}

impl Points<'_> {
    fn point(&mut self, text: &str) -> ReadPoint {
        let point = match Point::parse(text) {
            Ok(point) => point,
            Err(error) => {
                let error = error.to_string();
                // The position within the point's text is of no use.
                return ReadPoint::Bad(error.rsplit_once(" at line ").map_or(&*error, |(what, _)| what).to_owned());
            }
        };
        let parts = point.into_parts(self.address, self.timestamp, &mut self.details);
        match StateVector::try_from(parts) {
            Ok(state) => ReadPoint::State(Arc::new(state)),
            Err(error) => ReadPoint::Bad(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests;
