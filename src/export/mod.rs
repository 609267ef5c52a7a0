//! Encodes the history: as NDJSON and CSV for HTTP and files, and as Parquet (`files::parquet`) for files.

mod csv;
mod facts;
mod fields;
mod file;
mod ndjson;
mod selection;
mod traffic;

pub(crate) use csv::Csv;
pub(crate) use fields::{Columns, Fields};
pub(crate) use file::{ExportFormat, RowFile};
pub(crate) use ndjson::{NdJson, RowAlert};
pub(crate) use selection::{check_addresses, parse_addresses, parse_callsign, parse_time};

use actors::enrichment::AircraftFacts;

use self::csv::put_text;
use self::facts::FACT_COLUMNS;
use self::ndjson::put_string;
use self::traffic::TrafficCsv;
use crate::storage::HistoryRow;

/// Encodes rows in a text format.
pub(crate) enum TextEncoder {
    NdJson(NdJson),
    Csv(Csv),
    TrafficCsv(TrafficCsv),
}

impl TextEncoder {
    /// Appends the header, if the format has one.
    pub(crate) fn head(&self, into: &mut Vec<u8>) {
        match self {
            Self::NdJson(_) => {}
            Self::Csv(csv) => csv.head(into),
            Self::TrafficCsv(csv) => csv.head(into),
        }
    }

    /// Appends one row, including its line terminator.
    pub(crate) fn row(&self, row: &HistoryRow<'_>, into: &mut Vec<u8>) {
        match self {
            Self::NdJson(json) => json.row(row, into),
            Self::Csv(csv) => csv.row(row, into),
            Self::TrafficCsv(csv) => csv.row(row, into),
        }
    }

    /// Appends the header with the columns of facts, if the format has one.
    fn head_with_facts(&self, into: &mut Vec<u8>) {
        self.head(into);
        let name = |column: &facts::FactColumn| match self {
            Self::NdJson(_) => None,
            Self::Csv(_) => Some(column.name),
            Self::TrafficCsv(_) => Some(column.traffic_name),
        };
        self.extend_line(into, |into| {
            for name in FACT_COLUMNS.iter().filter_map(name) {
                into.push(b',');
                into.extend_from_slice(name.as_bytes());
            }
        });
    }

    /// Appends one row and what is known about its aircraft.
    fn row_with_facts(&self, row: &HistoryRow<'_>, facts: &AircraftFacts<'_>, into: &mut Vec<u8>) {
        self.row(row, into);
        self.extend_line(into, |into| {
            for column in &FACT_COLUMNS {
                into.push(b',');
                match (self, column.value(facts)) {
                    (Self::NdJson(_), value) => {
                        put_string(column.name, into);
                        into.push(b':');
                        match value {
                            Some(value) => put_string(value, into),
                            None => into.extend_from_slice(b"null"),
                        }
                    }
                    (Self::Csv(_) | Self::TrafficCsv(_), value) => put_text(value.unwrap_or_default(), into),
                }
            }
        });
    }

    /// Adds to the last line.
    fn extend_line(&self, into: &mut Vec<u8>, extend: impl FnOnce(&mut Vec<u8>)) {
        let end: &[u8] = match self {
            Self::NdJson(_) => b"}\n",
            Self::Csv(_) => b"\r\n",
            Self::TrafficCsv(_) => b"\n",
        };
        if into.ends_with(end) {
            into.truncate(into.len() - end.len());
            extend(into);
            into.extend_from_slice(end);
        }
    }
}

#[cfg(test)]
mod tests {
    use actors::domain::UnixTime;
    use actors::enrichment::FactOrigin;

    use super::*;

    #[test]
    fn facts_follow_the_other_columns() {
        let fields: Fields = "icao24,last_contact".parse().unwrap();
        let row = HistoryRow::new("4b1814".parse().unwrap(), UnixTime(1));
        let facts = AircraftFacts {
            registration: Some(("HB-JCA".into(), FactOrigin::Table)),
            type_code: Some("BCS3"),
            operator: Some("Swiss, \"LX\""),
            ..AircraftFacts::default()
        };
        let text = |encoder: TextEncoder| {
            let mut text = Vec::new();
            encoder.head_with_facts(&mut text);
            encoder.row_with_facts(&row, &facts, &mut text);
            String::from_utf8(text).unwrap()
        };
        assert_eq!(
            text(TextEncoder::Csv(Csv::of(&fields))),
            "icao24,last_contact,registration,type,operator,airline\r\n\
             4b1814,1,HB-JCA,BCS3,\"Swiss, \"\"LX\"\"\",\r\n"
        );
        assert_eq!(
            text(TextEncoder::NdJson(NdJson::of(&fields))),
            "{\"icao24\":\"4b1814\",\"last_contact\":1,\"registration\":\"HB-JCA\",\"type\":\"BCS3\",\
             \"operator\":\"Swiss, \\\"LX\\\"\",\"airline\":null}\n"
        );
        let traffic = text(TextEncoder::TrafficCsv(TrafficCsv));
        assert!(traffic.contains(",last_position,registration,typecode,operator,airline\n"), "{traffic}");
        assert!(traffic.ends_with(",HB-JCA,BCS3,\"Swiss, \"\"LX\"\"\",\n"), "{traffic}");
    }
}
