//! Encodes the history: as NDJSON and CSV for HTTP and files, and as Parquet (`files::parquet`) for files.

mod csv;
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
}
