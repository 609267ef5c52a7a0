//! Flights, made of the rows behind the store.

use std::collections::HashMap;

use actors::domain::{Flight, Icao24, Sighting, UnixTime};
use actors::history::{LateRows, Piece, Retrace, Retraced, follow};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::sqlite::SqliteConnection;

use super::derive::Step;
use crate::storage::rows::{StoredFlight, StoredSighting};
use crate::storage::schema::sqlite::{derived_late_aircraft, flights, state_vectors};

/// The columns of a [`StoredSighting`].
macro_rules! sighting {
    () => {{
        use state_vectors::{baro_altitude, callsign, geo_altitude, icao24, last_contact, lat, lon, on_ground};
        (icao24, last_contact, callsign, lat, lon, baro_altitude, geo_altitude, on_ground)
    }};
}

/// How many rows of a track are read at once.
const PAGE: usize = 5_000;
/// How many aircraft with late rows a step sees to.
const LATE_AIRCRAFT: usize = 100;

const EXPIRE: &str = "DELETE FROM flights WHERE (icao24, first_seen) IN (
    SELECT icao24, first_seen FROM flights WHERE first_seen < ? ORDER BY first_seen LIMIT ?)";

/// The rows of a piece, at most so many, by aircraft and time.
pub(super) fn sightings(connection: &mut SqliteConnection, piece: Piece, most: usize) -> QueryResult<Vec<Sighting>> {
    let rows = state_vectors::table
        .filter(state_vectors::last_contact.ge(piece.from.0))
        .filter(state_vectors::last_contact.lt(piece.to.0))
        .select(sighting!())
        .limit(whole(most))
        .load::<StoredSighting>(connection)?;
    let mut sightings: Vec<Sighting> = rows.into_iter().map(Sighting::from).collect();
    sightings.sort_unstable_by_key(|sighting| (sighting.icao24, sighting.at));
    Ok(sightings)
}

/// Deletes at most so many flights that began before `oldest`; whether there may be more.
pub(super) fn expire(connection: &mut SqliteConnection, oldest: UnixTime, rows: usize) -> QueryResult<bool> {
    let delete = diesel::sql_query(EXPIRE).bind::<BigInt, _>(oldest.0).bind::<BigInt, _>(whole(rows));
    Ok(delete.execute(connection)? >= rows)
}

impl Step<'_> {
    /// Has the last flights go on with these sightings, or others begin.
    pub(super) fn follow_flights(&self, connection: &mut SqliteConnection, sightings: &[Sighting]) -> QueryResult<()> {
        let mut last = HashMap::new();
        for sightings in sightings.chunk_by(|one, next| one.icao24 == next.icao24) {
            if let Some(Sighting { icao24, .. }) = sightings.first()
                && let Some(flight) = last_flight(connection, *icao24, UnixTime(i64::MAX))?
            {
                last.insert(*icao24, flight);
            }
        }
        write_flights(connection, &follow(sightings, &mut last, self.options.flight_gap))
    }

    /// Makes the flights anew that rows behind the cursor touch. Some aircraft a step; whether there may be more.
    pub(super) fn retrace(&self, connection: &mut SqliteConnection, through: UnixTime) -> QueryResult<bool> {
        let late = derived_late_aircraft::table.limit(whole(LATE_AIRCRAFT)).load::<(String, i64, i64)>(connection)?;
        let mut taken = 0;
        for (done, (aircraft, oldest, newest)) in late.iter().enumerate() {
            let rows = LateRows { oldest: UnixTime(*oldest), newest: UnixTime(*newest) };
            let limit = self.limit.saturating_sub(taken);
            let (rest, sightings) = match Icao24::parse(aircraft) {
                Ok(icao24) => self.retrace_aircraft(connection, icao24, rows, (through, limit))?,
                Err(_) => (None, 0),
            };
            let noted = derived_late_aircraft::table.find(aircraft);
            match rest {
                None => diesel::delete(noted).execute(connection)?,
                Some(LateRows { oldest, newest }) => diesel::update(noted)
                    .set((derived_late_aircraft::oldest.eq(oldest.0), derived_late_aircraft::newest.eq(newest.0)))
                    .execute(connection)?,
            };
            taken += sightings;
            if taken >= self.limit {
                return Ok(rest.is_some() || done + 1 < late.len() || late.len() == LATE_AIRCRAFT);
            }
        }
        Ok(late.len() == LATE_AIRCRAFT)
    }

    /// What is left of an aircraft's late rows, and how many rows were read.
    fn retrace_aircraft(
        &self,
        connection: &mut SqliteConnection,
        icao24: Icao24,
        rows: LateRows,
        (through, limit): (UnixTime, usize),
    ) -> QueryResult<(Option<LateRows>, usize)> {
        let Some(rows) = rows.since(self.horizon) else { return Ok((None, 0)) };
        let before = last_flight(connection, icao24, rows.oldest)?;
        let Some(retrace) = Retrace::new(rows, before, self.horizon, self.options.flight_gap) else {
            return Ok((None, 0));
        };
        let of_aircraft = flights::icao24.eq(icao24.to_string());
        let later = flights::table
            .filter(of_aircraft.clone())
            .filter(flights::first_seen.gt(rows.newest.0))
            .select(flights::first_seen)
            .load::<i64>(connection)?;
        let mut retrace = retrace.knowing(later.into_iter().map(UnixTime).collect()).at_most(limit);
        let mut from = retrace.from().0;
        loop {
            let page = state_vectors::table
                .filter(state_vectors::icao24.eq(icao24.to_string()))
                .filter(state_vectors::last_contact.ge(from))
                .filter(state_vectors::last_contact.lt(through.0))
                .order(state_vectors::last_contact)
                .select(sighting!())
                .limit(whole(PAGE))
                .load::<StoredSighting>(connection)?;
            let page: Vec<Sighting> = page.into_iter().map(Sighting::from).collect();
            let wanted = page.iter().all(|sighting| retrace.add(sighting));
            match page.last() {
                Some(last) if wanted && page.len() == PAGE => from = last.at.0 + 1,
                _ => break,
            }
        }
        let taken = retrace.taken();
        let Retraced { from, until, flights: found, rest } = retrace.end();
        let until = until.map_or(i64::MAX, |until| until.0);
        diesel::delete(flights::table.filter(of_aircraft).filter(flights::first_seen.ge(from.0)))
            .filter(flights::first_seen.lt(until))
            .execute(connection)?;
        write_flights(connection, &found)?;
        Ok((rest, taken))
    }
}

/// The aircraft's last flight that began up to then.
fn last_flight(connection: &mut SqliteConnection, icao24: Icao24, until: UnixTime) -> QueryResult<Option<Flight>> {
    let flight = flights::table
        .filter(flights::icao24.eq(icao24.to_string()))
        .filter(flights::first_seen.le(until.0))
        .order(flights::first_seen.desc())
        .first::<StoredFlight>(connection)
        .optional()?;
    Ok(flight.map(Flight::from))
}

fn write_flights(connection: &mut SqliteConnection, flights: &[Flight]) -> QueryResult<()> {
    for flight in flights {
        diesel::replace_into(flights::table).values(NewFlight::from(flight)).execute(connection)?;
    }
    Ok(())
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
        }
    }
}

fn whole(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
