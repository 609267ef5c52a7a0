use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use actors::enrichment::FactBook;
use anyhow::bail;
use thiserror::Error;

use super::facts::{FACT_COLUMNS, FactColumn};
use super::traffic::{TRAFFIC_COLUMNS, TrafficCsv};
use super::{Columns, Csv, NdJson, TextEncoder};
use crate::files::parquet::{NumberType, ParquetFile};
use crate::storage::HistoryRow;

/// The file format of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExportFormat {
    Parquet(NumberType),
    Csv,
    NdJson,
}

/// The error for an unknown file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("expected csv, ndjson or parquet")]
pub(crate) struct InvalidFormat;

impl FromStr for ExportFormat {
    type Err = InvalidFormat;

    fn from_str(name: &str) -> Result<Self, InvalidFormat> {
        match name {
            "parquet" => Ok(Self::Parquet(NumberType::default())),
            "csv" => Ok(Self::Csv),
            "ndjson" => Ok(Self::NdJson),
            _ => Err(InvalidFormat),
        }
    }
}

impl ExportFormat {
    /// Returns the format that a file's extension indicates.
    ///
    /// # Errors
    /// Returns an error if the extension is unknown or missing.
    pub(crate) fn of(file: &Path) -> anyhow::Result<Self> {
        let extension = file.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        let Ok(format) = extension.parse() else {
            bail!(
                "{}: unknown file extension; expected .parquet, .csv or .ndjson, or a format with --format",
                file.display()
            )
        };
        Ok(format)
    }
}

/// Writes rows to a file in any of the formats.
pub(crate) enum RowFile {
    Parquet { parquet: Box<ParquetFile<BufWriter<File>>>, facts: Option<Arc<FactBook>> },
    Text { encoder: TextEncoder, buffer: Vec<u8>, file: BufWriter<File>, facts: Option<Arc<FactBook>> },
}

impl RowFile {
    /// Starts writing, with the header if the format has one. With facts, what is known about the aircraft follows the
    /// columns.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub(crate) fn new(
        format: ExportFormat,
        columns: &Columns,
        facts: Option<Arc<FactBook>>,
        file: File,
    ) -> anyhow::Result<Self> {
        let file = BufWriter::with_capacity(1 << 20, file);
        let texts = |name: fn(&FactColumn) -> &'static str| -> Vec<_> {
            facts.iter().flat_map(|_| FACT_COLUMNS.iter().map(name)).collect()
        };
        let encoder = match (format, columns) {
            (ExportFormat::Parquet(numbers), Columns::Fields(fields)) => {
                let parquet = ParquetFile::with_texts(&fields.0, &texts(|column| column.name), numbers, file)?;
                return Ok(Self::Parquet { parquet: Box::new(parquet), facts });
            }
            (ExportFormat::Parquet(_), Columns::Traffic) => {
                let texts = texts(|column| column.traffic_name);
                let parquet = ParquetFile::with_columns(&TRAFFIC_COLUMNS, &texts, file)?;
                return Ok(Self::Parquet { parquet: Box::new(parquet), facts });
            }
            (ExportFormat::Csv, Columns::Fields(fields)) => TextEncoder::Csv(Csv::of(fields)),
            (ExportFormat::Csv, Columns::Traffic) => TextEncoder::TrafficCsv(TrafficCsv),
            (ExportFormat::NdJson, Columns::Fields(fields)) => TextEncoder::NdJson(NdJson::of(fields)),
            (ExportFormat::NdJson, Columns::Traffic) => bail!("NDJSON cannot have the columns of traffic"),
        };
        let mut buffer = Vec::new();
        match &facts {
            Some(_) => encoder.head_with_facts(&mut buffer),
            None => encoder.head(&mut buffer),
        }
        Ok(Self::Text { encoder, buffer, file, facts })
    }

    /// Buffers one row. The caller must call [`write`](Self::write) every few rows.
    pub(crate) fn row(&mut self, row: &HistoryRow<'_>) {
        match self {
            Self::Parquet { parquet, facts: None } => parquet.row(row),
            Self::Parquet { parquet, facts: Some(book) } => {
                let facts = book.facts(row.icao24, row.callsign);
                parquet.row_with_texts(row, FACT_COLUMNS.iter().map(|column| column.value(&facts)));
            }
            Self::Text { encoder, buffer, facts: None, .. } => encoder.row(row, buffer),
            Self::Text { encoder, buffer, facts: Some(book), .. } => {
                encoder.row_with_facts(row, &book.facts(row.icao24, row.callsign), buffer);
            }
        }
    }

    /// Writes the buffered rows to the file; for Parquet, only once they fill a row group.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub(crate) fn write(&mut self) -> anyhow::Result<()> {
        match self {
            Self::Parquet { parquet, .. } => parquet.write()?,
            Self::Text { buffer, file, .. } => {
                file.write_all(buffer)?;
                buffer.clear();
            }
        }
        Ok(())
    }

    /// Writes the remaining rows and the end of the format, and returns the file.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub(crate) fn finish(mut self) -> anyhow::Result<File> {
        self.write()?;
        let file = match self {
            Self::Parquet { parquet, .. } => parquet.finish()?,
            Self::Text { file, .. } => file,
        };
        Ok(file.into_inner().map_err(std::io::IntoInnerError::into_error)?)
    }
}
