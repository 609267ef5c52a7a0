use actors::domain::{Icao24, StateVector, UnixTime};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl;
use diesel_async::pooled_connection::deadpool::Object;

use super::connection::{PooledSqlite, SqliteDatabase};
use crate::storage::error::{QueryError, with_causes};
use crate::storage::query::{NewestQuery, PositionsQuery, StorageObservation};
use crate::storage::rows::StoredRow;
use crate::storage::schema::COLUMNS;
use crate::storage::schema::sqlite::{ingest_position, state_vectors};

/// Relies on SQLite's bare columns: with a single `min` in a query, the other columns come from the row with the
/// minimum (SQLite manual, "SELECT", section "Bare columns in an aggregate query").
fn positions() -> String {
    format!(
        "SELECT {COLUMNS}, min(last_contact) FROM state_vectors
        WHERE icao24 = ? AND last_contact BETWEEN ? AND ? AND time_position >= ? AND lat IS NOT NULL AND lon IS NOT NULL
        GROUP BY time_position ORDER BY time_position LIMIT ?"
    )
}

/// Relies on SQLite's bare columns, too.
fn newest(icao24: &[Icao24]) -> String {
    let addresses: Vec<_> = icao24.iter().map(|icao24| format!("'{icao24}'")).collect();
    let of_aircraft =
        if addresses.is_empty() { String::new() } else { format!("AND icao24 IN ({})", addresses.join(", ")) };
    format!(
        "SELECT {COLUMNS}, max(last_contact) FROM state_vectors
        WHERE last_contact BETWEEN ? AND ? {of_aircraft} GROUP BY icao24 ORDER BY icao24"
    )
}

impl SqliteDatabase {
    pub(in crate::storage) async fn ping(&self) -> Result<(), QueryError> {
        self.query(async |connection| {
            let one = ingest_position::table.select(ingest_position::partition).limit(1);
            one.load::<i32>(connection).await.map(|_| ())
        })
        .await
    }

    /// Does not report the number of rows: SQLite has no estimate, and counting would read the whole table.
    pub(in crate::storage) async fn observe(&self) -> Result<StorageObservation, QueryError> {
        self.query(async |connection| {
            let newest = ingest_position::table.select(diesel::dsl::max(ingest_position::last_timestamp));
            let newest_record = newest.first::<Option<i64>>(connection).await?;
            Ok(StorageObservation { approximate_rows: None, newest_record })
        })
        .await
    }

    pub(in crate::storage) async fn track(
        &self,
        icao24: Icao24,
        from: UnixTime,
        to: UnixTime,
        limit: u32,
    ) -> Result<Vec<StateVector>, QueryError> {
        let rows = self
            .query(async |connection| {
                state_vectors::table
                    .filter(state_vectors::icao24.eq(icao24.to_string()))
                    .filter(state_vectors::last_contact.between(from.0, to.0))
                    .order(state_vectors::last_contact)
                    .limit(i64::from(limit))
                    .load::<StoredRow>(connection)
                    .await
            })
            .await?;
        Ok(rows.into_iter().map(StateVector::from).collect())
    }

    pub(in crate::storage) async fn positions(&self, query: &PositionsQuery) -> Result<Vec<StateVector>, QueryError> {
        let rows = self
            .query(async |connection| {
                diesel::sql_query(positions())
                    .bind::<Text, _>(query.icao24.to_string())
                    .bind::<BigInt, _>(query.from.0)
                    .bind::<BigInt, _>(query.to.0)
                    .bind::<BigInt, _>(query.earliest_position().0)
                    .bind::<BigInt, _>(i64::from(query.limit))
                    .load::<StoredRow>(connection)
                    .await
            })
            .await?;
        Ok(rows.into_iter().map(StateVector::from).collect())
    }

    pub(in crate::storage) async fn newest(&self, query: &NewestQuery) -> Result<Vec<StateVector>, QueryError> {
        let rows = self
            .query(async |connection| {
                diesel::sql_query(newest(&query.icao24))
                    .bind::<BigInt, _>(query.from.0)
                    .bind::<BigInt, _>(query.to.0)
                    .load::<StoredRow>(connection)
                    .await
            })
            .await?;
        Ok(rows.into_iter().map(StateVector::from).collect())
    }

    /// Runs a query on a pooled connection. After a timeout the connection is discarded, since it may still be busy.
    pub(super) async fn query<T>(
        &self,
        work: impl AsyncFnOnce(&mut PooledSqlite) -> QueryResult<T>,
    ) -> Result<T, QueryError> {
        let limit = self.options.query_timeout;
        let timed_out = || QueryError::Unavailable(format!("no response within {:.1} s", limit.as_secs_f64()));
        let deadline = tokio::time::Instant::now() + limit;
        let mut connection = tokio::time::timeout_at(deadline, self.pool.get())
            .await
            .map_err(|_| timed_out())?
            .map_err(|error| QueryError::Unavailable(with_causes(&error)))?;
        match tokio::time::timeout_at(deadline, work(&mut connection)).await {
            Ok(result) => Ok(result?),
            Err(_) => {
                drop(Object::take(connection));
                Err(timed_out())
            }
        }
    }
}
