use std::io::{BufRead, BufReader, Cursor, Read};

use clap::ValueEnum;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::Records;
use super::csv::Csv;
use super::ndjson::NdJson;
use super::responses::Responses;

/// The maximum length of the first line, which may be a whole response.
const MAX_FIRST_LINE: u64 = 64 << 20;

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FileFormat {
    /// A header line with the names of the columns, then one state vector a line
    Csv,
    /// One state vector a line, as JSON
    Ndjson,
    /// Recorded responses of /states/all: one a line, or one that is the whole file
    Responses,
    /// Apache Parquet with the same columns
    Parquet,
}

/// The members of a JSON object that reveal the format of a file.
#[derive(Deserialize)]
struct Probe {
    icao24: Option<IgnoredAny>,
}

/// Creates a reader for text in this format, or in the one that its first line indicates.
///
/// # Errors
/// Returns an error if the file cannot be read, is empty, or has an invalid header line.
pub(super) fn records(
    text: impl Read + Send + 'static,
    format: Option<FileFormat>,
) -> Result<Box<dyn Records>, String> {
    let mut text = BufReader::new(text);
    let mut first_line = Vec::new();
    // Skips empty lines.
    while first_line.trim_ascii().is_empty() {
        let left = MAX_FIRST_LINE.saturating_sub(first_line.len() as u64);
        let read = text.by_ref().take(left).read_until(b'\n', &mut first_line).map_err(|error| error.to_string())?;
        if read == 0 {
            return Err("the file is empty".to_owned());
        }
    }
    let beginning = first_line.trim_ascii();
    let format = format.unwrap_or_else(|| recognised(beginning));
    let ends = beginning.ends_with(b"}");
    let text = Cursor::new(first_line).chain(text);
    Ok(match format {
        FileFormat::Csv => Box::new(Csv::new(text)?),
        FileFormat::Ndjson => Box::new(NdJson::new(text)),
        FileFormat::Responses if ends => Box::new(Responses::one_a_line(text)),
        FileFormat::Responses => Box::new(Responses::whole(text)),
        FileFormat::Parquet => return Err("the file is not Parquet, because it does not start with PAR1".to_owned()),
    })
}

fn recognised(first_line: &[u8]) -> FileFormat {
    if !first_line.starts_with(b"{") {
        return FileFormat::Csv;
    }
    match serde_json::from_slice(first_line) {
        Ok(Probe { icao24: Some(_) }) => FileFormat::Ndjson,
        _ => FileFormat::Responses,
    }
}

#[cfg(test)]
mod tests {
    use actors::ports::Recorded;

    use super::*;

    const STATE: &str = r#"{"icao24":"4b1814","last_contact":1700000001}"#;
    const RESPONSE: &str = r#"{"time":1700000002,"states":[["4b1814","SWR1 ","Switzerland",null,1700000001,null,null,null,false,null,null,null,null,null,null,false,0],["?"]]}"#;

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
