use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actors::domain::{Field, FieldKind, StateVector, StateVectorParts};
use parquet::basic::{ConvertedType, LogicalType, TimeUnit};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{AsBytes, DataType};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use super::decimal::Decimal;
use super::layout::{SCHEMA_KEY, SCHEMA_VERSION};
use crate::files::column::{self, DecimalMark, Scalar, match_columns};

/// The number of rows decoded at a time.
const ROWS: usize = 1_000;

/// Reads Parquet files of state vectors, in file order: our own, and files with the same columns by pandas and others.
pub struct ParquetRows<R: ChunkReader + 'static> {
    file: SerializedFileReader<R>,
    /// The leaf columns of the file; `None` for a column that matches no field and is not read.
    columns: Vec<Option<Source>>,
    next_group: usize,
    group: Vec<(Source, ColumnReader)>,
    left_in_group: usize,
    /// Decoded rows that have not been returned yet, in file order.
    rows: std::vec::IntoIter<Result<StateVectorParts, String>>,
    bytes_read: Arc<AtomicU64>,
}

/// The column of a field.
#[derive(Clone, Copy)]
struct Source {
    field: &'static Field,
    meaning: Meaning,
}

/// How the values of a column are read.
#[derive(Clone, Copy)]
enum Meaning {
    /// Integers as they are, and byte arrays as text with the spellings of other programs.
    Plain,
    /// Texts of our own files.
    ExactText,
    /// Integers that count this many units to a second.
    Time(i64),
    Decimal(Decimal),
}

impl<R: ChunkReader + 'static> ParquetRows<R> {
    /// Reads the footer. The size of each row group is added to `bytes_read` as it is read.
    ///
    /// # Errors
    /// Returns an error if the file is not Parquet, its columns are not those of a state vector, or it has a later
    /// version of our layout.
    pub fn new(file: R, bytes_read: Arc<AtomicU64>) -> Result<Self, String> {
        let file = unless_damaged(|| SerializedFileReader::new(file))?;
        let metadata = file.metadata().file_metadata();
        let entries = metadata.key_value_metadata().map_or(&[][..], Vec::as_slice);
        let version = entries.iter().find(|entry| entry.key == SCHEMA_KEY).map(|entry| entry.value.as_deref());
        if let Some(version) = version {
            check_version(version.unwrap_or_default())?;
        }
        let schema = metadata.schema_descr_ptr();
        let names: Vec<_> = schema.columns().iter().map(|column| name(column)).collect();
        let columns = match_columns(&names).map_err(|error| format!("Parquet columns: {error}"))?;
        let columns = columns.into_iter().zip(schema.columns()).map(|(field, description)| {
            let Some(field) = field else { return Ok(None) };
            if description.max_rep_level() > 0 {
                return Err(format!("the column {} contains lists", field.name));
            }
            let meaning = match field.kind {
                FieldKind::Text(_) if version.is_some() => Meaning::ExactText,
                _ => Meaning::of(description).map_err(|error| format!("the column {}: {error}", field.name))?,
            };
            Ok(Some(Source { field, meaning }))
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

    /// Reads the next row: a state vector, or why it is invalid. Returns `None` at the end.
    ///
    /// # Errors
    /// Returns an error if the rest of the file cannot be read.
    pub fn next_row(&mut self) -> Result<Option<Result<StateVector, String>>, String> {
        loop {
            if let Some(row) = self.rows.next() {
                let state = row.and_then(|parts| StateVector::try_from(parts).map_err(|error| error.to_string()));
                return Ok(Some(state));
            }
            if !self.decode()? {
                return Ok(None);
            }
        }
    }

    /// Decodes the next rows. Returns `false` at the end.
    fn decode(&mut self) -> Result<bool, String> {
        unless_damaged(|| self.decode_rows())
    }

    fn decode_rows(&mut self) -> Result<bool, ParquetError> {
        while self.left_in_group == 0 {
            if self.next_group == self.file.num_row_groups() {
                return Ok(false);
            }
            let group = self.file.get_row_group(self.next_group)?;
            let length = group.metadata().compressed_size();
            self.bytes_read.fetch_add(length.unsigned_abs(), Ordering::Relaxed);
            let needed = self.columns.iter().enumerate().filter_map(|(index, column)| Some((index, (*column)?)));
            let readers = needed.map(|(index, column)| Ok((column, group.get_column_reader(index)?)));
            self.group = readers.collect::<Result<_, ParquetError>>()?;
            self.left_in_group = usize::try_from(group.metadata().num_rows()).unwrap_or_default();
            self.next_group += 1;
        }
        let count = self.left_in_group.min(ROWS);
        let mut rows: Vec<Result<StateVectorParts, String>> = vec![Ok(StateVectorParts::default()); count];
        for (column, reader) in &mut self.group {
            column.fill(reader, &mut rows)?;
        }
        self.left_in_group -= count;
        self.rows = rows.into_iter();
        Ok(true)
    }
}

/// Describes a failure to read a file. The crate `parquet` panics on some damaged files, for example on a column with
/// a negative offset.
fn unless_damaged<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, String> {
    // After an error, nothing more is read.
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(read) => read.map_err(|error| format!("invalid Parquet: {error}")),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default();
            Err(format!("invalid Parquet: the file is damaged: {text}"))
        }
    }
}

/// Returns the name of a column. A list has it on the outermost of three levels.
fn name(column: &ColumnDescriptor) -> Cow<'static, str> {
    let path = column.path();
    let is_list = column.max_rep_level() > 0;
    Cow::Owned(path.parts().first().filter(|_| is_list).cloned().unwrap_or_else(|| path.string()))
}

/// Checks the version of the layout of our own file.
fn check_version(version: &str) -> Result<(), String> {
    match version.parse::<u32>() {
        Ok(version) if version <= SCHEMA_VERSION => Ok(()),
        Ok(version) => Err(format!(
            "the file has version {version} of the layout, and this program reads up to version {SCHEMA_VERSION}; \
             update the program"
        )),
        Err(_) => Err(format!("invalid value of {SCHEMA_KEY} in the metadata: {version:?} is not a version")),
    }
}

impl Meaning {
    fn of(column: &ColumnDescriptor) -> Result<Self, String> {
        let units = match (column.logical_type_ref(), column.converted_type()) {
            (Some(LogicalType::Timestamp(timestamp)), _) => match timestamp.unit {
                TimeUnit::MILLIS => 1_000,
                TimeUnit::MICROS => 1_000_000,
                TimeUnit::NANOS => 1_000_000_000,
            },
            (Some(LogicalType::Decimal(decimal)), _) => return Decimal::new(decimal.scale).map(Self::Decimal),
            (None, ConvertedType::DECIMAL) => return Decimal::new(column.type_scale()).map(Self::Decimal),
            (_, ConvertedType::TIMESTAMP_MILLIS) => 1_000,
            (_, ConvertedType::TIMESTAMP_MICROS) => 1_000_000,
            _ => return Ok(Self::Plain),
        };
        Ok(Self::Time(units))
    }

    fn integer(self, value: i64) -> Scalar {
        match self {
            Self::Plain | Self::ExactText => Scalar::Integer(value),
            Self::Time(units) => Scalar::Integer(value.div_euclid(units)),
            Self::Decimal(decimal) => decimal.scalar(value.into()),
        }
    }
}

type Rows = [Result<StateVectorParts, String>];

impl Source {
    /// Sets the field of all rows.
    fn fill(self, reader: &mut ColumnReader, rows: &mut Rows) -> Result<(), ParquetError> {
        let Self { field, meaning } = self;
        let scalar = |parts: &mut StateVectorParts, value| column::set_scalar(field, parts, value);
        match reader {
            ColumnReader::BoolColumnReader(reader) => {
                each(reader, field, rows, |parts, value| scalar(parts, Scalar::Flag(*value)))
            }
            ColumnReader::Int32ColumnReader(reader) => {
                each(reader, field, rows, |parts, value| scalar(parts, meaning.integer((*value).into())))
            }
            ColumnReader::Int64ColumnReader(reader) => {
                each(reader, field, rows, |parts, value| scalar(parts, meaning.integer(*value)))
            }
            ColumnReader::Int96ColumnReader(reader) => {
                each(reader, field, rows, |parts, value| scalar(parts, Scalar::Integer(value.to_seconds())))
            }
            ColumnReader::FloatColumnReader(reader) => {
                each(reader, field, rows, |parts, value| scalar(parts, Scalar::Float(f64::from(*value))))
            }
            ColumnReader::DoubleColumnReader(reader) => {
                each(reader, field, rows, |parts, value| scalar(parts, Scalar::Float(*value)))
            }
            ColumnReader::ByteArrayColumnReader(reader) => {
                each(reader, field, rows, |parts, value| self.set_bytes(parts, value.as_bytes()))
            }
            ColumnReader::FixedLenByteArrayColumnReader(reader) => {
                each(reader, field, rows, |parts, value| self.set_bytes(parts, value.as_bytes()))
            }
        }
    }

    fn set_bytes(self, parts: &mut StateVectorParts, bytes: &[u8]) -> Result<(), &'static str> {
        if let Meaning::Decimal(decimal) = self.meaning {
            return column::set_scalar(self.field, parts, decimal.scalar(Decimal::unscaled(bytes)?));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8")?;
        match (self.meaning, self.field.kind) {
            (Meaning::ExactText, FieldKind::Text(slot)) => {
                *slot(parts) = Some(text.into());
                Ok(())
            }
            _ => column::set_text(self.field, parts, text, DecimalMark::Point),
        }
    }
}

fn each<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    field: &Field,
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
            return Err(ParquetError::General(format!("the column {} has too few rows", field.name)));
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
                *row = Err(format!("{}: {reason}", field.name));
            }
        }
        read += records;
    }
    Ok(())
}
