//! Reads Parquet files of state vectors: our own exports, and files with the same columns by pandas and others.

use std::borrow::Cow;
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actors::domain::{Field, StateVector, StateVectorParts};
use actors::ports::{BadRecord, Recorded};
use parquet::basic::{ConvertedType, LogicalType, TimeUnit};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{AsBytes, DataType};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use super::Records;
use super::column::{self, DecimalMark, Scalar, match_columns};

/// The number of rows decoded at a time.
const ROWS: usize = 1_000;

pub(super) struct Parquet {
    file: SerializedFileReader<File>,
    /// The leaf columns of the file; `None` for a column that matches no field and is not read.
    columns: Vec<Option<(&'static Field, Unit)>>,
    next_group: usize,
    group: Vec<(usize, ColumnReader)>,
    left_in_group: usize,
    /// Decoded rows that have not been returned yet, in file order.
    rows: std::vec::IntoIter<Result<StateVectorParts, String>>,
    bytes_read: Arc<AtomicU64>,
}

/// A time unit, as the number of units per second.
#[derive(Clone, Copy)]
struct Unit(i64);

impl Parquet {
    pub(super) fn new(file: File, bytes_read: Arc<AtomicU64>) -> Result<Self, String> {
        let file = SerializedFileReader::new(file).map_err(|error| format!("invalid Parquet: {error}"))?;
        let schema = file.metadata().file_metadata().schema_descr_ptr();
        let names: Vec<_> = schema.columns().iter().map(|column| Cow::Owned(column.path().string())).collect();
        let columns = match_columns(&names)?;
        let columns = columns.into_iter().zip(schema.columns()).map(|(column, description)| match column {
            Some(column) if description.max_rep_level() > 0 => {
                Err(format!("the column {} contains lists", column.name))
            }
            Some(column) => Ok(Some((column, unit(description)))),
            None => Ok(None),
        });
        Ok(Self {
            columns: columns.collect::<Result<_, _>>()?,
            file,
            next_group: 0,
            group: Vec::new(),
            left_in_group: 0,
            rows: Vec::new().into_iter(),
            bytes_read,
        })
    }

    /// Decodes the next rows. Returns `false` at the end.
    fn decode(&mut self) -> Result<bool, String> {
        let failed = |error: ParquetError| format!("invalid Parquet: {error}");
        while self.left_in_group == 0 {
            if self.next_group == self.file.num_row_groups() {
                return Ok(false);
            }
            let group = self.file.get_row_group(self.next_group).map_err(failed)?;
            let length = group.metadata().compressed_size();
            self.bytes_read.fetch_add(length.unsigned_abs(), Ordering::Relaxed);
            let needed = self.columns.iter().enumerate().filter(|(_, column)| column.is_some());
            let readers = needed.map(|(index, _)| Ok((index, group.get_column_reader(index)?)));
            self.group = readers.collect::<Result<_, ParquetError>>().map_err(failed)?;
            self.left_in_group = usize::try_from(group.metadata().num_rows()).unwrap_or_default();
            self.next_group += 1;
        }
        let count = self.left_in_group.min(ROWS);
        let mut rows: Vec<Result<StateVectorParts, String>> = vec![Ok(StateVectorParts::default()); count];
        for (index, reader) in &mut self.group {
            let Some(Some((column, unit))) = self.columns.get(*index) else { continue };
            fill(reader, column, *unit, &mut rows).map_err(failed)?;
        }
        self.left_in_group -= count;
        self.rows = rows.into_iter();
        Ok(true)
    }
}

impl Records for Parquet {
    fn read(&mut self, into: &mut Recorded) -> Result<bool, String> {
        let row = loop {
            if let Some(row) = self.rows.next() {
                break row;
            }
            if !self.decode()? {
                return Ok(false);
            }
        };
        let record = into.next;
        into.next += 1;
        match row.and_then(|parts| StateVector::try_from(parts).map_err(|error| error.to_string())) {
            Ok(state) => into.states.push((record, Arc::new(state))),
            Err(reason) => into.bad.push(BadRecord { record, reason: format!("row {}: {reason}", record + 1) }),
        }
        Ok(true)
    }
}

/// Returns the time unit of a column's integers.
fn unit(column: &ColumnDescriptor) -> Unit {
    Unit(match column.logical_type_ref() {
        Some(LogicalType::Timestamp(timestamp)) => match timestamp.unit {
            TimeUnit::MILLIS => 1_000,
            TimeUnit::MICROS => 1_000_000,
            TimeUnit::NANOS => 1_000_000_000,
        },
        _ => match column.converted_type() {
            ConvertedType::TIMESTAMP_MILLIS => 1_000,
            ConvertedType::TIMESTAMP_MICROS => 1_000_000,
            _ => 1,
        },
    })
}

type Rows = [Result<StateVectorParts, String>];

/// Sets one field of all rows.
fn fill(reader: &mut ColumnReader, column: &Field, unit: Unit, rows: &mut Rows) -> Result<(), ParquetError> {
    let scalar = |parts: &mut StateVectorParts, value| column::set_scalar(column, parts, value);
    match reader {
        ColumnReader::BoolColumnReader(reader) => {
            each(reader, column, rows, |parts, value| scalar(parts, Scalar::Flag(*value)))
        }
        ColumnReader::Int32ColumnReader(reader) => {
            each(reader, column, rows, |parts, value| scalar(parts, Scalar::Integer(i64::from(*value))))
        }
        ColumnReader::Int64ColumnReader(reader) => {
            each(reader, column, rows, |parts, value| scalar(parts, Scalar::Integer(value.div_euclid(unit.0))))
        }
        ColumnReader::Int96ColumnReader(reader) => {
            each(reader, column, rows, |parts, value| scalar(parts, Scalar::Integer(value.to_seconds())))
        }
        ColumnReader::FloatColumnReader(reader) => {
            each(reader, column, rows, |parts, value| scalar(parts, Scalar::Float(f64::from(*value))))
        }
        ColumnReader::DoubleColumnReader(reader) => {
            each(reader, column, rows, |parts, value| scalar(parts, Scalar::Float(*value)))
        }
        ColumnReader::ByteArrayColumnReader(reader) => {
            each(reader, column, rows, |parts, value| set_text(column, parts, value.as_bytes()))
        }
        ColumnReader::FixedLenByteArrayColumnReader(reader) => {
            each(reader, column, rows, |parts, value| set_text(column, parts, value.as_bytes()))
        }
    }
}

fn set_text(column: &Field, parts: &mut StateVectorParts, bytes: &[u8]) -> Result<(), &'static str> {
    let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8")?;
    column::set_text(column, parts, text, DecimalMark::Point)
}

fn each<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    column: &Field,
    rows: &mut Rows,
    set: impl Fn(&mut StateVectorParts, &T::T) -> Result<(), &'static str>,
) -> Result<(), ParquetError> {
    let (mut values, mut levels) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
    let mut read = 0;
    while read < rows.len() {
        values.clear();
        levels.clear();
        let (records, _, _) = reader.read_records(rows.len() - read, Some(&mut levels), None, &mut values)?;
        if records == 0 {
            return Err(ParquetError::General(format!("the column {} has too few rows", column.name)));
        }
        // A required column has no levels.
        let highest = levels.iter().copied().max().unwrap_or_default();
        let all = values.len() == records;
        let mut values = values.iter();
        for (index, row) in rows[read..read + records].iter_mut().enumerate() {
            let is_known = all || levels.get(index).is_some_and(|level| *level == highest);
            let Some(value) = is_known.then(|| values.next()).flatten() else { continue };
            if let Ok(parts) = row
                && let Err(reason) = set(parts, value)
            {
                *row = Err(format!("{}: {reason}", column.name));
            }
        }
        read += records;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use actors::domain::{FIELDS, FieldValue};
    use proptest::prelude::*;

    use super::*;
    use crate::export;
    use crate::samples::any_state;

    fn read(file: File) -> Recorded {
        let mut parquet = Parquet::new(file, Arc::default()).unwrap();
        let mut recorded = Recorded::default();
        while parquet.read(&mut recorded).unwrap() {}
        recorded
    }

    fn written(states: &[StateVector]) -> File {
        let file = tempfile::tempfile().unwrap();
        let mut parquet = export::Parquet::new(export::Fields::default(), file.try_clone().unwrap()).unwrap();
        for state in states {
            parquet.row(&state.borrowed());
        }
        parquet.finish().unwrap();
        file
    }

    /// Generates any state vector without a text that marks a missing value on import.
    fn any_importable_state() -> impl Strategy<Value = StateVector> {
        let is_unknown =
            |value: FieldValue<'_>| matches!(value, FieldValue::Text(Some(text)) if column::is_unknown(text));
        any_state().prop_filter("a text that stands for unknown", move |state| {
            let state = state.borrowed();
            !FIELDS.iter().any(|field| is_unknown(field.value(&state)))
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn our_own_export_round_trips(
            states in prop::collection::vec(any_importable_state(), 1..100),
            rows in 0_usize..2_500,
        ) {
            let states: Vec<_> = states.into_iter().cycle().take(rows).collect();
            let recorded = read(written(&states));
            prop_assert!(recorded.bad.is_empty(), "{:?}", recorded.bad);
            prop_assert_eq!(recorded.states.len(), states.len());
            for ((_, again), state) in recorded.states.iter().zip(&states) {
                prop_assert_eq!(&**again, state);
            }
        }
    }

    #[test]
    fn a_damaged_file_is_an_error() {
        use std::io::{Seek, Write};
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"PAR1 and nothing more").unwrap();
        file.rewind().unwrap();
        let error = Parquet::new(file, Arc::default()).err().unwrap();
        assert!(error.contains("invalid Parquet"), "{error}");
    }
}
