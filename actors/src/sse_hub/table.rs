//! Encodes the tables of `/api/v1/stream` as columns of scaled integers, as specified in `docs/stream.md`.

use std::collections::HashMap;

use crate::domain::{Field, Icao24, StateVector, UnixTime, Wrap, fields};

/// A row of a table.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    /// The aircraft's number.
    pub(super) number: u32,
    /// The aircraft's current state.
    pub(super) now: &'a StateVector,
    /// The state that the client holds; `None` in a table of whole rows.
    pub(super) held: Option<&'a StateVector>,
}

/// A column: a field, and the function that reads its values.
struct Column {
    field: &'static Field,
    values: Values,
}

/// Reads the values of a column from a state vector.
#[derive(Clone, Copy)]
enum Values {
    Address(fn(&StateVector) -> Icao24),
    Text(fn(&StateVector) -> Option<&str>),
    Integer(fn(&StateVector) -> Option<i64>),
    Time(fn(&StateVector) -> Option<UnixTime>),
    KeyTime(fn(&StateVector) -> UnixTime),
}

macro_rules! values {
    (address $name:ident) => {
        Values::Address(|state| state.$name)
    };
    (text $name:ident) => {
        Values::Text(|state| state.$name.as_deref())
    };
    (number $name:ident) => {
        Values::Integer(|state| scaled(state.$name, &fields::$name))
    };
    (time $name:ident) => {
        Values::Time(|state| state.$name)
    };
    (key_time $name:ident) => {
        Values::KeyTime(|state| state.$name)
    };
    ($code_or_flag:ident $name:ident) => {
        Values::Integer(|state| state.$name.map(i64::from))
    };
}

macro_rules! columns {
    ($($(#[$docs:meta])* $name:ident: $kind:ident $properties:tt)*) => {
        static COLUMNS: [Column; [$(stringify!($name)),*].len()] =
            [$(Column { field: &fields::$name, values: values!($kind $name) }),*];
    };
}
crate::state_vector_fields!(columns);

/// For each column, the divisor whose remainders are sent instead of the values, if any.
pub(super) type Wraps = [Option<i64>; COLUMNS.len()];

/// No column is sent as remainders. Used for tables of whole rows.
pub(super) const UNWRAPPED: Wraps = [None; COLUMNS.len()];

/// JSON parsers represent integers up to this size exactly, and no aircraft's value comes near it.
const LIMIT: f64 = 1e15;

/// Returns a number as an integer in the field's scale. A direction that rounds to a full circle becomes 0.
fn scaled(value: Option<f64>, field: &Field) -> Option<i64> {
    let scaled = (value? * field.stream_scale).round().clamp(-LIMIT, LIMIT) as i64;
    Some(if field.is_direction { scaled.rem_euclid((360.0 * field.stream_scale) as i64) } else { scaled })
}

/// Writes `{"n":[…],…}` with all values that differ from the client's. For rows that the client does not hold, it
/// writes all known values. `wraps` must be able to express the values of the other rows.
pub(super) fn table(out: &mut Vec<u8>, rows: &[Row<'_>], wraps: &Wraps, base: UnixTime) {
    numbers(out, b"{\"n\":", rows.iter().map(|row| row.number));
    let wrapped = COLUMNS.iter().zip(wraps).filter_map(|(column, wrap)| Some((column.field.name, (*wrap)?)));
    let members: Vec<_> = wrapped.map(|(name, wrap)| format!("\"{name}\":{wrap}")).collect();
    if !members.is_empty() {
        out.extend_from_slice(format!(",\"wrap\":{{{}}}", members.join(",")).as_bytes());
    }
    let mut table = Table { out, rows, base };
    for (column, wrap) in COLUMNS.iter().zip(wraps) {
        table.write(column, *wrap);
    }
    out.push(b'}');
}

/// Returns the divisors that make a table of changes shortest, and for each row whether it must be sent as a whole
/// because remainders cannot express it.
pub(super) fn wraps_for(rows: &[Row<'_>]) -> (Wraps, Vec<bool>) {
    let mut sent_whole = vec![false; rows.len()];
    let wraps = COLUMNS.each_ref().map(|column| {
        let Values::Integer(value) = column.values else { return None };
        let Wrap { by, from } = column.field.wrap;
        let changed = rows.iter().filter(|row| row.held.and_then(value) != value(row.now)).count();
        by.iter().copied().filter(|_| changed >= from).find(|&wrap| {
            let lost: Vec<_> = rows.iter().map(|row| !can_express(wrap, value, row)).collect();
            let more = lost.iter().zip(&sent_whole).filter(|(lost, whole)| **lost && !**whole).count();
            // A whole row costs about as many bytes as remainders save on sixty rows.
            let is_worth_it = more * 60 <= rows.len();
            if is_worth_it {
                sent_whole.iter_mut().zip(lost).for_each(|(whole, lost)| *whole |= lost);
            }
            is_worth_it
        })
    });
    (wraps, sent_whole)
}

/// Returns whether a client that holds the row's old value can compute the new one from its remainder.
fn can_express(wrap: i64, value: fn(&StateVector) -> Option<i64>, row: &Row<'_>) -> bool {
    match (row.held.and_then(value), value(row.now)) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(held), Some(now)) => held - wrap / 2 + (now - held + wrap / 2).rem_euclid(wrap) == now,
    }
}

/// Writes `before`, then ascending numbers as differences: the first number, then the increments.
pub(super) fn numbers(out: &mut Vec<u8>, before: &[u8], ascending: impl IntoIterator<Item = u32>) {
    out.extend_from_slice(before);
    let mut digits = itoa::Buffer::new();
    let (mut last, mut separator) = (0, b'[');
    for number in ascending {
        out.push(separator);
        out.extend_from_slice(digits.format(number - last).as_bytes());
        (last, separator) = (number, b',');
    }
    if separator == b'[' {
        out.push(b'[');
    }
    out.push(b']');
}

fn integer(out: &mut Vec<u8>, value: &i64) {
    out.extend_from_slice(itoa::Buffer::new().format(*value).as_bytes());
}

fn address(out: &mut Vec<u8>, value: &Icao24) {
    out.push(b'"');
    out.extend_from_slice(&value.to_ascii());
    out.push(b'"');
}

fn text(out: &mut Vec<u8>, value: &&str) {
    let written = serde_json::to_writer(out, value);
    debug_assert!(written.is_ok(), "every text can be represented as JSON");
}

/// Returns whether row indices with values are shorter than a value for each row. An index costs about half as much as
/// a value.
fn is_sparse(given: usize, rows: usize) -> bool {
    given * 3 < rows * 2
}

struct Table<'a> {
    out: &'a mut Vec<u8>,
    rows: &'a [Row<'a>],
    base: UnixTime,
}

impl<'a> Table<'a> {
    /// Writes the values of a column that differ from the client's.
    fn write(&mut self, column: &Column, wrap: Option<i64>) {
        fn differs<T: PartialEq>(value: impl Fn(&StateVector) -> T) -> impl Fn(&Row<'_>) -> bool {
            move |row| row.held.is_none_or(|held| value(held) != value(row.now))
        }
        let (base, Field { name, list, is_before_contact, .. }) = (self.base, column.field);
        match column.values {
            // An aircraft's address never changes, so only new rows have it.
            Values::Address(value) => {
                self.column(name, |row| row.held.is_none(), |row| Some(value(row.now)), address);
            }
            Values::Text(value) => {
                let differs = |row: &Row<'_>| row.held.is_none_or(|held| value(held) != value(row.now));
                match list {
                    Some(list) => self.list_column(name, list, differs, value),
                    None => self.column(name, differs, |row| value(row.now), text),
                }
            }
            Values::Integer(value) => {
                let sent =
                    |row: &Row<'_>| value(row.now).map(|value| wrap.map_or(value, |wrap| value.rem_euclid(wrap)));
                self.column(name, differs(value), sent, integer);
            }
            Values::Time(value) => {
                let since = |row: &Row<'_>| if *is_before_contact { row.now.last_contact } else { base };
                self.column(name, differs(value), |row| value(row.now).map(|at| since(row).seconds_since(at)), integer);
            }
            Values::KeyTime(value) => {
                self.column(name, |_| true, |row| Some(base.seconds_since(value(row.now))), integer);
            }
        }
    }

    /// Writes a column in its shortest form. Rows that are not `given` keep their value, or stay unknown. Writes
    /// nothing if no row is given.
    fn column<T: PartialEq>(
        &mut self,
        name: &str,
        given: impl Fn(&Row<'a>) -> bool,
        value: impl Fn(&Row<'a>) -> Option<T>,
        write: impl Fn(&mut Vec<u8>, &T),
    ) {
        let whole = self.rows.iter().all(|row| row.held.is_none());
        let values: Vec<Option<T>> = self.rows.iter().map(&value).collect();
        let given: Vec<usize> = (0..values.len())
            .filter(|&index| self.rows.get(index).is_some_and(&given))
            // In a table of whole rows, a missing value already means unknown.
            .filter(|&index| !whole || values.get(index).is_some_and(Option::is_some))
            .collect();
        let Some(&first) = given.first() else { return };
        let out = &mut *self.out;
        out.extend_from_slice(b",\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
        let write = |out: &mut Vec<u8>, value: Option<&Option<T>>| match value {
            Some(Some(value)) => write(out, value),
            _ => out.extend_from_slice(b"null"),
        };
        let same = given.iter().all(|&index| values.get(index) == values.get(first));
        let sparse = if same { given.len() < values.len() } else { is_sparse(given.len(), values.len()) };
        if sparse {
            numbers(out, b"{\"rows\":", given.iter().map(|&index| index as u32));
            out.extend_from_slice(b",\"values\":");
        }
        if same {
            write(out, values.get(first));
        } else {
            let mut separator = b'[';
            let (sparse_values, all_values) = (given.iter().map(|&index| values.get(index)), values.iter().map(Some));
            let mut each = |value| {
                out.push(separator);
                separator = b',';
                write(out, value);
            };
            if sparse {
                sparse_values.for_each(&mut each);
            } else {
                all_values.for_each(&mut each);
            }
            out.push(b']');
        }
        if sparse {
            out.push(b'}');
        }
    }

    /// Writes a text column with many repeated values as indices into a list, which follows the column.
    fn list_column(
        &mut self,
        name: &str,
        list: &str,
        given: impl Fn(&Row<'a>) -> bool,
        value: fn(&StateVector) -> Option<&str>,
    ) {
        let (mut texts, mut index) = (Vec::new(), HashMap::new());
        // If most rows are given, `column` writes the values of all rows.
        let writes_all = !is_sparse(self.rows.iter().filter(|row| given(row)).count(), self.rows.len());
        let written = self.rows.iter().filter(|row| writes_all || given(row));
        for text in written.filter_map(|row| value(row.now)) {
            index.entry(text).or_insert_with(|| {
                texts.push(text);
                texts.len() as i64 - 1
            });
        }
        self.column(name, given, |row| value(row.now).and_then(|text| index.get(text).copied()), integer);
        if !texts.is_empty() {
            self.out.extend_from_slice(format!(",\"{list}\":").as_bytes());
            let written = serde_json::to_writer(&mut *self.out, &texts);
            debug_assert!(written.is_ok(), "every text can be represented as JSON");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::state;

    #[test]
    fn a_track_that_rounds_to_the_full_circle_is_zero() {
        let check = |degrees: f64, tenths: i64| {
            let state = StateVector { true_track: Some(degrees), ..state("4b1814", 1) };
            assert_eq!(scaled(state.true_track, &fields::true_track), Some(tenths), "{degrees}");
        };
        check(0.0, 0);
        check(359.94, 3599);
        check(359.95, 0);
        check(359.999, 0);
    }
}
