//! Counts the traffic of each hour.

use actors::domain::UnixTime;
use actors::history::HOUR;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::sqlite::SqliteConnection;

/// Groups by aircraft first. Both tables are filled from the result, which is small enough to stay in memory.
const GROUP: &str = "
INSERT INTO temp.counted (icao24, origin_country, lat, lon, states)
SELECT icao24, origin_country, min((lat + 90000000) / 5000000, 35) * 5 - 90,
    (lon + 180000000) / 5000000 % 72 * 5 - 180, count(*)
FROM state_vectors_scaled WHERE last_contact >= ? AND last_contact < ? GROUP BY 1, 2, 3, 4";
const COUNTED: &str = "
CREATE TEMPORARY TABLE IF NOT EXISTS counted (
    icao24 TEXT NOT NULL, origin_country TEXT, lat INTEGER, lon INTEGER, states INTEGER NOT NULL
) STRICT;
DELETE FROM temp.counted";
const BY_COUNTRY: &str = "
INSERT INTO traffic_by_country (hour, origin_country, states, aircraft)
SELECT ?, origin_country, sum(states), count(DISTINCT icao24) FROM temp.counted GROUP BY origin_country";
const BY_CELL: &str = "
INSERT INTO traffic_by_cell (hour, lat, lon, states, aircraft)
SELECT ?, lat, lon, sum(states), count(DISTINCT icao24) FROM temp.counted
WHERE lat IS NOT NULL AND lon IS NOT NULL GROUP BY lat, lon";

const TABLES: [&str; 2] = ["traffic_by_country", "traffic_by_cell"];
const OLDEST_LATE: &str = "SELECT hour FROM derived_late_hours ORDER BY hour LIMIT 2";

/// The maximum number of hours that a step deletes from each table.
const EXPIRED_HOURS: i64 = 24;

#[derive(QueryableByName)]
struct Hour {
    #[diesel(sql_type = BigInt)]
    hour: i64,
}

/// Implements [`actors::history::SummaryStore::count_hour`].
pub(super) fn count(connection: &mut SqliteConnection, hour: UnixTime, until: UnixTime) -> QueryResult<bool> {
    let end = until.min(UnixTime(hour.0 + HOUR));
    connection.batch_execute(COUNTED)?;
    let groups = diesel::sql_query(GROUP).bind::<BigInt, _>(hour.0).bind::<BigInt, _>(end.0).execute(connection)?;
    for table in TABLES {
        let delete = format!("DELETE FROM {table} WHERE hour = ?");
        diesel::sql_query(delete).bind::<BigInt, _>(hour.0).execute(connection)?;
    }
    for insert in [BY_COUNTRY, BY_CELL] {
        diesel::sql_query(insert).bind::<BigInt, _>(hour.0).execute(connection)?;
    }
    connection.batch_execute("DELETE FROM temp.counted")?;
    Ok(groups > 0)
}

/// Implements [`actors::history::SummaryStore::take_late_hour`].
pub(super) fn take_late_hour(connection: &mut SqliteConnection) -> QueryResult<Option<(UnixTime, bool)>> {
    let hours = diesel::sql_query(OLDEST_LATE).load::<Hour>(connection)?;
    let Some(Hour { hour }) = hours.first() else { return Ok(None) };
    let forget = diesel::sql_query("DELETE FROM derived_late_hours WHERE hour = ?");
    forget.bind::<BigInt, _>(*hour).execute(connection)?;
    Ok(Some((UnixTime(*hour), hours.len() > 1)))
}

/// Deletes some of the hours before `oldest`, and returns whether there may be more.
pub(super) fn expire(connection: &mut SqliteConnection, oldest: UnixTime) -> QueryResult<bool> {
    let mut more = false;
    for table in TABLES {
        let delete = format!("DELETE FROM {table} WHERE hour < ?1 AND hour < (SELECT min(hour) FROM {table}) + ?2");
        let deleted = diesel::sql_query(delete)
            .bind::<BigInt, _>(oldest.0)
            .bind::<BigInt, _>(EXPIRED_HOURS * HOUR)
            .execute(connection)?;
        more |= deleted > 0;
    }
    Ok(more)
}
