use actors::domain::{Icao24, StateVector, UnixTime};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::pooled_connection::deadpool::Object;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use tokio_postgres::error::SqlState;

use super::connection::PostgresDatabase;
use crate::storage::error::{QueryError, with_causes};
use crate::storage::query::{NewestQuery, PositionsQuery, StorageObservation};
use crate::storage::rows::{StoredRow, postgres_bound};
use crate::storage::schema::postgres::{ingest_position, state_vectors};

/// The planner's row estimate for the table, including the chunks of a hypertable.
const APPROXIMATE_ROWS: &str = "
SELECT coalesce(sum(greatest(class.reltuples, 0)), 0)::bigint AS value FROM pg_class AS class
WHERE class.oid IN (
    SELECT 'state_vectors_scaled'::regclass UNION ALL SELECT inhrelid FROM pg_inherits WHERE inhparent = 'state_vectors_scaled'::regclass
)";

#[derive(QueryableByName)]
struct Scalar {
    #[diesel(sql_type = BigInt)]
    value: i64,
}

impl PostgresDatabase {
    pub(in crate::storage) async fn ping(&self) -> Result<(), QueryError> {
        self.query(async |connection| {
            let one = ingest_position::table.select(ingest_position::partition).limit(1);
            one.load::<i32>(connection).await.map(|_| ())
        })
        .await
    }

    pub(in crate::storage) async fn observe(&self) -> Result<StorageObservation, QueryError> {
        self.query(async |connection| {
            let newest = ingest_position::table.select(diesel::dsl::max(ingest_position::last_timestamp));
            let newest_record = newest.first::<Option<i64>>(connection).await?;
            let rows = diesel::sql_query(APPROXIMATE_ROWS).get_result::<Scalar>(connection).await?;
            Ok(StorageObservation { approximate_rows: u64::try_from(rows.value).ok(), newest_record })
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
        let (from, to) = (postgres_bound(from), postgres_bound(to));
        let rows = self
            .query(async |connection| {
                state_vectors::table
                    .filter(state_vectors::icao24.eq(icao24.to_string()))
                    .filter(state_vectors::last_contact.between(from, to))
                    .order(state_vectors::last_contact)
                    .limit(i64::from(limit))
                    .load::<StoredRow>(connection)
                    .await
            })
            .await?;
        Ok(rows.into_iter().map(StateVector::from).collect())
    }

    pub(in crate::storage) async fn positions(&self, query: &PositionsQuery) -> Result<Vec<StateVector>, QueryError> {
        let (from, to) = (postgres_bound(query.from), postgres_bound(query.to));
        let rows = self
            .query(async |connection| {
                state_vectors::table
                    .filter(state_vectors::icao24.eq(query.icao24.to_string()))
                    .filter(state_vectors::last_contact.between(from, to))
                    .filter(state_vectors::time_position.ge(postgres_bound(query.earliest_position())))
                    .filter(state_vectors::lat.is_not_null().and(state_vectors::lon.is_not_null()))
                    .distinct_on(state_vectors::time_position)
                    .order((state_vectors::time_position, state_vectors::last_contact))
                    .limit(i64::from(query.limit))
                    .load::<StoredRow>(connection)
                    .await
            })
            .await?;
        Ok(rows.into_iter().map(StateVector::from).collect())
    }

    pub(in crate::storage) async fn newest(&self, query: &NewestQuery) -> Result<Vec<StateVector>, QueryError> {
        let (from, to) = (postgres_bound(query.from), postgres_bound(query.to));
        let mut newest = state_vectors::table
            .filter(state_vectors::last_contact.between(from, to))
            .distinct_on(state_vectors::icao24)
            .order((state_vectors::icao24, state_vectors::last_contact.desc()))
            .into_boxed();
        if !query.icao24.is_empty() {
            newest = newest.filter(state_vectors::icao24.eq_any(query.icao24.iter().map(ToString::to_string)));
        }
        let rows = self.query(async |connection| newest.load::<StoredRow>(connection).await).await?;
        Ok(rows.into_iter().map(StateVector::from).collect())
    }

    /// Runs a query on a pooled connection. After a timeout the connection is discarded.
    pub(super) async fn query<T>(
        &self,
        work: impl AsyncFnOnce(&mut AsyncPgConnection) -> QueryResult<T>,
    ) -> Result<T, QueryError> {
        let limit = self.options.query_timeout;
        let timed_out = || QueryError::Unavailable(format!("no response within {:.1} s", limit.as_secs_f64()));
        let deadline = tokio::time::Instant::now() + limit;
        tokio::time::timeout_at(deadline, self.check_sessions())
            .await
            .map_err(|_| timed_out())?
            .map_err(|failure| QueryError::Unavailable(failure.to_string()))?;
        let mut connection = tokio::time::timeout_at(deadline, self.pool.get())
            .await
            .map_err(|_| timed_out())?
            .map_err(|error| QueryError::Unavailable(with_causes(&error)))?;
        match tokio::time::timeout_at(deadline, work(&mut connection)).await {
            Ok(Err(error)) if is_lost_statement(&error) => {
                drop(Object::take(connection));
                self.invalidate_session_check(Some(&SqlState::UNDEFINED_PSTATEMENT)).await;
                Err(error.into())
            }
            Ok(result) => Ok(result?),
            Err(_) => {
                drop(Object::take(connection));
                Err(timed_out())
            }
        }
    }
}

/// Returns whether the error is about a statement that another session prepared. Matches PostgreSQL's message, since
/// diesel does not expose the SQLSTATE.
fn is_lost_statement(error: &diesel::result::Error) -> bool {
    matches!(error, diesel::result::Error::DatabaseError(_, error) if error.message().starts_with("prepared statement "))
}
