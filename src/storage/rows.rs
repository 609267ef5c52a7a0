//! Converts rows between the domain and the tables: selects the rows of a batch to store, and reads stored rows back.

use actors::batch::Batch;
use actors::domain::{Flight, Icao24, Point, Sighting, StateVector, UnixTime};
use actors::ports::LikelyNew;
use actors::state_vector_fields;
use compact_str::CompactString;
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::pg::Pg;
use diesel::pg::data_types::PgTimestamp;
use diesel::prelude::{Queryable, QueryableByName};
use diesel::sql_types::{BigInt, Text, Timestamptz};
use diesel::sqlite::Sqlite;

use super::summaries::{CellTraffic, CountryTraffic, HourTraffic};

/// The rows to store: those of the parts that passed, one per key, sorted by key like the tables.
#[derive(Debug, Default)]
pub(super) struct SelectedRows<'a> {
    /// Rows that probably do not conflict with stored ones.
    pub(super) new: Vec<&'a StateVector>,
    /// Rows that may already be stored.
    pub(super) possibly_stored: Vec<&'a StateVector>,
    /// The number of rows in the parts that passed, including duplicate keys.
    pub(super) total: usize,
}

impl SelectedRows<'_> {
    /// Moves rows before `through` to `possibly_stored`, because the caller must know for each of them whether it was
    /// inserted. Returns whether there are any such rows.
    pub(super) fn separate_late_rows(&mut self, through: UnixTime) -> bool {
        let is_late = |state: &StateVector| state.last_contact < through;
        if self.new.iter().any(|state| is_late(state)) {
            self.possibly_stored.extend(self.new.extract_if(.., |state| is_late(state)));
            self.possibly_stored.sort_by_key(|state| (state.icao24, state.last_contact));
        }
        self.possibly_stored.iter().any(|state| is_late(state))
    }
}

/// Returns whether the row at this index of this part is likely to be new; `false` without a hint.
fn hint(likely_new: &LikelyNew, part: usize, row: usize) -> bool {
    likely_new.0.get(part).and_then(|rows| rows.get(row)).copied().unwrap_or(false)
}

/// Selects the first row of each key from the parts whose index satisfies `passed`.
pub(super) fn select_rows<'a>(
    batch: &'a Batch,
    likely_new: &LikelyNew,
    passed: impl Fn(usize) -> bool,
) -> SelectedRows<'a> {
    let mut rows = Vec::with_capacity(batch.states());
    for (i, part) in batch.parts.iter().enumerate().filter(|(i, _)| passed(*i)) {
        rows.extend(
            part.states
                .iter()
                .enumerate()
                .map(|(j, state)| (state.icao24, state.last_contact, hint(likely_new, i, j), state.as_ref())),
        );
    }
    let total = rows.len();
    // The sort is stable, so within a key the rows keep the batch's order and `dedup` keeps the first one.
    rows.sort_by_key(|(icao24, last_contact, ..)| (*icao24, *last_contact));
    rows.dedup_by_key(|(icao24, last_contact, ..)| (*icao24, *last_contact));
    let mut selected = SelectedRows { total, ..SelectedRows::default() };
    for (.., likely_new, state) in rows {
        if likely_new { selected.new.push(state) } else { selected.possibly_stored.push(state) }
    }
    selected
}

/// PostgreSQL's epoch, 2000-01-01, in Unix seconds.
const POSTGRES_EPOCH: i64 = 946_684_800;

/// Converts a time to PostgreSQL's microseconds since 2000. Clamps to one less than the limits of `i64`, which mean
/// infinity: PostgreSQL then rejects a time that it cannot represent.
pub(super) fn postgres_time(time: UnixTime) -> i64 {
    time.0.saturating_sub(POSTGRES_EPOCH).saturating_mul(1_000_000).clamp(i64::MIN + 1, i64::MAX - 1)
}

/// Converts a query bound to PostgreSQL's time, clamped to the years that a state vector can have (0001 to 9999), since
/// PostgreSQL cannot represent all of `UnixTime`.
pub(super) fn postgres_bound(time: UnixTime) -> PgTimestamp {
    PgTimestamp(postgres_time(UnixTime(time.0.clamp(-62_135_596_800, 253_402_300_799))))
}

/// Returns a time as the databases store it: in seconds after `last_contact`. Clamped, though validation guarantees that
/// it fits.
pub(super) fn seconds_after(last_contact: UnixTime, time: UnixTime) -> i32 {
    let seconds = time.0.saturating_sub(last_contact.0).clamp(i32::MIN.into(), i32::MAX.into());
    i32::try_from(seconds).unwrap_or_default()
}

/// A time read from either database.
#[derive(Clone, Copy, Debug, FromSqlRow)]
pub(super) struct StoredTime(UnixTime);

/// Converts microseconds since 2000 to a time, rounding down to whole seconds.
pub(super) fn unix_time(micros: i64) -> UnixTime {
    UnixTime(micros.div_euclid(1_000_000) + POSTGRES_EPOCH)
}

impl FromSql<Timestamptz, Pg> for StoredTime {
    fn from_sql(bytes: diesel::pg::PgValue<'_>) -> deserialize::Result<Self> {
        let PgTimestamp(micros) = FromSql::<Timestamptz, Pg>::from_sql(bytes)?;
        Ok(Self(unix_time(micros)))
    }
}

impl FromSql<BigInt, Sqlite> for StoredTime {
    fn from_sql(value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        <i64 as FromSql<BigInt, Sqlite>>::from_sql(value).map(|seconds| Self(UnixTime(seconds)))
    }
}

/// An ICAO address that is stored as text.
#[derive(Clone, Copy, Debug, FromSqlRow)]
pub(super) struct StoredIcao24(Icao24);

impl<DB: Backend> FromSql<Text, DB> for StoredIcao24
where
    String: FromSql<Text, DB>,
{
    fn from_sql(value: DB::RawValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(Icao24::parse(&String::from_sql(value)?)?))
    }
}

/// Maps each kind of field to the Rust type of its column, in either database.
macro_rules! stored {
    (address) => { StoredIcao24 };
    (text) => { Option<String> };
    (number) => { Option<f64> };
    (code) => { Option<i16> };
    (flag) => { Option<bool> };
    (time) => { Option<StoredTime> };
    (key_time) => { StoredTime };
}

/// Converts a column's value to the field's value.
macro_rules! restored {
    (address $value:expr) => {
        $value.0
    };
    (text $value:expr) => {
        $value.map(CompactString::from)
    };
    (time $value:expr) => {
        $value.map(|time| time.0)
    };
    (key_time $value:expr) => {
        $value.0
    };
    ($number_code_or_flag:ident $value:expr) => {
        $value
    };
}

macro_rules! stored_row {
    ($($(#[$docs:meta])* $name:ident: $kind:ident $properties:tt)*) => {
        /// A row of `state_vectors` in either database.
        #[derive(Debug, Queryable, QueryableByName)]
        #[diesel(table_name = crate::storage::schema::sqlite::state_vectors)]
        pub(super) struct StoredRow {
            $($name: stored!($kind),)*
        }

        impl From<StoredRow> for StateVector {
            fn from(row: StoredRow) -> Self {
                Self { $($name: restored!($kind row.$name),)* }
            }
        }
    };
}
state_vector_fields!(stored_row);

/// The columns of `state_vectors` from which flights are built.
#[derive(Debug, Queryable)]
pub(super) struct StoredSighting {
    icao24: StoredIcao24,
    last_contact: StoredTime,
    callsign: Option<String>,
    lat: Option<f64>,
    lon: Option<f64>,
    baro_altitude: Option<f64>,
    geo_altitude: Option<f64>,
    on_ground: Option<bool>,
}

impl From<StoredSighting> for Sighting {
    fn from(row: StoredSighting) -> Self {
        Self {
            icao24: row.icao24.0,
            at: row.last_contact.0,
            callsign: row.callsign.map(CompactString::from),
            position: point(row.lat, row.lon),
            altitude: row.baro_altitude.or(row.geo_altitude),
            on_ground: row.on_ground.unwrap_or(false),
        }
    }
}

/// A row of `flights` in either database, in the order of its columns.
#[derive(Debug, Queryable)]
pub(super) struct StoredFlight {
    icao24: StoredIcao24,
    first_seen: StoredTime,
    last_seen: StoredTime,
    first_lat: Option<f64>,
    first_lon: Option<f64>,
    last_lat: Option<f64>,
    last_lon: Option<f64>,
    distance: f64,
    highest_altitude: Option<f64>,
    states: i64,
    landed: bool,
    callsign: Option<String>,
    first_altitude: Option<f64>,
    last_altitude: Option<f64>,
}

impl From<StoredFlight> for Flight {
    fn from(row: StoredFlight) -> Self {
        Self {
            icao24: row.icao24.0,
            callsign: row.callsign.map(CompactString::from),
            first_seen: row.first_seen.0,
            last_seen: row.last_seen.0,
            first_position: point(row.first_lat, row.first_lon),
            last_position: point(row.last_lat, row.last_lon),
            first_altitude: row.first_altitude,
            last_altitude: row.last_altitude,
            distance: row.distance,
            highest_altitude: row.highest_altitude,
            states: u64::try_from(row.states).unwrap_or(0),
            landed: row.landed,
        }
    }
}

fn point(lat: Option<f64>, lon: Option<f64>) -> Option<Point> {
    lat.zip(lon).map(|(lat, lon)| Point { lat, lon })
}

/// A row of `traffic_by_country` in either database, in the order of its columns.
#[derive(Debug, Queryable)]
pub(super) struct StoredCountry {
    hour: StoredTime,
    origin_country: Option<String>,
    states: i64,
    aircraft: i64,
}

impl From<StoredCountry> for CountryTraffic {
    fn from(row: StoredCountry) -> Self {
        let StoredCountry { hour, origin_country, states, aircraft } = row;
        Self { hour: hour.0, origin_country, states, aircraft }
    }
}

/// A row of `traffic_by_cell` in either database, in the order of its columns.
#[derive(Debug, Queryable)]
pub(super) struct StoredCell {
    hour: StoredTime,
    lat: i16,
    lon: i16,
    states: i64,
    aircraft: i64,
}

impl From<StoredCell> for CellTraffic {
    fn from(row: StoredCell) -> Self {
        let StoredCell { hour, lat, lon, states, aircraft } = row;
        Self { hour: hour.0, lat, lon, states, aircraft }
    }
}

/// An hour and its traffic in either database.
#[derive(Debug, Queryable)]
pub(super) struct StoredHour {
    hour: StoredTime,
    states: i64,
    aircraft: i64,
}

impl From<StoredHour> for HourTraffic {
    fn from(row: StoredHour) -> Self {
        Self { hour: row.hour.0, states: row.states, aircraft: row.aircraft }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use actors::batch::{LogId, PartitionBatch};
    use actors::domain::StateVectorParts;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn part(rows: &[(u32, i64, bool)]) -> PartitionBatch {
        let state = |(i, &(icao24, last_contact, _)): (usize, &(u32, i64, bool))| {
            let parts = StateVectorParts {
                icao24: Icao24::from_u32(icao24).to_string().into(),
                last_contact: Some(last_contact),
                // The row's index, to distinguish rows with the same key.
                velocity: Some(i as f64),
                ..StateVectorParts::default()
            };
            Arc::new(StateVector::try_from(parts).unwrap())
        };
        let states = rows.iter().enumerate().map(state).collect();
        PartitionBatch {
            partition: 0,
            expected: None,
            next_offset: 0,
            last_timestamp: 0,
            states,
            records: Vec::new(),
            polls: Vec::new(),
            alerts: Vec::new(),
            skipped: 0,
            dead_letters: Vec::new(),
            lost: 0,
        }
    }

    proptest! {
        #[test]
        fn the_first_row_of_each_key_is_selected_in_key_order(
            parts in vec(vec((0u32..4, 0i64..4, any::<bool>()), 0..20), 0..4),
            passed in vec(any::<bool>(), 4),
        ) {
            let log = LogId { cluster: "c".into(), topic: "t".into() };
            let batch = Batch { log, parts: parts.iter().map(|rows| part(rows)).collect() };
            let hints = LikelyNew(parts.iter().map(|rows| rows.iter().map(|row| row.2).collect()).collect());
            let selected = select_rows(&batch, &hints, |part| passed[part]);

            let mut firsts = BTreeMap::new();
            let mut total = 0;
            for (i, part) in batch.parts.iter().enumerate().filter(|(i, _)| passed[*i]) {
                for (state, likely_new) in part.states.iter().zip(&hints.0[i]) {
                    total += 1;
                    firsts.entry((state.icao24, state.last_contact)).or_insert((&**state, *likely_new));
                }
            }
            let mut with_late = select_rows(&batch, &hints, |part| passed[part]);
            let late = with_late.separate_late_rows(UnixTime(2));
            prop_assert_eq!(late, firsts.keys().any(|key| key.1 < UnixTime(2)));
            prop_assert!(with_late.new.iter().all(|state| state.last_contact >= UnixTime(2)));
            prop_assert_eq!(with_late.new.len() + with_late.possibly_stored.len(), firsts.len());
            prop_assert!(with_late.possibly_stored.is_sorted_by_key(|state| (state.icao24, state.last_contact)));
            let of = |wanted| firsts.values().filter(move |first| first.1 == wanted).map(|first| first.0);
            prop_assert_eq!(selected.total, total);
            prop_assert!(of(true).eq(selected.new.iter().copied()));
            prop_assert!(of(false).eq(selected.possibly_stored.iter().copied()));
        }
    }

    #[test]
    fn every_time_converts_to_a_finite_postgresql_time() {
        for (seconds, micros) in [
            (946_684_800, 0),
            (-1, -946_684_801_000_000),
            (i64::MAX, i64::MAX - 1),
            (i64::MIN, i64::MIN + 1),
            (253_402_300_799, 252_455_615_999_000_000),
        ] {
            assert_eq!(postgres_time(UnixTime(seconds)), micros);
        }
    }
}
