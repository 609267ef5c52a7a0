//! Queries the summaries, flights and hourly traffic, in either database.

/// Implements the queries for a database with its diesel backend, its tables and the conversion of a time to a bound.
///
/// They are a macro because diesel's query types differ by backend, and generic code would name each of them.
macro_rules! summary_queries {
    ($database:ty, $backend:ty, $schema:ident, $time:path) => {
        use actors::domain::{Flight, UnixTime};
        use actors::history::{MAX_FLIGHT, hour_of};
        use diesel::dsl::sql;
        use diesel::prelude::*;
        use diesel::sql_types::BigInt;
        use diesel_async::RunQueryDsl;

        use crate::storage::error::QueryError;
        use crate::storage::rows::{StoredCell, StoredCountry, StoredFlight, StoredHour};
        use crate::storage::schema::upper;
        use crate::storage::schema::$schema::{flights, traffic_by_cell, traffic_by_country};
        use crate::storage::summaries::{CellTraffic, CountryTraffic, FlightQuery, HourTraffic};

        impl $database {
            pub(in crate::storage) async fn flights(&self, query: &FlightQuery) -> Result<Vec<Flight>, QueryError> {
                // No flight is longer than this, so the index on `first_seen` covers the whole range.
                let earliest = query.from.minus(MAX_FLIGHT);
                let mut wanted = flights::table
                    .filter(flights::first_seen.between($time(earliest), $time(query.to)))
                    .filter(flights::last_seen.ge($time(query.from)))
                    .order((flights::first_seen, flights::icao24))
                    .limit(i64::from(query.limit))
                    .into_boxed::<$backend>();
                if !query.icao24.is_empty() {
                    wanted = wanted.filter(flights::icao24.eq_any(query.icao24.iter().map(ToString::to_string)));
                }
                if let Some(callsign) = &query.callsign {
                    wanted = wanted.filter(upper(flights::callsign).eq(upper(Some(callsign.as_str()))));
                }
                if let Some((first_seen, icao24)) = query.after {
                    let first_seen = $time(first_seen);
                    let same_second = flights::first_seen.eq(first_seen).and(flights::icao24.gt(icao24.to_string()));
                    wanted = wanted.filter(flights::first_seen.gt(first_seen).or(same_second));
                }
                let rows = self.query(async |connection| wanted.load::<StoredFlight>(connection).await).await?;
                Ok(rows.into_iter().map(Flight::from).collect())
            }

            pub(in crate::storage) async fn traffic_by_country(
                &self,
                from: UnixTime,
                to: UnixTime,
                limit: u32,
            ) -> Result<Vec<CountryTraffic>, QueryError> {
                let rows = self
                    .query(async |connection| {
                        traffic_by_country::table
                            .filter(traffic_by_country::hour.between($time(hour_of(from)), $time(to)))
                            .order((traffic_by_country::hour, traffic_by_country::origin_country))
                            .limit(i64::from(limit))
                            .load::<StoredCountry>(connection)
                            .await
                    })
                    .await?;
                Ok(rows.into_iter().map(CountryTraffic::from).collect())
            }

            pub(in crate::storage) async fn traffic_by_hour(
                &self,
                from: UnixTime,
                to: UnixTime,
                limit: u32,
            ) -> Result<Vec<HourTraffic>, QueryError> {
                let rows = self
                    .query(async |connection| {
                        traffic_by_country::table
                            .filter(traffic_by_country::hour.between($time(hour_of(from)), $time(to)))
                            .group_by(traffic_by_country::hour)
                            .select((
                                traffic_by_country::hour,
                                sql::<BigInt>("CAST(sum(states) AS bigint)"),
                                sql::<BigInt>("CAST(sum(aircraft) AS bigint)"),
                            ))
                            .order(traffic_by_country::hour)
                            .limit(i64::from(limit))
                            .load::<StoredHour>(connection)
                            .await
                    })
                    .await?;
                Ok(rows.into_iter().map(HourTraffic::from).collect())
            }

            pub(in crate::storage) async fn traffic_by_cell(
                &self,
                from: UnixTime,
                to: UnixTime,
                limit: u32,
            ) -> Result<Vec<CellTraffic>, QueryError> {
                let rows = self
                    .query(async |connection| {
                        traffic_by_cell::table
                            .filter(traffic_by_cell::hour.between($time(hour_of(from)), $time(to)))
                            .order((traffic_by_cell::hour, traffic_by_cell::lat, traffic_by_cell::lon))
                            .limit(i64::from(limit))
                            .load::<StoredCell>(connection)
                            .await
                    })
                    .await?;
                Ok(rows.into_iter().map(CellTraffic::from).collect())
            }
        }
    };
}

pub(super) use summary_queries;
