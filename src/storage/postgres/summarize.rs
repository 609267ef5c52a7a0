//! Runs the summarizing steps; `actors::history` decides what each step does.

use std::collections::HashMap;
use std::time::Instant;

use actors::domain::{Flight, Icao24, Point, Sighting, UnixTime};
use actors::history::{LateRows, Summarizer, SummaryStore};
use tokio_postgres::{Client, Row, Statement, Transaction};

use super::connection::PostgresError;
use super::time::postgres_seconds;
use super::traffic;
use super::transaction::begin;
use crate::storage::options::StorageOptions;

/// The columns that [`flight()`] reads.
macro_rules! flight {
    () => {
        "flight.icao24, extract(epoch FROM flight.first_seen)::bigint, extract(epoch FROM flight.last_seen)::bigint, \
         flight.first_lat, flight.first_lon, flight.last_lat, flight.last_lon, flight.distance, \
         flight.highest_altitude, flight.states, flight.landed, flight.callsign, flight.first_altitude, \
         flight.last_altitude"
    };
}

/// The query for the columns that [`sighting()`] reads, up to its conditions.
macro_rules! sighting {
    () => {
        "SELECT icao24, extract(epoch FROM last_contact)::bigint, callsign, lat, lon, \
         coalesce(baro_altitude, geo_altitude), coalesce(on_ground, false) FROM state_vectors WHERE "
    };
}

/// Unordered, because an `ORDER BY` would make the server read the whole primary key index.
const SIGHTINGS: &str = concat!(
    sighting!(),
    "last_contact >= to_timestamp($1::bigint) AND last_contact < to_timestamp($2::bigint) LIMIT $3::bigint"
);
const TRACK: &str = concat!(
    sighting!(),
    "icao24 = $1 AND last_contact >= to_timestamp($2::bigint) AND last_contact < to_timestamp($3::bigint)
     ORDER BY last_contact LIMIT $4::bigint"
);

const LAST_FLIGHTS: &str = concat!(
    "SELECT ",
    flight!(),
    " FROM unnest($1::text[]) AS aircraft (icao24) CROSS JOIN LATERAL (
        SELECT * FROM flights WHERE flights.icao24 = aircraft.icao24 AND first_seen <= to_timestamp($2::bigint)
        ORDER BY first_seen DESC LIMIT 1
    ) AS flight"
);
const FLIGHT_STARTS: &str = "SELECT extract(epoch FROM first_seen)::bigint FROM flights
    WHERE icao24 = $1 AND first_seen > to_timestamp($2::bigint)";

const WRITE_FLIGHTS: &str = "
INSERT INTO flights AS flight (icao24, first_seen, last_seen, first_lat, first_lon, last_lat, last_lon, distance,
    highest_altitude, states, landed, callsign, first_altitude, last_altitude)
SELECT icao24, to_timestamp(first_seen), to_timestamp(last_seen), first_lat, first_lon, last_lat, last_lon, distance,
    highest_altitude, states, landed, callsign, first_altitude, last_altitude
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::float8[], $5::float8[], $6::float8[], $7::float8[],
    $8::float8[], $9::float8[], $10::bigint[], $11::boolean[], $12::text[], $13::float8[], $14::float8[])
    AS flight (icao24, first_seen, last_seen, first_lat, first_lon, last_lat, last_lon, distance, highest_altitude,
        states, landed, callsign, first_altitude, last_altitude)
ON CONFLICT (icao24, first_seen) DO UPDATE SET
    last_seen = excluded.last_seen, first_lat = excluded.first_lat, first_lon = excluded.first_lon,
    last_lat = excluded.last_lat, last_lon = excluded.last_lon, distance = excluded.distance,
    highest_altitude = excluded.highest_altitude, states = excluded.states, landed = excluded.landed,
    callsign = excluded.callsign, first_altitude = excluded.first_altitude, last_altitude = excluded.last_altitude";

const DELETE_FLIGHTS: &str = "DELETE FROM flights WHERE icao24 = $1 AND first_seen >= to_timestamp($2::bigint)
    AND ($3::bigint IS NULL OR first_seen < to_timestamp($3))";
const EXPIRE_FLIGHTS: &str = "DELETE FROM flights WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM flights WHERE first_seen < to_timestamp($1::bigint) ORDER BY first_seen LIMIT $2::bigint))";

const LATE_AIRCRAFT: &str = "SELECT icao24, extract(epoch FROM oldest)::bigint, extract(epoch FROM newest)::bigint
    FROM derived_late_aircraft LIMIT $1::bigint";
const FORGET_LATE_AIRCRAFT: &str = "DELETE FROM derived_late_aircraft WHERE icao24 = $1";
const NOTE_LATE_AIRCRAFT: &str = "UPDATE derived_late_aircraft SET oldest = to_timestamp($2::bigint),
    newest = to_timestamp($3::bigint) WHERE icao24 = $1";

const CURSOR: &str = "SELECT extract(epoch FROM through)::bigint FROM derived_cursor";
const MOVE_CURSOR: &str = "UPDATE derived_cursor SET through = to_timestamp($1::bigint)";

/// Runs one step and returns whether there is more to do.
pub(super) async fn summarize(
    client: &mut Client,
    options: &StorageOptions,
    summarizer: &mut Summarizer,
) -> Result<bool, PostgresError> {
    let transaction = begin(client).await?;
    let limit = options.maintenance_timeout.as_millis();
    transaction
        .batch_execute(&format!("SET LOCAL statement_timeout = {limit}; LOCK TABLE derived_cursor IN EXCLUSIVE MODE"))
        .await?;
    let counts_hours = traffic::has_plain_tables(&transaction).await?;
    let mut store = PostgresSummaries { transaction: &transaction, counts_hours, prepared: HashMap::new() };
    let more = summarizer.step(&mut store, UnixTime::now(), Instant::now()).await?;
    fail::fail_point!("summarized", |_| crate::fault::kill_self());
    transaction.commit().await?;
    fail::fail_point!("summarized-committed", |_| crate::fault::kill_self());
    Ok(more)
}

/// A transaction that holds `derived_cursor` in EXCLUSIVE mode.
struct PostgresSummaries<'a> {
    transaction: &'a Transaction<'a>,
    /// Whether the traffic is in plain tables rather than in TimescaleDB's continuous aggregates.
    counts_hours: bool,
    /// Statements that a step repeats for each aircraft and therefore prepares only once.
    prepared: HashMap<&'static str, Statement>,
}

impl PostgresSummaries<'_> {
    /// Prepares a statement, or returns the prepared one. Not for statements on `state_vectors`, whose best plan
    /// depends on the time range.
    async fn prepare(&mut self, sql: &'static str) -> Result<Statement, PostgresError> {
        if let Some(statement) = self.prepared.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.transaction.prepare(sql).await?;
        self.prepared.insert(sql, statement.clone());
        Ok(statement)
    }
}

impl SummaryStore for PostgresSummaries<'_> {
    type Error = PostgresError;

    async fn cursor(&mut self) -> Result<Option<UnixTime>, PostgresError> {
        let row = self.transaction.query_opt(CURSOR, &[]).await?;
        Ok(row.map(|row| row.try_get::<_, Option<i64>>(0)).transpose()?.flatten().map(UnixTime))
    }

    async fn move_cursor(&mut self, to: UnixTime) -> Result<(), PostgresError> {
        self.transaction.execute(MOVE_CURSOR, &[&postgres_seconds(to)]).await?;
        Ok(())
    }

    async fn sightings(&mut self, from: UnixTime, to: UnixTime, limit: usize) -> Result<Vec<Sighting>, PostgresError> {
        let (from, to) = (postgres_seconds(from), postgres_seconds(to));
        let rows = self.transaction.query(SIGHTINGS, &[&from, &to, &bigint(limit)]).await?;
        rows.iter().filter_map(|row| sighting(row).transpose()).collect()
    }

    async fn track(
        &mut self,
        icao24: Icao24,
        from: UnixTime,
        to: UnixTime,
        limit: usize,
    ) -> Result<Vec<Sighting>, PostgresError> {
        let (from, to) = (postgres_seconds(from), postgres_seconds(to));
        let rows = self.transaction.query(TRACK, &[&icao24.to_string(), &from, &to, &bigint(limit)]).await?;
        rows.iter().filter_map(|row| sighting(row).transpose()).collect()
    }

    async fn last_flights(&mut self, aircraft: &[Icao24], until: UnixTime) -> Result<Vec<Flight>, PostgresError> {
        let aircraft: Vec<String> = aircraft.iter().map(Icao24::to_string).collect();
        let statement = self.prepare(LAST_FLIGHTS).await?;
        let rows = self.transaction.query(&statement, &[&aircraft, &postgres_seconds(until)]).await?;
        rows.iter().filter_map(|row| flight(row).transpose()).collect()
    }

    async fn flight_starts(&mut self, icao24: Icao24, after: UnixTime) -> Result<Vec<UnixTime>, PostgresError> {
        let after = postgres_seconds(after);
        let statement = self.prepare(FLIGHT_STARTS).await?;
        let rows = self.transaction.query(&statement, &[&icao24.to_string(), &after]).await?;
        rows.iter().map(|row| Ok(UnixTime(row.try_get(0)?))).collect()
    }

    async fn delete_flights(
        &mut self,
        icao24: Icao24,
        from: UnixTime,
        until: Option<UnixTime>,
    ) -> Result<(), PostgresError> {
        let (from, until) = (postgres_seconds(from), until.map(postgres_seconds));
        let statement = self.prepare(DELETE_FLIGHTS).await?;
        self.transaction.execute(&statement, &[&icao24.to_string(), &from, &until]).await?;
        Ok(())
    }

    async fn write_flights(&mut self, flights: &[Flight]) -> Result<(), PostgresError> {
        if flights.is_empty() {
            return Ok(());
        }
        fn column<T>(flights: &[Flight], value: impl Fn(&Flight) -> T) -> Vec<T> {
            flights.iter().map(value).collect()
        }
        let lat = |point: Option<Point>| point.map(|point| point.lat);
        let lon = |point: Option<Point>| point.map(|point| point.lon);
        let statement = self.prepare(WRITE_FLIGHTS).await?;
        self.transaction
            .execute(
                &statement,
                &[
                    &column(flights, |flight| flight.icao24.to_string()),
                    &column(flights, |flight| flight.first_seen.0),
                    &column(flights, |flight| flight.last_seen.0),
                    &column(flights, |flight| lat(flight.first_position)),
                    &column(flights, |flight| lon(flight.first_position)),
                    &column(flights, |flight| lat(flight.last_position)),
                    &column(flights, |flight| lon(flight.last_position)),
                    &column(flights, |flight| flight.distance),
                    &column(flights, |flight| flight.highest_altitude),
                    &column(flights, |flight| i64::try_from(flight.states).unwrap_or(i64::MAX)),
                    &column(flights, |flight| flight.landed),
                    &column(flights, |flight| flight.callsign.as_deref().map(str::to_owned)),
                    &column(flights, |flight| flight.first_altitude),
                    &column(flights, |flight| flight.last_altitude),
                ],
            )
            .await?;
        Ok(())
    }

    async fn late_aircraft(&mut self, limit: usize) -> Result<Vec<(Icao24, LateRows)>, PostgresError> {
        let mut aircraft = Vec::new();
        for row in self.transaction.query(LATE_AIRCRAFT, &[&bigint(limit)]).await? {
            let (name, oldest, newest): (&str, i64, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            if let Ok(icao24) = Icao24::parse(name) {
                aircraft.push((icao24, LateRows { oldest: UnixTime(oldest), newest: UnixTime(newest) }));
            } else {
                // The address is invalid, so the row was edited by hand.
                self.transaction.execute(FORGET_LATE_AIRCRAFT, &[&name]).await?;
            }
        }
        Ok(aircraft)
    }

    async fn note_late_aircraft(&mut self, icao24: Icao24, rest: Option<LateRows>) -> Result<(), PostgresError> {
        let icao24 = icao24.to_string();
        if let Some(LateRows { oldest, newest }) = rest {
            self.transaction.execute(NOTE_LATE_AIRCRAFT, &[&icao24, &oldest.0, &newest.0]).await?;
        } else {
            let statement = self.prepare(FORGET_LATE_AIRCRAFT).await?;
            self.transaction.execute(&statement, &[&icao24]).await?;
        }
        Ok(())
    }

    async fn take_late_hour(&mut self) -> Result<Option<(UnixTime, bool)>, PostgresError> {
        if self.counts_hours {
            return traffic::take_late_hour(self.transaction).await;
        }
        traffic::forget_late_hours(self.transaction).await?;
        Ok(None)
    }

    async fn count_hour(&mut self, hour: UnixTime, until: UnixTime) -> Result<bool, PostgresError> {
        Ok(self.counts_hours && traffic::count(self.transaction, hour, until).await?)
    }

    async fn expire(&mut self, oldest: UnixTime, limit: usize) -> Result<bool, PostgresError> {
        let rows = bigint(limit);
        let deleted = self.transaction.execute(EXPIRE_FLIGHTS, &[&postgres_seconds(oldest), &rows]).await?;
        let more = usize::try_from(deleted).is_ok_and(|deleted| deleted >= limit);
        Ok((self.counts_hours && traffic::expire(self.transaction, oldest, rows).await?) || more)
    }
}

/// Converts a row. Returns `None` for an invalid address, which only a row edited by hand can have.
fn sighting(row: &Row) -> Result<Option<Sighting>, PostgresError> {
    let Ok(icao24) = Icao24::parse(row.try_get(0)?) else { return Ok(None) };
    let (callsign, lat, lon): (Option<&str>, Option<f64>, Option<f64>) =
        (row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
    Ok(Some(Sighting {
        icao24,
        at: UnixTime(row.try_get(1)?),
        callsign: callsign.map(Into::into),
        position: lat.zip(lon).map(|(lat, lon)| Point { lat, lon }),
        altitude: row.try_get(5)?,
        on_ground: row.try_get(6)?,
    }))
}

/// Converts a row. Returns `None` for an invalid address, like [`sighting()`].
fn flight(row: &Row) -> Result<Option<Flight>, PostgresError> {
    let Ok(icao24) = Icao24::parse(row.try_get(0)?) else { return Ok(None) };
    let point = |lat, lon| {
        let (lat, lon): (Option<f64>, Option<f64>) = (row.try_get(lat)?, row.try_get(lon)?);
        Ok::<_, PostgresError>(lat.zip(lon).map(|(lat, lon)| Point { lat, lon }))
    };
    Ok(Some(Flight {
        icao24,
        callsign: row.try_get::<_, Option<&str>>(11)?.map(Into::into),
        first_seen: UnixTime(row.try_get(1)?),
        last_seen: UnixTime(row.try_get(2)?),
        first_position: point(3, 4)?,
        last_position: point(5, 6)?,
        distance: row.try_get(7)?,
        highest_altitude: row.try_get(8)?,
        states: u64::try_from(row.try_get::<_, i64>(9)?).unwrap_or(0),
        landed: row.try_get(10)?,
        first_altitude: row.try_get(12)?,
        last_altitude: row.try_get(13)?,
    }))
}

/// Converts a number for use as a `LIMIT`.
fn bigint(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
