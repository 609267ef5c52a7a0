//! The traffic of each hour, where the server keeps it itself.

use actors::domain::UnixTime;
use actors::history::HOUR;
use tokio_postgres::Transaction;

use super::connection::Failure;
use super::maintenance::postgres_seconds;
use super::{cell_lat, cell_lon};

/// Whether these are tables, and not TimescaleDB's continuous aggregates.
const IS_KEPT: &str = "SELECT bool_and(relkind = 'r') FROM pg_class
    WHERE oid IN ('traffic_by_country'::regclass, 'traffic_by_cell'::regclass)";

/// Grouped by aircraft first: hashed, that is several times faster than to sort an hour's rows by aircraft.
const COUNT: &str = concat!(
    "
WITH counted AS MATERIALIZED (
    SELECT icao24, origin_country, ",
    cell_lat!(),
    " AS lat, ",
    cell_lon!(),
    " AS lon, count(*) AS states
    FROM state_vectors WHERE last_contact >= to_timestamp($1::bigint) AND last_contact < to_timestamp($2::bigint)
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

pub(super) async fn is_kept(transaction: &Transaction<'_>) -> Result<bool, Failure> {
    Ok(transaction.query_one(IS_KEPT, &[]).await?.try_get(0)?)
}

/// Counts the rows of an hour anew, those before `through`, and says how many there were.
pub(super) async fn count(transaction: &Transaction<'_>, hour: UnixTime, through: UnixTime) -> Result<i64, Failure> {
    let end = through.min(UnixTime(hour.0 + HOUR));
    let (from, to) = (postgres_seconds(hour), postgres_seconds(end));
    for table in TABLES {
        transaction.execute(&format!("DELETE FROM {table} WHERE hour = to_timestamp($1::bigint)"), &[&from]).await?;
    }
    Ok(transaction.query_one(COUNT, &[&from, &to]).await?.try_get(0)?)
}

/// The oldest hour that got rows behind the cursor, which is noted no longer, and whether there are others. Continuous
/// aggregates note them themselves.
pub(super) async fn take_late_hour(
    transaction: &Transaction<'_>,
    kept: bool,
) -> Result<Option<(UnixTime, bool)>, Failure> {
    if !kept {
        transaction.execute("DELETE FROM derived_late_hours", &[]).await?;
        return Ok(None);
    }
    let hours = transaction.query(OLDEST_LATE, &[]).await?;
    let Some(oldest) = hours.first() else { return Ok(None) };
    let oldest: i64 = oldest.try_get(0)?;
    transaction.execute(FORGET, &[&oldest]).await?;
    Ok(Some((UnixTime(oldest), hours.len() > 1)))
}

/// Deletes at most so many rows of each table that are older than `oldest`; whether there may be more.
pub(super) async fn expire(transaction: &Transaction<'_>, oldest: UnixTime, rows: usize) -> Result<bool, Failure> {
    let (oldest, rows) = (postgres_seconds(oldest), i64::try_from(rows).unwrap_or(i64::MAX));
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
