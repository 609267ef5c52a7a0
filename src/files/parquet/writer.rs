use std::io::Write;

use actors::domain::{Field, Icao24, StateVector};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::KeyValue;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};

use super::buffer::{Column, RowBuffer, known, known_flag};
use super::layout::{NumberType, SCHEMA_VERSION, properties, schema};
use crate::files::OutputColumn;

/// The maximum number of rows in a row group, which is also the number of rows buffered for one.
pub const ROWS_PER_GROUP: usize = 1_000_000;

/// The number of values that are converted and encoded at a time.
const VALUES: usize = 8_192;

/// Writes the rows of a buffer as a file, sorted by address and `last_contact`.
///
/// # Errors
/// Returns an error if `into` cannot be written.
pub fn write_file<W: Write + Send>(buffer: &RowBuffer, numbers: NumberType, into: W) -> Result<W> {
    let fields: Vec<_> = buffer.fields().collect();
    let mut file = ParquetFile::new(&fields, numbers, into)?;
    file.write_buffer(buffer)?;
    file.finish()
}

/// Writes a Parquet file row group by row group.
///
/// The rows of a row group are sorted by address and `last_contact`, and row groups follow each other in the order in
/// which the rows were added.
pub struct ParquetFile<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    columns: Vec<OutputColumn>,
    numbers: NumberType,
    /// The rows of the next row group.
    buffer: RowBuffer,
}

impl<W: Write + Send> ParquetFile<W> {
    /// Writes the file header.
    ///
    /// # Errors
    /// Returns an error if `into` cannot be written.
    pub fn new(fields: &[&'static Field], numbers: NumberType, into: W) -> Result<Self> {
        Self::with_texts(fields, &[], numbers, into)
    }

    /// Writes the file header, with columns of other texts after those of the fields.
    ///
    /// # Errors
    /// Returns an error if `into` cannot be written.
    pub fn with_texts(fields: &[&'static Field], texts: &[&'static str], numbers: NumberType, into: W) -> Result<Self> {
        let columns = fields.iter().copied().map(OutputColumn::from).collect();
        Self::with_layout(columns, texts, (numbers, Some(SCHEMA_VERSION)), into)
    }

    /// Writes the file header of a layout that is not our own, with doubles.
    ///
    /// # Errors
    /// Returns an error if `into` cannot be written.
    pub fn with_columns(columns: &[OutputColumn], texts: &[&'static str], into: W) -> Result<Self> {
        Self::with_layout(columns.to_vec(), texts, (NumberType::Double, None), into)
    }

    fn with_layout(
        columns: Vec<OutputColumn>,
        texts: &[&'static str],
        (numbers, version): (NumberType, Option<u32>),
        into: W,
    ) -> Result<Self> {
        let properties = properties(&columns, numbers, version)?;
        let writer = SerializedFileWriter::new(into, schema(&columns, texts, numbers)?, properties)?;
        let fields: Vec<_> = columns.iter().map(|column| column.field).collect();
        Ok(Self { writer, columns, numbers, buffer: RowBuffer::with_texts(&fields, texts.len()) })
    }

    /// Adds an entry to the file's metadata.
    pub fn add_metadata(&mut self, key: &str, value: &str) {
        self.writer.append_key_value_metadata(KeyValue::new(key.to_owned(), value.to_owned()));
    }

    /// Buffers one row. The caller must call [`write`](Self::write) every few rows.
    pub fn row(&mut self, row: &StateVector<&str>) {
        self.buffer.push(row);
    }

    /// Buffers one row with its other texts. The caller must call [`write`](Self::write) every few rows.
    pub fn row_with_texts<'a>(&mut self, row: &StateVector<&str>, texts: impl IntoIterator<Item = Option<&'a str>>) {
        self.buffer.push(row);
        self.buffer.push_texts(texts);
    }

    /// Writes the buffered rows once they fill a row group.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub fn write(&mut self) -> Result<()> {
        if self.buffer.len() >= ROWS_PER_GROUP { self.flush() } else { Ok(()) }
    }

    /// Writes the buffered rows.
    fn flush(&mut self) -> Result<()> {
        write_sorted(&mut self.writer, &self.buffer, &self.columns, self.numbers)?;
        self.buffer.clear();
        Ok(())
    }

    /// Writes the rows of a buffer with the same fields, after those added one by one.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written, or the fields differ.
    pub fn write_buffer(&mut self, buffer: &RowBuffer) -> Result<()> {
        if !buffer.fields().map(|field| field.name).eq(self.buffer.fields().map(|field| field.name)) {
            return Err(ParquetError::General("the buffer has other fields than the file".to_owned()));
        }
        self.flush()?;
        write_sorted(&mut self.writer, buffer, &self.columns, self.numbers)
    }

    /// Writes the remaining rows and the footer.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub fn finish(mut self) -> Result<W> {
        self.flush()?;
        self.writer.into_inner()
    }
}

/// Writes the rows of a buffer in as few row groups as possible; none if it is empty.
fn write_sorted<W: Write + Send>(
    file: &mut SerializedFileWriter<W>,
    buffer: &RowBuffer,
    columns: &[OutputColumn],
    numbers: NumberType,
) -> Result<()> {
    for rows in buffer.sorted().chunks(ROWS_PER_GROUP) {
        let mut group = file.next_row_group()?;
        let missing = || ParquetError::General("the schema has fewer columns than the row".to_owned());
        for ((_, column), output) in buffer.columns().iter().zip(columns) {
            let writer = group.next_column()?.ok_or_else(missing)?;
            ColumnRows { buffer, output, rows, writer }.write(column, numbers)?;
        }
        for texts in buffer.texts() {
            let writer = group.next_column()?.ok_or_else(missing)?;
            put::<ByteArrayType>(writer, rows, false, texts.by_row())?;
        }
        group.close()?;
    }
    Ok(())
}

/// One column of a row group.
struct ColumnRows<'a> {
    buffer: &'a RowBuffer,
    output: &'a OutputColumn,
    /// The indices of the rows, in the order in which they are written.
    rows: &'a [u32],
    writer: SerializedColumnWriter<'a>,
}

impl ColumnRows<'_> {
    fn write(self, column: &Column, numbers: NumberType) -> Result<()> {
        let (buffer, output) = (self.buffer, self.output);
        let millis = |seconds: i64| seconds.saturating_mul(1_000);
        match column {
            Column::Address => {
                let mut last = None;
                self.put::<ByteArrayType>(|row| Some(address(buffer.address(row), &mut last)))
            }
            Column::KeyTime => self.put::<Int64Type>(|row| Some(millis(buffer.last_contact(row)))),
            Column::Texts(texts) => self.put::<ByteArrayType>(texts.by_row()),
            Column::Numbers(values) => match numbers {
                NumberType::Decimal => self.put::<Int32Type>(|row| known(values[row])),
                NumberType::Double => self
                    .put::<DoubleType>(|row| known(values[row]).map(|it| output.number(output.field.from_scaled(it)))),
            },
            Column::Codes(codes) => self.put::<Int32Type>(|row| known(codes[row])),
            Column::Flags(flags) => self.put::<BoolType>(|row| known_flag(flags[row])),
            Column::Times(times) => self.put::<Int64Type>(|row| {
                let relative = known(times[row])?;
                Some(millis(buffer.last_contact(row).saturating_add(i64::from(relative))))
            }),
        }
    }

    fn put<T: DataType>(self, value: impl FnMut(usize) -> Option<T::T>) -> Result<()> {
        put::<T>(self.writer, self.rows, self.output.field.is_required(), value)
    }
}

/// Writes the values of these rows to a column.
fn put<T: DataType>(
    mut column: SerializedColumnWriter<'_>,
    rows: &[u32],
    is_required: bool,
    mut value: impl FnMut(usize) -> Option<T::T>,
) -> Result<()> {
    let writer = column.typed::<T>();
    let (mut values, mut levels) = (Vec::with_capacity(VALUES), Vec::with_capacity(VALUES));
    for rows in rows.chunks(VALUES) {
        values.clear();
        levels.clear();
        for row in rows {
            let value = value(*row as usize);
            levels.push(i16::from(value.is_some()));
            values.extend(value);
        }
        let levels = (!is_required).then_some(&*levels);
        writer.write_batch(&values, levels, None)?;
    }
    column.close()
}

/// Returns the text of an address. Sorted rows repeat the last one.
fn address(address: u32, last: &mut Option<(u32, ByteArray)>) -> ByteArray {
    match last {
        Some((known, text)) if *known == address => text.clone(),
        _ => {
            let text = ByteArray::from(Icao24::from_u32(address).to_ascii().to_vec());
            *last = Some((address, text.clone()));
            text
        }
    }
}
