use std::io::Write;
use std::sync::Arc;

use actors::domain::{Field, FieldKind, FieldValue};
use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as PhysicalType, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;

use super::Fields;
use crate::storage::HistoryRow;

/// Writes a Parquet file, compressed with zstd.
///
/// Numbers are doubles, codes 16-bit integers, times UTC timestamps in milliseconds (Parquet has no seconds), and
/// strings UTF-8. Fields that can be unknown are optional columns.
pub(crate) struct Parquet<W: Write + Send> {
    fields: Fields,
    writer: SerializedFileWriter<W>,
    /// The rows of the current row group.
    columns: Vec<Column>,
    buffered: usize,
}

/// Rows in a row group: the number buffered in memory before a write, and the smallest unit that a reader can read.
const ROWS_PER_GROUP: usize = 50_000;

impl<W: Write + Send> Parquet<W> {
    /// Writes the file header.
    ///
    /// # Errors
    /// Returns an error if `into` cannot be written.
    pub(crate) fn new(fields: Fields, into: W) -> Result<Self> {
        let columns: Vec<_> = fields.0.iter().map(|field| Column::of(field)).collect();
        let types = fields.0.iter().zip(&columns).map(|(field, column)| column.schema(field.name).map(Arc::new));
        let schema = Type::group_type_builder("state_vectors").with_fields(types.collect::<Result<_>>()?).build()?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by(concat!("flight-monitor ", env!("CARGO_PKG_VERSION")).to_owned());
        let writer = SerializedFileWriter::new(into, Arc::new(schema), Arc::new(properties.build()))?;
        Ok(Self { fields, writer, columns, buffered: 0 })
    }

    /// Buffers one row. The caller must call [`write`](Self::write) every few rows.
    pub(crate) fn row(&mut self, row: &HistoryRow<'_>) {
        for (field, column) in self.fields.0.iter().zip(&mut self.columns) {
            column.push(&field.value(row));
        }
        self.buffered += 1;
    }

    /// Writes the buffered rows once they fill a row group.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub(crate) fn write(&mut self) -> Result<()> {
        if self.buffered >= ROWS_PER_GROUP { self.write_group() } else { Ok(()) }
    }

    fn write_group(&mut self) -> Result<()> {
        let mut group = self.writer.next_row_group()?;
        for column in &mut self.columns {
            column.write(&mut group)?;
        }
        group.close()?;
        self.buffered = 0;
        Ok(())
    }

    /// Writes the remaining rows and the footer.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub(crate) fn finish(mut self) -> Result<W> {
        if self.buffered > 0 {
            self.write_group()?;
        }
        self.writer.into_inner()
    }
}

/// The values of one column, and for each row whether it has a value.
struct Values<T> {
    values: Vec<T>,
    /// Parquet's definition levels; `None` for a required column.
    levels: Option<Vec<i16>>,
}

enum Column {
    Text(Values<ByteArray>),
    Number(Values<f64>),
    Code(Values<i32>),
    Time(Values<i64>),
    Flag(Values<bool>),
}

impl<T> Values<T> {
    fn new(required: bool) -> Self {
        Self { values: Vec::new(), levels: (!required).then(Vec::new) }
    }

    fn push(&mut self, value: Option<T>) {
        if let Some(levels) = &mut self.levels {
            levels.push(i16::from(value.is_some()));
        }
        self.values.extend(value);
    }

    fn write<P: DataType<T = T>, W: Write + Send>(
        &mut self,
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<()> {
        let missing = || ParquetError::General("the schema has fewer columns than the row".to_owned());
        let mut column = group.next_column()?.ok_or_else(missing)?;
        column.typed::<P>().write_batch(&self.values, self.levels.as_deref(), None)?;
        self.values.clear();
        self.levels.iter_mut().for_each(Vec::clear);
        column.close()
    }
}

impl Column {
    fn of(field: &Field) -> Self {
        let required = field.is_required();
        match field.kind {
            FieldKind::Address(_) | FieldKind::Text(_) => Self::Text(Values::new(required)),
            FieldKind::Number(_) => Self::Number(Values::new(required)),
            FieldKind::Code(_) => Self::Code(Values::new(required)),
            FieldKind::Time(_) | FieldKind::KeyTime(_) => Self::Time(Values::new(required)),
            FieldKind::Flag(_) => Self::Flag(Values::new(required)),
        }
    }

    fn schema(&self, name: &str) -> Result<Type> {
        let utc_millis = LogicalType::timestamp(true, TimeUnit::MILLIS);
        let (physical, logical, required) = match self {
            Self::Text(values) => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String), values.levels.is_none()),
            Self::Number(values) => (PhysicalType::DOUBLE, None, values.levels.is_none()),
            Self::Code(values) => (PhysicalType::INT32, Some(LogicalType::integer(16, true)), values.levels.is_none()),
            Self::Time(values) => (PhysicalType::INT64, Some(utc_millis), values.levels.is_none()),
            Self::Flag(values) => (PhysicalType::BOOLEAN, None, values.levels.is_none()),
        };
        let repetition = if required { Repetition::REQUIRED } else { Repetition::OPTIONAL };
        Type::primitive_type_builder(name, physical).with_logical_type(logical).with_repetition(repetition).build()
    }

    fn push(&mut self, value: &FieldValue<'_>) {
        match (self, value) {
            (Self::Text(values), FieldValue::Address(address)) => values.push(Some(address.to_ascii().to_vec().into())),
            (Self::Text(values), FieldValue::Text(text)) => values.push(text.map(ByteArray::from)),
            (Self::Number(values), FieldValue::Number(number)) => values.push(*number),
            (Self::Code(values), FieldValue::Code(code)) => values.push(code.map(i32::from)),
            (Self::Time(values), FieldValue::Time(time)) => values.push(time.map(|time| time.0 * 1000)),
            (Self::Flag(values), FieldValue::Flag(flag)) => values.push(*flag),
            // Unreachable: a field always has values of the same kind.
            _ => {}
        }
    }

    fn write<W: Write + Send>(&mut self, group: &mut SerializedRowGroupWriter<'_, W>) -> Result<()> {
        match self {
            Self::Text(values) => values.write::<ByteArrayType, W>(group),
            Self::Number(values) => values.write::<DoubleType, W>(group),
            Self::Code(values) => values.write::<Int32Type, W>(group),
            Self::Time(values) => values.write::<Int64Type, W>(group),
            Self::Flag(values) => values.write::<BoolType, W>(group),
        }
    }
}
