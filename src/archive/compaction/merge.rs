use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::BufWriter;
use std::sync::Arc;

use actors::domain::{FIELDS, Icao24, StateVector, UnixTime};
use actors::ports::SinkError;
use tempfile::NamedTempFile;

use crate::files::parquet::{NumberType, ParquetFile, ParquetRows};

/// A file of the archive, which is sorted by address and `last_contact`, and its next row.
struct Input {
    path: String,
    rows: ParquetRows<File>,
    next: Option<StateVector>,
}

type Key = (Icao24, UnixTime);

impl Input {
    fn open(path: String, file: File) -> Result<Self, SinkError> {
        let rows = ParquetRows::new(file, Arc::default()).map_err(|error| invalid(&path, &error))?;
        let mut input = Self { path, rows, next: None };
        input.advance()?;
        Ok(input)
    }

    /// Returns the next row, and reads the one after it.
    fn advance(&mut self) -> Result<Option<StateVector>, SinkError> {
        let read = match self.rows.next_row().map_err(|error| invalid(&self.path, &error))? {
            None => None,
            Some(row) => Some(row.map_err(|error| invalid(&self.path, &error))?),
        };
        let current = std::mem::replace(&mut self.next, read);
        if self.key().zip(current.as_ref().map(key)).is_some_and(|(next, current)| next < current) {
            return Err(invalid(&self.path, "its rows are not sorted by icao24 and last_contact"));
        }
        Ok(current)
    }

    fn key(&self) -> Option<Key> {
        self.next.as_ref().map(key)
    }
}

fn key(state: &StateVector) -> Key {
    (state.icao24, state.last_contact)
}

/// Merges sorted files into a sorted one, and returns its number of rows. Rows with equal keys are all kept.
///
/// # Errors
/// Returns an error if a file is not one of the archive's, or the merged one cannot be written.
pub(super) fn merge(files: Vec<(String, File)>, into: NamedTempFile) -> Result<(NamedTempFile, u64), SinkError> {
    let failed =
        |error: &dyn std::fmt::Display| SinkError::Unavailable(format!("failed to write merged rows: {error}"));
    let mut inputs = files.into_iter().map(|(path, file)| Input::open(path, file)).collect::<Result<Vec<_>, _>>()?;
    let heads = inputs.iter().enumerate().filter_map(|(index, input)| Some(Reverse((input.key()?, index))));
    let mut heads: BinaryHeap<_> = heads.collect();
    let target = into.reopen().map_err(|error| failed(&error))?;
    let mut merged = ParquetFile::new(FIELDS, NumberType::Decimal, BufWriter::new(target)).map_err(|e| failed(&e))?;
    let mut rows = 0;
    while let Some(Reverse((_, index))) = heads.pop() {
        let input = &mut inputs[index];
        if let Some(state) = input.advance()? {
            merged.row(&state.borrowed());
            merged.write().map_err(|error| failed(&error))?;
            rows += 1;
        }
        heads.extend(input.key().map(|key| Reverse((key, index))));
    }
    let written = merged.finish().map_err(|error| failed(&error))?;
    written.into_inner().map_err(|error| failed(error.error()))?;
    Ok((into, rows))
}

fn invalid(path: &str, reason: &str) -> SinkError {
    SinkError::Refused(format!("{path}: {reason}; move it away"))
}
