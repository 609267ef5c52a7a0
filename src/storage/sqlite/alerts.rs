//! The table `alerts`: written by storing transactions, read for the API, and expired by the maintenance.

use actors::detect::Alert;
use actors::domain::UnixTime;
use diesel::QueryResult;
use diesel::sql_types::{BigInt, Bool, Double, Nullable, Text};
use diesel::sqlite::SqliteConnection;

use super::connection::SqliteDatabase;
use crate::storage::alerts::{AlertQuery, StoredAlert, alerts, state_json, storable};
use crate::storage::error::QueryError;

/// The first record of an alert inserts its row. Its end, which arrives later or instead of the beginning, completes
/// it.
const INSERT: &str = "
INSERT INTO alerts (rule, icao24, since, ended, detail, callsign, lat, lon, state)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (rule, icao24, since) DO UPDATE SET ended = excluded.ended
    WHERE alerts.ended IS NULL AND excluded.ended IS NOT NULL";

const EXPIRE: &str = "DELETE FROM alerts WHERE (rule, icao24, since) IN (
    SELECT rule, icao24, since FROM alerts WHERE since < ? ORDER BY since LIMIT ?)";

const SELECT: &str = "
SELECT rule, icao24, since, ended, detail, state
FROM alerts
WHERE since BETWEEN ?1 AND ?2 AND (since, rule, icao24) < (?3, ?4, ?5)
    AND (?6 IS NULL OR rule = ?6)
    AND (?7 = '[]' OR icao24 IN (SELECT value FROM json_each(?7)))
    AND (?8 IS NULL OR (ended IS NULL) = ?8)
    AND (?9 IS NULL OR lat BETWEEN ?9 AND ?11 AND
        CASE WHEN ?10 <= ?12 THEN lon BETWEEN ?10 AND ?12 ELSE lon >= ?10 OR lon <= ?12 END)
ORDER BY since DESC, rule DESC, icao24 DESC LIMIT ?13";

/// Inserts the beginning or the end of an alert. Returns 1, or 0 if it was in the table before.
pub(super) fn insert_alert(connection: &mut SqliteConnection, alert: &Alert) -> QueryResult<usize> {
    use diesel::RunQueryDsl as _;
    diesel::sql_query(INSERT)
        .bind::<Text, _>(&*alert.rule)
        .bind::<Text, _>(alert.icao24.to_string())
        .bind::<BigInt, _>(alert.since.0)
        .bind::<Nullable<BigInt>, _>(alert.ended.map(|ended| ended.0))
        .bind::<Text, _>(&*alert.detail)
        .bind::<Nullable<Text>, _>(alert.state.callsign.as_deref())
        .bind::<Nullable<Double>, _>(alert.state.lat)
        .bind::<Nullable<Double>, _>(alert.state.lon)
        .bind::<Text, _>(state_json(alert))
        .execute(connection)
}

/// Deletes up to `rows` alerts that began before `oldest`. Returns whether there may be more.
pub(super) fn expire_alerts(connection: &mut SqliteConnection, oldest: UnixTime, rows: u32) -> QueryResult<bool> {
    use diesel::RunQueryDsl as _;
    let delete = diesel::sql_query(EXPIRE).bind::<BigInt, _>(storable(oldest)).bind::<BigInt, _>(i64::from(rows));
    let deleted = connection.immediate_transaction(|connection| delete.execute(connection))?;
    Ok(deleted >= rows as usize)
}

impl SqliteDatabase {
    pub(in crate::storage) async fn alerts(&self, query: &AlertQuery) -> Result<Vec<Alert>, QueryError> {
        use diesel_async::RunQueryDsl as _;
        let (since, rule, icao24) = query.end_key();
        let addresses: Vec<String> = query.icao24.iter().map(|icao24| format!("\"{icao24}\"")).collect();
        let addresses = format!("[{}]", addresses.join(","));
        let ([lamin, lomin, lamax, lomax], only_rule) = (query.edges(), query.rule.clone());
        let rows = self
            .query(async |connection| {
                diesel::sql_query(SELECT)
                    .bind::<BigInt, _>(storable(query.from))
                    .bind::<BigInt, _>(storable(query.to))
                    .bind::<BigInt, _>(since)
                    .bind::<Text, _>(rule)
                    .bind::<Text, _>(icao24)
                    .bind::<Nullable<Text>, _>(only_rule)
                    .bind::<Text, _>(addresses)
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
