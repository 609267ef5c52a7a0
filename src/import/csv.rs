//! CSV (RFC 4180) whose header line has the wire's names, as the history is exported; also as PostgreSQL's `COPY` writes
//! the table.

use std::io::{self, Read};
use std::sync::Arc;

use actors::domain::{StateVector, StateVectorParts};
use actors::ports::{BadRecord, Recorded};
use compact_str::CompactString;
use csv::{ByteRecord, Reader, ReaderBuilder};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use super::Records;

/// Bytes of a record. A quotation mark without its partner would take in the rest of the file.
const LONGEST_RECORD: usize = 64 * 1024;

pub(super) struct Csv<R> {
    reader: Reader<Bounded<R>>,
    columns: Vec<Option<Column>>,
    record: ByteRecord,
}

/// A field of a state vector.
#[derive(Clone, Copy)]
enum Field {
    Icao24,
    Text(fn(&mut StateVectorParts) -> &mut Option<CompactString>),
    Number(fn(&mut StateVectorParts) -> &mut Option<f64>),
    Code(fn(&mut StateVectorParts) -> &mut Option<i16>),
    Flag(fn(&mut StateVectorParts) -> &mut Option<bool>),
    Time(fn(&mut StateVectorParts) -> &mut Option<i64>),
}

type Column = (&'static str, Field);

const COLUMNS: [Column; 18] = [
    ("icao24", Field::Icao24),
    ("callsign", Field::Text(|parts| &mut parts.callsign)),
    ("origin_country", Field::Text(|parts| &mut parts.origin_country)),
    ("squawk", Field::Text(|parts| &mut parts.squawk)),
    ("lat", Field::Number(|parts| &mut parts.lat)),
    ("lon", Field::Number(|parts| &mut parts.lon)),
    ("velocity", Field::Number(|parts| &mut parts.velocity)),
    ("true_track", Field::Number(|parts| &mut parts.true_track)),
    ("vertical_rate", Field::Number(|parts| &mut parts.vertical_rate)),
    ("baro_altitude", Field::Number(|parts| &mut parts.baro_altitude)),
    ("geo_altitude", Field::Number(|parts| &mut parts.geo_altitude)),
    ("position_source", Field::Code(|parts| &mut parts.position_source)),
    ("category", Field::Code(|parts| &mut parts.category)),
    ("on_ground", Field::Flag(|parts| &mut parts.on_ground)),
    ("spi", Field::Flag(|parts| &mut parts.spi)),
    ("time_position", Field::Time(|parts| &mut parts.time_position)),
    ("last_contact", Field::Time(|parts| &mut parts.last_contact)),
    ("observed_at", Field::Time(|parts| &mut parts.observed_at)),
];

impl Field {
    /// Sets it from a text; `false` when the text is no value of it. An empty one is unknown.
    fn set(self, parts: &mut StateVectorParts, text: &str) -> bool {
        fn put<T>(field: &mut Option<T>, value: Option<T>) -> bool {
            *field = value;
            field.is_some()
        }
        if text.is_empty() {
            return true;
        }
        match self {
            Self::Icao24 => {
                parts.icao24 = text.into();
                true
            }
            Self::Text(field) => put(field(parts), Some(text.into())),
            Self::Number(field) => put(field(parts), text.parse().ok()),
            Self::Code(field) => put(field(parts), text.parse().ok()),
            Self::Flag(field) => put(field(parts), flag(text)),
            Self::Time(field) => put(field(parts), seconds(text)),
        }
    }
}

fn flag(text: &str) -> Option<bool> {
    match text {
        "true" | "t" | "1" => Some(true),
        "false" | "f" | "0" => Some(false),
        _ => None,
    }
}

/// Unix seconds, which may stand there as such, as RFC 3339 or as PostgreSQL writes a time in UTC.
fn seconds(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let postgres = format_description!("[year]-[month]-[day] [hour]:[minute]:[second][offset_hour sign:mandatory]");
    let time = OffsetDateTime::parse(text, &Rfc3339).or_else(|_| OffsetDateTime::parse(text, postgres));
    time.ok().map(OffsetDateTime::unix_timestamp)
}

impl<R: Read> Csv<R> {
    /// Reads the header line.
    ///
    /// # Errors
    /// When it is none: neither `icao24` nor `last_contact` may be missing, and no name may stand there twice.
    pub(super) fn new(text: R) -> Result<Self, String> {
        let bounded = Bounded { text, left: LONGEST_RECORD };
        let mut reader = ReaderBuilder::new().flexible(true).from_reader(bounded);
        let headers = reader.headers().map_err(|error| format!("the header line: {error}"))?;
        let names: Vec<_> = headers.iter().map(|name| name.trim().trim_start_matches('\u{feff}').to_owned()).collect();
        for needed in ["icao24", "last_contact"] {
            if !names.iter().any(|name| name == needed) {
                return Err(format!(
                    "the header line has no column {needed}: is it CSV with the names of the columns?"
                ));
            }
        }
        if let Some(name) = names.iter().enumerate().find_map(|(i, name)| names[..i].contains(name).then_some(name)) {
            return Err(format!("the header line has the column {name} twice"));
        }
        let columns: Vec<_> =
            names.iter().map(|name| COLUMNS.iter().find(|(known, _)| known == name).copied()).collect();
        let unknown: Vec<_> =
            names.iter().zip(&columns).filter(|(_, column)| column.is_none()).map(|(n, _)| &**n).collect();
        if !unknown.is_empty() {
            log::warn!("columns that are left out, since no state vector has them: {}", unknown.join(", "));
        }
        Ok(Self { reader, columns, record: ByteRecord::new() })
    }

    fn parse(&self) -> Result<StateVector, String> {
        if self.record.len() != self.columns.len() {
            return Err(format!("{} fields, and not {}", self.record.len(), self.columns.len()));
        }
        let mut parts = StateVectorParts::default();
        for (field, column) in self.record.iter().zip(&self.columns) {
            let Some((name, kind)) = column else { continue };
            let text = std::str::from_utf8(field).map_err(|_| format!("{name} is not UTF-8"))?;
            if !kind.set(&mut parts, text) {
                return Err(format!("{name} cannot be {:?}", text.chars().take(32).collect::<String>()));
            }
        }
        StateVector::try_from(parts).map_err(|error| error.to_string())
    }
}

impl<R: Read + Send> Records for Csv<R> {
    fn read(&mut self, into: &mut Recorded) -> Result<bool, String> {
        self.reader.get_mut().left = LONGEST_RECORD;
        let line = self.reader.position().line();
        let more = self.reader.read_byte_record(&mut self.record).map_err(|error| format!("line {line}: {error}"))?;
        if !more {
            return Ok(false);
        }
        let record = into.next;
        into.next += 1;
        match self.parse() {
            Ok(state) => into.states.push((record, Arc::new(state))),
            Err(reason) => {
                // Where it ended: before it, empty lines may have been passed over.
                let line = line.max(self.reader.position().line() - 1);
                into.bad.push(BadRecord { record, reason: format!("line {line}: {reason}") });
            }
        }
        Ok(true)
    }
}

/// Gives no more than a record may have, until it is allowed more.
struct Bounded<R> {
    text: R,
    left: usize,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::other(format!(
                "a record longer than {LONGEST_RECORD} bytes: is a quotation mark left open?"
            )));
        }
        let length = buffer.len().min(self.left);
        let read = self.text.read(&mut buffer[..length])?;
        self.left -= read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Recorded, String> {
        let mut csv = Csv::new(text.as_bytes())?;
        let mut recorded = Recorded::default();
        while csv.read(&mut recorded)? {}
        Ok(recorded)
    }

    #[test]
    fn columns_are_found_by_their_names_and_empty_is_unknown() {
        let text = "\u{feff}lon,icao24,spi,noted,last_contact,callsign,category\r\n\
                    -0.5,4B1814,t,\"a, \"\"b\"\"\",1700000001,\"RA\n 5\",-1\r\n,3c6444,,,2026-01-01T00:00:00Z,,\n";
        let recorded = read(text).unwrap();
        assert_eq!((recorded.next, recorded.bad.len()), (2, 0), "{:?}", recorded.bad);
        let [(0, first), (1, second)] = &*recorded.states else { panic!("{recorded:?}") };
        assert_eq!((first.lon, first.spi, first.category), (Some(-0.5), Some(true), Some(-1)));
        assert_eq!((first.callsign.as_deref(), first.last_contact.0), (Some("RA\n 5"), 1_700_000_001));
        assert_eq!((second.lon, second.spi, second.callsign.as_deref()), (None, None, None));
        assert_eq!(second.last_contact.0, 1_767_225_600);
    }

    #[test]
    fn a_time_is_seconds_or_a_date() {
        for (text, expected) in [
            ("-1", Some(-1)),
            ("1969-12-31 23:59:59+00", Some(-1)),
            ("2026-01-01T01:00:00+01:00", Some(1_767_225_600)),
            ("2026-01-01 00:00:00", None),
            ("1.5", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }

    #[test]
    fn a_bad_record_costs_itself_and_is_found_by_its_line() {
        let text = "icao24,last_contact,lat\n4b1814,1,91\n4b1814,2\n\n4b1814,3,north\n4b1814,,1\n4b1814,5,5\n";
        let recorded = read(text).unwrap();
        assert_eq!((recorded.next, recorded.states.len()), (5, 1));
        let reasons: Vec<_> = recorded.bad.iter().map(|bad| &*bad.reason).collect();
        let expected = [
            "line 2: 4b1814 has the lat 91, which is none",
            "line 3: 2 fields, and not 3",
            "line 5: lat cannot be \"north\"",
            "line 6: 4b1814 has no last_contact",
        ];
        assert_eq!(reasons, expected);
    }

    #[test]
    fn what_is_no_such_file_is_refused() {
        for (text, reason) in [
            ("", "no column icao24"),
            ("time;aircraft\n1;2\n", "no column icao24"),
            ("icao24,lat\n", "no column last_contact"),
            ("icao24,last_contact,icao24\n", "the column icao24 twice"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(reason), "{text:?}: {error}");
        }
        let open_quote = format!("icao24,last_contact\n4b1814,1\n\"4b1814,2\n{}", "4b1814,3\n".repeat(10_000));
        let error = read(&open_quote).unwrap_err();
        assert!(error.starts_with("line 3: ") && error.contains("left open"), "{error}");
    }
}
