//! The tables of `/api/v1/stream`: columns of scaled integers, as `docs/stream.md` specifies them.

use std::collections::HashMap;

use crate::domain::{StateVector, UnixTime};

/// A row of a table.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    /// The aircraft's number.
    pub(super) number: u32,
    /// What is known of it now.
    pub(super) now: &'a StateVector,
    /// What the reader of a table of changes holds of it.
    pub(super) held: Option<&'a StateVector>,
}

/// A column of integers.
struct Integers {
    name: &'static str,
    value: fn(&StateVector) -> Option<i64>,
    wraps: Wrapping,
}

/// How a column's values may be written without their higher digits.
#[derive(Clone, Copy)]
struct Wrapping {
    /// The divisions whose remainders may stand for the values, the shortest first.
    by: &'static [i64],
    /// For fewer changed values the digits saved are fewer than what it takes to say so.
    from: usize,
}

impl Wrapping {
    const NEVER: Self = Self { by: &[], from: 0 };
    const POSITION: Self = Self { by: &[1_000, 10_000], from: 1 };
    const ALTITUDE: Self = Self { by: &[250, 1_000], from: 30 };
    const VELOCITY: Self = Self { by: &[200, 1_000], from: 30 };
}

/// Of what division each column's remainders stand for its values, where they do.
pub(super) type Wraps = [Option<i64>; INTEGERS.len()];

/// What JSON's readers keep exactly, and far more than any aircraft has.
const LIMIT: f64 = 1e15;

fn scaled(value: Option<f64>, factor: f64) -> Option<i64> {
    value.map(|value| (value * factor).round().clamp(-LIMIT, LIMIT) as i64)
}

/// Latitude in 1/10,000 degree, about 11 m.
fn lat(state: &StateVector) -> Option<i64> {
    scaled(state.lat, 1e4)
}

/// Longitude in 1/10,000 degree.
fn lon(state: &StateVector) -> Option<i64> {
    scaled(state.lon, 1e4)
}

/// 0.1 degree, 0 to 3599.
fn true_track(state: &StateVector) -> Option<i64> {
    scaled(state.true_track, 10.0).map(|track| track.rem_euclid(3600))
}

const INTEGERS: [Integers; 11] = [
    Integers { name: "lat", value: lat, wraps: Wrapping::POSITION },
    Integers { name: "lon", value: lon, wraps: Wrapping::POSITION },
    Integers { name: "baro_altitude", value: |state| scaled(state.baro_altitude, 1.0), wraps: Wrapping::ALTITUDE },
    Integers { name: "geo_altitude", value: |state| scaled(state.geo_altitude, 1.0), wraps: Wrapping::ALTITUDE },
    Integers { name: "velocity", value: |state| scaled(state.velocity, 10.0), wraps: Wrapping::VELOCITY },
    // It is a remainder already.
    Integers { name: "true_track", value: true_track, wraps: Wrapping::NEVER },
    Integers { name: "vertical_rate", value: |state| scaled(state.vertical_rate, 10.0), wraps: Wrapping::NEVER },
    Integers { name: "on_ground", value: |state| state.on_ground.map(i64::from), wraps: Wrapping::NEVER },
    Integers { name: "spi", value: |state| state.spi.map(i64::from), wraps: Wrapping::NEVER },
    Integers { name: "position_source", value: |state| state.position_source.map(i64::from), wraps: Wrapping::NEVER },
    Integers { name: "category", value: |state| state.category.map(i64::from), wraps: Wrapping::NEVER },
];

/// Writes `{"n":[…],…}` with everything that is known of each aircraft.
pub(super) fn full(out: &mut Vec<u8>, rows: &[Row<'_>], base: UnixTime) {
    let all = |_: &Row<'_>| true;
    numbers(out, b"{\"n\":", rows.iter().map(|row| row.number));
    let mut table = Table { out, rows };
    table.column(
        "icao24",
        all,
        |row| Some(row.now.icao24),
        |out, icao24| {
            out.push(b'"');
            out.extend_from_slice(&icao24.to_ascii());
            out.push(b'"');
        },
    );
    table.texts(all);
    for Integers { name, value, .. } in &INTEGERS {
        table.column(name, all, |row| value(row.now), integer);
    }
    table.times(base, all, all);
    out.push(b'}');
}

/// Writes `{"n":[…],…}` with what differs from what the reader holds. Every row must have something held, and values that
/// `wraps` can express.
pub(super) fn changed(out: &mut Vec<u8>, rows: &[Row<'_>], wraps: &Wraps, base: UnixTime) {
    fn differs<T: PartialEq>(value: impl Fn(&StateVector) -> T) -> impl Fn(&Row<'_>) -> bool {
        move |row| row.held.is_none_or(|held| value(held) != value(row.now))
    }
    numbers(out, b"{\"n\":", rows.iter().map(|row| row.number));
    let wrapped: Vec<_> =
        INTEGERS.iter().zip(wraps).filter_map(|(column, wrap)| Some((column.name, (*wrap)?))).collect();
    if !wrapped.is_empty() {
        let members: Vec<_> = wrapped.iter().map(|(name, wrap)| format!("\"{name}\":{wrap}")).collect();
        out.extend_from_slice(format!(",\"wrap\":{{{}}}", members.join(",")).as_bytes());
    }
    let mut table = Table { out, rows };
    table.texts_that(
        |row| row.held.is_none_or(|held| held.callsign != row.now.callsign),
        |row| row.held.is_none_or(|held| held.squawk != row.now.squawk),
        |row| row.held.is_none_or(|held| held.origin_country != row.now.origin_country),
    );
    for (Integers { name, value, .. }, wrap) in INTEGERS.iter().zip(wraps) {
        let sent = |row: &Row<'_>| value(row.now).map(|value| wrap.map_or(value, |wrap| value.rem_euclid(wrap)));
        table.column(name, differs(value), sent, integer);
    }
    table.times(base, differs(|state| state.time_position), differs(|state| state.observed_at));
    out.push(b'}');
}

/// The divisions that make a table of changes shortest, and which of its rows their remainders cannot express; those are
/// to be written in full.
pub(super) fn wraps_for(rows: &[Row<'_>]) -> (Wraps, Vec<bool>) {
    let mut beyond = vec![false; rows.len()];
    let wraps = INTEGERS.each_ref().map(|column| {
        let Wrapping { by, from } = column.wraps;
        let value = |state| (column.value)(state);
        let changed = rows.iter().filter(|row| row.held.and_then(value) != value(row.now)).count();
        by.iter().copied().filter(|_| changed >= from).find(|&wrap| {
            let lost: Vec<_> = rows.iter().map(|row| !expresses(wrap, column, row)).collect();
            let more = lost.iter().zip(&beyond).filter(|(lost, beyond)| **lost && !**beyond).count();
            // A whole row costs about as much as the digits that are saved on sixty.
            let is_worth_it = more * 60 <= rows.len();
            if is_worth_it {
                beyond.iter_mut().zip(lost).for_each(|(beyond, lost)| *beyond |= lost);
            }
            is_worth_it
        })
    });
    (wraps, beyond)
}

/// Whether a reader that holds the row's old value makes the new one of its remainder.
fn expresses(wrap: i64, column: &Integers, row: &Row<'_>) -> bool {
    let (held, now) = (row.held.and_then(column.value), (column.value)(row.now));
    match (held, now) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(held), Some(now)) => held - wrap / 2 + (now - held + wrap / 2).rem_euclid(wrap) == now,
    }
}

/// Writes ascending numbers as the first and the differences, after `before`.
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

fn text(out: &mut Vec<u8>, value: &&str) {
    let written = serde_json::to_writer(out, value);
    debug_assert!(written.is_ok(), "a text is always JSON");
}

/// Whether so few values are written with their rows. An index costs about half as much as a value.
fn is_sparse(given: usize, rows: usize) -> bool {
    given * 3 < rows * 2
}

struct Table<'a> {
    out: &'a mut Vec<u8>,
    rows: &'a [Row<'a>],
}

impl<'a> Table<'a> {
    /// Writes a column in its shortest form. What is not `given` stays as it is, or unknown: nothing is written where
    /// nothing is given.
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
            // In a table of whole rows everything begins as unknown.
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

    fn texts(&mut self, given: impl Fn(&Row<'a>) -> bool + Copy) {
        self.texts_that(given, given, given);
    }

    fn texts_that(
        &mut self,
        callsign: impl Fn(&Row<'a>) -> bool,
        squawk: impl Fn(&Row<'a>) -> bool,
        country: impl Fn(&Row<'a>) -> bool,
    ) {
        self.column("callsign", callsign, |row| row.now.callsign.as_deref(), text);
        self.column("squawk", squawk, |row| row.now.squawk.as_deref(), text);
        let (mut names, mut index) = (Vec::new(), HashMap::new());
        // Where most are given, the others are written as well.
        let every = !is_sparse(self.rows.iter().filter(|row| country(row)).count(), self.rows.len());
        let listed = self.rows.iter().filter(|row| every || country(row));
        for name in listed.filter_map(|row| row.now.origin_country.as_deref()) {
            index.entry(name).or_insert_with(|| {
                names.push(name);
                names.len() as i64 - 1
            });
        }
        let of = |row: &Row<'a>| row.now.origin_country.as_deref().and_then(|name| index.get(name).copied());
        self.column("origin_country", country, of, integer);
        if !names.is_empty() {
            self.out.extend_from_slice(b",\"countries\":");
            let written = serde_json::to_writer(&mut *self.out, &names);
            debug_assert!(written.is_ok(), "texts are always JSON");
        }
    }

    fn times(&mut self, base: UnixTime, position: impl Fn(&Row<'a>) -> bool, observed: impl Fn(&Row<'a>) -> bool) {
        self.column("last_contact", |_| true, |row| Some(base.seconds_since(row.now.last_contact)), integer);
        let before_contact = |row: &Row<'a>| row.now.time_position.map(|at| row.now.last_contact.seconds_since(at));
        self.column("time_position", position, before_contact, integer);
        self.column("observed_at", observed, |row| row.now.observed_at.map(|at| base.seconds_since(at)), integer);
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
            assert_eq!(true_track(&state), Some(tenths), "{degrees}");
        };
        check(0.0, 0);
        check(359.94, 3599);
        check(359.95, 0);
        check(359.999, 0);
    }
}
