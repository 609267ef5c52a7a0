use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::bail;

use super::{Csv, Fields, NdJson, Parquet, TextEncoder};
use crate::storage::HistoryRow;

/// A form in which the history is kept in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileForm {
    Parquet,
    Csv,
    NdJson,
}

impl FileForm {
    /// The form that a file's name tells.
    ///
    /// # Errors
    /// It tells none.
    pub(crate) fn of(file: &Path) -> anyhow::Result<Self> {
        Ok(match file.extension().and_then(|extension| extension.to_str()) {
            Some("parquet") => Self::Parquet,
            Some("csv") => Self::Csv,
            Some("ndjson") => Self::NdJson,
            _ => bail!("{}: its name ends in none of .parquet, .csv and .ndjson", file.display()),
        })
    }
}

/// A file that takes rows.
pub(crate) enum RowFile {
    Parquet(Box<Parquet<BufWriter<File>>>),
    Text { encoder: TextEncoder, buffer: Vec<u8>, file: BufWriter<File> },
}

impl RowFile {
    /// # Errors
    /// The file cannot be written to.
    pub(crate) fn new(form: FileForm, file: File) -> anyhow::Result<Self> {
        let (fields, file) = (Fields::default(), BufWriter::with_capacity(1 << 20, file));
        let encoder = match form {
            FileForm::Parquet => return Ok(Self::Parquet(Box::new(Parquet::new(fields, file)?))),
            FileForm::Csv => TextEncoder::Csv(Csv::of(&fields)),
            FileForm::NdJson => TextEncoder::NdJson(NdJson::of(&fields)),
        };
        let mut buffer = Vec::new();
        encoder.head(&mut buffer);
        Ok(Self::Text { encoder, buffer, file })
    }

    /// Takes one row; to be followed by [`write`](Self::write) after some of them.
    pub(crate) fn row(&mut self, row: &HistoryRow<'_>) {
        match self {
            Self::Parquet(parquet) => parquet.row(row),
            Self::Text { encoder, buffer, .. } => encoder.row(row, buffer),
        }
    }

    /// Writes what was taken, as far as that is worth it.
    ///
    /// # Errors
    /// The file cannot be written to.
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

    /// Writes all of it, and waits until it is on the disk.
    ///
    /// # Errors
    /// The file cannot be written to.
    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        self.write()?;
        let file = match self {
            Self::Parquet(parquet) => parquet.finish()?,
            Self::Text { file, .. } => file,
        };
        file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        Ok(())
    }
}
