//! Counts the traffic of each hour, unless TimescaleDB's continuous aggregates do.

use actors::domain::UnixTime;
use actors::history::HOUR;
use tokio_postgres::Transaction;

use super::connection::PostgresError;
use super::time::postgres_seconds;
use super::{cell_lat, cell_lon};

/// Checks whether the traffic is in plain tables rather than in TimescaleDB's continuous aggregates.
const HAS_PLAIN_TABLES: &str = "SELECT bool_and(relkind = 'r') FROM pg_class
    WHERE oid IN ('traffic_by_country'::regclass, 'traffic_by_cell'::regclass)";

/// Groups by aircraft first: this hash aggregate is several times faster than sorting an hour's rows by aircraft.
const COUNT: &str = concat!(
    "
WITH counted AS MATERIALIZED (
    SELECT icao24, origin_country, ",
    cell_lat!(),
    " AS lat, ",
    cell_lon!(),
    " AS lon, count(*) AS states
    FROM state_vectors_scaled WHERE last_contact >= to_timestamp($1::bigint) AND last_contact < to_timestamp($2::bigint)
    GROUP BY 1, 2, 3, 4
), countries AS (
    INSERT INTO traffic_by_country (hour, origin_country, states, aircraft)
    SELECT to_timestamp($1), origin_country, sum(states), count(DISTINCT icao24) FROM counted GROUP BY origin_country
), cells AS (
    INSERT INTO traffic_by_cell (hour, lat, lon, states, aircraft)
    SELECT to_timestamp($1), lat, lon, sum(states), count(DISTINCT icao24) FROM counted
    WHERE lat IS NOT NULL AND lon IS NOT NULL GROUP BY lat, lon
)
SELECT coalesce(sum(states), 0)::bigint FROM counted"
);

const TABLES: [&str; 2] = ["traffic_by_country", "traffic_by_cell"];
const OLDEST_LATE: &str = "SELECT extract(epoch FROM hour)::bigint FROM derived_late_hours ORDER BY hour LIMIT 2";
const FORGET: &str = "DELETE FROM derived_late_hours WHERE hour = to_timestamp($1::bigint)";

pub(super) async fn has_plain_tables(transaction: &Transaction<'_>) -> Result<bool, PostgresError> {
    Ok(transaction.query_one(HAS_PLAIN_TABLES, &[]).await?.try_get(0)?)
}

/// Implements [`actors::history::SummaryStore::count_hour`].
pub(super) async fn count(
    transaction: &Transaction<'_>,
    hour: UnixTime,
    until: UnixTime,
) -> Result<bool, PostgresError> {
    let end = until.min(UnixTime(hour.0 + HOUR));
    let (from, to) = (postgres_seconds(hour), postgres_seconds(end));
    for table in TABLES {
        transaction.execute(&format!("DELETE FROM {table} WHERE hour = to_timestamp($1::bigint)"), &[&from]).await?;
    }
    Ok(transaction.query_one(COUNT, &[&from, &to]).await?.try_get::<_, i64>(0)? > 0)
}

/// Deletes the recorded late hours. TimescaleDB tracks late rows of continuous aggregates itself.
pub(super) async fn forget_late_hours(transaction: &Transaction<'_>) -> Result<(), PostgresError> {
    transaction.execute("DELETE FROM derived_late_hours", &[]).await?;
    Ok(())
}

/// Implements [`actors::history::SummaryStore::take_late_hour`].
pub(super) async fn take_late_hour(transaction: &Transaction<'_>) -> Result<Option<(UnixTime, bool)>, PostgresError> {
    let hours = transaction.query(OLDEST_LATE, &[]).await?;
    let Some(oldest) = hours.first() else { return Ok(None) };
    let oldest: i64 = oldest.try_get(0)?;
    transaction.execute(FORGET, &[&oldest]).await?;
    Ok(Some((UnixTime(oldest), hours.len() > 1)))
}

/// Deletes up to `rows` rows older than `oldest` from each table, and returns whether there may be more.
pub(super) async fn expire(transaction: &Transaction<'_>, oldest: UnixTime, rows: i64) -> Result<bool, PostgresError> {
    let oldest = postgres_seconds(oldest);
    let mut more = false;
    for table in TABLES {
        let delete = format!(
            "DELETE FROM {table} WHERE ctid = ANY (ARRAY(
                 SELECT ctid FROM {table} WHERE hour < to_timestamp($1::bigint) ORDER BY hour LIMIT $2::bigint))"
        );
        let deleted = transaction.execute(&delete, &[&oldest, &rows]).await?;
        more |= i64::try_from(deleted).is_ok_and(|deleted| deleted >= rows);
    }
    Ok(more)
}
