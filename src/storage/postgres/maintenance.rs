//! Enforces the retention where no TimescaleDB policy does: drops chunks, or deletes rows in small steps.

use actors::domain::UnixTime;
use actors::ports::Maintained;
use tokio_postgres::{Client, Transaction};

use super::connection::PostgresError;
use super::time::postgres_seconds;
use super::timescale_api::extension_schema;
use super::transaction::begin;
use crate::storage::options::StorageOptions;

const HAS_TIMESCALE: &str = "SELECT to_regclass('timescaledb_information.jobs') IS NOT NULL";
/// Returns one row for a hypertable: whether it has a retention policy. Returns no row for a plain table.
const HAS_POLICY: &str = "
SELECT EXISTS (
    SELECT FROM timescaledb_information.jobs AS job
    WHERE job.hypertable_schema = hypertable.hypertable_schema AND job.hypertable_name = hypertable.hypertable_name
        AND job.proc_name = 'policy_retention' AND job.scheduled
)
FROM timescaledb_information.hypertables AS hypertable
WHERE format('%I.%I', hypertable_schema, hypertable_name)::regclass = 'state_vectors_scaled'::regclass";

/// Visits a limited number of aircraft, starting after a given one, with a skip scan over the primary key, and deletes
/// a limited number of their expired rows. An index by time would cost more on each insert than this scan does. A BRIN
/// index would have to scan every block range in which a new row reuses the space of an old one.
const DELETE: &str = "
WITH RECURSIVE visited (icao24, visit) AS (
    (SELECT icao24, 1 FROM state_vectors_scaled WHERE icao24 > $1::text ORDER BY icao24 LIMIT 1)
    UNION ALL
    SELECT next.icao24, visit + 1 FROM visited CROSS JOIN LATERAL (
        SELECT icao24 FROM state_vectors_scaled WHERE icao24 > visited.icao24 ORDER BY icao24 LIMIT 1
    ) AS next WHERE visit < $2::bigint
), expired AS MATERIALIZED (
    SELECT old.ctid AS place FROM visited CROSS JOIN LATERAL (
        SELECT ctid FROM state_vectors_scaled
        WHERE state_vectors_scaled.icao24 = visited.icao24 AND last_contact < to_timestamp($3::bigint) ORDER BY last_contact
        LIMIT $4::bigint
    ) AS old LIMIT $4::bigint
), deleted AS (
    DELETE FROM state_vectors_scaled WHERE ctid = ANY (ARRAY(SELECT place FROM expired)) RETURNING 1
)
SELECT (SELECT count(*) FROM deleted), (SELECT count(*) FROM visited), (SELECT max(icao24) FROM visited)";

/// The number of aircraft per step. Visiting this many takes a fraction of a second if none has an expired row.
const AIRCRAFT: i64 = 2_000;

/// The progress of the current round over all aircraft.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Round {
    /// The last aircraft without expired rows; empty at the start of a round.
    after: String,
}

/// How the retention is enforced.
enum Retention {
    /// By a TimescaleDB policy.
    Policy,
    /// By this program, which drops chunks.
    Chunks,
    /// By this program, which deletes rows.
    Rows,
}

/// Runs one step. `round` advances only if the step succeeds.
pub(super) async fn expire(
    client: &mut Client,
    options: &StorageOptions,
    rows: u32,
    round: &mut Round,
) -> Result<Maintained, PostgresError> {
    let transaction = begin(client).await?;
    let limit = options.maintenance_timeout.as_millis();
    transaction.batch_execute(&format!("SET LOCAL statement_timeout = {limit}")).await?;
    let oldest = UnixTime::now().minus(options.retention);
    let maintained = match retention(&transaction).await? {
        Retention::Policy => Maintained::default(),
        Retention::Chunks => drop_chunks(&transaction, oldest).await?,
        Retention::Rows => {
            let (maintained, next) = delete_rows(&transaction, oldest, rows, round).await?;
            transaction.commit().await?;
            *round = next;
            return Ok(maintained);
        }
    };
    transaction.commit().await?;
    Ok(maintained)
}

async fn retention(transaction: &Transaction<'_>) -> Result<Retention, PostgresError> {
    if !transaction.query_one(HAS_TIMESCALE, &[]).await?.try_get::<_, bool>(0)? {
        return Ok(Retention::Rows);
    }
    Ok(match transaction.query_opt(HAS_POLICY, &[]).await? {
        None => Retention::Rows,
        Some(row) if row.try_get(0)? => Retention::Policy,
        Some(_) => Retention::Chunks,
    })
}

async fn drop_chunks(transaction: &Transaction<'_>, oldest: UnixTime) -> Result<Maintained, PostgresError> {
    let schema = extension_schema(transaction).await?;
    let drop = format!(
        "SELECT {schema}.drop_chunks('state_vectors_scaled', older_than => to_timestamp({}))",
        postgres_seconds(oldest)
    );
    let dropped = transaction.query(&drop, &[]).await?.len();
    if dropped > 0 {
        log::info!("dropped {dropped} chunks of state_vectors_scaled that were older than the retention");
    }
    Ok(Maintained::default())
}

async fn delete_rows(
    transaction: &Transaction<'_>,
    oldest: UnixTime,
    rows: u32,
    round: &Round,
) -> Result<(Maintained, Round), PostgresError> {
    let rows = i64::from(rows);
    let row = transaction.query_one(DELETE, &[&round.after, &AIRCRAFT, &postgres_seconds(oldest), &rows]).await?;
    let (deleted, visited): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    let expired = u64::try_from(deleted).unwrap_or(0);
    if deleted >= rows {
        // The same aircraft may have more.
        return Ok((Maintained { expired, more: true }, round.clone()));
    }
    let after = if visited < AIRCRAFT { None } else { row.try_get(2)? };
    Ok((Maintained { expired, more: after.is_some() }, Round { after: after.unwrap_or_default() }))
}
