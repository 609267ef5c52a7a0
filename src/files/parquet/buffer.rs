use actors::domain::{Field, FieldKind, FieldValue, StateVector, UnixTime};

use super::texts::{Texts, push};

/// Rows in memory, in the form in which they are written to Parquet: about 70 bytes a row with all fields.
///
/// Values that no valid state vector has, such as a time more than 68 years from `last_contact`, are unknown in it.
#[derive(Debug)]
pub struct RowBuffer {
    /// The address and `last_contact` of each row, which order the rows even if they are not among the fields.
    addresses: Vec<u32>,
    times: Vec<i64>,
    columns: Vec<(&'static Field, Column)>,
    /// Texts that are no fields, in columns of their own.
    texts: Vec<Texts>,
}

/// The values of a field, in the order of arrival.
#[derive(Debug)]
pub(super) enum Column {
    /// The buffer's addresses.
    Address,
    /// The buffer's times.
    KeyTime,
    Texts(Texts),
    /// In units of the last decimal; [`UNKNOWN`] if unknown.
    Numbers(Vec<i32>),
    /// [`UNKNOWN`] if unknown.
    Codes(Vec<i32>),
    /// 0 or 1; [`UNKNOWN_FLAG`] if unknown.
    Flags(Vec<i8>),
    /// Relative to `last_contact`; [`UNKNOWN`] if unknown.
    Times(Vec<i32>),
}

/// Stands for an unknown value. No number, code or time of a valid state vector has this value.
const UNKNOWN: i32 = i32::MIN;

const UNKNOWN_FLAG: i8 = -1;

impl RowBuffer {
    /// Creates an empty buffer for these fields.
    pub fn new(fields: &[&'static Field]) -> Self {
        Self::with_texts(fields, 0)
    }

    /// Creates an empty buffer for these fields and a number of texts.
    pub(super) fn with_texts(fields: &[&'static Field], texts: usize) -> Self {
        let columns = fields.iter().map(|field| (*field, Column::of(field)));
        let texts = std::iter::repeat_with(Texts::default).take(texts).collect();
        Self { addresses: Vec::new(), times: Vec::new(), columns: columns.collect(), texts }
    }

    /// Adds the texts of the row that was added last.
    pub(super) fn push_texts<'a>(&mut self, texts: impl IntoIterator<Item = Option<&'a str>>) {
        self.texts.iter_mut().zip(texts).for_each(|(column, text)| column.push(text));
    }

    /// Adds a row.
    pub fn push(&mut self, row: &StateVector<&str>) {
        for (field, column) in &mut self.columns {
            column.push(field, &field.value(row), row.last_contact);
        }
        push(&mut self.addresses, row.icao24.to_u32());
        push(&mut self.times, row.last_contact.0);
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.addresses.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.addresses.is_empty()
    }

    /// Returns the memory used for the rows, in bytes.
    pub fn bytes(&self) -> usize {
        let keys = self.addresses.capacity() * size_of::<u32>() + self.times.capacity() * size_of::<i64>();
        let texts = self.texts.iter().map(Texts::bytes).sum::<usize>();
        keys + texts + self.columns.iter().map(|(_, column)| column.bytes()).sum::<usize>()
    }

    /// Removes all rows and keeps the memory.
    pub fn clear(&mut self) {
        self.addresses.clear();
        self.times.clear();
        for (_, column) in &mut self.columns {
            column.clear();
        }
        self.texts.iter_mut().for_each(Texts::clear);
    }

    /// Returns the indices of the rows, ordered by address and `last_contact`, and those with equal keys by arrival.
    pub(super) fn sorted(&self) -> Vec<u32> {
        let keys = self.addresses.iter().zip(&self.times).zip(0_u32..);
        let mut keys: Vec<_> = keys.map(|((address, time), row)| (*address, *time, row)).collect();
        keys.sort_unstable();
        keys.into_iter().map(|(_, _, row)| row).collect()
    }

    pub(super) fn fields(&self) -> impl Iterator<Item = &'static Field> {
        self.columns.iter().map(|(field, _)| *field)
    }

    pub(super) fn columns(&self) -> &[(&'static Field, Column)] {
        &self.columns
    }

    pub(super) fn texts(&self) -> &[Texts] {
        &self.texts
    }

    pub(super) fn address(&self, row: usize) -> u32 {
        self.addresses[row]
    }

    pub(super) fn last_contact(&self, row: usize) -> i64 {
        self.times[row]
    }
}

impl Column {
    fn of(field: &Field) -> Self {
        match field.kind {
            FieldKind::Address(_) => Self::Address,
            FieldKind::KeyTime(_) => Self::KeyTime,
            FieldKind::Text(_) => Self::Texts(Texts::default()),
            FieldKind::Number(_) => Self::Numbers(Vec::new()),
            FieldKind::Code(_) => Self::Codes(Vec::new()),
            FieldKind::Flag(_) => Self::Flags(Vec::new()),
            FieldKind::Time(_) => Self::Times(Vec::new()),
        }
    }

    fn push(&mut self, field: &Field, value: &FieldValue<'_>, last_contact: UnixTime) {
        match (self, value) {
            (Self::Texts(texts), FieldValue::Text(text)) => texts.push(*text),
            (Self::Numbers(numbers), FieldValue::Number(number)) => {
                let number = number.filter(|number| field.range.contains(number));
                push(numbers, number.map_or(UNKNOWN, |number| field.to_scaled(number)));
            }
            (Self::Codes(codes), FieldValue::Code(code)) => push(codes, code.map_or(UNKNOWN, i32::from)),
            (Self::Flags(flags), FieldValue::Flag(flag)) => push(flags, flag.map_or(UNKNOWN_FLAG, i8::from)),
            (Self::Times(times), FieldValue::Time(time)) => {
                let relative = time.and_then(|time| i32::try_from(time.seconds_since(last_contact)).ok());
                push(times, relative.unwrap_or(UNKNOWN));
            }
            // The keys are added by the buffer, and a field always has values of the same kind.
            _ => {}
        }
    }

    fn clear(&mut self) {
        match self {
            Self::Address | Self::KeyTime => {}
            Self::Texts(texts) => texts.clear(),
            Self::Numbers(values) | Self::Codes(values) | Self::Times(values) => values.clear(),
            Self::Flags(flags) => flags.clear(),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Address | Self::KeyTime => 0,
            Self::Texts(texts) => texts.bytes(),
            Self::Numbers(values) | Self::Codes(values) | Self::Times(values) => values.capacity() * size_of::<i32>(),
            Self::Flags(flags) => flags.capacity(),
        }
    }
}

/// Returns a number, code or relative time; `None` if unknown.
pub(super) fn known(value: i32) -> Option<i32> {
    (value != UNKNOWN).then_some(value)
}

/// Returns a flag; `None` if unknown.
pub(super) fn known_flag(flag: i8) -> Option<bool> {
    (flag != UNKNOWN_FLAG).then_some(flag == 1)
}
