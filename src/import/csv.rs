//! Reads CSV (RFC 4180) with a header line: our own exports, the output of PostgreSQL's `COPY`, and what spreadsheets
//! save, with semicolons or tabs, decimal commas, a `sep=;` line, or CR line endings.

use std::borrow::Cow;
use std::io::{BufRead, Read};
use std::ops::Range;
use std::sync::Arc;

use actors::domain::{Field as StateField, StateVector, StateVectorParts};
use actors::ports::{BadRecord, Recorded};

use super::Records;
use crate::files::column::{ColumnName, DecimalMark, classify, match_columns, set_text};

/// The maximum size of a record in bytes. Without it, an unclosed quotation mark would read the rest of the file into
/// memory.
const MAX_RECORD: usize = 64 * 1024;

pub(super) struct Csv<R> {
    rows: Rows<R>,
    columns: Vec<Option<&'static StateField>>,
    mark: DecimalMark,
}

impl<R: BufRead> Csv<R> {
    /// Reads the header line.
    ///
    /// # Errors
    /// Returns an error if `icao24` or `last_contact` is missing, or a field appears twice.
    pub(super) fn new(text: R) -> Result<Self, String> {
        let mut rows = Rows::new(text);
        let is_row = rows.next().map_err(|error| format!("the header line: {error}"))?;
        // Excel's way to declare the column separator.
        if is_row && let Some([separator @ (b',' | b';' | b'\t' | b'|')]) = rows.line().strip_prefix(b"sep=") {
            rows.separator = *separator;
            rows.next().map_err(|error| format!("the header line: {error}"))?;
        } else {
            rows.separator = separator(rows.line());
            rows.split();
        }
        let names = (0..rows.fields.len()).map(|index| rows.text(index));
        let names = names.collect::<Result<Vec<_>, _>>().map_err(|error| format!("the header line: {error}"))?;
        let columns = match_columns(&names).map_err(|error| format!("the CSV header line: {error}"))?;
        let mark = if rows.separator == b';' { DecimalMark::Comma } else { DecimalMark::Point };
        Ok(Self { rows, columns, mark })
    }

    fn parse(&self) -> Result<StateVector, String> {
        let Self { rows, columns, mark } = self;
        // Spreadsheets may append empty fields to a line.
        let surplus = rows.fields.iter().skip(columns.len()).any(|field| !rows.bytes(field).trim_ascii().is_empty());
        if rows.fields.len() < columns.len() || surplus {
            return Err(format!("{} fields instead of {}", rows.fields.len(), columns.len()));
        }
        let mut parts = StateVectorParts::default();
        for (index, column) in columns.iter().enumerate() {
            let Some(column) = column else { continue };
            let text = rows.text(index).map_err(|error| format!("{}: {error}", column.name))?;
            set_text(column, &mut parts, &text, *mark).map_err(|reason| {
                let shown: String = text.chars().take(32).collect();
                format!("{} {shown:?} is invalid: {reason}", column.name)
            })?;
        }
        StateVector::try_from(parts).map_err(|error| error.to_string())
    }
}

impl<R: BufRead> Records for Csv<R> {
    fn read(&mut self, into: &mut Recorded) -> Result<bool, String> {
        let more = self.rows.next().map_err(|error| format!("line {}: {error}", self.rows.line_number))?;
        if !more {
            return Ok(false);
        }
        let record = into.next;
        into.next += 1;
        match self.parse() {
            Ok(state) => into.states.push((record, Arc::new(state))),
            Err(reason) => {
                into.bad.push(BadRecord { record, reason: format!("line {}: {reason}", self.rows.line_number) });
            }
        }
        Ok(true)
    }
}

/// Detects the column separator of a header line: the one that yields the most known column names.
fn separator(header: &[u8]) -> u8 {
    let known = |separator: u8| {
        let names = header.split(|byte| *byte == separator).filter_map(|name| std::str::from_utf8(name).ok());
        names.filter(|name| matches!(classify(name.trim().trim_matches('"')), ColumnName::Field(_))).count()
    };
    [b'|', b'\t', b';', b','].into_iter().max_by_key(|separator| known(*separator)).unwrap_or(b',')
}

/// Reads the rows of a table, and tracks the line on which each starts.
struct Rows<R> {
    text: R,
    separator: u8,
    /// The last byte of each line: LF, or CR if the file uses CR alone.
    terminator: u8,
    record: Vec<u8>,
    fields: Vec<Field>,
    line_number: u64,
    /// The number of lines read so far, including those of the current record.
    lines_read: u64,
}

/// A field of the record.
struct Field {
    range: Range<usize>,
    /// Whether it contains doubled quotation marks, each of which stands for one.
    has_quotes: bool,
}

impl<R: BufRead> Rows<R> {
    fn new(text: R) -> Self {
        Self {
            text,
            separator: b',',
            terminator: b'\n',
            record: Vec::new(),
            fields: Vec::new(),
            line_number: 1,
            lines_read: 0,
        }
    }

    /// Advances to the next row, skipping empty lines. Returns `false` at the end.
    fn next(&mut self) -> Result<bool, String> {
        self.record.clear();
        self.fields.clear();
        while self.line().is_empty() {
            self.record.clear();
            self.line_number = self.lines_read + 1;
            if !self.read_line()? {
                return Ok(false);
            }
        }
        while !self.split() {
            if !self.read_line()? {
                return Err("unclosed quotation mark at the end of the file".to_owned());
            }
        }
        Ok(true)
    }

    /// Returns the record without its line ending.
    fn line(&self) -> &[u8] {
        let line = self.record.strip_suffix(&[self.terminator]).unwrap_or(&self.record);
        line.strip_suffix(b"\r").unwrap_or(line)
    }

    /// Appends the next line, including its line ending, to the record.
    fn read_line(&mut self) -> Result<bool, String> {
        if self.lines_read == 0 {
            self.terminator = self.find_terminator()?;
        }
        let left = (MAX_RECORD + 1).saturating_sub(self.record.len());
        let read = self.text.by_ref().take(left as u64).read_until(self.terminator, &mut self.record);
        let read = read.map_err(|error| error.to_string())?;
        if self.record.len() > MAX_RECORD {
            return Err(format!("record longer than {MAX_RECORD} bytes; is a quotation mark not closed?"));
        }
        self.lines_read += u64::from(read > 0);
        Ok(read > 0)
    }

    /// Returns CR if the first line ends with CR alone, as old spreadsheets write it; otherwise LF.
    fn find_terminator(&mut self) -> Result<u8, String> {
        let beginning = self.text.fill_buf().map_err(|error| error.to_string())?;
        let end = beginning.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
        let after = |end: usize| beginning.get(end + 1);
        Ok(match end {
            Some(end) if beginning[end] == b'\r' && after(end).is_some_and(|byte| *byte != b'\n') => b'\r',
            _ => b'\n',
        })
    }

    /// Splits the record into fields. Returns `false` if the record ends inside quotation marks, so that it continues
    /// on the next line.
    fn split(&mut self) -> bool {
        self.fields.clear();
        let record = self.record.strip_suffix(&[self.terminator]).unwrap_or(&self.record);
        let record = record.strip_suffix(b"\r").unwrap_or(record);
        let mut start = 0;
        loop {
            let rest = &record[start..];
            if rest.first() != Some(&b'"') {
                let end = memchr::memchr(self.separator, rest).map_or(record.len(), |at| start + at);
                self.fields.push(Field { range: start..end, has_quotes: false });
                start = end;
            } else {
                let mut has_quotes = false;
                let mut at = start + 1;
                let end = loop {
                    let Some(quote) = memchr::memchr(b'"', &record[at..]) else { return false };
                    at += quote + 1;
                    if record.get(at) != Some(&b'"') {
                        break at - 1;
                    }
                    has_quotes = true;
                    at += 1;
                };
                self.fields.push(Field { range: start + 1..end, has_quotes });
                // Text between the closing mark and the separator is ignored.
                start = memchr::memchr(self.separator, &record[at..]).map_or(record.len(), |next| at + next);
            }
            if start == record.len() {
                return true;
            }
            start += 1;
        }
    }

    fn bytes(&self, field: &Field) -> &[u8] {
        &self.record[field.range.clone()]
    }

    fn text(&self, index: usize) -> Result<Cow<'_, str>, String> {
        let Some(field) = self.fields.get(index) else { return Ok(Cow::Borrowed("")) };
        let text = std::str::from_utf8(self.bytes(field)).map_err(|error| {
            let byte = field.range.start + error.valid_up_to();
            format!("invalid UTF-8 at byte {byte} of the line; save the file as CSV UTF-8")
        })?;
        Ok(if field.has_quotes { Cow::Owned(text.replace("\"\"", "\"")) } else { Cow::Borrowed(text) })
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

    fn reasons(recorded: &Recorded) -> Vec<&str> {
        recorded.bad.iter().map(|bad| &*bad.reason).collect()
    }

    #[test]
    fn columns_are_found_by_their_names_and_empty_is_unknown() {
        let text = "lon,icao24,spi,noted,last_contact,callsign,category\r\n\
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
    fn a_bad_record_is_skipped_and_reported_with_its_line() {
        let text = "icao24,last_contact,lat\n4b1814,1,91\n4b1814,2\n\n4b1814,3,north\n4b1814,,1\n4b1814,5,5\n";
        for text in [text.to_owned(), text.replace('\n', "\r\n"), text.replace('\n', "\r")] {
            let recorded = read(&text).unwrap();
            assert_eq!((recorded.next, recorded.states.len()), (5, 1));
            let expected = [
                "line 2: 4b1814: lat 91 is out of range (-90..=90)",
                "line 3: 2 fields instead of 3",
                "line 5: lat \"north\" is invalid: not a number",
                "line 6: 4b1814: no last_contact",
            ];
            assert_eq!(reasons(&recorded), expected, "{text:?}");
        }
    }

    #[test]
    fn line_breaks_within_quotation_marks_count_as_lines() {
        for end in ["\n", "\r\n"] {
            let text = "icao24,last_contact,callsign\n4b1814,1,\"A\nB\n\"\n\n4b1815,x,\"C\"\"\nD\"\n4b1816,y,5\" 6\"\n";
            let recorded = read(&text.replace('\n', end)).unwrap();
            assert_eq!((recorded.next, recorded.states.len()), (3, 1));
            let reasons = reasons(&recorded);
            assert!(reasons[0].starts_with("line 6: last_contact \"x\" is invalid"), "{reasons:?}");
            assert!(reasons[1].starts_with("line 8: last_contact \"y\" is invalid"), "{reasons:?}");
        }
    }

    #[test]
    fn spreadsheets_may_use_semicolons_tabs_and_decimal_commas() {
        for text in [
            "icao24;last_contact;lat;callsign\r\n4b1814;1,5;47,5;A,B\r\n",
            "sep=;\r\n\"icao24\";\"last_contact\";\"lat\";\"callsign\"\r\n4b1814;1,5;\"47,5\";A,B;;\r\n",
            "icao24\tlast_contact\tlat\tcallsign\n4b1814\t1.5\t47.5\tA,B\n",
            "icao24|last_contact|lat|callsign\n4b1814|1.5|47.5|A,B\n",
            ",icao24,last_contact,lat,callsign,Unnamed: 0,\n0,4b1814,1.5,47.5,\"A,B\",7,\n",
        ] {
            let recorded = read(text).unwrap();
            assert_eq!(reasons(&recorded), [""; 0], "{text}");
            let [(0, state)] = &*recorded.states else { panic!("{text}: {recorded:?}") };
            assert_eq!((state.last_contact.0, state.lat, state.callsign.as_deref()), (1, Some(47.5), Some("A,B")));
        }
    }

    #[test]
    fn opensky_dumps_are_read_and_their_alert_column_is_ignored() {
        let text = include_str!("../../tests/data/import/opensky-states-dump.csv");
        let recorded = read(text).unwrap();
        assert_eq!((reasons(&recorded), recorded.states.len()), (vec![], 8));
        let (_, first) = &recorded.states[0];
        assert_eq!((first.observed_at.unwrap().0, first.time_position.unwrap().0), (1_796_007_488, 1_796_007_487));
        assert_eq!((first.last_contact.0, first.true_track), (1_796_007_487, Some(92.12)));
        assert_eq!((first.on_ground, first.squawk.as_deref()), (Some(false), Some("1000")));
        let (_, last) = &recorded.states[7];
        assert_eq!((last.squawk.as_deref(), last.geo_altitude, last.on_ground), (None, None, Some(true)));
    }

    #[test]
    fn invalid_utf8_is_reported_with_its_position() {
        let text = b"icao24,last_contact,origin_country\n4b1814,1,Cura\xe7ao\n4b1815,2,Peru\n";
        let mut csv = Csv::new(&text[..]).unwrap();
        let mut recorded = Recorded::default();
        while csv.read(&mut recorded).unwrap() {}
        assert_eq!(recorded.states.len(), 1);
        assert!(recorded.bad[0].reason.starts_with("line 2: origin_country: invalid UTF-8 at byte 13"), "{recorded:?}");
    }

    #[test]
    fn other_files_are_rejected_with_a_reason() {
        for (text, reason) in [
            ("", "no column icao24"),
            ("time;aircraft\n1;2\n", "no column icao24"),
            ("icao24,lat\n", "no column last_contact"),
            ("icao24,last_contact,icao24\n", "the column icao24 twice"),
            ("icao24,last_contact,lat,latitude\n", "the columns lat and latitude both mean lat"),
            ("icao24,last_contact\n\"4b1814,1\n", "line 2: unclosed quotation mark"),
            ("icao24,lastcontact,groundspeed,vertical_rate\n4b1814,1,2,3\n", "in feet and knots"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(reason), "{text:?}: {error}");
        }
        let open_quote = format!("icao24,last_contact\n4b1814,1\n\"4b1814,2\n{}", "4b1814,3\n".repeat(10_000));
        let error = read(&open_quote).unwrap_err();
        assert!(error.starts_with("line 3: ") && error.contains("not closed"), "{error}");
    }
}
