//! Reads state vectors as JSON, one per line, in the format used on Kafka. Also accepts what pandas and other programs
//! write: integers with a fraction of zero, numbers in place of strings, and the names of OpenSky's dumps.

use std::io::BufRead;
use std::sync::Arc;

use actors::domain::{Field, StateVector, StateVectorParts};
use actors::ports::{BadRecord, Recorded};
use serde_json::{Map, Value};

use super::Records;
use crate::files::column::{ColumnName, DecimalMark, Scalar, classify, set_scalar, set_text};
use crate::files::lines::{Line, Lines};
use crate::kafka::codec;

/// The maximum length of a line in bytes: Kafka's default limit for a message.
const MAX_LINE: usize = 1 << 20;

pub(super) struct NdJson<R> {
    lines: Lines<R>,
    line_number: i64,
}

impl<R: BufRead> NdJson<R> {
    pub(super) fn new(text: R) -> Self {
        Self { lines: Lines::new(text, MAX_LINE), line_number: 0 }
    }
}

impl<R: BufRead> Records for NdJson<R> {
    fn read(&mut self, into: &mut Recorded) -> Result<bool, String> {
        let record = into.next;
        self.line_number += 1;
        let number = self.line_number;
        let decoded = match self.lines.next().map_err(|error| format!("line {number}: {error}"))? {
            None => return Ok(false),
            Some(Line::Whole(line)) if line.trim_ascii().is_empty() => None,
            Some(Line::Whole(line)) => Some(decode(line)),
            Some(Line::TooLong) => Some(Err(format!("longer than {MAX_LINE} bytes"))),
        };
        into.next += 1;
        match decoded {
            None => {}
            Some(Ok(state)) => into.states.push((record, Arc::new(state))),
            Some(Err(reason)) => {
                into.bad.push(BadRecord { record, reason: format!("line {number}: {reason}") });
            }
        }
        Ok(true)
    }
}

/// Decodes a line with the fast decoder for our own format, and falls back to a lenient one.
fn decode(line: &[u8]) -> Result<StateVector, String> {
    codec::decode(Some(line)).or_else(|error| {
        let without_nan = nan_as_null(line);
        let line = without_nan.as_deref().unwrap_or(line);
        // For invalid JSON, the first error already says what is wrong.
        let object: Map<String, Value> = serde_json::from_slice(line).map_err(|_| error)?;
        from_object(&object)
    })
}

fn from_object(object: &Map<String, Value>) -> Result<StateVector, String> {
    let mut parts = StateVectorParts::default();
    for (name, value) in object {
        let ColumnName::Field(field) = classify(name) else { continue };
        // Our own name for a field takes precedence over OpenSky's.
        if !field.name.eq_ignore_ascii_case(name) && object.contains_key(field.name) {
            continue;
        }
        set(field, &mut parts, value).map_err(|reason| {
            let shown: String = value.to_string().chars().take(32).collect();
            format!("{name} {shown} is invalid: {reason}")
        })?;
    }
    StateVector::try_from(parts).map_err(|error| error.to_string())
}

fn set(field: &Field, parts: &mut StateVectorParts, value: &Value) -> Result<(), &'static str> {
    match value {
        Value::Null => Ok(()),
        Value::String(text) => set_text(field, parts, text, DecimalMark::Point),
        Value::Bool(flag) => set_scalar(field, parts, Scalar::Flag(*flag)),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => set_scalar(field, parts, Scalar::Integer(integer)),
            (None, Some(float)) => set_scalar(field, parts, Scalar::Float(float)),
            (None, None) => Err("not a number"),
        },
        Value::Array(_) | Value::Object(_) => Err("neither text nor a number"),
    }
}

/// Replaces `NaN`, which Python's `json` writes but JSON does not allow, by `null`. Returns `None` if the line has
/// none.
fn nan_as_null(line: &[u8]) -> Option<Vec<u8>> {
    memchr::memmem::find(line, b"NaN")?;
    let mut out = Vec::with_capacity(line.len() + 16);
    let (mut in_text, mut at) = (false, 0);
    while let Some(byte) = line.get(at) {
        if !in_text && line[at..].starts_with(b"NaN") {
            out.extend_from_slice(b"null");
            at += 3;
            continue;
        }
        match byte {
            b'\\' if in_text => {
                out.push(*byte);
                at += 1;
                out.extend(line.get(at));
            }
            b'"' => {
                in_text = !in_text;
                out.push(*byte);
            }
            _ => out.push(*byte),
        }
        at += 1;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_from_pandas_and_python_is_read_like_our_own() {
        let own = r#"{"icao24":"4b1814","callsign":"NaN \"1","lat":47.5,"on_ground":false,"squawk":"0077","category":3,"last_contact":1700000001,"observed_at":1700000002}"#;
        let expected = decode(own.as_bytes()).unwrap();
        for text in [
            r#"{"icao24":"4b1814","callsign":"NaN \"1","lat":47.5,"lon":NaN,"on_ground":false,"squawk":77,"category":3.0,"last_contact":1700000001.0,"observed_at":1700000002.75}"#,
            r#"{"icao24":"4B1814","callsign":"NaN \"1","lat":"4.75e1","onground":"False","squawk":"77.0","category":"3","alert":false,"lastcontact":1700000001.9,"time":"2023-11-14T22:13:22Z","velocity":"NaN"}"#,
            r#"{"icao24":"4b1814","callsign":"NaN \"1","latitude":47.5,"on_ground":0,"squawk":77.0,"category":3,"last_contact":1.700000001e9,"lastcontact":5,"time":1700000002,"index":0}"#,
        ] {
            assert_eq!(decode(text.as_bytes()).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn a_bad_value_is_reported_with_its_name_and_the_reason() {
        for (text, reason) in [
            (r#"{"icao24":"4b1814","last_contact":1.5,"lat":"north"}"#, "lat \"north\" is invalid: not a number"),
            (r#"{"icao24":"4b1814","last_contact":1.5,"category":1.5}"#, "category 1.5 is invalid: not a whole number"),
            (r#"{"icao24":4,"last_contact":1}"#, "icao24 4 is invalid: not text"),
            (r#"{"icao24":"4b1814","last_contact":[1]}"#, "last_contact [1] is invalid"),
            (r#"{"icao24":"4b1814","last_contact":1"#, "EOF"),
        ] {
            let error = decode(text.as_bytes()).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
