use std::borrow::Cow;
use std::fmt;
use std::io::{BufRead, Cursor, Read};

use clap::ValueEnum;
use serde::Deserializer as _;
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};

use super::Records;
use super::csv::Csv;
use super::ndjson::NdJson;
use super::responses::Responses;
use super::trace::Trace;

/// The maximum length of the first line, which may be a whole response.
const MAX_FIRST_LINE: u64 = 64 << 20;

/// How many bytes of a JSON object that spans lines are searched for a member that reveals the format.
const MAX_OBJECT_START: usize = 64 << 10;

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FileFormat {
    /// A header line with the names of the columns, then one state vector a line
    Csv,
    /// One state vector a line, as JSON
    Ndjson,
    /// Recorded responses of /states/all: one a line, or one that is the whole file
    Responses,
    /// A trace of readsb: the positions of one aircraft
    Trace,
    /// Apache Parquet with the same columns
    Parquet,
}

/// Creates a reader for text in this format, or in the one that its first line indicates.
///
/// # Errors
/// Returns an error if the file cannot be read, is empty, or has an invalid header line.
pub(super) fn records<'a>(
    text: impl BufRead + 'a,
    format: Option<FileFormat>,
) -> Result<Box<dyn Records + 'a>, String> {
    let mut text = text;
    let mut beginning = Vec::new();
    // Skips empty lines.
    while beginning.trim_ascii().is_empty() {
        read_line(&mut text, &mut beginning, MAX_FIRST_LINE)?;
    }
    let ends = beginning.trim_ascii().ends_with(b"}");
    let format = match format {
        Some(format) => format,
        None => detect(&mut text, &mut beginning)?,
    };
    let text = Cursor::new(beginning).chain(text);
    Ok(match format {
        FileFormat::Csv => Box::new(Csv::new(text)?),
        FileFormat::Ndjson => Box::new(NdJson::new(text)),
        FileFormat::Responses if ends => Box::new(Responses::one_a_line(text)),
        FileFormat::Responses => Box::new(Responses::whole(text)),
        FileFormat::Trace => Box::new(Trace::new(text)),
        FileFormat::Parquet => return Err("the file is not Parquet, because it does not start with PAR1".to_owned()),
    })
}

/// Appends a line.
fn read_line(text: &mut impl BufRead, into: &mut Vec<u8>, limit: u64) -> Result<(), String> {
    let left = limit.saturating_sub(into.len() as u64);
    match text.take(left).read_until(b'\n', into) {
        Ok(0) => Err("the file is empty".to_owned()),
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// Detects the format by the first line, and by further lines of a JSON object that spans them.
fn detect(text: &mut impl BufRead, beginning: &mut Vec<u8>) -> Result<FileFormat, String> {
    if !beginning.trim_ascii_start().starts_with(b"{") {
        return Ok(FileFormat::Csv);
    }
    loop {
        let mut keys = Keys(None);
        let mut json = serde_json::Deserializer::from_slice(beginning);
        let is_complete = json.deserialize_map(&mut keys).is_ok();
        match keys.0 {
            Some(format) => return Ok(format),
            None if is_complete || beginning.len() >= MAX_OBJECT_START => return Ok(FileFormat::Responses),
            None if read_line(text, beginning, MAX_FIRST_LINE).is_err() => return Ok(FileFormat::Responses),
            None => {}
        }
    }
}

/// Looks for the member of a JSON object that reveals the format of a file.
struct Keys(Option<FileFormat>);

impl<'de> Visitor<'de> for &mut Keys {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            self.0 = match &*key {
                "states" => Some(FileFormat::Responses),
                "icao" => Some(FileFormat::Trace),
                _ if key.eq_ignore_ascii_case("icao24") => Some(FileFormat::Ndjson),
                _ => None,
            };
            if self.0.is_some() {
                return Err(A::Error::custom("found"));
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use actors::ports::Recorded;

    use super::*;

    const STATE: &str = r#"{"icao24":"4b1814","last_contact":1700000001}"#;
    const RESPONSE: &str = r#"{"time":1700000002,"states":[["4b1814","SWR1 ","Switzerland",null,1700000001,null,null,null,false,null,null,null,null,null,null,false,0],["?"]]}"#;

    const TRACE: &str = r#"{"icao":"4b1814","timestamp":1,"trace":[[0,1,2,3,4,5,0,6]]}"#;

    fn read(text: &str, format: Option<FileFormat>) -> (i64, usize, usize) {
        let mut records = records(Cursor::new(text.to_owned()), format).unwrap();
        let mut recorded = Recorded::default();
        while records.read(&mut recorded).unwrap() {}
        (recorded.next, recorded.states.len(), recorded.bad.len())
    }

    #[test]
    fn the_format_is_detected_from_the_first_line() {
        let pretty: serde_json::Value = serde_json::from_str(RESPONSE).unwrap();
        let pretty = serde_json::to_string_pretty(&pretty).unwrap();
        for (text, expected) in [
            (format!("{STATE}\n\n{STATE}\nnothing\n"), (4, 2, 1)),
            (format!("{STATE}\r\n"), (1, 1, 0)),
            (format!("{RESPONSE}\n{RESPONSE}\n{{\n"), (3, 2, 3)),
            (RESPONSE.to_owned(), (1, 1, 1)),
            (pretty, (1, 1, 1)),
            (r#"{"time":1,"states":null}"#.to_owned(), (1, 0, 0)),
            ("icao24,last_contact\n4b1814,1\n4b1814,2\n".to_owned(), (2, 2, 0)),
            (TRACE.to_owned(), (1, 1, 0)),
            (TRACE.replace(',', ",\n"), (1, 1, 0)),
            (format!("{{\n{}", &TRACE[1..]), (1, 1, 0)),
        ] {
            assert_eq!(read(&text, None), expected, "{text}");
        }
    }

    #[test]
    fn an_explicit_format_is_not_detected() {
        assert_eq!(read("nothing\n", Some(FileFormat::Ndjson)), (1, 0, 1));
        assert_eq!(read(STATE, Some(FileFormat::Responses)), (1, 0, 1));
        assert!(records(Cursor::new(""), None).is_err());
    }
}
