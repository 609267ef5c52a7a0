//! Flights, made of the rows behind the store.

use std::collections::HashMap;

use actors::domain::{Flight, Icao24, Point, Sighting, UnixTime};
use actors::history::{LateRows, Piece, Retrace, Retraced, follow};
use tokio_postgres::{Row, Transaction};

use super::connection::Failure;
use super::derive::Step;
use super::maintenance::postgres_seconds;

/// The columns of `flights` in the order of a read row.
macro_rules! flight {
    () => {
        "flight.icao24, extract(epoch FROM flight.first_seen)::bigint, extract(epoch FROM flight.last_seen)::bigint, \
         flight.first_lat, flight.first_lon, flight.last_lat, flight.last_lon, flight.distance, \
         flight.highest_altitude, flight.states, flight.landed, flight.callsign"
    };
}

/// The part of a row that matters to a flight.
macro_rules! sighting {
    () => {
        "SELECT icao24, extract(epoch FROM last_contact)::bigint, callsign, lat, lon, \
         coalesce(baro_altitude, geo_altitude), coalesce(on_ground, false) FROM state_vectors WHERE "
    };
}

/// Without an order: the server must not think of reading the whole key for it.
const SIGHTINGS: &str = concat!(
    sighting!(),
    "last_contact >= to_timestamp($1::bigint) AND last_contact < to_timestamp($2::bigint) LIMIT $3::bigint"
);
const TRACK: &str = concat!(
    sighting!(),
    "icao24 = $1 AND last_contact >= to_timestamp($2::bigint) AND last_contact < to_timestamp($3::bigint)
     ORDER BY last_contact LIMIT $4::bigint"
);
/// How many rows of a track are read at once.
const PAGE: i64 = 5_000;

/// The last flight of each of these aircraft, where it may go on.
const LAST: &str = concat!(
    "SELECT ",
    flight!(),
    " FROM unnest($1::text[]) AS aircraft (icao24) CROSS JOIN LATERAL (
        SELECT * FROM flights WHERE flights.icao24 = aircraft.icao24 ORDER BY first_seen DESC LIMIT 1
    ) AS flight WHERE NOT flight.landed AND flight.last_seen >= to_timestamp($2::bigint)"
);
const BEFORE: &str = concat!(
    "SELECT ",
    flight!(),
    " FROM flights AS flight WHERE icao24 = $1 AND first_seen <= to_timestamp($2::bigint)
     ORDER BY first_seen DESC LIMIT 1"
);
const LATER: &str = "SELECT extract(epoch FROM first_seen)::bigint FROM flights
    WHERE icao24 = $1 AND first_seen > to_timestamp($2::bigint)";

const WRITE: &str = "
INSERT INTO flights AS flight (icao24, first_seen, last_seen, first_lat, first_lon, last_lat, last_lon, distance,
    highest_altitude, states, landed, callsign)
SELECT icao24, to_timestamp(first_seen), to_timestamp(last_seen), first_lat, first_lon, last_lat, last_lon, distance,
    highest_altitude, states, landed, callsign
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::float8[], $5::float8[], $6::float8[], $7::float8[],
    $8::float8[], $9::float8[], $10::bigint[], $11::boolean[], $12::text[])
    AS flight (icao24, first_seen, last_seen, first_lat, first_lon, last_lat, last_lon, distance, highest_altitude,
        states, landed, callsign)
ON CONFLICT (icao24, first_seen) DO UPDATE SET
    last_seen = excluded.last_seen, first_lat = excluded.first_lat, first_lon = excluded.first_lon,
    last_lat = excluded.last_lat, last_lon = excluded.last_lon, distance = excluded.distance,
    highest_altitude = excluded.highest_altitude, states = excluded.states, landed = excluded.landed,
    callsign = excluded.callsign";

const REMOVE: &str = "DELETE FROM flights WHERE icao24 = $1 AND first_seen >= to_timestamp($2::bigint)
    AND ($3::bigint IS NULL OR first_seen < to_timestamp($3))";
const EXPIRE: &str = "DELETE FROM flights WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM flights WHERE first_seen < to_timestamp($1::bigint) ORDER BY first_seen LIMIT $2::bigint))";

const LATE: &str = "SELECT icao24, extract(epoch FROM oldest)::bigint, extract(epoch FROM newest)::bigint
    FROM derived_late_aircraft LIMIT $1";
const FORGET: &str = "DELETE FROM derived_late_aircraft WHERE icao24 = $1";
const REMEMBER: &str = "UPDATE derived_late_aircraft SET oldest = to_timestamp($2::bigint),
    newest = to_timestamp($3::bigint) WHERE icao24 = $1";
/// How many aircraft with late rows a step sees to.
const LATE_AIRCRAFT: i64 = 100;

/// The rows of a piece, at most so many, by aircraft and time.
pub(super) async fn sightings(
    transaction: &Transaction<'_>,
    piece: Piece,
    most: usize,
) -> Result<Vec<Sighting>, Failure> {
    let (from, to) = (postgres_seconds(piece.from), postgres_seconds(piece.to));
    let rows = transaction.query(SIGHTINGS, &[&from, &to, &whole(most)]).await?;
    let mut sightings = rows.iter().filter_map(|row| sighting(row).transpose()).collect::<Result<Vec<_>, _>>()?;
    sightings.sort_unstable_by_key(|sighting| (sighting.icao24, sighting.at));
    Ok(sightings)
}

/// Deletes at most so many flights that began before `oldest`; whether there may be more.
pub(super) async fn expire(transaction: &Transaction<'_>, oldest: UnixTime, rows: usize) -> Result<bool, Failure> {
    let deleted = transaction.execute(EXPIRE, &[&postgres_seconds(oldest), &whole(rows)]).await?;
    Ok(usize::try_from(deleted).is_ok_and(|deleted| deleted >= rows))
}

impl Step<'_> {
    /// Has the last flights go on with these sightings, or others begin.
    pub(super) async fn follow_flights(&self, from: UnixTime, sightings: &[Sighting]) -> Result<(), Failure> {
        let gap = self.options.flight_gap;
        let aircraft: Vec<String> = sightings
            .chunk_by(|one, next| one.icao24 == next.icao24)
            .filter_map(|sightings| sightings.first())
            .map(|sighting| sighting.icao24.to_string())
            .collect();
        if aircraft.is_empty() {
            return Ok(());
        }
        let last = self.transaction.query(LAST, &[&aircraft, &postgres_seconds(from.minus(gap))]).await?;
        let mut last: HashMap<Icao24, Flight> = last
            .iter()
            .filter_map(|row| flight(row).transpose())
            .map(|flight| flight.map(|flight| (flight.icao24, flight)))
            .collect::<Result<_, _>>()?;
        self.write_flights(&follow(sightings, &mut last, gap)).await
    }

    /// Makes the flights anew that rows behind the cursor touch. Some aircraft a step; whether there are more.
    pub(super) async fn retrace(&self, through: UnixTime) -> Result<bool, Failure> {
        let late = self.transaction.query(LATE, &[&LATE_AIRCRAFT]).await?;
        let mut taken = 0;
        for (seen_to, row) in late.iter().enumerate() {
            let (aircraft, oldest, newest): (String, i64, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            let rows = LateRows { oldest: UnixTime(oldest), newest: UnixTime(newest) };
            let limit = self.limit.saturating_sub(taken);
            let (rest, sightings) = self.retrace_aircraft(&aircraft, rows, through, limit).await?;
            match rest {
                None => self.transaction.execute(FORGET, &[&aircraft]).await?,
                Some(LateRows { oldest, newest }) => {
                    self.transaction.execute(REMEMBER, &[&aircraft, &oldest.0, &newest.0]).await?
                }
            };
            taken += sightings;
            if taken >= self.limit {
                return Ok(rest.is_some() || seen_to + 1 < late.len() || late.len() == LATE_AIRCRAFT as usize);
            }
        }
        Ok(late.len() == LATE_AIRCRAFT as usize)
    }

    /// What is left of an aircraft's late rows, and how many rows were read.
    async fn retrace_aircraft(
        &self,
        aircraft: &str,
        rows: LateRows,
        through: UnixTime,
        limit: usize,
    ) -> Result<(Option<LateRows>, usize), Failure> {
        let Some(rows) = rows.since(self.horizon) else { return Ok((None, 0)) };
        let before = self.transaction.query_opt(BEFORE, &[&aircraft, &postgres_seconds(rows.oldest)]).await?;
        let before = before.as_ref().map(flight).transpose()?.flatten();
        let Some(retrace) = Retrace::new(rows, before, self.horizon, self.options.flight_gap) else {
            return Ok((None, 0));
        };
        let later = self.transaction.query(LATER, &[&aircraft, &postgres_seconds(rows.newest)]).await?;
        let later = later.iter().map(|row| row.try_get(0).map(UnixTime)).collect::<Result<_, _>>()?;
        let mut retrace = retrace.knowing(later).at_most(limit);
        let (mut from, to) = (postgres_seconds(retrace.from()), postgres_seconds(through));
        loop {
            let page = self.transaction.query(TRACK, &[&aircraft, &from, &to, &PAGE]).await?;
            let page = page.iter().filter_map(|row| sighting(row).transpose()).collect::<Result<Vec<_>, _>>()?;
            let wanted = page.iter().all(|sighting| retrace.add(sighting));
            match page.last() {
                Some(last) if wanted && page.len() == PAGE as usize => from = last.at.0 + 1,
                _ => break,
            }
        }
        let taken = retrace.taken();
        let Retraced { from, until, flights, rest } = retrace.end();
        let until = until.map(postgres_seconds);
        self.transaction.execute(REMOVE, &[&aircraft, &postgres_seconds(from), &until]).await?;
        self.write_flights(&flights).await?;
        Ok((rest, taken))
    }

    async fn write_flights(&self, flights: &[Flight]) -> Result<(), Failure> {
        if flights.is_empty() {
            return Ok(());
        }
        fn column<T>(flights: &[Flight], value: impl Fn(&Flight) -> T) -> Vec<T> {
            flights.iter().map(value).collect()
        }
        let lat = |point: Option<Point>| point.map(|point| point.lat);
        let lon = |point: Option<Point>| point.map(|point| point.lon);
        self.transaction
            .execute(
                WRITE,
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
                ],
            )
            .await?;
        Ok(())
    }
}

/// `None`: somebody wrote a row by hand that is about no aircraft.
fn sighting(row: &Row) -> Result<Option<Sighting>, Failure> {
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

/// `None`: somebody wrote a row by hand that is about no aircraft.
fn flight(row: &Row) -> Result<Option<Flight>, Failure> {
    let Ok(icao24) = Icao24::parse(row.try_get(0)?) else { return Ok(None) };
    let point = |lat, lon| {
        let (lat, lon): (Option<f64>, Option<f64>) = (row.try_get(lat)?, row.try_get(lon)?);
        Ok::<_, Failure>(lat.zip(lon).map(|(lat, lon)| Point { lat, lon }))
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
    }))
}

fn whole(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
