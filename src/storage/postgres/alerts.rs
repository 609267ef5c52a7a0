//! The table `alerts`: written by storing transactions, and read for the API.

use actors::detect::Alert;
use diesel::sql_types::{Array, BigInt, Bool, Double, Nullable, Text};
use tokio_postgres::Transaction;

use super::connection::PostgresDatabase;
use crate::storage::alerts::{AlertQuery, StoredAlert, alerts, beginnings_and_ends, state_json, storable};
use crate::storage::error::QueryError;

/// The first record of an alert inserts its row. Its end, which arrives later or instead of the beginning, completes
/// it.
const INSERT: &str = "
INSERT INTO alerts (rule, icao24, since, ended, detail, callsign, lat, lon, state)
SELECT rule, icao24, to_timestamp(since), to_timestamp(ended), detail, callsign, lat, lon, state::jsonb
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::float8[], $8::float8[],
    $9::text[]) AS alert (rule, icao24, since, ended, detail, callsign, lat, lon, state)
ON CONFLICT (rule, icao24, since) DO UPDATE SET ended = excluded.ended
    WHERE alerts.ended IS NULL AND excluded.ended IS NOT NULL";

/// Deletes rows that began before a time in Unix milliseconds.
pub(super) const EXPIRE: &str = "DELETE FROM alerts WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM alerts WHERE since < to_timestamp($1::bigint / 1000.0) ORDER BY since LIMIT $2::bigint))";

const SELECT: &str = "
SELECT rule, icao24, extract(epoch FROM since)::bigint AS since, extract(epoch FROM ended)::bigint AS ended, detail,
    state::text AS state
FROM alerts
WHERE since BETWEEN to_timestamp($1) AND to_timestamp($2) AND (since, rule, icao24) < (to_timestamp($3), $4, $5)
    AND ($6 IS NULL OR rule = $6)
    AND (cardinality($7) = 0 OR icao24 = ANY ($7))
    AND ($8 IS NULL OR (ended IS NULL) = $8)
    AND ($9 IS NULL OR lat BETWEEN $9 AND $11 AND
        CASE WHEN $10 <= $12 THEN lon BETWEEN $10 AND $12 ELSE lon >= $10 OR lon <= $12 END)
ORDER BY since DESC, rule DESC, icao24 DESC LIMIT $13";

/// Inserts beginnings and ends of alerts, and returns how many of them changed the table.
pub(super) async fn insert_alerts(
    transaction: &Transaction<'_>,
    records: &[&Alert],
) -> Result<u64, tokio_postgres::Error> {
    let mut changed = 0;
    for records in beginnings_and_ends(records) {
        if !records.is_empty() {
            changed += insert(transaction, &records).await?;
        }
    }
    Ok(changed)
}

async fn insert(transaction: &Transaction<'_>, records: &[&Alert]) -> Result<u64, tokio_postgres::Error> {
    let rules: Vec<&str> = records.iter().map(|alert| &*alert.rule).collect();
    let addresses: Vec<String> = records.iter().map(|alert| alert.icao24.to_string()).collect();
    let since: Vec<i64> = records.iter().map(|alert| alert.since.0).collect();
    let ended: Vec<Option<i64>> = records.iter().map(|alert| alert.ended.map(|ended| ended.0)).collect();
    let details: Vec<&str> = records.iter().map(|alert| &*alert.detail).collect();
    let callsigns: Vec<Option<&str>> = records.iter().map(|alert| alert.state.callsign.as_deref()).collect();
    let latitudes: Vec<Option<f64>> = records.iter().map(|alert| alert.state.lat).collect();
    let longitudes: Vec<Option<f64>> = records.iter().map(|alert| alert.state.lon).collect();
    let states: Vec<String> = records.iter().map(|alert| state_json(alert)).collect();
    transaction
        .execute(INSERT, &[&rules, &addresses, &since, &ended, &details, &callsigns, &latitudes, &longitudes, &states])
        .await
}

impl PostgresDatabase {
    pub(in crate::storage) async fn alerts(&self, query: &AlertQuery) -> Result<Vec<Alert>, QueryError> {
        use diesel_async::RunQueryDsl as _;
        let (since, rule, icao24) = query.end_key();
        let addresses: Vec<String> = query.icao24.iter().map(ToString::to_string).collect();
        let [lamin, lomin, lamax, lomax] = query.edges();
        let rows = self
            .query(async |connection| {
                diesel::sql_query(SELECT)
                    .bind::<BigInt, _>(storable(query.from))
                    .bind::<BigInt, _>(storable(query.to))
                    .bind::<BigInt, _>(since)
                    .bind::<Text, _>(rule)
                    .bind::<Text, _>(icao24)
                    .bind::<Nullable<Text>, _>(query.rule.as_deref())
                    .bind::<Array<Text>, _>(addresses)
                    .bind::<Nullable<Bool>, _>(query.active)
                    .bind::<Nullable<Double>, _>(lamin)
                    .bind::<Nullable<Double>, _>(lomin)
                    .bind::<Nullable<Double>, _>(lamax)
                    .bind::<Nullable<Double>, _>(lomax)
                    .bind::<BigInt, _>(i64::from(query.limit))
                    .load::<StoredAlert>(connection)
                    .await
            })
            .await?;
        alerts(rows)
    }
}
