use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::str::FromStr;

use anyhow::bail;
use thiserror::Error;

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
    Parquet(Box<ParquetFile<BufWriter<File>>>),
    Text { encoder: TextEncoder, buffer: Vec<u8>, file: BufWriter<File> },
}

impl RowFile {
    /// Starts writing, with the header if the format has one.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub(crate) fn new(format: ExportFormat, columns: &Columns, file: File) -> anyhow::Result<Self> {
        let file = BufWriter::with_capacity(1 << 20, file);
        let encoder = match (format, columns) {
            (ExportFormat::Parquet(numbers), Columns::Fields(fields)) => {
                return Ok(Self::Parquet(Box::new(ParquetFile::new(&fields.0, numbers, file)?)));
            }
            (ExportFormat::Parquet(_), Columns::Traffic) => {
                return Ok(Self::Parquet(Box::new(ParquetFile::with_columns(&TRAFFIC_COLUMNS, file)?)));
            }
            (ExportFormat::Csv, Columns::Fields(fields)) => TextEncoder::Csv(Csv::of(fields)),
            (ExportFormat::Csv, Columns::Traffic) => TextEncoder::TrafficCsv(TrafficCsv),
            (ExportFormat::NdJson, Columns::Fields(fields)) => TextEncoder::NdJson(NdJson::of(fields)),
            (ExportFormat::NdJson, Columns::Traffic) => bail!("NDJSON cannot have the columns of traffic"),
        };
        let mut buffer = Vec::new();
        encoder.head(&mut buffer);
        Ok(Self::Text { encoder, buffer, file })
    }

    /// Buffers one row. The caller must call [`write`](Self::write) every few rows.
    pub(crate) fn row(&mut self, row: &HistoryRow<'_>) {
        match self {
            Self::Parquet(parquet) => parquet.row(row),
            Self::Text { encoder, buffer, .. } => encoder.row(row, buffer),
        }
    }

    /// Writes the buffered rows to the file; for Parquet, only once they fill a row group.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub(crate) fn write(&mut self) -> anyhow::Result<()> {
        match self {
            Self::Parquet(parquet) => parquet.write()?,
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
            Self::Parquet(parquet) => parquet.finish()?,
            Self::Text { file, .. } => file,
        };
        Ok(file.into_inner().map_err(std::io::IntoInnerError::into_error)?)
    }
}
