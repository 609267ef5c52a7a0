//! Runs the summarizing steps; `actors::history` decides what each step does.

use std::time::Instant;

use actors::domain::{Flight, Icao24, Sighting, UnixTime};
use actors::history::{LateRows, Summarizer, SummaryStore};
use diesel::prelude::*;
use diesel::result::Error;
use diesel::sql_types::BigInt;
use diesel::sqlite::SqliteConnection;
use futures_util::FutureExt;

use super::late::{cursor, move_cursor};
use super::traffic;
use crate::storage::rows::{StoredFlight, StoredSighting};
use crate::storage::schema::sqlite::{derived_late_aircraft, flights, state_vectors};

/// The columns of a [`StoredSighting`].
macro_rules! sighting {
    () => {{
        use state_vectors::{baro_altitude, callsign, geo_altitude, icao24, last_contact, lat, lon, on_ground};
        (icao24, last_contact, callsign, lat, lon, baro_altitude, geo_altitude, on_ground)
    }};
}

const EXPIRE_FLIGHTS: &str = "DELETE FROM flights WHERE (icao24, first_seen) IN (
    SELECT icao24, first_seen FROM flights WHERE first_seen < ? ORDER BY first_seen LIMIT ?)";

/// Runs one step and returns whether there is more to do.
pub(super) fn summarize(connection: &mut SqliteConnection, summarizer: &mut Summarizer) -> QueryResult<bool> {
    let more = connection.immediate_transaction(|connection| {
        let mut store = SqliteSummaries { connection };
        // This is a blocking thread and the store's calls never wait, so the step is ready on the first poll.
        let step = summarizer.step(&mut store, UnixTime::now(), Instant::now()).now_or_never();
        let more = step.unwrap_or(Err(Error::RollbackTransaction))?;
        fail::fail_point!("summarized", |_| crate::fault::kill_self());
        Ok::<_, Error>(more)
    })?;
    fail::fail_point!("summarized-committed", |_| crate::fault::kill_self());
    Ok(more)
}

/// A connection in a transaction that holds the write lock.
struct SqliteSummaries<'a> {
    connection: &'a mut SqliteConnection,
}

impl SummaryStore for SqliteSummaries<'_> {
    type Error = Error;

    async fn cursor(&mut self) -> QueryResult<Option<UnixTime>> {
        cursor(self.connection)
    }

    async fn move_cursor(&mut self, to: UnixTime) -> QueryResult<()> {
        move_cursor(self.connection, to)
    }

    async fn sightings(&mut self, from: UnixTime, to: UnixTime, limit: usize) -> QueryResult<Vec<Sighting>> {
        let rows = state_vectors::table
            .filter(state_vectors::last_contact.ge(from.0))
            .filter(state_vectors::last_contact.lt(to.0))
            .select(sighting!())
            .limit(bigint(limit))
            .load::<StoredSighting>(self.connection)?;
        Ok(rows.into_iter().map(Sighting::from).collect())
    }

    async fn track(
        &mut self,
        icao24: Icao24,
        from: UnixTime,
        to: UnixTime,
        limit: usize,
    ) -> QueryResult<Vec<Sighting>> {
        let rows = state_vectors::table
            .filter(state_vectors::icao24.eq(icao24.to_string()))
            .filter(state_vectors::last_contact.ge(from.0))
            .filter(state_vectors::last_contact.lt(to.0))
            .order(state_vectors::last_contact)
            .select(sighting!())
            .limit(bigint(limit))
            .load::<StoredSighting>(self.connection)?;
        Ok(rows.into_iter().map(Sighting::from).collect())
    }

    async fn last_flights(&mut self, aircraft: &[Icao24], until: UnixTime) -> QueryResult<Vec<Flight>> {
        let mut last = Vec::new();
        for icao24 in aircraft {
            let flight = flights::table
                .filter(flights::icao24.eq(icao24.to_string()))
                .filter(flights::first_seen.le(until.0))
                .order(flights::first_seen.desc())
                .first::<StoredFlight>(self.connection)
                .optional()?;
            last.extend(flight.map(Flight::from));
        }
        Ok(last)
    }

    async fn flight_starts(&mut self, icao24: Icao24, after: UnixTime) -> QueryResult<Vec<UnixTime>> {
        let starts = flights::table
            .filter(flights::icao24.eq(icao24.to_string()))
            .filter(flights::first_seen.gt(after.0))
            .select(flights::first_seen)
            .load::<i64>(self.connection)?;
        Ok(starts.into_iter().map(UnixTime).collect())
    }

    async fn delete_flights(&mut self, icao24: Icao24, from: UnixTime, until: Option<UnixTime>) -> QueryResult<()> {
        diesel::delete(flights::table.filter(flights::icao24.eq(icao24.to_string())))
            .filter(flights::first_seen.ge(from.0))
            .filter(flights::first_seen.lt(until.map_or(i64::MAX, |until| until.0)))
            .execute(self.connection)
            .map(|_| ())
    }

    async fn write_flights(&mut self, flights: &[Flight]) -> QueryResult<()> {
        for flight in flights {
            diesel::replace_into(flights::table).values(NewFlight::from(flight)).execute(self.connection)?;
        }
        Ok(())
    }

    async fn late_aircraft(&mut self, limit: usize) -> QueryResult<Vec<(Icao24, LateRows)>> {
        let noted = derived_late_aircraft::table.limit(bigint(limit)).load::<(String, i64, i64)>(self.connection)?;
        let mut aircraft = Vec::new();
        for (name, oldest, newest) in noted {
            if let Ok(icao24) = Icao24::parse(&name) {
                aircraft.push((icao24, LateRows { oldest: UnixTime(oldest), newest: UnixTime(newest) }));
            } else {
                // The address is invalid, so the row was edited by hand.
                diesel::delete(derived_late_aircraft::table.find(&name)).execute(self.connection)?;
            }
        }
        Ok(aircraft)
    }

    async fn note_late_aircraft(&mut self, icao24: Icao24, rest: Option<LateRows>) -> QueryResult<()> {
        let noted = derived_late_aircraft::table.find(icao24.to_string());
        let changed = match rest {
            None => diesel::delete(noted).execute(self.connection),
            Some(LateRows { oldest, newest }) => diesel::update(noted)
                .set((derived_late_aircraft::oldest.eq(oldest.0), derived_late_aircraft::newest.eq(newest.0)))
                .execute(self.connection),
        };
        changed.map(|_| ())
    }

    async fn take_late_hour(&mut self) -> QueryResult<Option<(UnixTime, bool)>> {
        traffic::take_late_hour(self.connection)
    }

    async fn count_hour(&mut self, hour: UnixTime, until: UnixTime) -> QueryResult<bool> {
        traffic::count(self.connection, hour, until)
    }

    async fn expire(&mut self, oldest: UnixTime, limit: usize) -> QueryResult<bool> {
        let delete = diesel::sql_query(EXPIRE_FLIGHTS).bind::<BigInt, _>(oldest.0).bind::<BigInt, _>(bigint(limit));
        let more = delete.execute(self.connection)? >= limit;
        Ok(traffic::expire(self.connection, oldest)? || more)
    }
}

#[derive(Insertable)]
#[diesel(table_name = flights, treat_none_as_default_value = false)]
struct NewFlight<'a> {
    icao24: String,
    first_seen: i64,
    last_seen: i64,
    first_lat: Option<f64>,
    first_lon: Option<f64>,
    last_lat: Option<f64>,
    last_lon: Option<f64>,
    distance: f64,
    highest_altitude: Option<f64>,
    states: i64,
    landed: bool,
    callsign: Option<&'a str>,
    first_altitude: Option<f64>,
    last_altitude: Option<f64>,
}

impl<'a> From<&'a Flight> for NewFlight<'a> {
    fn from(flight: &'a Flight) -> Self {
        let (first, last) = (flight.first_position, flight.last_position);
        Self {
            icao24: flight.icao24.to_string(),
            first_seen: flight.first_seen.0,
            last_seen: flight.last_seen.0,
            first_lat: first.map(|point| point.lat),
            first_lon: first.map(|point| point.lon),
            last_lat: last.map(|point| point.lat),
            last_lon: last.map(|point| point.lon),
            distance: flight.distance,
            highest_altitude: flight.highest_altitude,
            states: i64::try_from(flight.states).unwrap_or(i64::MAX),
            landed: flight.landed,
            callsign: flight.callsign.as_deref(),
            first_altitude: flight.first_altitude,
            last_altitude: flight.last_altitude,
        }
    }
}

/// Converts a number for use as a `LIMIT`.
fn bigint(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
