//! The forms in which the history leaves: NDJSON and CSV, by HTTP and into files, and Parquet into files.

mod csv;
mod fields;
mod file;
mod ndjson;
mod parquet;
mod selection;

pub(crate) use csv::Csv;
pub(crate) use fields::Fields;
pub(crate) use file::{FileForm, RowFile};
pub(crate) use ndjson::NdJson;
pub(crate) use parquet::Parquet;
pub(crate) use selection::{check_addresses, parse_addresses, parse_callsign, parse_time};

use crate::storage::HistoryRow;

/// Writes rows as text, one after the other.
pub(crate) enum TextEncoder {
    NdJson(NdJson),
    Csv(Csv),
}

impl TextEncoder {
    /// What stands before the first row.
    pub(crate) fn head(&self, into: &mut Vec<u8>) {
        match self {
            Self::NdJson(_) => {}
            Self::Csv(csv) => csv.head(into),
        }
    }

    /// One row, with the end of its line.
    pub(crate) fn row(&self, row: &HistoryRow<'_>, into: &mut Vec<u8>) {
        match self {
            Self::NdJson(json) => json.row(row, into),
            Self::Csv(csv) => csv.row(row, into),
        }
    }
}
